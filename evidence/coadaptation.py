"""Do layers that were trained together come apart? Keep the first k of a trained network, retrain the rest.

After Yosinski et al. 2014, figure 2: "kept" (their BnB) freezes the k layers, "kept, all" (BnB+) fine-tunes them too,
"other" (AnB) has the k layers of a network that was trained on the other five digits. Plain stacks of 8 and of 12
convolutions, without normalization and without skip connections, which are said to soften the effect.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.record import Part
from jointopt import plans, tasks
from jointopt.budget import Budget
from jointopt.compare import Comparison
from jointopt.tasks.transfer import above

STEPS = 600
KEPT = {8: (1, 2, 3, 4, 5, 6, 7, 8), 12: (3, 5, 7, 9)}
ALL = {8: (2, 4, 6, 8), 12: ()}  # the k that get "kept, all" too; 12 would take too long
OTHER = {8: (6, 8), 12: ()}  # and "other"
LABELS = {"validation": 300, "test": 400}  # a class: all there are, which those that were kept have learned from
SLICE = ("test 8", ["kept 8"], [10])


def arms(depth: int) -> dict[str, tuple]:
    """(plan, options of the task) by name. "base" is a network that is trained whole, from scratch."""
    whole = partial(plans.alternating, above(0, depth))
    found = {"base": (whole, {"pretrained": 0})}
    for k in KEPT[depth]:
        found[f"kept {k}"] = (partial(plans.alternating, above(k, depth)), {"keep": k})
    for k in ALL[depth]:
        found[f"kept {k}, all"] = (whole, {"keep": k})
    for k in OTHER[depth]:
        found[f"other {k}"] = (partial(plans.alternating, above(k, depth)), {"keep": k, "source": "0-4"})
    return found


def parts(found: dict[str, Comparison]) -> Iterator[tuple[str, Part]]:
    """For each depth the learning rate of the base, which all arms then have, as in the paper; then the test."""
    for depth in KEPT:
        make = partial(tasks.load, "transfer", source="5-9", depth=depth, pretrained=STEPS)
        base = {"base": arms(depth)["base"]}
        yield f"grid {depth}", grid.search(partial(make, labels=LABELS["validation"]), base, Budget(steps=STEPS))
        lr = grid.best_lr(found[f"grid {depth}"], "base")
        tested = grid.at(lambda name, lr=lr: lr, arms(depth))
        yield f"test {depth}", Part(partial(make, labels=LABELS["test"]), tested, Budget(steps=STEPS))
