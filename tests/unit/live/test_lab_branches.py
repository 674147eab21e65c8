"""Branches as a reader's cells and the browser have them: at a step boundary, in the training thread, and shown."""

import math
from dataclasses import replace

import numpy as np
import pytest
from labtools import Browser, breakable, until

from jointopt import Controls, plans
from jointopt.live import LiveLab
from jointopt.live.lab.trainer import FORGETFUL

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


def totals(lab):
    return lab.history["total"].tolist()


def test_a_branch_while_it_plays_pauses_it_first(make):
    lab = LiveLab(make())
    lab.play()
    until(lambda: lab.engine.number > 20)
    branch = lab.branch(10)
    assert not lab.playing and lab.engine.number == 10 and branch.name == "B"
    first = lab.branches[0]
    assert len(first.updates) > 20
    lab.run(10)
    assert totals(lab) == first.history["total"][:20].tolist()


def test_run_answers_the_last_step_of_the_branch(make):
    lab = LiveLab(make(), plans.joint(15))
    lab.run(15)
    lab.branch(10)
    assert lab.run(5).number == 14
    with pytest.raises(Exception, match="the plan ended"):
        lab.run(1)


def test_the_browser_goes_back_and_to_another_branch(make):
    lab, browser = LiveLab(make()), None
    browser = Browser(lab)
    lab.run(20)
    assert browser("branch", value=5) == ""
    until(lambda: lab.display.curves.info["branch"] == "B")
    assert lab.engine.number == 5 and lab.display.curves.info["number"] == 5
    assert browser("frozen", name="head", value=True) == ""
    lab.run(3)
    assert browser("branch", value=None) == ""  # here
    until(lambda: lab.display.curves.info["branch"] == "C")
    assert lab.engine.number == 8
    assert browser("use_branch", value="A") == ""
    until(lambda: lab.display.curves.info["branch"] == "A")
    assert lab.engine.number == 20
    assert [each["words"] for each in lab.display.controls.state["branches"]] == [
        "A",
        "B from step 5 of A: freeze head",
        "C from step 8 of B",
    ]


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        ("branch", 21, "must be one of 0 to 20, got 21"),
        ("branch", "x", "the step to branch at"),
        ("branch", 2.5, "the step to branch at"),
        ("go_to", 20.5, "the step to branch at"),
        ("go_to", "x", "the step to branch at"),
        ("use_branch", "B", "no branch is named 'B'"),
    ],
)
def test_what_cannot_be_is_refused_at_once_and_the_lab_plays_on(kind, value, error, make):
    lab = LiveLab(make())
    browser = Browser(lab)
    lab.run(20)
    assert error in browser(kind, value=value)
    assert lab.engine.number == 20 and [branch.name for branch in lab.branches] == ["A"]


def test_a_branch_as_the_last_line_of_a_cell_is_one_short_line(make):
    lab = LiveLab(make())
    lab.run(20)
    assert repr(lab.branch(5)) == "Branch('B', parent='A', fork=5, steps=5, changes=[])"
    lab.controls.freeze("head")
    lab.run(2)
    expected = "Branch('B', parent='A', fork=5, steps=7, changes=[(5, 'frozen.head', True)])"
    assert repr(lab.branches) == f"[Branch('A', parent=None, fork=0, steps=20, changes=[]), {expected}]"


def test_a_click_on_the_curves_is_for_the_controls_beside_them(make):
    """Two notebooks of one page may each have a lab of the same name."""
    first = LiveLab(make()).display
    second = LiveLab(make()).display
    for display in (first, second):
        assert display.controls.spec["lab"] == display.curves.spec["lab"]
    assert first.curves.spec["lab"] != second.curves.spec["lab"]


def test_the_other_futures_are_sent_once(make):
    lab = LiveLab(make())
    lab.run(20)
    assert lab.display.curves.others == []
    lab.branch(12)
    (other,) = lab.display.curves.others
    assert (other["name"], other["shared"], other["steps"]) == ("A", 12, 20)
    rows = np.frombuffer(other["frame"], np.float32).reshape(-1, len(lab.history.shown))
    assert rows[:, 0].tolist() == list(range(20))
    assert other["held_out"] == {"name": "", "points": []}
    lab.run(4)
    assert lab.display.curves.others[0] is other or lab.display.curves.others == [other]
    lab.branch(3)
    assert [(each["name"], each["shared"]) for each in lab.display.curves.others] == [("A", 3), ("B", 3)]
    lab.use_branch("B")
    assert [(each["name"], each["shared"]) for each in lab.display.curves.others] == [("A", 12), ("C", 3)]
    lab.reset()
    assert lab.display.curves.others == [] and lab.display.controls.state["branch"] == "A"


def test_the_other_futures_keep_the_marks_of_what_was_changed_in_them(make):
    lab = LiveLab(make())
    lab.run(4)
    lab.controls.set(weight={"reg": 0.5})  # before the fork: in common
    lab.run(8)
    lab.controls.freeze("head")
    lab.run(8)
    lab.branch(6)
    assert lab.display.curves.info["marks"] == [(4, "λ reg 0.5"), (6, "branch B from A")]
    assert [each["marks"] for each in lab.display.curves.others] == [[(12, "freeze head")]]
    lab.controls.freeze("encoder")
    lab.run(3)
    lab.use_branch("A")
    assert lab.display.curves.others[0]["marks"] == [(6, "branch B from A"), (6, "freeze encoder")]


def test_what_waits_stays_with_its_branch_whatever_is_set_on_the_way_back(make):
    """Each change shows how the controls stand, and so asks for the branches, in the middle of leaving one."""
    task, going_back = make(), []

    def losses(model, batch):
        if going_back:
            going_back.clear()
            lab.controls.set(weight={"task": 0.9})
        return task.losses(model, batch)

    lab = LiveLab(replace(task, losses=losses))
    lab.run(10)
    lab.controls.set(weight={"reg": 0.25})
    lab.controls.freeze("neck")
    waiting = lab.engine.pending
    going_back.append(True)
    lab.branch(6)
    assert not going_back and [change[1:] for change in lab.engine.pending] == [("weight.task", 0.9)]
    lab.use_branch("A")
    assert [change for change in lab.engine.pending if change.name != "weight.task"] == waiting
    assert lab.branches[0].waiting == lab.engine.pending


def test_what_is_set_on_the_way_to_a_branch_holds_rather_than_what_waited_there(make):
    task, going_back = make(), []

    def losses(model, batch):
        if going_back:
            going_back.clear()
            lab.engine.use_optimizer("RMSprop")
            lab.controls.set(weight={"reg": 0.75})
        return task.losses(model, batch)

    lab = LiveLab(replace(task, losses=losses))
    lab.run(10)
    lab.engine.use_optimizer("SGD")
    lab.controls.set(weight={"reg": 0.25})
    lab.branch(6)
    del lab.branches[0].snapshots[10]  # as thinning may
    going_back.append(True)
    lab.use_branch("A")
    assert not going_back and lab.engine.next_optimizer == "RMSprop" and lab.engine.lr == 1e-3
    lab.run(1)
    expected = [(10, "optimizer", "RMSprop"), (10, "lr", 1e-3), (10, "weight.reg", 0.75)]
    assert [tuple(change) for change in lab.engine.log] == expected and lab.controls.weights == {"reg": 0.75}


@pytest.mark.parametrize("steps", [0, 3])
def test_a_branch_from_the_start_begins_as_the_lab_did(steps, make):
    lab = LiveLab(make(), controls=Controls(weights={"reg": 0.5}, frozen=["head"], lr=0.01))
    lab.engine.use_optimizer("SGD")
    for _ in range(steps):
        lab.run(1)
    lab.branch(0)
    assert lab.controls.settings == ({"reg": 0.5}, {"head"}, 0.05, {}) and lab.engine.next_optimizer == "SGD"
    lab.run(3)
    a, b = lab.branches
    lab.use_branch("A")
    lab.run(4 - steps)
    assert a.log == b.log and totals(lab)[:3] == b.history["total"].tolist()


def test_after_a_reset_a_branch_from_the_start_has_what_was_chosen_last(make):
    lab = LiveLab(make())
    lab.engine.use_optimizer("SGD")
    lab.reset()
    lab.engine.use_optimizer("RMSprop")
    lab.branch(0)
    assert (lab.engine.next_optimizer, lab.engine.lr) == ("RMSprop", 1e-3)


def test_a_plan_that_is_to_begin_again_is_so_when_the_run_comes_back(make):
    lab = LiveLab(make(), {"short": plans.joint(10), "long": plans.joint()})
    lab.run(10)  # all of it, which nobody has noticed yet
    lab.use_plan("short")
    lab.branch(5)
    lab.use_branch("A")
    assert lab.run(10).number == 19


def test_a_rate_can_be_set_on_each_branch(make):
    lab = LiveLab(make())
    lab.run(2)
    lab.controls.set(lr=0.01)
    lab.run(2)
    lab.branch(1)
    lab.controls.set(lr=0.02)
    assert lab.run(1).number == 1 and lab.engine.optimizer.param_groups[0]["lr"] == 0.02


def test_where_a_branch_began_is_marked(make):
    lab = LiveLab(make())
    lab.run(20)
    lab.branch(12)
    lab.controls.set(weight={"reg": 0.5})
    lab.run(4)
    assert lab.display.curves.info["marks"] == [(12, "branch B from A"), (12, "λ reg 0.5")]


def test_two_ways_that_are_equal_look_equal_where_they_part(make):
    """Held-out metrics are measured now and then. At the fork both have them, or two lines would seem to differ."""

    def evaluate(model):
        return {"norm": float(sum(p.detach().double().norm() for p in model.parameters()))}

    lab = LiveLab(replace(make(), evaluate=evaluate))
    lab.run(20)
    lab.branch(12)
    first, second = (dict(branch.history.held_out) for branch in lab.branches)
    assert list(first) == [0, 12, 20] and list(second) == [0, 12] and first[12] == second[12]
    lab.branch(12)
    assert [list(dict(branch.history.held_out)) for branch in lab.branches] == [[0, 12, 20], [0, 12], [0, 12]]


def test_a_way_back_that_fails_is_said_and_nothing_is_lost(make):
    task, broken = breakable(make())
    lab = LiveLab(task)
    lab.run(20)
    before = totals(lab)
    broken.append(True)
    with pytest.raises(OSError, match="the disk is gone"):
        lab.branch(13)
    assert totals(lab) == before and lab.note == "paused: the disk is gone"
    browser, sent = Browser(lab), lab.display.frames_sent
    assert browser("branch", value=13) == ""
    until(lambda: lab.display.frames_sent > sent)
    assert lab.display.curves.info["note"] == "paused: the disk is gone"
    broken.clear()
    lab.run(1)
    assert totals(lab)[:20] == before and lab.note == ""


def test_a_task_with_a_memory_is_said(make):
    task, calls = make(), []

    def losses(model, batch):
        calls.append(1)
        return {name: loss * len(calls) for name, loss in task.losses(model, batch).items()}

    lab = LiveLab(replace(task, losses=losses))
    lab.run(12)
    lab.branch(6)
    assert lab.note == FORGETFUL


def test_a_branch_of_a_step_that_failed_can_be_gone_on_with(make):
    task, poisoned = make(), []

    def losses(model, batch):
        return {name: loss * (math.nan if poisoned else 1) for name, loss in task.losses(model, batch).items()}

    lab = LiveLab(replace(task, losses=losses))
    lab.run(10)
    poisoned.append(True)
    with pytest.raises(Exception, match="not finite|nan"):
        lab.run(1)
    poisoned.clear()
    lab.branch(7)
    assert lab.run(3).number == 9
