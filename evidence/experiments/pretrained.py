"""Pretrained or random first weights, frozen or moving features: the document's network, a small ResNet, a small VGG.

Digits over clutter, 50 labels per class. Pretrained on clothes over clutter (tools.make_weights). Equal steps, and so
equal updates of each module that moves. It describes, and decides nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product

from evidence import grid
from evidence.record import Comparisons, Part
from jointopt import Task, Update, plans, tasks
from jointopt.compare import Budget
from jointopt.metrics import calibration_error
from jointopt.models.classifiers import NETWORKS
from jointopt.tasks import classification

LABELS, STEPS, SIZE = 50, 300, 32
LRS = (1e-3, 3e-3, 1e-2)  # larger than in other records: a pooled, linear head needs it
GRID_SEEDS, SEEDS = range(2), range(10, 15)
SLICE = ("resnet", ["pretrained, frozen"], [10])
FIRST = {"pretrained": "clothes", "random": None}
MOVING = {"fine-tuned": Update(), "frozen": Update("classifier")}
ARMS = {
    f"{first}, {name}": (partial(plans.alternating, update), {"weights": FIRST[first]})
    for first, (name, update) in product(FIRST, MOVING.items())
}


def make(seed: int, network: str, weights: str | None = None, held_out: str = "test") -> Task:
    """The task "classification", with the calibration error as a second held-out metric."""
    _, held = classification.train_and_held_out("cluttered", held_out)
    task = tasks.load(
        "classification",
        seed,
        data="cluttered",
        network=network,
        weights=weights,
        labels=LABELS,
        size=SIZE,
        held_out=held_out,
    )

    def evaluate(model) -> dict[str, float]:
        probabilities = classification.predict(model, held.images)
        return task.evaluate(model) | {"calibration error (%)": calibration_error(probabilities, held.labels)}

    return replace(task, evaluate=evaluate)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """For each network the grid of learning rates, then the test."""
    budget = Budget(steps=STEPS)
    for network in NETWORKS:
        of_network = partial(make, network=network)
        yield f"{network}, grid", grid.search(of_network, ARMS, budget, LRS, seeds=GRID_SEEDS)
        best = partial(grid.best_lr, comparisons[f"{network}, grid"], lrs=LRS)
        yield network, Part(of_network, grid.at(best, ARMS), budget, SEEDS)
