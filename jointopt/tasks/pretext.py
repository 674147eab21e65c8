"""Classification with two pretext losses, for which no label is needed: what a feature extractor can be taught first.

Source: rotation prediction, Gidaris, Singh and Komodakis, ICLR 2018; the autoencoder, Hinton and Salakhutdinov 2006.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt import data as sets
from jointopt.data import Images
from jointopt.system import seeded
from jointopt.tasks import classification
from jointopt.training import Loss, Task


class Pretext(nn.Module):
    """The document's pipeline in small, with two more heads on its features.

    images (B, 3, 28, 28) → features (B, 2·channels, 7, 7) → scores (B, classes). `standardize`: the classifier takes
    each feature channel less its mean, over its deviation; without that, a head on frozen features learns badly.
    """

    def __init__(self, classes: int = 10, channels: int = 8, standardize: bool = True):
        super().__init__()
        wide, flat = 2 * channels, 2 * channels * 7 * 7
        layers = [nn.Conv2d(3, channels, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU()]  # (B, channels, 14, 14)
        layers += [nn.Conv2d(channels, wide, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU()]  # (B, 2·channels, 7, 7)
        self.feature_extractor = nn.Sequential(*layers)
        head = [nn.Flatten(), nn.Linear(flat, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, classes)]
        self.classifier = nn.Sequential(nn.BatchNorm2d(wide, affine=False) if standardize else nn.Identity(), *head)
        self.rotation = nn.Sequential(nn.Flatten(), nn.Linear(flat, 64), nn.ReLU(), nn.Linear(64, 4))
        up = [nn.ConvTranspose2d(wide, channels, 2, 2), nn.ReLU(), nn.ConvTranspose2d(channels, 3, 2, 2)]
        self.decoder = nn.Sequential(*up)  # (B, 3, 28, 28)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.feature_extractor(x))


def make(
    seed: int = 0,
    data: str = "cluttered",
    labels: int = 400,
    size: int = 32,
    channels: int = 8,
    standardize: bool = True,
    held_out: str = "test",
) -> Task:
    """`labels` labeled images a class, drawn by the seed, and all training images without their labels.

    Losses: "task", the cross-entropy in nats; "rotation", that of telling by which of four quarter turns an image was
    turned; "reconstruction", the squared error of the decoder, a pixel. Each is computed only where it is counted.
    held_out: "validation" keeps the last 100 images a class out of training and evaluates on them, for choosing
    settings; "test" trains on all and evaluates on the test images.

    ValueError for another held_out, a number of labels that is not there, a size that is not from 1 to the number of
    training images, or data whose classes do not come in turn.
    """
    pool, held = split(data, held_out)
    labeled = choose(pool, labels, seed)
    with seeded(seed):
        model = Pretext(len(pool.classes), channels, standardize)
    model.to(memory_format=torch.channels_last)
    with_label = sets.batches(labeled, min(size, len(labeled)), seed=seed)
    without = sets.batches(pool, size, seed=seed + 1)
    return Task(
        model,
        losses,
        lambda number: (*with_label(number), without(number)[0]),
        evaluate=lambda model: classification.evaluate(model, held.images, held.labels),
        picture=lambda model: classification.picture(model, *shown(held), held.classes),
        weights={"task": 1.0, "rotation": 1.0, "reconstruction": 1.0},
    )


def split(data: str, held_out: str) -> tuple[Images, Images]:
    """(training images, held-out images); see `make`.

    ValueError for another held_out, and for "validation" if the classes do not come in turn: the last images would not
    be 100 a class.
    """
    images = classification.split(data, held_out)
    if held_out == "validation":
        check_turns(classification.images(data, "train", "cpu"))
    return images


def choose(images: Images, labels: int, seed: int) -> Images:
    """`labels` images of each class, drawn by the seed.

    ValueError if there are not so many of each class, or if the classes do not come in turn, as they do in "digits" and
    "cluttered".
    """
    check_turns(images)
    return classification.choose(images, labels, seed)


def check_turns(images: Images) -> None:
    """ValueError unless the classes come in turn: 0, 1, …, 9, 0, 1, …"""
    classes = len(images.classes)
    expected = torch.arange(len(images), device=images.labels.device) % classes
    wrong = (images.labels != expected).nonzero().ravel()
    if len(wrong):
        first = int(wrong[0])
        raise ValueError(
            'the classes must come in turn, as in "digits" and "cluttered":'
            f" image {first} should have the label {first % classes}, got {int(images.labels[first])}"
        )


def shown(images: Images) -> tuple[Tensor, Tensor]:
    """The images of the picture, with their labels."""
    return images.images[: classification.SHOWN], images.labels[: classification.SHOWN]


def losses(model: Pretext, batch: tuple[Tensor, Tensor, Tensor]) -> dict[str, Loss]:
    """The three losses on (inputs, labels, unlabeled images)."""
    inputs, labels, unlabeled = batch
    return {
        "task": lambda: F.cross_entropy(model(inputs), labels),
        "rotation": lambda: rotation(model, unlabeled),
        "reconstruction": lambda: F.mse_loss(model.decoder(model.feature_extractor(unlabeled)), unlabeled),
    }


def rotation(model: Pretext, images: Tensor) -> Tensor:
    """Cross-entropy in nats of telling the quarter turns: the n-th image is turned n mod 4 times."""
    turns = torch.arange(len(images), device=images.device) % 4
    turned = images.clone()
    for turn in (1, 2, 3):
        turned[turn::4] = images[turn::4].rot90(turn, (2, 3))
    return F.cross_entropy(model.rotation(model.feature_extractor(turned)), turns)
