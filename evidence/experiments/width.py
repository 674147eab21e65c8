"""The same as `labels`, with a network as wide as the document's: 32 and 64 channels in place of 8 and 16.

Joint training with the hyperparameters that were chosen for the small network, against HOG with its own.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from evidence.experiments import tuning
from evidence.record import Comparisons, Part
from jointopt import tasks
from jointopt.compare import Budget, hog_logistic, records

LABELS = (100, 200, 400)  # per class
CHANNELS = 32
SLICE = ("100", [tuning.HOG], [10])


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """A comparison for each number of labels."""
    chosen = partial(tuning.chosen, records.load("tuning"))
    for labels in LABELS:
        joint = tuning.trained("joint", *chosen("joint", labels))
        joint = replace(joint, task_options={**joint.task_options, "channels": CHANNELS})
        cell, C = chosen(tuning.HOG, labels)
        arms = {"joint, wide": joint, tuning.HOG: hog_logistic(labels=labels, cell=cell, C=C)}
        yield str(labels), Part(partial(tasks.load, "pretext", labels=labels), arms, Budget(updates=tuning.MOST))
