"""Joint against staged training at equal steps, equal updates per module and equal compute; 200 labels per class.

Learning rate and standardization are those that the grid of `tuning` chose; its number of steps is not used here,
since the budget says it. A staged arm spends half of the budget in each stage, in the budget's own measure. Of updates
per module, an arm that ends with the head has the whole budget in each: no module moves in both.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product

from evidence.experiments import tuning
from evidence.record import Comparisons, Part
from jointopt import tasks
from jointopt.compare import Budget, cost, records

LABELS = 200
SIZES = (200, 1000)  # joint steps, and what costs as much
MEASURES = ("steps", "updates", "flops")
# The arms whose updates are the same as at equal steps.
SAME = {"updates": ("joint", "frozen random", "rotation, then all"), "flops": ("joint", "rotation, then all")}
SLICE = ("steps 200", ["frozen random", "rotation, then head"], [10])


def stages(name: str, measure: str, size: int, costs: dict) -> int:
    """How many steps the first stage of an arm gets."""
    first, last = tuning.STAGES[name]
    if measure == "flops":
        return round(size * costs[tuning.JOINT] / 2 / costs[first[0]])
    return size if measure == "updates" and last == tuning.HEAD else size // 2


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """A comparison for each measure and size."""
    make = partial(tasks.load, "pretext", labels=LABELS)
    task = make(0)
    updates = {update for before, last in tuning.STAGES.values() for update in (*before, last)}
    costs = {update: cost(task, update)[0] for update in updates}
    chosen = partial(tuning.chosen, records.load("tuning"))
    for measure, size in product(MEASURES, SIZES):
        arms = {}
        for name, (before, _) in tuning.STAGES.items():
            lr, _, standardize = chosen(name, LABELS)
            plan = partial(tuning.plan, name, stages(name, measure, size, costs) if before else 0)
            arms[name] = tuning.arm(plan, lr, standardize)
        spent = size * costs[tuning.JOINT] if measure == "flops" else size
        known = {name: comparisons[f"steps {size}"] for name in SAME.get(measure, ())}
        yield f"{measure} {size}", Part(make, arms, Budget(**{measure: spent}), known=known)
