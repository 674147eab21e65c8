"""The rates of the arms: constant, or rising and falling in each of their stages; how long these are."""

from functools import partial
from itertools import pairwise

import pytest

from evidence import claims, closing, grid
from jointopt import Task, Update, plans, tasks
from jointopt.compare import Arm, Budget
from jointopt.optimizers import optimizer_of
from jointopt.training import train

FEATURES, HEAD = Update("feature_extractor", "task"), Update("classifier", "task")
make = partial(tasks.load, "pretext", labels=5)


def rates(arm: Arm, steps: int) -> list[float]:
    """The rate of each step, as the optimizer has it."""
    task: Task = make(0)
    optimizer = optimizer_of(task, arm.optimizer, **arm.optimizer_options)
    taken = train(task, plans.joint(steps), arm.controls(), optimizer)
    return [optimizer.param_groups[0]["lr"] for _ in taken]


def test_a_rate_rises_and_falls_once_in_each_stage():
    arm = grid.falling(Arm(plans.joint, None, "SGD", {"lr": 0.1}), 20, 10)
    found = rates(arm, 32)
    for stage, rises in ((found[:20], 3), (found[20:30], 2)):
        assert max(stage) == stage[rises] == pytest.approx(0.1)
        assert all(a < b for a, b in pairwise(stage[: rises + 1])) and stage[0] == pytest.approx(0.1 / (rises + 1))
        assert all(a > b for a, b in pairwise(stage[rises:])) and stage[-1] == pytest.approx(0.1 * grid.ENDS)
    assert found[30:] == [pytest.approx(0.1 * grid.ENDS)] * 2


def test_it_may_rise_for_another_share():
    arm = grid.falling(Arm(plans.joint, None, "SGD", {"lr": 0.1}), 20, rises=0.5)
    assert rates(arm, 20).index(pytest.approx(0.1)) == 10


def test_spans_are_how_often_an_update_comes_in_turn():
    task = make(0)
    staged = partial(plans.staged, (FEATURES, 3), (HEAD, None))
    assert grid.spans(staged, task, Budget(steps=8)) == [3, 5]
    assert grid.spans(partial(plans.alternating, FEATURES, HEAD), task, Budget(steps=3)) == [1, 1, 1]
    assert grid.spans(plans.joint, task, Budget(steps=4)) == [4]


def test_every_learning_rate_of_a_grid_and_the_best_one_rise_and_fall():
    arms = {"joint": (plans.joint, {}), "staged": (partial(plans.staged, (FEATURES, 6), (HEAD, None)), {"size": 8})}
    stages = {"joint": [12], "staged": [6, 6]}
    part = grid.search(make, arms, Budget(steps=12), (0.1, 0.2), "SGD", stages=stages)
    plain = grid.search(make, arms, Budget(steps=12), (0.1, 0.2), "SGD")
    assert [arm.changes for arm in plain.arms.values()] == [()] * 4
    for name, arm in part.arms.items():
        lr = float(name.rsplit(" ", 1)[1])
        (change,) = arm.changes
        assert change[:2] == (0, "lr") and max(point.value for point in change[2].points) == lr
        assert sum(point.value == lr for point in change[2].points) == len(stages[name.split(",")[0]])
    chosen = grid.at({"joint": 0.2, "staged": 0.1}.get, arms, "SGD", stages)
    for name, lr in (("joint", 0.2), ("staged", 0.1)):
        searched = part.arms[f"{name}, lr {lr:g}"]
        assert (chosen[name].changes, chosen[name].optimizer_options) == (searched.changes, searched.optimizer_options)
    assert grid.at({"joint": 0.2, "staged": 0.1}.get, arms, "SGD")["joint"].changes == ()


def test_a_pilot_is_measured_on_validation_images_and_is_the_arm_else():
    arm = grid.falling(Arm(plans.joint, {"task": 2.0}, "SGD", {"lr": 0.1}, {"size": 8}), 12)
    (pilot,) = grid.on_validation({"a": arm}).values()
    assert pilot.task_options == {"size": 8, "held_out": "validation"} and arm.task_options == {"size": 8}
    assert (pilot.changes, pilot.weights, pilot.optimizer) == (arm.changes, arm.weights, arm.optimizer)


def test_in_a_closing_table_each_stage_has_its_own_rise_and_fall():
    arms = closing.Arms(Update(losses="task"), (FEATURES, HEAD), (FEATURES, HEAD), HEAD)
    parts = closing.parts(make, arms, 12, (0.1,), "SGD", falls=True)({})
    _, searched = next(parts)
    ends = {name: arm.changes[0][2].end for name, arm in searched.arms.items()}
    peaks = {name: sum(p.value == 0.1 for p in arm.changes[0][2].points) for name, arm in searched.arms.items()}
    assert ends == {"joint, lr 0.1": 11, "alternating, lr 0.1": 23, "staged, lr 0.1": 23, "frozen, lr 0.1": 11}
    assert peaks == {"joint, lr 0.1": 1, "alternating, lr 0.1": 1, "staged, lr 0.1": 2, "frozen, lr 0.1": 1}


@pytest.mark.parametrize(("takes", "seeds"), [([3], 5), ([7], 7), ([7, 12, 2], 12), ([claims.MOST + 1], 20)])
def test_a_record_has_the_seeds_that_a_pilot_asks_for(takes, seeds):
    found = claims.planned([claims.Decision(claims.NOT_DECIDED, 5, takes=number) for number in takes])
    assert found == range(10, 10 + seeds)
