"""Which hyperparameters an arm of a record gets, and what it spends in each of its stages."""

import pytest

from evidence import grid, record
from evidence.experiments import budgets, tuning
from jointopt import tasks
from jointopt.compare import Budget, Comparison, cost
from jointopt.compare.budget import within


def comparison(means, metric="accuracy (%)"):
    """Two seeds of each arm, one point apart."""
    runs = {seed: {arm: {metric: mean + seed} for arm, mean in means.items()} for seed in (0, 1)}
    return Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, runs)


def test_the_best_learning_rate_is_that_of_the_best_mean_and_the_smaller_of_equals():
    searched = comparison(
        {
            **{"a, lr 0.0003": 50, "a, lr 0.001": 60, "a, lr 0.003": 55},
            **{"b, lr 0.0003": 70, "b, lr 0.001": 60, "b, lr 0.003": 70},
        }
    )
    assert (grid.best_lr(searched, "a"), grid.best_lr(searched, "b")) == (1e-3, 3e-4)
    arms = grid.best(searched, {"a": (list, {"labels": 5}), "b": (list, {})})
    assert [arm.optimizer_options for arm in arms.values()] == [{"lr": 1e-3}, {"lr": 3e-4}]
    assert arms["a"].task_options == {"labels": 5}


def test_the_grid_is_searched_on_validation_images_with_its_own_seeds():
    part = grid.search(tasks.load, {"a": (list, {"labels": 5})}, Budget(steps=1))
    assert [arm.optimizer_options["lr"] for arm in part.arms.values()] == list(grid.LRS)
    assert all(arm.task_options == {"labels": 5, "held_out": "validation"} for arm in part.arms.values())
    assert not set(part.seeds) & set(record.SEEDS)


@pytest.mark.parametrize(
    ("labels", "tuned"), [(5, 10), (10, 10), (20, 10), (49, 10), (50, 50), (100, 50), (200, 200), (400, 200)]
)
def test_hyperparameters_are_those_of_the_largest_tuned_number_of_labels_or_the_smallest(labels, tuned):
    best = dict(zip(tuning.LABELS, tuning.GRID, strict=False))  # another one for each number of labels
    best_hog = dict(zip(tuning.LABELS, tuning.HOG_GRID, strict=False))
    grid = {f"joint, {n}": comparison(dict.fromkeys(tuning.GRID, 50) | {best[n]: 60}) for n in tuning.LABELS}
    grid |= {f"HOG, {n}": comparison(dict.fromkeys(tuning.HOG_GRID, 5) | {best_hog[n]: 6}) for n in tuning.LABELS}
    assert tuning.chosen(grid, "joint", labels) == tuning.GRID[best[tuned]]
    assert tuning.chosen(grid, tuning.HOG, labels) == tuning.HOG_GRID[best_hog[tuned]]


def test_the_first_of_equals_is_taken():
    grid = {"joint, 10": comparison(dict.fromkeys(tuning.GRID, 50))}
    assert tuning.chosen(grid, "joint", 10) == next(iter(tuning.GRID.values()))


SPENT_IN = {  # what a stage has spent, in the budget's own measure
    "steps": lambda spent: spent.steps,
    "updates": lambda spent: max(spent.updates.values()),
    "flops": lambda spent: spent.flops,
}


@pytest.mark.parametrize("measure", budgets.MEASURES)
@pytest.mark.parametrize("name", [name for name, (before, _) in tuning.STAGES.items() if before])
def test_half_of_the_budget_is_spent_in_each_stage(name, measure):
    task, size = tasks.load("pretext", labels=5), 40
    (first,), last = tuning.STAGES[name]
    costs = {update: cost(task, update)[0] for update in (first, last, tuning.JOINT)}
    total = size * costs[tuning.JOINT] if measure == "flops" else size
    plan = tuning.plan(name, budgets.stages(name, measure, size, costs))
    spent = [(update, after) for update, after in within(Budget(**{measure: total}), plan, task)]
    half = SPENT_IN[measure]([after for update, after in spent if update == first][-1])
    whole = SPENT_IN[measure](spent[-1][1])
    step = max(costs[first], costs[last]) if measure == "flops" else 0
    assert total - step <= whole <= total
    if measure == "updates" and last == tuning.HEAD:
        steps = {update: sum(taken == update for taken, _ in spent) for update in (first, last)}
        assert steps == {first: size, last: size}  # no module moves in both stages, so each has the whole budget
    else:
        assert half == pytest.approx(total / 2, abs=step / 2)


@pytest.mark.parametrize("measure", ["updates", "flops"])
def test_what_is_said_to_be_the_same_as_at_equal_steps_is_the_same(measure):
    """Update by update, at a small size, within the budget of the other sense."""
    task, size = tasks.load("pretext", labels=5), 40
    costs = {update: cost(task, update)[0] for update in (tuning.ROTATION, tuning.HEAD, tuning.JOINT)}
    other = Budget(updates=size) if measure == "updates" else Budget(flops=size * costs[tuning.JOINT])
    for name in budgets.SAME[measure]:
        before = tuning.STAGES[name][0]
        plans = [tuning.plan(name, budgets.stages(name, m, size, costs) if before else 0) for m in ("steps", measure)]
        taken = [[u for u, _ in within(b, p, task)] for b, p in zip((Budget(steps=size), other), plans, strict=True)]
        assert taken[0] == taken[1] and len(taken[0]) == size, name
