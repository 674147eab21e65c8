"""Image generation (document §5.4): a small convolutional GAN, two players whose losses no single objective contains.

    plans.alternating(Update("discriminator", ["discriminator", "penalty"]), Update("generator", "generator"))

Each loss reaches its own player only, in every plan: so `plans.joint()` is simultaneous play, see `jointopt.toys.game`.
These networks have no normalization. Where others have it, `Update(…, hold_normalization=False)` says that a player
that waits keeps normalizing by the batch, as in every GAN's own loop; without it, it is held in eval mode.

Sources: the game and the non-saturating loss, Goodfellow et al. 2014, §3; the penalty R1, Mescheder et al. 2018; the
Fréchet distance, Heusel et al. 2017, here in the features of a small classifier of our own: its values compare with
each other only, not with those of the Inception network.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from jointopt import data as sets
from jointopt import plans
from jointopt.checks import check_choice, check_count, check_parts, check_range, check_tensor
from jointopt.data import Images
from jointopt.metrics import frechet_distance, moments
from jointopt.models import shipped
from jointopt.models.gan import GAN, NOISE, make_classifier
from jointopt.modules import device_of, eval_mode, held_still
from jointopt.optimizers import make_optimizer
from jointopt.system import seeded
from jointopt.tasks import classification
from jointopt.training import Loss, Task, train

SHOWN = (4, 8)  # samples in the picture, rows and columns
SAMPLES = 500  # that are measured, of generated and of real images alike
COVERED = 0.01  # a class is covered if at least this share of the samples is taken for it
RULER_STEPS = 500  # of the classifier that measures


def make(
    seed: int = 0, data: str = "digits", size: int = 64, width: int = 16, penalty: float = 1.0, held_out: str = "test"
) -> Task:
    """A GAN on the training images of `data` (see `jointopt.data.load`), in batches of `size` images and noises.

    Losses, each computed only where it is counted: "generator" and "discriminator", in nats, with λ = 1; "penalty", R1,
    with λ = `penalty`. Images that are gray throughout have one channel, all others three.
    held_out: "test" or "validation", see `classification.train_and_held_out`.
    It begins with RMSprop, as Mescheder et al. did, at lr 2e-3: with Adam's default momentum it is slow to begin.

    What measures the samples ships for "digits"; for other data it is trained first, once in a process, with a bar.

    ValueError for another held_out, or a size or width that is not a whole number ≥ 1.
    """
    check_choice("held_out", held_out, classification.HELD_OUT)
    check_count("width", width, 1)
    train_images, _ = train_and_held_out(data, held_out)
    order = sets.rows(len(train_images), size, seed)
    pixels = train_images.images
    held = ruler(data, held_out)  # now, and not when first asked: it may take some seconds
    with seeded(seed):
        model = GAN(pixels.shape[1], width)
    model.to(memory_format=torch.channels_last)
    return Task(
        model,
        losses,
        lambda number: (pixels[order(number)], noise(size, seed, number)),
        evaluate=lambda model: evaluate(model, held),
        picture=picture,
        weights={"generator": 1.0, "discriminator": 1.0, "penalty": penalty},
        optimizer="RMSprop",
        optimizer_options={"lr": 2e-3},
    )


@lru_cache(maxsize=4)
def train_and_held_out(data: str, held_out: str) -> tuple[Images, Images]:
    """Those of the task "classification", with one channel if all are gray."""
    chosen = classification.train_and_held_out(data, held_out)
    gray = all((some == some[:, :1]).all() for images in chosen for some in images.pixels.split(1000))
    kept = [images.pixels[:, : 1 if gray else 3].contiguous(memory_format=torch.channels_last) for images in chosen]
    return tuple(images.changed(pixels, images.labels) for images, pixels in zip(chosen, kept, strict=True))


def noise(size: int, *seed: int) -> Tensor:
    """Independent normal numbers (size, 32) from a generator of their own."""
    return torch.from_numpy(np.random.RandomState([*seed, NOISE]).standard_normal((size, NOISE))).float()


def losses(model: GAN, batch: tuple[Tensor, Tensor]) -> dict[str, Loss]:
    """The losses on (real images (B, C, 28, 28) in [0, 1], noise (B, 32)), each a function of its own player alone."""
    check_batch(batch, model.channels)
    real, z = batch
    fake = cache(lambda: model.generator(z))  # once, where both players need it
    return {
        "generator": lambda: generator_loss(model, fake()),
        "discriminator": lambda: discriminator_loss(model, real, fake()),
        "penalty": lambda: r1(model, real),
    }


def discriminator_loss(model: GAN, real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of distinguishing real from generated: −log σ(D(real)) − log(1 − σ(D(fake))), both averaged."""
    return F.softplus(-model.discriminator(real)).mean() + F.softplus(model.discriminator(fake.detach())).mean()


def generator_loss(model: GAN, fake: Tensor) -> Tensor:
    """−log σ(D(fake)), averaged: not the negative of the other loss, and steeper where the discriminator is sure."""
    with held_still(model, ["generator"], (), hold_normalization=False):  # weights alone: it waits, it is not frozen
        return F.softplus(-model.discriminator(fake)).mean()


def r1(model: GAN, real: Tensor) -> Tensor:
    """½ ‖∂D/∂x‖² at real images x in [0, 1], averaged over them; its λ is the γ of the paper."""
    real = real.detach().requires_grad_().clone()  # at a leaf, torch's FlopCounterMode fails
    (slopes,) = torch.autograd.grad(model.discriminator(real).sum(), real, create_graph=True)  # (B, C, 28, 28)
    return 0.5 * slopes.square().flatten(1).sum(1).mean()


def check_batch(batch: object, channels: int) -> None:
    """Raise ValueError unless the batch is (real images, noise) of the shape and type that the GAN takes."""
    check_parts(batch, "real images", "noise")
    check_tensor("real images", batch[0], "float", ("B", channels, 28, 28))
    check_range("real images", batch[0])
    check_tensor("noise", batch[1], "float", ("B", NOISE))


class Ruler(NamedTuple):
    """What generated images are measured with.

    classifier   images (B, C, 28, 28) → features (B, 64) → scores (B, classes)
    mean, covariance   of the features of one half of the held-out images
    real         what the other half of them reaches
    """

    classifier: nn.Sequential
    mean: np.ndarray
    covariance: np.ndarray
    real: dict[str, float]


def reference(data: str = "digits", held_out: str = "test") -> dict[str, float]:
    """What as many real images reach as are generated; neither player has seen them."""
    return dict(ruler(data, held_out).real)


@lru_cache(maxsize=4)
def ruler(data: str, held_out: str) -> Ruler:
    """The same for every seed of a task."""
    _, held = train_and_held_out(data, held_out)
    first, second = (held.part(slice(start, start + SAMPLES)).images for start in (0, SAMPLES))
    classifier = trained_classifier(data)
    half = Ruler(classifier, *moments(features(classifier, first)), {})
    return half._replace(real=metrics_of(second, half))


@lru_cache(maxsize=2)
def trained_classifier(data: str) -> nn.Sequential:
    """The classifier that measures: that of "digits" ships, others are trained for some seconds, once in a process."""
    if data != "digits":
        return train_classifier(data)[0]
    with seeded(0):
        classifier = make_classifier(channels=1, classes=10)
    classifier.to(memory_format=torch.channels_last).load_state_dict(shipped.load("ruler"))
    return classifier


def train_classifier(data: str, steps: int | None = None) -> tuple[nn.Sequential, list[float]]:
    """The classifier after `steps` (None: 500) from seed 0, on images that are never held out; the loss of each."""
    steps = RULER_STEPS if steps is None else steps
    images, _ = train_and_held_out(data, "validation")
    with seeded(0):
        classifier = make_classifier(images.images.shape[1], len(images.classes))
    classifier.to(memory_format=torch.channels_last)
    task = Task(
        classifier,
        lambda model, batch: {"task": F.cross_entropy(model(batch[0]), batch[1])},
        sets.batches(images),
    )
    run = train(task, plans.joint(steps), optimizer=make_optimizer(classifier, lr=2e-3))
    return classifier, [step.total for step in tqdm(run, f"training what measures {data}", steps, leave=False, delay=1)]


@torch.no_grad()
def features(classifier: nn.Sequential, images: Tensor) -> Tensor:
    """Features (N, 64) of images (N, C, 28, 28)."""
    return torch.cat([classifier[0](some) for some in images.split(100)])


@torch.no_grad()
def samples(model: GAN, count: int, seed: int) -> Tensor:
    """Images (count, C, 28, 28) from noise that is always the same; on the CPU, wherever the model is."""
    device = device_of(model)
    with eval_mode(model):
        return torch.cat([model(z.to(device)).cpu() for z in noise(count, seed).split(100)])


def evaluate(model: GAN, ruler: Ruler) -> dict[str, float]:
    """The metrics of 500 samples from noise that is always the same; compare them with `reference()`."""
    return metrics_of(samples(model, SAMPLES, 0), ruler)


@torch.no_grad()
def metrics_of(images: Tensor, ruler: Ruler) -> dict[str, float]:
    """Of images (N, C, 28, 28): the Fréchet distance to the held-out ones, and how many classes they cover."""
    seen = features(ruler.classifier, images)
    classes = ruler.classifier[1](seen)  # (N, classes)
    shares = torch.bincount(classes.argmax(1), minlength=classes.shape[1]) / len(images)
    return {
        "Fréchet distance": frechet_distance(*moments(seen), ruler.mean, ruler.covariance),
        "classes covered": float((shares >= COVERED).sum()),
    }


def picture(model: GAN) -> np.ndarray:
    """Samples from noise that is always the same, in four rows of eight, tripled: (360, 720, 3) uint8."""
    rows, columns = SHOWN
    images = samples(model, rows * columns, 1).expand(-1, 3, 28, 28)  # (32, 3, 28, 28)
    pixels = (images * 255).round().byte().repeat_interleave(3, 2).repeat_interleave(3, 3)  # (32, 3, 84, 84)
    tiles = F.pad(pixels, (3, 3, 3, 3), value=255).unflatten(0, SHOWN)  # (4, 8, 3, 90, 90)
    return tiles.permute(0, 3, 1, 4, 2).reshape(90 * rows, 90 * columns, 3).numpy()
