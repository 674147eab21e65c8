"""Branches in the file of a run: a tree, replayed branch by branch, refused in words where its parts do not fit."""

import json
import tracemalloc

import pytest
from labtools import changed

from jointopt import Update, plans
from jointopt.live import LiveLab
from jointopt.live.lab import saved_run
from jointopt.live.lab.branches import MOST_BRANCHES

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


def with_branches(lab):
    """Three ways: from the start, from step 12, and from step 5 of the second."""
    changed(lab)
    lab.branch(12)
    lab.controls.set(weight={"reg": 0.0})
    lab.run(5)
    lab.branch(5)
    lab.controls.freeze("head")
    lab.run(9)
    lab.use_branch("B")
    lab.run(2)
    lab.controls.set(lr=0.5)  # waits there
    lab.use_branch("C")


def rows(history):
    return {name: history[name].tobytes() for name in history.columns}


def test_branches_are_saved_as_a_tree_and_replayed_each(make, tmp_path):
    plan = plans.alternating(Update("head"), Update("encoder"), Update())
    lab, file = LiveLab(make(), plan, name="saved"), tmp_path / "run.json"
    with_branches(lab)
    lab.save(file)
    replayed = LiveLab.replay(file, task=make(), name="replayed")
    assert replayed.note == "replayed 36 steps in 3 branches to the same numbers"
    replayed.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == file.read_text()
    assert file.stat().st_size < 3000 and replayed.engine.current.name == "C"
    for name in "CBA":
        lab.use_branch(name)
        replayed.use_branch(name)
        assert rows(replayed.history) == rows(lab.history) and replayed.engine.log == lab.engine.log
        assert replayed.engine.pending == lab.engine.pending and bool(lab.engine.pending) == (name == "B")


def test_a_branch_from_the_start_has_in_a_replay_nothing_that_its_parent_was_given_later(make, tmp_path):
    lab, file = LiveLab(make(), name="saved"), tmp_path / "run.json"
    lab.branch(0)
    lab.run(3)
    lab.branch(0)
    lab.use_branch("A")
    lab.controls.set(weight={"reg": 0.5})
    lab.controls.freeze("head")
    lab.engine.use_optimizer("SGD")
    lab.run(3)
    lab.save(file)
    replayed = LiveLab.replay(file, task=make(), name="replayed")
    assert replayed.note == "replayed 6 steps in 3 branches to the same numbers"
    for saved, again in zip(lab.branches, replayed.branches, strict=True):
        assert (saved.log, saved.waiting) == (again.log, again.waiting)


def test_a_file_of_format_1_is_a_run_of_one_branch(make, tmp_path):
    lab, file = LiveLab(make(), name="saved"), tmp_path / "run.json"
    changed(lab)
    lab.save(file)
    run = json.loads(file.read_text())
    branch = run.pop("branches")[0]
    del run["current"], branch["parent"], branch["fork"]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(run | branch | {"format": "jointopt run 1"}))
    replayed = LiveLab.replay(old, task=make(), name="replayed")
    assert rows(replayed.history) == rows(lab.history) and replayed.note == "replayed 20 steps to the same numbers"
    replayed.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == file.read_text()


def test_each_arm_of_a_replayed_lab_has_the_plan_of_its_own_branch(make, tmp_path):
    menu = {"turns": plans.alternating(Update("encoder"), Update("head")), "joint": plans.joint()}
    lab, file = LiveLab(make(), menu, name="saved"), tmp_path / "run.json"
    lab.run(6)
    lab.branch(3)
    lab.use_plan("joint")
    lab.run(20)
    expected = [list(branch.updates) for branch in lab.branches]
    lab.save(file)
    replayed = LiveLab.replay(file, task=make(), name="replayed")
    for name in "BA":
        replayed.use_branch(name)
        assert [list(arm.plan()) for arm in replayed.arms().values()] == expected  # the file knows of no more


def test_a_run_has_no_more_branches_than_a_file_of_it(make, tmp_path):
    lab, file = LiveLab(make(), name="saved"), tmp_path / "run.json"
    lab.run(1)
    for _ in range(MOST_BRANCHES - 1):
        lab.branch(1)
    with pytest.raises(ValueError, match="this run has 100 branches, and can have no more"):
        lab.branch(1)
    lab.save(file)
    assert len(saved_run.load(file)["branches"]) == MOST_BRANCHES
    lab.reset()
    lab.run(1)
    assert lab.branch(1).name == "B"


def test_the_plans_of_a_large_tree_take_no_time_and_no_memory():
    turns = [[0, 1], [1, 1]] * 50_000
    first = {"parent": None, "fork": 0, "plan": turns}
    run = {"updates": [[["head"], None], [None, None]], "branches": [first]}
    run["branches"] += [{"parent": n, "fork": 100_000 - n, "plan": [[0, n + 1]]} for n in range(99)]
    tracemalloc.start()
    recorded = [saved_run.RecordedPlan(run, n) for n in range(100)]
    last = sum(1 for _ in recorded[-1])
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert last == 100_000 - 98 + 99
    assert list(recorded[2])[-4:] == [Update(), Update("head"), Update("head"), Update("head")]


WRONG_TREES = {
    "a parent of its own number": (1, {"parent": 1}, "a branch before this one as its parent, got 1"),
    "no parent": (1, {"parent": None}, "a branch before this one as its parent, got None"),
    "a first branch with a parent": (0, {"parent": 0}, "the first branch has no parent"),
    "a late fork": (1, {"fork": 21, "steps": 25}, "within its own 25 steps and the 20 of its parent, got 21"),
    "a change before the fork": (1, {"log": [[3, "lr", 0.1]]}, r"changes within steps 12 to 19, got \[3, .lr., 0.1\]"),
    "a plan of all its steps": (1, {"plan": [[0, 19]]}, "a plan of 7 updates, one for each step, got 19"),
}


@pytest.mark.parametrize("case", WRONG_TREES)
def test_branches_that_do_not_fit_together_are_refused_in_words(case, make, tmp_path):
    lab, file = LiveLab(make(), name="saved"), tmp_path / "run.json"
    with_branches(lab)
    lab.save(file)
    run, (number, change, error) = json.loads(file.read_text()), WRONG_TREES[case]
    run["branches"][number] |= change
    file.write_text(json.dumps(run))
    with pytest.raises(ValueError, match=rf"branches\[{number}\]: .*{error}"):
        LiveLab.replay(file, task=make(), name="replayed")


@pytest.mark.parametrize("current", [3, -1, "A", None])
def test_the_current_branch_is_one_of_them(current, make, tmp_path):
    lab, file = LiveLab(make(), name="saved"), tmp_path / "run.json"
    with_branches(lab)
    lab.save(file)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"current": current}))
    with pytest.raises(ValueError, match="current"):
        LiveLab.replay(file, task=make(), name="replayed")
