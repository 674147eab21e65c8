"""Do layers that were trained together come apart? Keep the first k of a trained network, retrain the rest.

After Yosinski et al. 2014, figure 2: "kept" (their BnB) freezes the k layers, "kept, all" (BnB+) fine-tunes them too,
"other" (AnB) has the k layers of a network that was trained on the other five digits. Plain stacks of 8 and of 12
convolutions, without normalization and without skip connections, which are said to soften the effect.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.record import Part
from jointopt import Update, plans, tasks
from jointopt.budget import Budget
from jointopt.compare import Arm, Comparison
from jointopt.tasks.transfer import layers

STEPS = 600
KEPT = {8: (1, 2, 3, 4, 5, 6, 7, 8), 12: (3, 5, 7, 9)}
SLICE = ("test 8", ["kept 8"], [10])


def retrained(frozen: int, depth: int):
    """A plan that trains all above the first so many layers."""
    return plans.alternating(Update([*layers(frozen + 1, depth), "classifier"], "task"))


def arms(depth: int) -> dict[str, tuple]:
    """(plan, options of the task) by name. "base" is a network that is trained whole, from scratch."""
    found = {"base": (partial(retrained, 0, depth), {"pretrained": 0})}
    for k in KEPT[depth]:
        found[f"kept {k}"] = (partial(retrained, k, depth), {"keep": k})
    for k in KEPT[depth][1::2]:
        found[f"kept {k}, all"] = (partial(retrained, 0, depth), {"keep": k})
        found[f"other {k}"] = (partial(retrained, k, depth), {"keep": k, "source": "0-4"})
    return found


def parts(found: dict[str, Comparison]) -> Iterator[tuple[str, Part]]:
    """For each depth the learning rate of the base, which all arms then have, as in the paper; then the test."""
    for depth in KEPT:
        make = partial(tasks.load, "transfer", labels=300, source="5-9", depth=depth, pretrained=STEPS)
        base = {"base": arms(depth)["base"]}
        yield f"grid {depth}", grid.search(make, base, Budget(steps=STEPS))
        lr = grid.best(found[f"grid {depth}"], base)["base"].optimizer_options
        tested = {
            name: Arm(plan, optimizer_options=lr, task_options=options) for name, (plan, options) in arms(depth).items()
        }
        yield f"test {depth}", Part(make, tested, Budget(steps=STEPS))
