"""The file that compare() keeps: nothing is lost, nothing is mixed, and it can grow."""

import json
from functools import partial

import pytest
from comparetools import ARMS, load, quiet

from jointopt import plans
from jointopt.compare import Arm, Budget, compare


def test_an_interrupt_loses_nothing_that_is_finished(tmp_path):
    path, made = tmp_path / "kept.json", []

    def make(seed):
        made.append(seed)
        if made == [0, 0, 1, 1, 2, 2]:
            raise KeyboardInterrupt
        return load(seed)

    with pytest.raises(KeyboardInterrupt):
        compare(make, ARMS, Budget(steps=3), range(4), path=path, **quiet)
    kept = json.loads(path.read_text())["seeds"]
    assert [list(kept[seed]) for seed in "012"] == [["joint", "frozen"], ["joint", "frozen"], ["joint"]]
    made.clear()
    result = compare(make, ARMS, Budget(steps=3), range(4), path=path, **quiet)
    assert made == [0, 2, 3, 3]  # a look whether the first still begins so, then what was missing
    whole = compare(load, ARMS, Budget(steps=3), range(4), **quiet)
    assert all((result.values(arm) == whole.values(arm)).all() for arm in ARMS)


def test_a_file_of_another_comparison_is_not_touched(tmp_path):
    path = tmp_path / "kept.json"
    compare(load, ARMS, Budget(steps=3), [0, 1], path=path, **quiet)
    kept = path.read_text()
    with pytest.raises(ValueError, match="another comparison: its budget, limit differ"):
        compare(load, ARMS, Budget(steps=4), [0, 1], path=path, **quiet)
    with pytest.raises(ValueError, match="its arm 'joint' differ"):
        compare(load, {"joint": Arm(plans.joint)}, Budget(steps=3), [0, 1], path=path, **quiet)
    with pytest.raises(ValueError, match="its make differ"):
        compare(partial(load, labels=20), ARMS, Budget(steps=3), [0, 1], path=path, **quiet)
    assert path.read_text() == kept
    path.write_text("{}")
    with pytest.raises(ValueError, match="holds no comparison"):
        compare(load, ARMS, Budget(steps=3), [0, 1], path=path, **quiet)


def test_a_file_whose_runs_would_now_begin_otherwise_is_refused(tmp_path):
    path, further = tmp_path / "kept.json", [0]

    def make(seed):
        return load(seed + further[0])

    compare(make, ARMS, Budget(steps=1), [0], path=path, **quiet)
    kept, further[0] = path.read_text(), 5
    with pytest.raises(ValueError, match="runs that began with other weights or batches"):
        compare(make, ARMS, Budget(steps=1), [0, 1], path=path, **quiet)
    assert path.read_text() == kept


def test_arms_and_seeds_can_be_added_to_a_file_and_left_out(tmp_path):
    path, made = tmp_path / "kept.json", []

    def make(seed):
        made.append(seed)
        return load(seed)

    first = compare(make, {"joint": ARMS["joint"]}, Budget(steps=3), [0, 1], path=path, **quiet)
    both = compare(make, ARMS, Budget(steps=3), [0, 1, 2], path=path, **quiet)
    assert made == [0, 1, 0, 0, 1, 2, 2]  # two runs; one look whether they still begin so; what was missing
    assert (both.values("joint")[:2] == first.values("joint")).all()
    again = compare(make, {"frozen": ARMS["frozen"]}, Budget(steps=3), [2], path=path, **quiet)
    assert again.arms == ["frozen"] and again.values("frozen") == both.values("frozen")[2:]
    assert compare(make, ARMS, Budget(steps=3), [0, 1, 2], path=path, **quiet) == both


def test_an_interrupt_says_what_is_kept(tmp_path):
    def make(seed):
        if seed == 1:
            raise KeyboardInterrupt
        return load(seed)

    with pytest.raises(KeyboardInterrupt, match=r"2 of 4 runs are kept in .*kept.json"):
        compare(make, ARMS, Budget(steps=1), [0, 1], path=tmp_path / "kept.json", **quiet)
    with pytest.raises(KeyboardInterrupt, match="2 of 4 runs are lost"):
        compare(make, ARMS, Budget(steps=1), [0, 1], **quiet)
