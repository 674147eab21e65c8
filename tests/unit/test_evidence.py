"""The records: a slice of each is made again and agrees, and a change by hand is seen."""

import json
from importlib import import_module

import pytest

from evidence import record
from jointopt.compare import spec_of

# Points of accuracy, of one run; other figures as in record.apart. On one processor a run repeats exactly; on another,
# sums differ in their last digits and training amplifies that.
POINTS = 4.0
MADE = sorted(path.stem for path in record.FOLDER.glob("*.json"))
SLICED = [name for name in MADE if hasattr(import_module(f"evidence.{name}"), "SLICE")]


def part_of(name, part_name, found):
    """The part of an experiment by its name; the ones before it are taken from the record."""
    parts = import_module(f"evidence.{name}").parts(found)
    return next(part for title, part in parts if title == part_name)


@pytest.mark.parametrize("name", SLICED)
def test_a_slice_that_is_made_again_agrees_with_the_record(name):
    part_name, arms, seeds = import_module(f"evidence.{name}").SLICE
    found = record.comparisons(name)
    again = part_of(name, part_name, found).run(arms, seeds, progress=False)
    for arm in arms:
        for seed in seeds:
            new, old = again.seeds[seed][arm], found[part_name].seeds[seed][arm]
            assert (new["steps"], new["flops"]) == (old["steps"], old["flops"])
            for figure in again.figures:
                assert record.apart(figure, old[figure], new[figure], POINTS) <= 1, (arm, seed, figure)


@pytest.mark.parametrize("name", SLICED)
def test_the_record_is_of_the_settings_in_the_code(name):
    found = record.comparisons(name)
    parts = dict(import_module(f"evidence.{name}").parts(found))
    assert list(found) == list(parts)
    for title, part in parts.items():
        assert list(found[title].seeds) == list(part.seeds) and found[title].arms == list(part.arms), title
        expected = spec_of(part.make, part.arms, part.budget)
        for chosen in ("make", "arms", "budget", "limit"):
            assert found[title].spec[chosen] == expected[chosen], (title, chosen)


@pytest.mark.parametrize("name", MADE)
def test_a_change_by_hand_is_seen(name, tmp_path, monkeypatch):
    text = (record.FOLDER / f"{name}.json").read_text()
    content = json.loads(text)["content"]
    run = next(iter(next(iter(content[next(iter(content))]["seeds"].values())).values()))
    figure, value = next(iter(run.items()))
    changed = text.replace(f'"{figure}": {value}', f'"{figure}": {value + 1}', 1)
    assert changed != text
    (tmp_path / f"{name}.json").write_text(changed)
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="was changed by hand"):
        record.comparisons(name)


def test_there_are_records():
    assert SLICED
