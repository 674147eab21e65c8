"""When held-out metrics are measured while it plays: often where something has changed, at no cost in numbers."""

from dataclasses import replace

import pytest
import torch
from labtools import Browser, until

from jointopt import Update, plans
from jointopt.live import LiveLab
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.held_out import HeldOut

pytestmark = pytest.mark.usefixtures("no_lab_is_left")

HEAD, ENCODER = Update("head"), Update("encoder")
CHANGES = {
    "weight": lambda engine: engine.controls.set(weight={"reg": 0.5}),
    "frozen": lambda engine: engine.controls.freeze("head"),
    "lr": lambda engine: engine.controls.set(lr=0.01),
    "optimizer": lambda engine: engine.use_optimizer("SGD"),
    "plan": lambda engine: engine.menu.choose("b"),
}


def measured(task):
    """With a metric that is the same for the same weights alone, and draws random numbers on the way."""

    def evaluate(model):
        torch.rand(3)
        return {"norm": float(sum(p.detach().double().norm() for p in model.parameters()))}

    return replace(task, evaluate=evaluate)


def steps_of(history):
    return [step for step, _ in history.held_out]


def played(task, plan, steps, change=lambda engine: None, at=()):
    """The steps at which it measures; `change` is made before each of these steps."""
    engine = Engine(measured(task), plan)
    held_out = HeldOut(engine, fixed=lambda: False)
    for number in range(steps):
        if number in at:
            change(engine)
        held_out.before_step()
        engine.step()
        held_out.after_step()
    return steps_of(engine.history)


def test_a_new_phase_of_the_plan_is_measured_before_its_first_step_and_a_few_times_after_it(task):
    expected = [0, 5, 10, 25, 50, 100, 150, 155, 160, 175, 200, 250]
    assert played(task, plans.staged((HEAD, 150), (ENCODER, None)), 260) == expected


def test_turns_are_no_phases(task):
    assert played(task, plans.alternating(HEAD, ENCODER), 150) == [0, 1, 6, 11, 26, 51, 101]


@pytest.mark.parametrize("kind", CHANGES)
def test_so_is_each_change_by_a_person(kind, task):
    steps = played(task, {"a": plans.joint(), "b": plans.joint()}, 150, CHANGES[kind], at=[40])
    assert steps == [0, 5, 10, 25, 40, 45, 50, 65, 90, 140]


def test_a_drag_is_measured_before_it_begins_and_after_it_has_ended(task):
    weights = iter(range(1, 100))
    drag = played(task, None, 190, lambda engine: engine.controls.set(weight={"reg": next(weights)}), range(40, 80))
    assert drag == [0, 5, 10, 25, 40, 104, 129, 179]


def test_another_control_is_another_change(task):
    changes = iter([CHANGES["weight"], CHANGES["frozen"]])
    assert played(task, None, 60, lambda engine: next(changes)(engine), (40, 50)) == [0, 5, 10, 25, 40, 45, 50, 55, 60]


def test_what_there_was_no_time_for_comes_later_and_once(task, monkeypatch):
    engine = Engine(measured(task))
    held_out, allowed = HeldOut(engine, fixed=lambda: False), []
    monkeypatch.setattr(held_out._close, "do", lambda job: bool(allowed) and (job(), True)[1])
    for number in range(60):
        allowed[:] = [True] * (number >= 30)
        held_out.before_step()
        engine.step()
        held_out.after_step()
    assert steps_of(engine.history) == [0, 31, 50]


def test_playing_to_a_step_measures_so_too_and_changes_no_number_of_the_training(make):
    plan = [HEAD] * 60 + [ENCODER] * 60
    lab, by_hand = LiveLab(measured(make()), plan), LiveLab(measured(make()), plan, name="by hand")
    Browser(lab)("go_to", value=120)
    until(lambda: lab.engine.number == 120 and not lab.playing)
    lab.pause()
    assert {0, 5, 10, 25, 50, 60, 65, 70, 85, 110, 120} <= set(steps_of(lab.history))
    by_hand.run(120)
    assert steps_of(by_hand.history) == [0, 25, 50, 75, 100, 120]
    assert lab.history["total"].tolist() == by_hand.history["total"].tolist()
    theirs = dict(by_hand.history.held_out)
    assert all(metrics == theirs.get(step, metrics) for step, metrics in lab.history.held_out)


def test_another_future_is_measured_at_the_steps_of_the_first(make):
    """A change of its own, at another step, does not leave the two without an equal one."""
    lab = LiveLab(measured(make()))
    browser = Browser(lab)
    for step, change in ((33, 20), (47, 22)):
        browser("go_to", value=change)
        until(lambda: lab.engine.number == change and not lab.playing)  # noqa: B023
        lab.pause()
        lab.controls.set(weight={"reg": 0.01 * change})
        browser("go_to", value=step)
        until(lambda: lab.engine.number == step and not lab.playing)  # noqa: B023
        lab.pause()
        if step == 33:
            lab.branch(10)
    first, second = (steps_of(branch.history) for branch in lab.branches)
    assert {10, 20, 25, 30, 33} <= set(first) <= set(second)


def test_a_branch_on_which_nothing_is_changed_has_the_same_values(make):
    lab = LiveLab(measured(make()), [HEAD] * 30 + [ENCODER] * 30)
    browser = Browser(lab)
    for _ in range(2):
        browser("go_to", value=60)
        until(lambda: lab.engine.number == 60 and not lab.playing)
        lab.pause()
        lab.branch(20)
    first, second = (dict(branch.history.held_out) for branch in lab.branches[:2])
    assert {20, 30, 35, 40, 55, 60} <= first.keys() & second.keys()
    assert all(first[step] == second[step] for step in first.keys() & second.keys())
