"""Accuracy over the number of labels per class, with the hyperparameters chosen on validation images for each arm."""

from collections.abc import Iterator
from functools import partial

from evidence.experiments import tuning
from evidence.record import Comparisons, Part
from jointopt import tasks
from jointopt.compare import Budget, hog_logistic, records

LABELS = (5, 10, 20, 50, 100, 200, 400)  # per class
ARMS = ("joint", "frozen random", "rotation, then head", "rotation, then all")
SLICE = ("20", ["frozen random", tuning.HOG], [10])


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """A comparison for each number of labels."""
    chosen = partial(tuning.chosen, records.load("tuning"))
    for labels in LABELS:
        arms = {name: tuning.trained(name, *chosen(name, labels)) for name in ARMS}
        cell, C = chosen(tuning.HOG, labels)
        arms[tuning.HOG] = hog_logistic(labels=labels, cell=cell, C=C)
        make = partial(tasks.load, "pretext", labels=labels)
        yield str(labels), Part(make, arms, Budget(updates=tuning.MOST))
