"""The longer runs behind chapter 1: what λ does to the document's model. Writes objective.json.

    OMP_NUM_THREADS=1 python evidence/objective.py          about 20 minutes on one core

clean   the document's model, 3,000 digits, 300 steps of 64: L2 in the loss with SGD and Adam, from the first step, or
        with λ = 0 until step 100, or on one module alone; and the decay of AdamW
noise   the model with 8/16 channels, 1,000 digits, 40 % of their labels wrong, 800 steps of 64: L2 on the weights, with
        SGD and Adam, and on the activations f(x), with Adam
Optimizers as in jointopt.training.OPTIMIZERS. The validation images are 1,000 other training digits, 100 a class.
"""

import json
import platform
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Controls, EndToEndModel, Task, data, plans, train
from jointopt.objective import activation_l2, l2
from jointopt.tasks.classification import evaluate
from jointopt.training import make_optimizer

FILE = Path(__file__).with_suffix(".json")
SEEDS = range(5)
LATE = 100  # the first step at which λ counts in "l2 late"
COLUMNS = ("penalty", "optimizer", "weight", "seed", "validation", "test", "norm_theta", "norm_phi")
GRIDS = {
    "clean": {
        ("l2", "SGD"): (0, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1),
        ("l2", "Adam"): (0, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 2e-1, 3e-1, 5e-1, 1),
        ("l2 late", "Adam"): (1e-1, 2e-1, 3e-1, 5e-1, 1),
        ("l2 theta", "Adam"): (5e-1,),
        ("l2 phi", "Adam"): (5e-1,),
        ("decay", "AdamW"): (0, 1e-2, 1e-1, 1, 3, 10, 30, 100),
    },
    "noise": {
        ("l2", "SGD"): (0, 1e-4, 1e-3, 3e-3, 1e-2, 2e-2, 3e-2, 5e-2),
        ("l2", "Adam"): (0, 1e-4, 1e-3, 3e-3, 1e-2, 2e-2, 3e-2, 5e-2),
        ("activations", "Adam"): (0, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3),
    },
}


class Small(nn.Module):
    """The document's model with 8 and 16 channels and 64 hidden units."""

    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, 1, 1), nn.ReLU()]
        self.feature_extractor = nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten())
        self.classifier = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))

    def forward(self, x):
        return self.classifier(self.feature_extractor(x))


def losses(model, batch, penalty):
    """L_task, and L_reg of the kind asked for. AdamW's decay is no part of the loss."""
    inputs, labels = batch
    features = model.feature_extractor(inputs)
    answer = {"task": F.cross_entropy(model.classifier(features), labels)}
    if penalty == "activations":
        answer["reg"] = activation_l2(features)
    elif penalty != "decay":
        answer["reg"] = l2({"l2 theta": model.feature_extractor, "l2 phi": model.classifier}.get(penalty, model))
    return answer


def wrong(labels, share, seed):
    """The labels, each with probability `share` replaced by one of the nine others."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(len(labels), generator=generator) < share
    return torch.where(chosen, (labels + torch.randint(1, 10, labels.shape, generator=generator)) % 10, labels)


def accuracy(model, images):
    """Percent right."""
    return evaluate(model, images.images, images.labels)["accuracy (%)"]


def run(setting, penalty, optimizer, weight, seed, held_out):
    """Train once; the figures of COLUMNS from "validation" on."""
    digits = data.load("digits")
    count, steps = (3000, 300) if setting == "clean" else (1000, 800)
    labels = digits.labels[:count] if setting == "clean" else wrong(digits.labels[:count], 0.4, seed)
    torch.manual_seed(seed)
    model = (EndToEndModel(num_classes=10) if setting == "clean" else Small()).to(memory_format=torch.channels_last)
    task = Task(
        model,
        lambda model, batch: losses(model, batch, penalty),
        data.batches(data.Images(digits.images[:count], labels, digits.classes), 64, seed=seed),
        weights={"task": 1.0} if penalty == "decay" else {"task": 1.0, "reg": weight},
    )
    options = {"weight_decay": weight} if penalty == "decay" else {}
    controls = Controls(weights={"reg": 0.0} if penalty == "l2 late" else None)
    for step in train(task, plans.joint(steps), controls, make_optimizer(model, optimizer, **options)):
        if penalty == "l2 late" and step.number == LATE - 1:
            controls.set(weight={"reg": weight})
    norms = [float((2 * l2(module).detach()).sqrt()) for module in (model.feature_extractor, model.classifier)]
    return [round(accuracy(model, images), 1) for images in held_out] + [round(norm, 3) for norm in norms]


def main():
    """Run all of GRIDS and write FILE."""
    digits = data.load("digits")
    validation = data.Images(digits.images[3000:], digits.labels[3000:], digits.classes)
    held_out = (validation, data.load("digits", "test"))
    record = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "threads": torch.get_num_threads(),
        "columns": COLUMNS,
    }
    for setting, grid in GRIDS.items():
        record[setting] = [
            [penalty, optimizer, weight, seed, *run(setting, penalty, optimizer, weight, seed, held_out)]
            for (penalty, optimizer), weights in grid.items()
            for weight, seed in product(weights, SEEDS)
        ]
    head, *rows = (
        json.dumps(record).replace("[[", "[\n[").replace("], [", "],\n[").replace("]], ", "]\n], ").split("\n")
    )
    FILE.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
