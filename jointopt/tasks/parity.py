"""Is the sum of k digits odd (document §7, challenges)? From three digits on, end-to-end training alone fails.

Two losses: "task", whether the sum is odd, which is all that end-to-end training has; and "digits", whether each digit
is, an intermediate loss at what passes from one module to the other. Joint training counts both:

    plans.joint(losses="task")    # end to end
    plans.joint()                 # joint, with the intermediate loss

Source: Shalev-Shwartz, Shamir and Shammah, ICML 2017, §3.
"""

from functools import partial

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from jointopt import data as sets
from jointopt.checks import check_count, check_labels, check_number, check_parts, check_range, check_tensor
from jointopt.figures.pixels import WRONG, font
from jointopt.metrics import binary_accuracy
from jointopt.models.parity import OddSum
from jointopt.modules import device_of, eval_mode
from jointopt.system import seeded
from jointopt.tasks import classification
from jointopt.training import Task

MOST = 8  # digits
SUMS = 1000  # that are held out
SIDE, GAP, WIDTH = 64, 24, 720  # pixels: of a digit in the picture, between sums, of all
Sums = tuple[Tensor, Tensor]  # images (N, k, 3, 28, 28), digits (N, k)


def make(
    seed: int = 0,
    digits: int = 2,
    size: int = 32,
    data: str = "digits",
    reg: float = 1.0,
    easy: int = 0,
    held_out: str = "test",
) -> Task:
    """The sum of `digits` images of `data` (see `jointopt.data.load`), in batches of `size` sums.

    Losses, both cross-entropies in nats: "task", of the sum, with λ = 1; "digits", the mean over the digits, with
    λ = `reg`. What counts as a digit is the label.
    easy: in this many batches, the first ones, the sums differ in their first digit alone; the others are the same
    images throughout. Such sums are as hard as one digit: a curriculum begins with them.
    held_out: "test" or "validation", see `classification.train_and_held_out`; of its images 1,000 sums are drawn, the
    same for every seed.

    ValueError for another held_out, or unless `digits` is a whole number from 1 to 8, `size` one from 1 to what there
    are images for, `easy` one ≥ 0, and `reg` finite and ≥ 0.
    """
    check_count("digits", digits, 1, MOST)
    check_number("reg", reg)
    check_count("easy", easy)
    train, held = classification.train_and_held_out(data, held_out)
    check_count("size", size, 1, len(train) // digits)
    order = sets.rows(len(train), size * digits, seed)
    with seeded(seed):
        model = OddSum(digits)
    rows = torch.from_numpy(np.random.RandomState(0).randint(len(held), size=(SUMS, digits)))  # (N, k)
    sums = held.images[rows], held.labels[rows]

    same = order(0)[1:digits]  # images for all but the first digit, while sums are easy

    def batch(number: int) -> Sums:
        chosen = order(number).view(size, digits)
        if number < easy:
            chosen = torch.cat([chosen[:, :1], same.expand(size, -1)], dim=1)
        return train.images[chosen], train.labels[chosen]

    return Task(
        model,
        losses,
        batch,
        evaluate=partial(evaluate, sums=sums),
        picture=partial(picture, sums=sums),
        weights={"task": 1.0, "digits": reg},
        optimizer_options={"lr": 3e-3},
    )


def losses(model: OddSum, batch: Sums) -> dict[str, Tensor]:
    """Cross-entropy of the sum, and of each digit, on (images (B, k, 3, 28, 28), digits (B, k))."""
    check_parts(batch, "images", "digits")
    images, digits = batch
    check_tensor("images", images, "float", ("B", model.digits, 3, 28, 28))
    check_range("images", images)
    check_tensor("digits", digits, torch.int64, (len(images), model.digits))
    check_labels("digits", digits, 0, 9)
    of_sum, of_digits = model(images)
    odd = (digits % 2).float()  # (B, k)
    return {
        "task": F.binary_cross_entropy_with_logits(of_sum, odd.sum(1) % 2),
        "digits": F.binary_cross_entropy_with_logits(of_digits, odd),
    }


@torch.no_grad()
def scores(model: OddSum, images: Tensor) -> tuple[Tensor, Tensor]:
    """Scores that the sums (N,) and the digits (N, k) are odd, in eval mode; on the CPU, wherever the model is."""
    device = device_of(model)
    with eval_mode(model):
        answers = [model(some.to(device)) for some in images.split(100)]
    return torch.cat([of_sum for of_sum, _ in answers]).cpu(), torch.cat([of_digits for _, of_digits in answers]).cpu()


@torch.no_grad()
def corrected(model: OddSum, of_digits: Tensor, odd: Tensor) -> Tensor:
    """Scores of the sums (N,), once a person has corrected the digit of each of which the network is least sure.

    of_digits: scores (N, k); odd: 1 where a digit is odd, else 0, (N, k). Source: Koh et al. 2020, test-time
    intervention; they choose the concept in another way.
    """
    least = of_digits.abs().argmin(1, keepdim=True)  # (N, 1)
    truth = (2 * odd - 1).to(of_digits.dtype)  # −1 even, 1 odd
    concepts = torch.tanh(of_digits).scatter(1, least, truth.gather(1, least))
    device = device_of(model)
    with eval_mode(model):
        return model.odd_sum(concepts.to(device)).cpu()


def evaluate(model: OddSum, sums: Sums) -> dict[str, float]:
    """How many of the held-out sums, and of their digits, are right, in percent; and sums after one correction each.

    End to end nothing says which of its two signs is "odd": digits at 3 % are then as good a feature as at 97 %.
    """
    images, digits = sums
    odd = digits.cpu() % 2  # (N, k)
    of_sum, of_digits = scores(model, images)
    return {
        "sum (%)": binary_accuracy(of_sum, odd.sum(1) % 2),
        "digit (%)": binary_accuracy(of_digits, odd),
        "sum, one digit corrected (%)": binary_accuracy(corrected(model, of_digits, odd), odd.sum(1) % 2),
    }


def picture(model: OddSum, sums: Sums) -> np.ndarray:
    """Some sums in two rows, with what the network says of each digit and of the sum; × where that is wrong."""
    columns = max(1, (WIDTH + GAP) // (model.digits * SIDE + GAP))
    images, digits = (part[: 2 * columns].cpu() for part in sums)
    answers = zip(images, digits % 2 == 1, *scores(model, images), strict=True)
    tiles = [np.pad(tile(*answer), ((0, GAP // 2), (0, GAP), (0, 0)), constant_values=255) for answer in answers]
    return np.concatenate([np.concatenate(tiles[i : i + columns], axis=1) for i in (0, columns)])


def tile(images: Tensor, odd: Tensor, of_sum: Tensor, of_digits: Tensor) -> np.ndarray:
    """One sum: images (k, 3, 28, 28), a word beneath each, and one for the sum: (SIDE + 46, k · SIDE, 3) uint8."""
    canvas = Image.new("RGB", (len(images) * SIDE, SIDE + 46), "white")
    draw = ImageDraw.Draw(canvas)
    for i, (image, score, truth) in enumerate(zip(images, of_digits, odd, strict=True)):
        pixels = (image.permute(1, 2, 0) * 255).round().byte().numpy()  # (28, 28, 3)
        canvas.paste(Image.fromarray(pixels).resize((SIDE - 4, SIDE - 4), Image.NEAREST), (i * SIDE + 2, 2))
        say(draw, ((i + 0.5) * SIDE, SIDE + 8), "", score, truth)
    say(draw, (len(images) * SIDE / 2, SIDE + 32), "sum: ", of_sum, odd.sum() % 2 == 1)
    return np.asarray(canvas)


def say(draw: ImageDraw.ImageDraw, at: tuple[float, float], what: str, score: Tensor, odd: Tensor) -> None:
    """Write "odd" or "even" there; if that is wrong, in vermilion and with ×: never by color alone."""
    right = (score > 0) == odd
    answer = f"{what}{'odd' if score > 0 else 'even'}{'' if right else ' ×'}"
    draw.text(at, answer, "black" if right else WRONG, font(), "mm")
