"""Joint against staged training at equal steps, at equal updates per module, and at equal compute; 200 labels a class.

Learning rate and standardization are those that the grid of `settings` chose; its number of steps is not used here,
since the budget says it. A staged arm spends half of the budget in each stage, in the budget's own measure.
"""

from collections.abc import Iterator
from functools import partial

from evidence import settings
from evidence.record import Part
from jointopt import tasks
from jointopt.budget import Budget, cost
from jointopt.compare import Arm, Comparison

LABELS = 200
SIZES = (200, 1000)  # joint steps, and what costs as much
MEASURES = ("steps", "updates", "compute")
SLICE = ("steps 200", ["frozen random", "rotation, then head"], [10])


def stages(name: str, measure: str, size: int, costs: dict) -> int:
    """How many steps the first stage of an arm gets."""
    first, last = settings.STAGES[name]
    if measure == "compute":
        return round(size * costs[settings.JOINT] / 2 / costs[first[0]])
    return size if measure == "updates" and last == settings.HEAD else size // 2


def parts(found: dict[str, Comparison]) -> Iterator[tuple[str, Part]]:
    """A comparison for each measure and size."""
    make = partial(tasks.load, "pretext", labels=LABELS)
    task = make(0)
    updates = {update for before, last in settings.STAGES.values() for update in (*before, last)}
    costs = {update: cost(task, update)[0] for update in updates}
    for measure in MEASURES:
        for size in SIZES:
            limit = {"steps": {"steps": size}, "updates": {"updates": size}}.get(measure)
            budget = Budget(**(limit or {"flops": size * costs[settings.JOINT]}))
            arms = {}
            for name, (before, _) in settings.STAGES.items():
                lr, _, standardize = settings.chosen(name, LABELS)
                plan = partial(settings.plan, name, stages(name, measure, size, costs) if before else 0)
                options = dict(optimizer_options={"lr": lr}, task_options={"standardize": standardize})
                arms[name] = Arm(plan, **options)
            yield f"{measure} {size}", Part(make, arms, budget)
