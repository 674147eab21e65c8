"""Which detector is better for what it costs to train: the two-stage one, or one without proposals?

Both jointly, on the same scenes, at equal compute: what 150, 300 and 600 steps of the two-stage detector cost. Seconds
are on record as well; FLOPs leave out what is neither a convolution nor a matrix product, such as sorting boxes.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from evidence import grid
from evidence.experiments import detection
from evidence.record import Comparisons, Part
from jointopt import Task, Update, plans, tasks
from jointopt.compare import Budget, cost

STEPS = (150, 300, 600)
SEEDS, GRID_SEEDS = range(10, 15), range(2)
ARMS = {"two-stage": (plans.joint, {"name": "detection"}), "one-stage": (plans.joint, {"name": "one_stage"})}
SLICE = ("150", ["two-stage", "one-stage"], [10])


def load(seed: int, name: str, **options) -> Task:
    """A detector by its name."""
    return tasks.load(name, seed, **{"scenes": detection.SCENES} | options)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid of learning rates, at the budget in the middle, then a comparison for each budget."""
    loaded, lrs = {name: load(0, **options) for name, (_, options) in ARMS.items()}, detection.LRS
    step, _ = cost(loaded["two-stage"], Update())
    budgets = {steps: Budget(flops=steps * step) for steps in STEPS}
    stages = {steps: _stages(loaded, budget) for steps, budget in budgets.items()}
    middle = STEPS[1]
    yield "grid", grid.search(load, ARMS, budgets[middle], lrs, seeds=GRID_SEEDS, stages=stages[middle])
    best = partial(grid.best_lr, comparisons["grid"], lrs=lrs)
    for steps, budget in budgets.items():
        yield str(steps), Part(load, grid.at(best, ARMS, stages=stages[steps]), budget, SEEDS)


def _stages(loaded: Mapping[str, Task], budget: Budget) -> grid.Stages:
    """How many steps each detector takes within the budget: its rate falls in all of them."""
    return {name: grid.spans(ARMS[name][0], task, budget) for name, task in loaded.items()}
