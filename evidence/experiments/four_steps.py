"""Does approximate joint training come close to the four steps of Faster R-CNN, at less compute?

Joint training spends 5/8 of what the four steps do: 37.5 % less, the middle of the 25 to 50 % of Ren et al. 2015, §3.2.
The arms and learning rates are those of `detection`.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.experiments import detection
from evidence.record import Part, comparisons
from jointopt import plans, tasks
from jointopt.compare import Comparison
from jointopt.compare.budget import Budget, cost

SIZE, SHARE = detection.SIZE, 5 / 8  # joint steps, and their part of what the four steps spend
NAMES = {"joint": "joint", "four steps": "staged"}  # there
SLICE = ("test", ["joint"], [10])


def parts(found: dict[str, Comparison]) -> Iterator[tuple[str, Part]]:
    """The one part: ten seeds."""
    make = partial(tasks.load, "detection")
    task, arms = make(0), detection.ARMS
    costs = {update: cost(task, update)[0] for update in {arms.joint, *arms.staged}}
    size = round(SIZE / SHARE)
    four = arms.plans("flops", size, costs)["staged"]
    searched = comparisons("detection")["grid"]
    chosen = grid.at(
        lambda name: grid.best_lr(searched, NAMES[name]),
        {"joint": (partial(plans.joint, SIZE), {}), "four steps": four},
    )
    yield "test", Part(make, chosen, Budget(flops=size * costs[arms.joint]))
