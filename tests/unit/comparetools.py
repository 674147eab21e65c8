"""What is compared under test: two arms of a small task, and a task whose metric is a draw."""

from functools import partial

import numpy as np
import torch
from torch import nn

from jointopt import Task, Update, plans, tasks
from jointopt.compare import Arm, Budget, compare

LABELS = 10
ARMS = {
    "joint": Arm(partial(plans.joint, losses="task")),
    "frozen": Arm(partial(plans.alternating, Update("classifier", "task"))),
}
load = partial(tasks.load, "pretext", labels=LABELS)
quiet = dict(progress=False)
GRID = [{"task": 1.0, "up": up, "along": along} for up in (0.0, 0.1, 2.0) for along in (0.0, 1.0)]


class Scalar(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(float(w)))


def noisy(seed, noise=None):
    """A task whose held-out metric is a draw from a normal distribution, whatever the training."""
    noise = np.random.default_rng(seed) if noise is None else noise
    return Task(
        Scalar(seed + 2.0),
        lambda model, batch: {"task": (model.w - batch).square()},
        lambda number: torch.tensor(1.0),
        evaluate=lambda model: {"metric (1)": noise.normal()},
    )


def decay(seed):
    """One SGD step from w = seed + 1: the metric is then w·(1 − lr·(λ_up + 10·λ_along)), with lr = 0.01."""
    model = Scalar(seed + 1.0)
    return Task(
        model,
        lambda model, batch: {"task": 0 * model.w, "up": model.w**2 / 2, "along": 10 * model.w**2 / 2},
        lambda number: None,
        evaluate=lambda model: {"w (1)": model.w.item(), "w (%)": 100 * model.w.item()},
        weights={"task": 1.0, "up": 0.0, "along": 0.0},
    )


def decay_arm(weights, **options):
    return Arm(plans.joint, weights, "SGD", {"lr": 0.01, **options})


def swept(choices, seeds=3, make=decay, **options):
    arms = {str(choice): decay_arm(choice, **options) for choice in choices}
    return compare(make, arms, Budget(steps=1), range(seeds), **quiet)
