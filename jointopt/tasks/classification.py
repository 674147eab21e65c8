"""Image classification (document §4, §5.1, §6.2): the document's model or another, cross-entropy, and an L2 term."""

from functools import lru_cache, partial

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt import data as sets
from jointopt.checks import check_choice, check_count, check_labels, check_parts, check_range, check_tensor
from jointopt.figures.pixels import font
from jointopt.models import classifiers
from jointopt.modules import device_of, eval_mode
from jointopt.objective import l2
from jointopt.system import seeded
from jointopt.training import Task

SHOWN = 16  # held-out images in the picture
VALIDATION = 1000  # training images
HELD_OUT = ("test", "validation")


def make(
    seed: int = 0,
    data: str = "digits",
    size: int = 64,
    reg: float = 1e-4,
    network: str = "document",
    weights: str | None = None,
    labels: int | None = None,
    held_out: str = "test",
) -> Task:
    """A network on `data` (see `jointopt.data.load`), in batches of `size`, or of all labeled images if they are fewer.

    Losses: "task", the cross-entropy in nats, with λ = 1; "reg", ½ ‖θ, φ‖², with λ = `reg`.
    network, weights: those of `jointopt.models.classifiers.build`; "document" is the document's own. The seed draws the
    first weights that are not given.
    labels: the number of labeled images per class, drawn by the seed; None: all.
    held_out: "test" or "validation", see `train_and_held_out`.

    ValueError for another network, weights or held_out, or more labels than there are; OSError for weights that are not
    at hand and cannot be fetched.
    """
    train, held = train_and_held_out(data, held_out)
    if labels is not None:
        train, size = choose(train, labels, seed), min(size, labels * len(train.classes))
    with seeded(seed):
        model = classifiers.build(network, len(train.classes), weights)
    model.to(memory_format=torch.channels_last)
    return Task(
        model,
        partial(losses, classes=len(train.classes)),
        sets.batches(train, size, seed=seed),
        evaluate=lambda model: evaluate(model, held.images, held.labels),
        picture=lambda model: picture(model, held),
        weights={"task": 1.0, "reg": reg},
    )


def train_and_held_out(data: str, held_out: str = "test") -> tuple[sets.Images, sets.Images]:
    """(training images, held-out images), whatever the order of their classes.

    held_out: "test" trains on all and evaluates on the test images; "validation" keeps the last 1,000 training images
    out of training and evaluates on them, for choosing hyperparameters. ValueError for anything else.
    """
    check_choice("held_out", held_out, HELD_OUT)
    train = images(data, "train")
    if held_out == "test":
        return train, images(data, "test")
    return train.part(slice(-VALIDATION)), train.part(slice(-VALIDATION, None))


def choose(images: sets.Images, labels: int, seed: int) -> sets.Images:
    """`labels` images of each class, drawn by the seed, with the classes in turn. They may come in any order.

    ValueError if a class has fewer.
    """
    classes = len(images.classes)
    of_class = [(images.labels == label).nonzero().ravel() for label in range(classes)]
    most = min(map(len, of_class))
    check_count("labels per class", labels, 1, most)
    drawn = torch.from_numpy(np.random.RandomState([seed, classes]).permutation(most)[:labels])  # (labels,)
    return images.part(torch.stack([rows[drawn] for rows in of_class], dim=1).ravel())


@lru_cache(maxsize=4)
def images(data: str, split: str) -> sets.Images:
    """One copy of the images for all tasks of a process, in the layout that batches take without a second copy."""
    loaded = sets.load(data, split)
    return loaded.changed(loaded.pixels.to(memory_format=torch.channels_last), loaded.labels)


def losses(model: nn.Module, batch: tuple[Tensor, Tensor], classes: int) -> dict[str, Tensor]:
    """L_task and L_reg of the document's §3.1 on (inputs (B, 3, 28, 28), labels (B,))."""
    check_parts(batch, "inputs", "labels")
    inputs, labels = batch
    check_labeled(inputs, labels, classes)
    return {"task": F.cross_entropy(model(inputs), labels), "reg": l2(model)}


def check_labeled(inputs: object, labels: object, classes: int, kind: str = "") -> None:
    """Raise ValueError unless they are images and their labels; kind: "source " for "source inputs" in the error."""
    check_images(f"{kind}inputs", inputs)
    check_tensor(f"{kind}labels", labels, torch.int64, (len(inputs),))
    check_labels(f"{kind}labels", labels, 0, classes - 1)


def check_images(name: str, images: object) -> None:
    """Raise ValueError unless they are images as the document's model takes them."""
    check_tensor(name, images, "float", ("B", 3, 28, 28))
    check_range(name, images)


@torch.no_grad()
def scores_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """Scores (N, classes) of images (N, 3, 28, 28), in eval mode; on the CPU, wherever the model is."""
    device = device_of(model)
    with eval_mode(model):
        return torch.cat([model(x.to(device)).cpu() for x in inputs.split(50)])


def predict(model: nn.Module, inputs: Tensor) -> Tensor:
    """Probabilities (N, classes) of images (N, 3, 28, 28), in eval mode."""
    return scores_of(model, inputs).softmax(1)


def evaluate(model: nn.Module, inputs: Tensor, labels: Tensor) -> dict[str, float]:
    """Held-out accuracy in percent."""
    correct = (scores_of(model, inputs).argmax(1) == labels.cpu()).sum()
    return {"accuracy (%)": 100 * float(correct) / len(labels)}


def picture(model: nn.Module, held: sets.Images) -> np.ndarray:
    """16 images with predicted class and confidence, eight per row; a wrong one has a thick frame and a cross."""
    inputs, labels, classes = held.images[:SHOWN], held.labels[:SHOWN], held.classes
    confidence, predicted = predict(model, inputs).max(1)
    tiles = [
        tile(image, f"{classes[p]} {100 * c:.0f}%", p == y)
        for image, c, p, y in zip(inputs.cpu(), confidence.tolist(), predicted.tolist(), labels.tolist(), strict=True)
    ]
    return np.concatenate([np.concatenate(tiles[i : i + 8], axis=1) for i in range(0, len(tiles), 8)])


def tile(image: Tensor, caption: str, right: bool) -> np.ndarray:
    """One image (3, 28, 28), tripled, with a caption beneath: (116, 90, 3) uint8."""
    pixels = (image.permute(1, 2, 0) * 255).round().byte().numpy()  # (28, 28, 3)
    canvas = Image.new("RGB", (90, 116), "white")
    canvas.paste(Image.fromarray(pixels).resize((84, 84), Image.NEAREST), (3, 3))
    draw = ImageDraw.Draw(canvas)
    draw.text((45, 101), caption, fill="black", font=font(), anchor="mm")
    if not right:  # vermilion and a cross: never by color alone
        draw.rectangle((1, 1, 88, 88), outline="#D55E00", width=4)
        draw.rectangle((66, 4, 86, 24), fill="white")
        draw.line((69, 7, 83, 21), fill="#D55E00", width=4)
        draw.line((69, 21, 83, 7), fill="#D55E00", width=4)
    return np.asarray(canvas)
