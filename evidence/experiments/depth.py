"""How deep to freeze: a network of eight convolutions has learned 0–4 and is to learn 5–9.

Digits over clutter, 200 labels per class. Arms: conv1 … conv<k> frozen, the rest fine-tuned, for k = 0 … 8; and a
network that has learned nothing before. Equal steps: what a frozen layer saves is on record as FLOPs and as seconds.
After Girshick, Fast R-CNN, 2015, table 5.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.record import Comparisons, Part, verdict
from jointopt import plans, tasks
from jointopt.compare import Budget, Comparison
from jointopt.tasks.transfer import above

DEPTH, STEPS = 8, 400
SLICE = ("test", ["8 frozen"], [10])


ARMS = {f"{frozen} frozen": (partial(plans.alternating, above(frozen, DEPTH)), {}) for frozen in range(DEPTH + 1)}
ARMS["from scratch"] = (partial(plans.alternating, above(0, DEPTH)), {"pretrained": 0})


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid of learning rates, then the test."""
    make = partial(tasks.load, "transfer", labels=200, depth=DEPTH)
    yield "grid", grid.search(make, ARMS, Budget(steps=STEPS))
    yield "test", Part(make, grid.best(comparisons["grid"], ARMS), Budget(steps=STEPS))


def fast_rcnn_table_5(comparisons: Comparisons) -> dict:
    """Freezing all eight layers costs accuracy, freezing some of them costs next to none.

    With all eight convolutions frozen the accuracy is lower than with none (interval below 0), and there is a k ≥ 1
    with k layers frozen that loses less than two points against none at fewer FLOPs (`cheap`). Source: Girshick 2015.
    """
    test = comparisons["test"]
    loss, layers = test.difference("8 frozen", "0 frozen"), cheap(test)
    replicated = {"Fast R-CNN, table 5": loss.verdict == "less" and bool(layers)}
    return verdict(replicated, {"8 frozen minus 0 frozen": loss, "layers frozen for less than two points": layers})


def cheap(test: Comparison) -> list[int]:
    """The k ≥ 1 with k layers frozen for less than two points (the 95 % interval is above −2) and for fewer FLOPs."""
    work = [test.values(f"{k} frozen", "flops").mean() for k in range(DEPTH + 1)]
    less = {k: test.difference(f"{k} frozen", "0 frozen") for k in range(1, DEPTH + 1)}
    return [k for k, loss in less.items() if loss.mean - loss.half > -2 and work[k] < work[0]]


RULE = fast_rcnn_table_5
