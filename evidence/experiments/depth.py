"""How deep to freeze: a network of eight convolutions has learned 0–4 and is to learn 5–9.

Digits over clutter, 200 labels per class. Arms: conv1 … conv<k> frozen, the rest fine-tuned, for k = 0 … 8; and a
network that has learned nothing before. Equal steps: what a frozen layer saves is on record as FLOPs and as seconds.
After Girshick, Fast R-CNN, 2015, table 5.
"""

from collections.abc import Iterator
from functools import partial

from evidence import claims, grid
from evidence.record import Comparisons, Part, verdict
from jointopt import plans, tasks
from jointopt.compare import Budget, Comparison, Interval
from jointopt.tasks.transfer import above

DEPTH, STEPS = 8, 400
SLICE = ("test", ["8 frozen"], [10])
PAPER = 66.9, 61.4  # mAP (%) on VOC07, trained from conv3_1 on and from fc6 on


ARMS = {f"{frozen} frozen": (partial(plans.alternating, above(frozen, DEPTH)), {}) for frozen in range(DEPTH + 1)}
ARMS["from scratch"] = (partial(plans.alternating, above(0, DEPTH)), {"pretrained": 0})


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid of learning rates, then the test."""
    make = partial(tasks.load, "transfer", labels=200, depth=DEPTH)
    yield "grid", grid.search(make, ARMS, Budget(steps=STEPS))
    yield "test", Part(make, grid.best(comparisons["grid"], ARMS), Budget(steps=STEPS))


def fast_rcnn_table_5(comparisons: Comparisons) -> dict:
    """Freezing all eight layers costs accuracy, freezing some of them costs next to none.

    With all eight convolutions frozen the accuracy is lower than with none, and there is a k ≥ 1 with k layers frozen
    that loses less than two points against none, at fewer FLOPs (`cheap`). Source: Girshick 2015.
    """
    test = comparisons["test"]
    none, all_, free = test.values("0 frozen"), test.values("8 frozen"), cheap(test)
    costs = claims.decide(none - all_, effect=claims.scaled(*PAPER, ours=none.mean()))
    layers = [k for k, decision in free.items() if decision.word == claims.REPLICATED]
    rests = {"8 frozen minus 0 frozen": Interval.of(all_ - none), "layers frozen for less than two points": layers}
    return verdict({"Fast R-CNN, table 5": claims.all_of([costs, claims.any_of(free.values())])}, rests)


def cheap(test: Comparison) -> dict[int, claims.Decision]:
    """Whether freezing k layers loses less than two points, for each k ≥ 1 that takes fewer FLOPs than none."""
    none, work = test.values("0 frozen"), [test.values(f"{k} frozen", "flops").mean() for k in range(DEPTH + 1)]
    fewer = [k for k in range(1, DEPTH + 1) if work[k] < work[0]]
    return {k: claims.decide(test.values(f"{k} frozen") - none, border=-2) for k in fewer}


RULE = fast_rcnn_table_5
