"""Classification with two pretext losses, for which no label is needed: what a feature extractor can be taught first.

Source: rotation prediction, Gidaris, Singh and Komodakis, ICLR 2018; the autoencoder, Hinton and Salakhutdinov 2006.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from jointopt import data as sets
from jointopt.checks import check_parts
from jointopt.models.pretext import Pretext
from jointopt.system import seeded
from jointopt.tasks import classification
from jointopt.tasks.classification import check_images, check_labeled, choose, train_and_held_out
from jointopt.training import Loss, Task


def make(
    seed: int = 0,
    data: str = "cluttered",
    labels: int = 400,
    size: int = 32,
    channels: int = 8,
    standardize: bool = True,
    held_out: str = "test",
) -> Task:
    """`labels` labeled images per class, drawn by the seed, and all training images without their labels.

    Losses: "task", the cross-entropy in nats; "rotation", that of predicting by which of four quarter turns an image
    was turned; "reconstruction", the mean squared error of the decoder. Each is computed only where it is counted.
    held_out: "test" or "validation", see `classification.train_and_held_out`.

    ValueError for another held_out, more labels than there are, or a size that is not from 1 to the number of training
    images.
    """
    pool, held = train_and_held_out(data, held_out)
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
        picture=lambda model: classification.picture(model, held),
        weights={"task": 1.0, "rotation": 1.0, "reconstruction": 1.0},
    )


def losses(model: Pretext, batch: tuple[Tensor, Tensor, Tensor]) -> dict[str, Loss]:
    """The three losses on (inputs, labels, unlabeled images)."""
    check_parts(batch, "inputs", "labels", "unlabeled images")
    inputs, labels, unlabeled = batch
    check_labeled(inputs, labels, model.classifier[-1].out_features)
    check_images("unlabeled images", unlabeled)
    return {
        "task": lambda: F.cross_entropy(model(inputs), labels),
        "rotation": lambda: rotation(model, unlabeled),
        "reconstruction": lambda: F.mse_loss(model.decoder(model.feature_extractor(unlabeled)), unlabeled),
    }


def rotation(model: Pretext, images: Tensor) -> Tensor:
    """Cross-entropy in nats of predicting the quarter turns: the n-th image is turned n mod 4 times."""
    turns = torch.arange(len(images), device=images.device) % 4
    turned = images.clone()
    for turn in (1, 2, 3):
        turned[turn::4] = images[turn::4].rot90(turn, (2, 3))
    return F.cross_entropy(model.rotation(model.feature_extractor(turned)), turns)
