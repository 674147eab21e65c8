"""The closing tables: what each arm of them does, and what it spends."""

from functools import partial

import pytest

from evidence import closing
from jointopt import Update, tasks
from jointopt.compare import Budget, Comparison, cost
from jointopt.compare.budget import within

FEATURES, HEAD = Update("feature_extractor", "task"), Update("classifier", "task")
APART = closing.Arms(Update(losses="task"), (FEATURES, HEAD), (FEATURES, HEAD), HEAD)
TWICE = closing.Arms(
    Update(losses="task"), (FEATURES, HEAD), (FEATURES, Update(["feature_extractor", "classifier"])), HEAD
)
SIZE = 12


@pytest.fixture(scope="module")
def task():
    return tasks.load("pretext", labels=5)


@pytest.fixture(scope="module")
def costs(task):
    return {update: cost(task, update)[0] for arms in (APART, TWICE) for update in {arms.joint, *arms.staged}}


def spent(arms, name, measure, task, costs):
    """[(update, what is spent after it), …] of an arm."""
    plan, options = arms.plans(measure, SIZE, costs)[name]
    total = SIZE * costs[arms.joint] if measure == "flops" else SIZE
    assert options == {}
    return list(within(Budget(**{measure: total}), plan(), task))


def test_at_equal_updates_each_module_moves_as_often(task, costs):
    for name in ("joint", "alternating", "staged", "frozen"):
        updates = spent(APART, name, "updates", task, costs)[-1][1].updates
        expected = {"classifier": SIZE} if name == "frozen" else {"feature_extractor": SIZE, "classifier": SIZE}
        assert dict(updates) == expected, name


def test_where_a_module_moves_in_two_stages_they_share_its_updates(task, costs):
    steps = spent(TWICE, "staged", "updates", task, costs)
    assert [update for update, _ in steps] == [FEATURES] * (SIZE // 2) + [TWICE.staged[1]] * (SIZE // 2)
    assert dict(steps[-1][1].updates) == {"feature_extractor": SIZE, "classifier": SIZE // 2}


def test_only_the_last_stage_is_without_end_where_one_comes_twice(task, costs):
    there_and_back = closing.Arms(APART.joint, APART.alternating, (FEATURES, HEAD, FEATURES), HEAD)
    steps = spent(there_and_back, "staged", "updates", task, costs)
    assert [update for update, _ in steps] == [FEATURES] * (SIZE // 2) + [HEAD] * (SIZE // 2) + [FEATURES] * (SIZE // 2)


def test_at_equal_compute_each_stage_gets_an_equal_share(task, costs):
    steps = spent(APART, "staged", "flops", task, costs)
    total, most = SIZE * costs[APART.joint], max(costs.values())
    first = max(after.flops for update, after in steps if update == FEATURES)
    assert first == pytest.approx(total / 2, abs=costs[FEATURES] / 2)
    assert total - most <= steps[-1][1].flops <= total


def test_joint_training_takes_the_same_steps_in_both_senses(task, costs):
    steps = [[update for update, _ in spent(APART, "joint", measure, task, costs)] for measure in ("updates", "flops")]
    assert steps == [[APART.joint] * SIZE] * 2


def test_the_parts_of_a_table(costs):
    make = partial(tasks.load, "pretext", labels=5)
    parts = closing.parts(make, APART, SIZE, lrs=(1e-3, 1e-2), optimizer="SGD", choose=min)({})
    name, grid = next(parts)
    assert name == "grid" and list(grid.seeds) == [0, 1]
    assert {arm.task_options["held_out"] for arm in grid.arms.values()} == {"validation"}
    assert {(arm.optimizer, arm.optimizer_options["lr"]) for arm in grid.arms.values()} == {
        ("SGD", 1e-3),
        ("SGD", 1e-2),
    }
    assert len(grid.arms) == 8


def searched(lr_values):
    runs = {
        f"{arm}, lr {lr:g}": {"distance": value}
        for arm in ("joint", "alternating", "staged", "frozen")
        for lr, value in lr_values.items()
    }
    return Comparison({"budget": "", "arms": dict.fromkeys(runs, {})}, {0: runs, 1: runs})


@pytest.mark.parametrize(("choose", "lr"), [(max, 1e-2), (min, 1e-3)])
def test_each_arm_gets_its_best_learning_rate_and_joint_is_trained_once(choose, lr):
    make = partial(tasks.load, "pretext", labels=5)
    comparisons = {"grid": searched({1e-3: 1.0, 1e-2: 2.0})}
    parts = closing.parts(make, APART, SIZE, lrs=(1e-3, 1e-2), choose=choose)(comparisons)
    assert next(parts)[0] == "grid"
    name, updates = next(parts)
    assert name == "updates" and updates.budget == Budget(updates=SIZE) and updates.known == {}
    assert {arm.optimizer_options["lr"] for arm in updates.arms.values()} == {lr}
    assert set(updates.seeds).isdisjoint(closing.GRID_SEEDS) and len(updates.seeds) >= 5
    comparisons["updates"] = "the comparison at equal updates"
    name, flops = next(parts)
    assert name == "flops" and flops.known == {"joint": comparisons["updates"]}
