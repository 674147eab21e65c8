"""What is the gradient worth that approximate joint training drops? Faster R-CNN with it, and without.

Equal steps: those of joint training in `detection`, whose runs stand here as "joint", with their learning rate.
"""

from collections.abc import Iterator

from evidence import closing, grid
from evidence.experiments import detection
from evidence.record import Comparisons, Part
from jointopt import Task, plans
from jointopt.compare import Budget, records
from jointopt.models import exact_proposals

ARMS = {"joint": (plans.joint, {}), "exact": (plans.joint, {"exact": True})}
SLICE = ("test", ["exact"], [10])


def load(seed: int, exact: bool = False, **options) -> Task:
    """The task "detection"."""
    task = detection.make(seed, **options)
    if exact:
        exact_proposals.exact(task.model)
    return task


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid of "exact", then the test."""
    known, budget, lrs = records.load("detection"), Budget(steps=detection.SIZE), detection.LRS
    stages = dict.fromkeys(ARMS, [detection.SIZE])
    yield "grid", grid.search(load, {"exact": ARMS["exact"]}, budget, lrs, seeds=closing.GRID_SEEDS, stages=stages)
    grids = {"joint": known["grid"], "exact": comparisons["grid"]}
    arms = grid.at(lambda name: grid.best_lr(grids[name], name, lrs), ARMS, stages=stages)
    yield "test", Part(load, arms, budget, closing.SEEDS, {"joint": known["updates"]})
