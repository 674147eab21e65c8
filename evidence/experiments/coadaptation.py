"""Do layers that were trained together come apart? Keep the first k of a trained network, retrain the rest.

After Yosinski et al. 2014, figure 2: "kept" (their BnB) freezes the k layers, "kept, all" (BnB+) fine-tunes them too,
"other" (AnB) has the k layers of a network that was trained on the other five digits. A plain stack of 8
convolutions, without normalization and without skip connections, which are said to soften the effect.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.record import Part
from jointopt import plans, tasks
from jointopt.compare import Comparison
from jointopt.compare.budget import Budget
from jointopt.tasks.transfer import above

DEPTH, STEPS = 8, 600
ALL = (2, 4, 6, 8)  # the k that get "kept, all" too
OTHER = (6, 8)  # and "other"
LABELS = {"validation": 300, "test": 400}  # a class: all there are, which those that were kept have learned from
SLICE = ("test", ["kept 8"], [10])

WHOLE = partial(plans.alternating, above(0, DEPTH))
BASE = {"base": (WHOLE, {"pretrained": 0})}  # trained whole, from scratch
REST = {k: partial(plans.alternating, above(k, DEPTH)) for k in range(1, DEPTH + 1)}
ARMS = (
    BASE
    | {f"kept {k}": (REST[k], {"keep": k}) for k in REST}
    | {f"kept {k}, all": (WHOLE, {"keep": k}) for k in ALL}
    | {f"other {k}": (REST[k], {"keep": k, "source": "0-4"}) for k in OTHER}
)


def parts(found: dict[str, Comparison]) -> Iterator[tuple[str, Part]]:
    """The learning rate of the base, which all arms then have, as in the paper; then the test."""
    make = partial(tasks.load, "transfer", source="5-9", depth=DEPTH, pretrained=STEPS)
    yield "grid", grid.search(partial(make, labels=LABELS["validation"]), BASE, Budget(steps=STEPS))
    lr = grid.best_lr(found["grid"], "base")
    tested = grid.at(lambda name: lr, ARMS)
    yield "test", Part(partial(make, labels=LABELS["test"]), tested, Budget(steps=STEPS))
