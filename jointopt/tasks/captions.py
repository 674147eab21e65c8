"""Images and captions (document §7, trend 2): two encoders learn jointly which caption goes with which image.

    plans.joint()                                                    # both encoders
    plans.alternating(Update(["text_encoder", "temperature"]))       # the image encoder stays as it was drawn

Source: Radford et al., *Learning transferable visual models from natural language supervision*, ICML 2021, §2.3, §2.5
and figure 3. Two captions of a picture say the same, "3 left of 7" and "7 right of 3": in the metric both are right. In
the loss, as in CLIP's, all other captions of the batch are wrong, even those that say the same.
"""

from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from jointopt.checks import check_choice, check_count, check_labels, check_parts, check_range, check_tensor
from jointopt.data import captions
from jointopt.data.captions import LONGEST, SIDE, TEXTS, WORDS, same_meaning, tokenized
from jointopt.figures.pixels import font, mark_wrong
from jointopt.models.contrastive import TwoEncoders
from jointopt.modules import device_of, eval_mode
from jointopt.objective import contrastive
from jointopt.system import seeded
from jointopt.tasks import classification
from jointopt.training import Task

LARGEST = 4096  # batch
COLUMNS, SHOWN = 6, 12  # of the picture
TRAINED_ON, HELD_OUT = range(2)  # random numbers of their own, whatever the seed


def make(seed: int = 0, size: int = 64, held_out_scenes: int = 500, held_out: str = "test") -> Task:
    """Two encoders on pictures of two digits, drawn anew for each batch of `size` by the seed and the batch's number.

    Loss: "task", the cross-entropy in nats of finding each image's caption in its batch, and each caption's image.
    held_out: "test" has digits of the test images in its `held_out_scenes` pictures; "validation" those of the last
    1,000 training images, which are then not trained on.

    ValueError for another held_out, or a number of pictures that is not a whole one ≥ 1.
    """
    check_choice("held_out", held_out, classification.HELD_OUT)
    check_count("size", size, 1, LARGEST)
    check_count("held_out_scenes", held_out_scenes, 1)
    train, _ = classification.train_and_held_out("digits", held_out)
    words, held = tokenized(TEXTS), held_out_pictures(held_out_scenes, held_out)
    with seeded(seed):
        model = TwoEncoders(SIDE, len(WORDS), LONGEST)
    model.to(memory_format=torch.channels_last)

    def batches(number: int) -> tuple[Tensor, Tensor]:
        images, which = captions.drawn(train, size, seed, check_count("batch number", number), TRAINED_ON)
        return images, words[which]  # (size, 1, 40, 40), (size, 4)

    return Task(
        model,
        losses,
        batches,
        evaluate=lambda model: evaluate(model, *held),
        picture=lambda model: picture(model, *held),
        weights={"task": 1.0},
        optimizer_options={"lr": 1e-3},
    )


@lru_cache(maxsize=4)
def held_out_pictures(count: int = 500, held_out: str = "test") -> tuple[Tensor, Tensor]:
    """(pictures (count, 1, 40, 40), numbers of their captions in TEXTS (count,)), the same for every seed of a task."""
    _, held = classification.train_and_held_out("digits", held_out)
    return captions.drawn(held, count, 0, HELD_OUT)


def losses(model: TwoEncoders, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """The loss on (images (B, 1, 40, 40), words (B, 4)), the same in both directions."""
    check_parts(batch, "images", "words")
    images, words = batch
    check_tensor("images", images, "float", ("B", 1, SIDE, SIDE))
    check_range("images", images)
    check_tensor("words", words, torch.int64, (len(images), LONGEST))
    check_labels("words", words, 0, len(WORDS) - 1)
    return {"task": contrastive(model(images, words))}


@torch.no_grad()
def scores_of(model: TwoEncoders, images: Tensor, texts: tuple[str, ...] = TEXTS) -> Tensor:
    """Scores (N, captions) of images (N, 1, 40, 40), in eval mode; on the CPU, wherever the model is."""
    device = device_of(model)
    words = tokenized(texts).to(device)
    with eval_mode(model):
        return torch.cat([model(some.to(device), words).cpu() for some in images.split(100)])


def evaluate(model: TwoEncoders, images: Tensor, which: Tensor) -> dict[str, float]:
    """Of the images, in percent, for which the first of all 360 captions is right; by chance it is 0.6."""
    first = scores_of(model, images).argmax(1)
    return {"top-1 (%)": 100 * int(same_meaning()[first, which].sum()) / len(which)}


def search(model: TwoEncoders, text: str, images: Tensor, count: int = 6) -> Tensor:
    """Which of the images (N, 1, 40, 40) a caption finds, the best first: their numbers (count,)."""
    check_count("count", count, 1, len(images))
    return scores_of(model, images, (text,))[:, 0].topk(count).indices


def picture(model: TwoEncoders, images: Tensor, which: Tensor) -> np.ndarray:
    """Up to 12 images with the caption that each finds, six per row; a wrong one has a thick frame and a cross."""
    images, which = images[:SHOWN], which[:SHOWN]
    first = scores_of(model, images).argmax(1)
    right = same_meaning()[first, which]
    return tiled(images, [TEXTS[number] for number in first], right.tolist())


def tiled(images: Tensor, texts: list[str], right: list[bool]) -> np.ndarray:
    """Images (n, 1, 40, 40), tripled, with captions beneath, six per row: (146 per row, 720, 3) uint8."""
    rows = -(-len(images) // COLUMNS)
    canvas = Image.new("RGB", (120 * COLUMNS, 146 * rows), "white")
    draw = ImageDraw.Draw(canvas)
    pixels = (images[:, 0] * 255).round().byte().numpy()
    for number, (image, text, fits) in enumerate(zip(pixels, texts, right, strict=True)):
        row, column = divmod(number, COLUMNS)
        x, y = 120 * column, 146 * row
        canvas.paste(Image.fromarray(image).resize((114, 114), Image.NEAREST), (x + 3, y + 3))
        draw.text((x + 60, y + 131), text, "black", font(), "mm")
        if not fits:
            mark_wrong(draw, (x + 1, y + 1, x + 118, y + 118))
    return np.asarray(canvas)
