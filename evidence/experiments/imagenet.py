"""What are ImageNet's features worth for digits: frozen, fine-tuned, the head first and then all, or from scratch?

EfficientNet-Lite0, cut after 11 blocks, on digits over clutter with 10 and with 50 labels per class. The part "shift"
asks what `shift` asks, of features that are good, as in the paper: trained on plain digits, tested on them, over
clutter and inverted. After Kumar et al. 2022.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from evidence import grid
from evidence.experiments import shift
from evidence.record import Comparisons, Part, Verdict
from jointopt import Task, Update, plans, tasks
from jointopt.compare import Budget
from jointopt.models.classifiers import LITE0
from jointopt.tasks import classification, transfer

LABELS, STEPS, SIZE = (10, 50), 60, 16
LRS = (1e-3, 3e-3, 1e-2)
GRID_SEEDS, SEEDS, SHIFT_SEEDS = range(2), range(10, 15), range(10, 20)
SLICE = ("10 labels", ["frozen"], [10])
ALL = partial(plans.joint, losses="task")
ARMS = {
    "frozen": (partial(plans.alternating, Update("classifier", "task")), {}),
    "fine-tuned": (ALL, {}),
    "head first, then all": (partial(plans.lp_ft, "classifier", STEPS // 2, losses="task"), {}),
    "from scratch": (ALL, {"weights": None}),
}
SHIFTED = {name: (ARMS[ours][0], {}) for name, ours in zip(shift.PAPER, ARMS, strict=False)}  # the paper's three


def make(seed: int, data: str, labels: int, weights: str | None = "imagenet", held_out: str = "test") -> Task:
    """The task "classification"; of plain digits, where they are tested, the accuracy under two shifts as well."""
    options = {"labels": labels, "size": SIZE, "network": LITE0, "weights": weights, "held_out": held_out}
    task = tasks.load("classification", seed, data=data, **options)
    if data != "digits" or held_out != "test":
        return task
    plain, clutter = (classification.images(name, "test") for name in ("digits", "cluttered"))
    shifted = {"over clutter": clutter.images, "inverted": 1 - plain.images}
    return replace(task, evaluate=lambda model: transfer.evaluate(model, plain, shifted))


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """For each number of labels the grid of learning rates, then the test; at last plain digits, and the shifts."""
    of = {f"{labels} labels": (partial(make, data="cluttered", labels=labels), ARMS, SEEDS) for labels in LABELS}
    of["shift"] = partial(make, data="digits", labels=LABELS[-1]), SHIFTED, SHIFT_SEEDS
    for name, (task, arms, seeds) in of.items():
        yield f"{name}, grid", grid.search(task, arms, Budget(steps=STEPS), LRS, seeds=GRID_SEEDS)
        best = partial(grid.best_lr, comparisons[f"{name}, grid"], lrs=LRS)
        yield name, Part(task, grid.at(best, arms), Budget(steps=STEPS), seeds)


def lp_ft(comparisons: Comparisons) -> Verdict:
    """The rule of `shift`, on the part "shift". Source: Kumar et al. 2022."""
    return shift.lp_ft({"test": comparisons["shift"]}, "LP-FT, ImageNet's features")


RULE = lp_ft
