"""Architecture search (document §7, trend 1): the architecture is a module, beside the weights, and moves by gradients.

    weights = Update(["feature_extractor", "classifier"], "task", hold_normalization=False)
    architecture = Update("architecture", ["validation", "cost"], hold_normalization=False)
    plans.alternating(weights, architecture)        # DARTS, first order

The weights learn on one half of the training images, α on the other: on the same half it would choose what fits best.
Taking turns is not freezing: as in DARTS's own loop, normalization goes on by the batch while the architecture moves.

Source: Liu, Simonyan and Yang, *DARTS*, ICLR 2019, §2.2, §2.3 and §3.1.1; the term for the cost, Cai, Zhu and
Han, *ProxylessNAS*, ICLR 2019, §3.3.1.
"""

from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from jointopt import data as sets
from jointopt.checks import check_choice, check_labels, check_parts, check_range, check_tensor
from jointopt.data import Images
from jointopt.figures.pixels import RIGHT, font
from jointopt.models.search_space import OPERATIONS, UNIT, SearchNetwork, parsed
from jointopt.system import seeded
from jointopt.tasks import classification
from jointopt.training import Loss, Task


def make(
    seed: int = 0,
    data: str = "cluttered",
    size: int = 64,
    width: int = 12,
    cost: float = 0.0,
    architecture: str | None = None,
    held_out: str = "test",
) -> Task:
    """A mixture of 64 architectures, or one of them, on `data` in gray (see `jointopt.data.load`).

    Losses, each computed only where it is counted: "task", the cross-entropy in nats on the first half of the training
    images, with λ = 1; "validation", the same on the second half, with λ = 1; "cost", the expected multiply-adds per
    image of the cells, in units of 100,000, with λ = `cost`. A batch has `size` images of each half.
    architecture: None, or three operations, as "conv3-skip-pool". That network has no module `architecture`, and
    "task" alone, on all training images.
    held_out: "test" or "validation", see `classification.train_and_held_out`.

    ValueError for another held_out, an architecture that is not of the space, or a size or width that is not a whole
    number ≥ 1.
    """
    check_choice("held_out", held_out, classification.HELD_OUT)
    chosen = parsed(architecture)
    train, held = in_gray(data, held_out)
    half = len(train) // 2
    with seeded(seed):
        model = SearchNetwork(train.images.shape[1], len(train.classes), width, chosen)
    model.to(memory_format=torch.channels_last)
    if chosen:
        batches = sets.batches(train, size, seed=seed)
    else:
        first = sets.batches(train.part(slice(half)), size, seed=seed)
        second = sets.batches(train.part(slice(half, 2 * half)), size, seed=seed)

        def batches(number: int) -> tuple[Tensor, ...]:
            return *first(number), *second(number)

    return Task(
        model,
        losses,
        batches,
        evaluate=lambda model: evaluate(model, held),
        picture=picture,
        weights={"task": 1.0} if chosen else {"task": 1.0, "validation": 1.0, "cost": cost},
        optimizer_options={"lr": 5e-3},
    )


@lru_cache(maxsize=4)
def in_gray(data: str, held_out: str) -> tuple[Images, Images]:
    """Those of the task "classification", the mean of their channels: (N, 1, 28, 28)."""
    chosen = classification.train_and_held_out(data, held_out)
    return tuple(images.changed(images.images.mean(1, keepdim=True), images.labels) for images in chosen)


def losses(model: SearchNetwork, batch: tuple[Tensor, ...]) -> dict[str, Loss]:
    """The losses on (inputs (B, C, 28, 28), labels (B,)), and of a mixture the same again, held apart."""
    if model.chosen:
        check_parts(batch, "inputs", "labels")
        check_labeled(model, *batch)
        return {"task": F.cross_entropy(model(batch[0]), batch[1])}
    check_parts(batch, "inputs", "labels", "validation inputs", "validation labels")
    inputs, labels, held_inputs, held_labels = batch
    check_labeled(model, inputs, labels)
    check_labeled(model, held_inputs, held_labels, "validation ")
    return {
        "task": lambda: F.cross_entropy(model(inputs), labels),
        "validation": lambda: F.cross_entropy(model(held_inputs), held_labels),
        "cost": model.expected_cost,
    }


def check_labeled(model: SearchNetwork, inputs: object, labels: object, kind: str = "") -> None:
    """Raise ValueError unless they are images as the model takes them, and their labels."""
    check_tensor(f"{kind}inputs", inputs, "float", ("B", model.channels, 28, 28))
    check_range(f"{kind}inputs", inputs)
    check_tensor(f"{kind}labels", labels, torch.int64, (len(inputs),))
    check_labels(f"{kind}labels", labels, 0, model.classes - 1)


@torch.no_grad()
def evaluate(model: SearchNetwork, held: Images) -> dict[str, float]:
    """Held-out accuracy of the mixture, in percent, and its expected cost in 100,000 multiply-adds per image."""
    accuracy = classification.evaluate(model, held.images, held.labels)
    return accuracy | {"cost (100,000 multiply-adds)": float(model.expected_cost())}


@torch.no_grad()
def architecture_of(model: SearchNetwork) -> str:
    """The most probable operation of each cell, as "conv3-skip-pool"."""
    return "-".join(OPERATIONS[choice] for choice in model.probabilities().argmax(1).tolist())


@torch.no_grad()
def picture(model: SearchNetwork) -> np.ndarray:
    """The architecture: of each cell the four operations with their probabilities: (236, 720, 3) uint8.

    A bar's length is the probability; the most probable operation has a thick frame and a mark.
    """
    canvas = Image.new("RGB", (720, 236), "white")
    draw = ImageDraw.Draw(canvas)
    probabilities = model.probabilities().cpu()
    for cell, row in enumerate(probabilities.tolist()):
        left = 240 * cell
        draw.text((left + 120, 14), f"cell {cell + 1}", "black", font(), "mm")
        for number, (name, probability) in enumerate(zip(OPERATIONS, row, strict=True)):
            top, best = 32 + 42 * number, number == max(range(len(row)), key=row.__getitem__)
            draw.rectangle((left + 8, top, left + 8 + round(222 * probability), top + 34), "#9ECAE1")
            draw.rectangle((left + 8, top, left + 230, top + 34), None, RIGHT if best else "#BBBBBB", 4 if best else 1)
            text = f"{'> ' if best else ''}{name} {100 * probability:.0f}%"
            draw.text((left + 18, top + 17), text, "black", font(), "lm")
    cost = f"expected cost: {UNIT * float(model.expected_cost()):,.0f} multiply-adds per image"
    draw.text((8, 216), cost, "black", font(), "lm")
    return np.asarray(canvas)
