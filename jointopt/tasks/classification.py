"""Image classification (document §4 and §5.1): the document's model, cross-entropy, and an L2 term."""

from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt import data as sets
from jointopt.models import EndToEndModel
from jointopt.modules import eval_mode
from jointopt.objective import l2
from jointopt.training import Task

SHOWN = 16  # test images in the picture


def make(seed: int = 0, device: str = "cpu", data: str = "digits", size: int = 64, reg: float = 1e-4) -> Task:
    """The document's model on `data` (see `jointopt.data.load`), in batches of `size`.

    Losses: "task", the cross-entropy in nats, with λ = 1; "reg", ½ ‖θ, φ‖², with λ = `reg`.
    """
    train, test = images(data, "train", device), images(data, "test", device)
    with torch.random.fork_rng(devices=[]):  # the reader's own random numbers stay as they are
        torch.manual_seed(seed)
        model = EndToEndModel(num_classes=len(train.classes))
    model.to(device, memory_format=torch.channels_last)
    return Task(
        model,
        losses,
        sets.batches(train, size, seed=seed, device=device),
        evaluate=lambda model: evaluate(model, test.images, test.labels),
        picture=lambda model: picture(model, test.images[:SHOWN], test.labels[:SHOWN], test.classes),
        weights={"task": 1.0, "reg": reg},
    )


@lru_cache(maxsize=4)
def images(data: str, split: str, device: str) -> sets.Images:
    """One copy of the images for all tasks of a process, in the layout that batches take without a second copy."""
    loaded = sets.load(data, split)
    pixels = loaded.images.to(device, memory_format=torch.channels_last)
    return sets.Images(pixels, loaded.labels.to(device), loaded.classes)


def losses(model: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """L_task and L_reg of the document's §3.1 on (inputs (B, 3, 28, 28), labels (B,))."""
    check_batch(batch)
    inputs, labels = batch
    scores = model(inputs)  # (B, classes)
    check_labels(labels, scores.shape[1])
    return {"task": F.cross_entropy(scores, labels), "reg": l2(model)}


def check_batch(batch: object) -> None:
    """ValueError unless the batch is a pair of tensors of the shape and type that the document's model takes."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        raise ValueError(f"a batch is two tensors, (inputs, labels), got {type(batch).__name__}")
    inputs, labels = batch
    if inputs.ndim != 4 or not len(inputs) or inputs.shape[1:] != (3, 28, 28) or not inputs.is_floating_point():
        raise ValueError(f"inputs must be float (B, 3, 28, 28), got {inputs.dtype} {tuple(inputs.shape)}")
    if labels.shape != inputs.shape[:1] or labels.dtype != torch.int64:
        raise ValueError(f"labels must be int64 ({len(inputs)},), got {labels.dtype} {tuple(labels.shape)}")


def check_labels(labels: Tensor, classes: int) -> None:
    """ValueError unless every label is a class."""
    low, high = labels.aminmax()
    if low < 0 or high >= classes:
        raise ValueError(f"labels must be in 0 … {classes - 1}, got {int(low)} … {int(high)}")


@torch.no_grad()
def evaluate(model: nn.Module, inputs: Tensor, labels: Tensor) -> dict[str, float]:
    """Held-out accuracy in percent."""
    with eval_mode(model):
        correct = sum((model(x).argmax(1) == y).sum() for x, y in zip(inputs.split(50), labels.split(50), strict=True))
    return {"accuracy (%)": 100 * float(correct) / len(labels)}


@torch.no_grad()
def picture(model: nn.Module, inputs: Tensor, labels: Tensor, classes: list[str]) -> np.ndarray:
    """The images with predicted class and confidence, eight in a row; a wrong one has a thick frame and a cross."""
    with eval_mode(model):
        confidence, predicted = model(inputs).softmax(1).max(1)
    tiles = [
        tile(image, f"{classes[p]} {100 * c:.0f}%", p == y)
        for image, c, p, y in zip(inputs.cpu(), confidence.tolist(), predicted.tolist(), labels.tolist(), strict=True)
    ]
    return np.concatenate([np.concatenate(tiles[i : i + 8], axis=1) for i in range(0, len(tiles), 8)])


@lru_cache(maxsize=1)
def font() -> ImageFont.FreeTypeFont:
    """The captions' font: to load it for each tile takes as long as all the rest of the picture."""
    return ImageFont.load_default(size=17)


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
