"""Fine-tuning under a shift: pretrained on 0–4 over clutter, trained on 5–9 without it, 10 labels per class.

Tested on plain digits, as in training, over clutter and inverted. After Kumar et al. 2022, whose LP-FT is the head
first, then all.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.record import Comparisons, Part, verdict
from jointopt import Update, plans, tasks
from jointopt.compare import Budget

STEPS, ONE_LR = 300, 1e-3
SEEDS = range(10, 30)
SLICE = ("test", ["head only"], [10])
ARMS = {
    "head only": (partial(plans.alternating, Update("classifier", "task")), {}),
    "all at once": (partial(plans.joint, losses="task"), {}),
    "head first, then all": (partial(plans.lp_ft, "classifier", STEPS // 2, losses="task"), {}),
    "from scratch": (partial(plans.joint, losses="task"), {"pretrained": 0}),
}


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid of learning rates, chosen by plain digits alone, then the test; and all arms at one learning rate."""
    make = partial(tasks.load, "transfer", data="digits", labels=10, depth=3)
    yield "grid", grid.search(make, ARMS, Budget(steps=STEPS))
    yield "test", Part(make, grid.best(comparisons["grid"], ARMS), Budget(steps=STEPS), SEEDS)
    yield "one lr", Part(make, grid.at(lambda name: ONE_LR, ARMS), Budget(steps=STEPS), SEEDS)


def lp_ft(comparisons: Comparisons) -> dict:
    """Fine-tuning distorts good features, and training the head first rescues them.

    Over clutter, "all at once" is below "head only", and "head first, then all" is above "all at once", both 95 %
    intervals excluding 0; each arm with its own learning rate (part "test"). Source: Kumar et al. 2022.
    """
    pairs = {"all at once": "head only", "head first, then all": "all at once"}
    differences = {
        f"{arm} minus {other}": comparisons["test"].difference(arm, other, "accuracy over clutter (%)")
        for arm, other in pairs.items()
    }
    replicated = [difference.verdict for difference in differences.values()] == ["less", "more"]
    return verdict({"LP-FT": replicated}, differences)


RULE = lp_ft
