"""Which detector is better for what it costs to train: the two-stage one, or one without proposals?

Both jointly, on the same scenes, at equal compute: what 125, 250 and 500 steps of the two-stage detector cost. Seconds
are on record as well; FLOPs leave out what is neither a convolution nor a matrix product, such as sorting boxes.
"""

from collections.abc import Iterator

from evidence import grid
from evidence.record import Comparisons, Part
from jointopt import Task, Update, plans, tasks
from jointopt.compare import Budget, cost

STEPS = (125, 250, 500)
SEEDS, GRID_SEEDS = range(10, 15), range(2)
ARMS = {"two-stage": (plans.joint, {"name": "detection"}), "one-stage": (plans.joint, {"name": "one_stage"})}
SLICE = ("125", ["two-stage", "one-stage"], [10])


def load(seed: int, name: str, **options) -> Task:
    """A detector by its name."""
    return tasks.load(name, seed, **options)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid of learning rates, at the budget in the middle, then a comparison for each budget."""
    step = cost(load(0, "detection"), Update())[0]
    yield "grid", grid.search(load, ARMS, Budget(flops=STEPS[1] * step), seeds=GRID_SEEDS)
    for steps in STEPS:
        yield str(steps), Part(load, grid.best(comparisons["grid"], ARMS), Budget(flops=steps * step), SEEDS)
