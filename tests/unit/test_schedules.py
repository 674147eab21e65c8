"""Numbers that change with the step: what a schedule answers, and that it acts in the controls as its numbers would."""

import math
import re

import pytest
import torch
from labtools import run

from jointopt import Controls, plans, schedules, train
from jointopt.optimizers import make_optimizer
from jointopt.schedules import AskedOnce, Schedule


def test_straight_lines_between_points_and_constant_beyond():
    rise = schedules.linear((10, 0.0), (20, 1.0), (40, 0.5))
    assert [rise(n) for n in (0, 10, 12, 20, 30, 40, 1000)] == [0, 0, 0.2, 1, 0.75, 0.5, 0.5]
    assert rise.end == 40 and str(rise) == "0 → 1 (step 20) → 0.5 (step 40)"


def test_warm_up_and_cosine_are_the_formulas_of_their_papers():
    schedule = schedules.warmup_cosine(0.1, warmup=4, steps=24, end=0.01)
    rise = [0.1 * (n + 1) / 5 for n in range(5)]
    fall = [0.01 + 0.5 * (0.1 - 0.01) * (1 + math.cos(math.pi * n / 20)) for n in range(1, 21)]
    assert [schedule(n) for n in range(25)] == pytest.approx(rise + fall)
    assert schedule(4) == 0.1 and schedule(24) == schedule(99) == 0.01  # these without rounding
    assert schedules.warmup_cosine(0.1, 0, 10)(0) == 0.1


def test_it_is_the_cosine_of_torch():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.02)
    schedule = schedules.warmup_cosine(0.3, 0, 50, end=0.02)
    for number in range(50):
        assert schedule(number) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6)
        optimizer.step(), scheduler.step()


def test_a_function_as_a_schedule_answers_the_same_and_then_its_last():
    def function(step):
        return 0.5 if step % 10 < 5 else 1 / (step + 1)

    once = AskedOnce(function)
    assert [once(n) for n in range(61)] == [function(n) for n in range(61)]
    recorded = once.since(3)
    assert [recorded(n) for n in range(3, 61)] == [function(n) for n in range(3, 61)]
    assert recorded(0) == function(3) and recorded(61) == recorded(1000) == function(60) and len(recorded.points) < 50
    assert Schedule(recorded.plain) == recorded
    falls = schedules.warmup_cosine(0.1, 3, 9)
    assert Schedule(falls.plain) == falls and falls.plain[:2] == [[0, 0.025], [3, 0.1]]


def test_a_function_is_asked_once_for_each_step():
    asked = []
    once = AskedOnce(lambda step: asked.append(step) or float(len(asked)))
    assert [once(2), once(5), once(2)] == [1.0, 2.0, 1.0] and asked == [2, 5]
    assert once.since(3).plain == [[3, 3.0], [5, 2.0]] and asked == [2, 5, 3]
    assert "0x" not in repr(once) and "a function of the step" in repr(once)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Schedule(()), "one at least, by rising steps, got steps []"),
        (lambda: Schedule([(5, 0.1), (5, 0.2)]), "by rising steps, got steps [5, 5]"),
        (lambda: Schedule([(5, 0.1), (4, 0.2)]), "by rising steps, got steps [5, 4]"),
        (lambda: Schedule([(0, -1.0)]), "the value of a schedule must be a finite number ≥ 0, got -1.0"),
        (lambda: Schedule([(0.5, 1.0)]), "the step of a schedule must be a whole number ≥ 0, got 0.5"),
        (lambda: Schedule([(0, 1.0, "square")]), "the shape of a schedule must be one of 'linear', 'cosine'"),
        (lambda: Schedule([3]), "a point of a schedule is (step, value) or (step, value, shape), got 3"),
        (lambda: Schedule("12"), "a point of a schedule is (step, value) or (step, value, shape), got '12'"),
        (lambda: schedules.warmup_cosine(1.0, 10, 10), "the steps of a schedule must be a whole number ≥ 11, got 10"),
        (lambda: schedules.warmup_cosine(math.nan, 1, 10), "the peak of a schedule must be a finite number ≥ 0"),
    ],
)
def test_what_is_no_schedule_is_refused(make, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make()


def test_in_the_controls_it_is_a_rate_set_by_hand_before_each_step(make, state):
    schedule = schedules.warmup_cosine(0.05, 3, 12)
    scheduled, by_hand, controls = make(), make(), Controls()
    torch.manual_seed(3)
    steps = train(by_hand, plans.joint(15), controls, make_optimizer(by_hand.model, "SGD"))
    for number in range(15):
        controls.set(lr=schedule(number))
        next(steps)
    run(scheduled, 15, Controls(lr=schedule), make_optimizer(scheduled.model, "SGD"))
    assert state.same(state(scheduled.model), state(by_hand.model))


def test_a_weight_rises_with_the_step_and_the_log_has_one_change(make):
    controls = Controls(weights={"reg": lambda step: step / 10})
    steps = run(make(), 5, controls)
    assert [step.weights["reg"] for step in steps] == [0, 0.1, 0.2, 0.3, 0.4]
    assert [change[:2] for change in controls.log] == [(0, "weight.reg")]
    again = run(make(), 5, Controls.replay(controls.log))
    assert [step.total for step in again] == [step.total for step in steps]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"weights": {"reg": lambda step: 1 - step}},
            "the weight λ of 'reg' at step 2 must be a finite number ≥ 0, got -1",
        ),
        (
            {"lr": lambda step: math.inf if step == 2 else 0.1},
            "the learning rate at step 2 must be a finite number ≥ 0",
        ),
        ({"lr": {"head": lambda step: None if step == 2 else 0.1}}, "the learning rate of 'head' at step 2 must be"),
    ],
)
def test_a_function_that_answers_no_such_number_is_named_before_anything_moves(settings, words, make, state):
    task, controls = make(), Controls(**settings)
    steps = train(task, plans.joint(9), controls)
    next(steps), next(steps)
    controls.set(weight={"task": 2.0})
    before, log = state(task.model), list(controls.log)
    with pytest.raises(ValueError, match=re.escape(words)):
        next(steps)
    assert state.same(before, state(task.model)) and controls.log == log  # what was set still waits
    assert controls.pending(2) == [(2, "weight.task", 2.0)]


def test_a_function_may_read_and_set_the_controls():
    controls = Controls()

    def half(step):
        if step == 1:
            controls.set(weight={"task": 3.0})
        return (controls.lrs.get("head") or 0.2) / 2

    controls.set(lr=half)
    assert controls.take(0).lr == 0.1 and controls.take(1).weights == {} and controls.take(2).weights == {"task": 3.0}
    assert [change[:2] for change in controls.log] == [(0, "lr"), (2, "weight.task")]
