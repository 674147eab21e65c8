"""The hyperparameters of each arm of `budgets` and `labels`: chosen on validation images, from as many for each.

The grid: learning rate × steps (for each stage of a staged arm) × features standardized or not; for HOG: the side of a
cell × C. Three seeds; the best mean validation accuracy wins, the first of equals.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product

from evidence.grid import SEEDS
from evidence.record import Comparisons, Part
from jointopt import Update, plans, tasks
from jointopt.compare import Arm, Budget, hog_logistic

HEAD = Update("classifier", "task")
ROTATION, RECONSTRUCTION, JOINT = Update(losses="rotation"), Update(losses="reconstruction"), Update(losses="task")
# Arm -> what goes before the last stage, and the last stage, which is endless.
STAGES = {
    "joint": ((), JOINT),
    "frozen random": ((), HEAD),
    "rotation, then head": ((ROTATION,), HEAD),
    "autoencoder, then head": ((RECONSTRUCTION,), HEAD),
    "rotation, then all": ((ROTATION,), JOINT),
}
HOG = "HOG"
GRID = {
    f"lr {lr:g}, {steps} steps, {'standardized' if standardize else 'raw'}": (lr, steps, standardize)
    for lr, steps, standardize in product((1e-3, 3e-3), (250, 1000), (True, False))
}
HOG_GRID = {f"cell {cell}, C {C:g}": (cell, C) for cell, C in product((4, 7), (0.01, 0.1, 1.0, 10.0))}
LABELS = (10, 50, 200)  # per class
ONLY_AT = {"autoencoder, then head": (200,)}  # where `budgets` has it; `labels` does not
MOST = 1000
SLICE = ("frozen random, 10", ["lr 0.001, 250 steps, standardized"], [0])


def plan(name: str, first: int, last: int | None = None):
    """The updates of an arm: `first` steps of what goes before, then the last stage for `last` steps or without end."""
    before, rest = STAGES[name]
    return plans.staged(*((update, first) for update in before), (rest, last))


def trained(name: str, lr: float, steps: int, standardize: bool) -> Arm:
    """An arm with `steps` updates in each of its stages: no module moves more often than in joint training.

    In "rotation, then all" the feature extractor moves in both, so each stage gets half.
    """
    each = steps // 2 if name == "rotation, then all" else steps
    return arm(partial(plan, name, each, each), lr, standardize)


def arm(plan, lr: float, standardize: bool) -> Arm:
    """An arm of the task "pretext"."""
    return Arm(plan, optimizer="Adam", optimizer_options={"lr": lr}, task_options={"standardize": standardize})


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """A comparison for each arm and number of labels."""
    for labels in LABELS:
        make = partial(tasks.load, "pretext", labels=labels, held_out="validation")
        for name in (name for name in STAGES if labels in ONLY_AT.get(name, LABELS)):
            arms = {title: trained(name, *choice) for title, choice in GRID.items()}
            yield f"{name}, {labels}", Part(make, arms, Budget(updates=MOST), SEEDS)
        hog = partial(hog_logistic, labels=labels, held_out="validation")
        arms = {title: hog(cell=cell, C=C) for title, (cell, C) in HOG_GRID.items()}
        yield f"{HOG}, {labels}", Part(make, arms, Budget(updates=MOST), SEEDS)


def chosen(searched: Comparisons, name: str, labels: int) -> tuple[float, int, bool] | tuple[int, float]:
    """Those of an arm for a number of labels: (lr, steps, standardize), of HOG (cell, C).

    It was tuned at the largest of LABELS that is not larger; fewer labels than the smallest, 10, take those of 10.
    searched: the comparisons of this experiment's record.
    """
    tuned = max((n for n in LABELS if n <= labels), default=LABELS[0])
    comparison = searched[f"{name}, {tuned}"]
    best = max(comparison.arms, key=lambda arm: comparison.values(arm).mean())
    return (HOG_GRID if name == HOG else GRID)[best]
