"""How deep to freeze: a network of eight convolutions has learned 0–4 and is to learn 5–9.

Digits over clutter, 200 labels a class. Arms: conv1 … conv<k> frozen, the rest fine-tuned, for k = 0 … 8; and a network
that has learned nothing before. Equal steps: what a frozen layer saves is on record as FLOPs and as seconds. After
Girshick, Fast R-CNN, 2015, table 5.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.record import Part
from jointopt import plans, tasks
from jointopt.compare import Comparison
from jointopt.compare.budget import Budget
from jointopt.tasks.transfer import above

DEPTH, STEPS = 8, 400
SLICE = ("test", ["8 frozen"], [10])


ARMS = {f"{frozen} frozen": (partial(plans.alternating, above(frozen, DEPTH)), {}) for frozen in range(DEPTH + 1)}
ARMS["from scratch"] = (partial(plans.alternating, above(0, DEPTH)), {"pretrained": 0})


def parts(found: dict[str, Comparison]) -> Iterator[tuple[str, Part]]:
    """The grid of learning rates, then the test."""
    make = partial(tasks.load, "transfer", labels=200, depth=DEPTH)
    yield "grid", grid.search(make, ARMS, Budget(steps=STEPS))
    yield "test", Part(make, grid.best(found["grid"], ARMS), Budget(steps=STEPS))
