"""Segmentation (document §5.3): image encoder, upsampling decoder and prediction head; boxes as a second task.

The network and its sources are in jointopt.models.segmenter. Soft Dice: Milletarì et al. 2016, §3.
"""

from collections.abc import Sequence
from functools import cache, partial

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from jointopt.checks import (
    check_boxes,
    check_choice,
    check_count,
    check_in_pixels,
    check_labels,
    check_number,
    check_parts,
    check_range,
    check_tensor,
)
from jointopt.data import rows
from jointopt.data.augmentation import augmented
from jointopt.data.scenes import MOST
from jointopt.data.scenes.held_out import read
from jointopt.data.scenes.labeled import CELL, VOID, Labeled, has_box, labeled
from jointopt.figures.pixels import cross, font, outline, paint, plate
from jointopt.metrics import box_iou, confusion, iou
from jointopt.models import shipped
from jointopt.models.segmenter import Segmenter, check_images
from jointopt.modules import device_of, eval_mode
from jointopt.system import seeded
from jointopt.training import Loss, Task

VOID_HINT = (
    ': pixels that are not classified are left out by tasks.load("segmentation", ignore=255),'
    " and masks of 0 and 255 alone are to be divided by 255"
)
SECOND, WEIGHTING, FIRST_WEIGHTS = (None, "boxes"), ("fixed", "learned"), (None, "digits")
SHOWN, ACROSS, SIDE = 6, 3, 240  # scenes in the picture, scenes per row, pixels per scene

Batch = Sequence[Tensor]


def make(
    seed: int = 0,
    classes: str | Sequence[str] | None = None,
    scenes: int = 600,
    most: int = MOST,
    augment: float = 0.0,
    size: int = 8,
    skip: bool = True,
    weights: str | None = None,
    second: str | None = None,
    weighting: str = "fixed",
    boxes: float = 0.01,
    held_out: str = "test",
    held_out_scenes: int = 100,
    data: str = "scenes",
    ignore: int | None = None,
) -> Task:
    """Give each pixel of `scenes` images of 96×96 pixels its class, or the background. `size` in a batch.

    Modules: "encoder", "decoder" (to which `skip` gives the encoder's finer features), "head"; where they are asked
    for, "second", the second task's head, and "balance", the learned weights.
    Losses, each computed only where it is counted: "cross_entropy", over all pixels, in nats, λ = 1; "dice", 1 minus
    the mean soft Dice of the foreground classes, λ = 1. With second="boxes" also "boxes", λ = `boxes`: the box of the
    object to which a cell of 8×8 pixels belongs, L1 in pixels, over the cells that belong to one. With
    weighting="learned" also "learned", λ = 1, which weighs cross_entropy and boxes by itself: their own λ's are 0.
    weights: "digits" for an encoder that has learned to segment the digits other than 2, 4 and 7; None: at random.
    data, classes, held_out, most: see jointopt.data.scenes.held_out.read; most is of training scenes alone.
    augment: how probable it is for a training image to get other colors and a texture (jointopt.data.augmentation).
    ignore: the label of pixels that are not classified, as 255 in masks of your own; they count in no loss and in no
    metric. None: 255 for photographs, whose borders have it; for drawn scenes every label is a class.

    ValueError for anything else; FileNotFoundError where photographs are missing.
    """
    check_choice("second", second, SECOND)
    check_choice("weighting", weighting, WEIGHTING)
    check_choice("skip", skip, (True, False))
    check_number("augment", augment, 1)
    check_choice("weights", weights, FIRST_WEIGHTS)
    if weighting == "learned" and second is None:
        raise ValueError("weighting='learned' weighs two tasks: give it a second, as second='boxes'")
    outlines = {"masks": True} if data == "voc" else {}
    scenes_of = read(data, seed, classes, scenes, held_out, held_out_scenes, most, **outlines)
    if ignore is None and data != "scenes":
        ignore = VOID
    if ignore is not None:
        check_count("ignore", ignore, 1 + len(scenes_of[0].classes), 255)
    train, held = (labeled(each, ignore) for each in scenes_of)
    order = rows(len(train), size, seed)

    def batches(number: int) -> Batch:
        images, *others = batch(train, order(number), second is not None)
        return (augmented(images, augment, seed, number) if augment else images, *others)

    with seeded(seed):
        model = Segmenter(len(train.scenes.classes), skip, second is not None, weighting == "learned")
    if weights is not None:
        model.encoder.load_state_dict(shipped.load("encoder"))
    model.to(memory_format=torch.channels_last)
    lambdas = {"cross_entropy": 1.0, "dice": 1.0}
    if second is not None:
        lambdas["boxes"] = boxes
    if weighting == "learned":
        lambdas |= {"cross_entropy": 0.0, "boxes": 0.0, "learned": 1.0}
    return Task(
        model,
        losses if ignore is None else partial(losses, ignore=ignore),
        batches,
        evaluate=lambda model: evaluate(model, held),
        picture=lambda model: picture(model, held),
        weights=lambdas,
        optimizer_options={"lr": 2e-3},
    )


def batch(scenes: Labeled, which: Tensor, with_boxes: bool) -> Batch:
    """images float (B, 3, H, W) in [0, 1], masks int64 (B, H, W), and boxes (B, 4, H/8, W/8) where asked for."""
    images = scenes.scenes.pixels[which].float().div_(255).contiguous(memory_format=torch.channels_last)
    parts = images, scenes.masks[which].long()
    return (*parts, scenes.boxes[which]) if with_boxes else parts


# The losses


def losses(model: Segmenter, batch: Batch, ignore: int | None = None) -> dict[str, Loss]:
    """The losses on (images, masks), or (images, masks, boxes) where the model has a second head; see `batch`.

    ignore: the label of pixels that count neither in cross_entropy nor in dice; None: every label is a class."""
    second = hasattr(model, "second")
    check_batch(batch, model.classes, second, ignore)
    images, masks, *boxes = batch
    features = model.encoder(images)
    scores = cache(lambda: model.head(model.decoder(*features)))  # (B, 1 + classes, H, W)
    unused = {} if ignore is None else {"ignore_index": ignore}
    cross_entropy = cache(lambda: F.cross_entropy(scores(), masks, **unused))
    named: dict[str, Loss] = {"cross_entropy": cross_entropy, "dice": lambda: dice_loss(scores(), masks, ignore)}
    if second:
        named["boxes"] = in_pixels = cache(lambda: box_loss(model.second(features[-1]), *boxes))
    if hasattr(model, "balance"):
        named["learned"] = lambda: model.balance(cross_entropy(), in_pixels())
    return named


def dice_loss(scores: Tensor, masks: Tensor, ignore: int | None = None) -> Tensor:
    """1 − mean over the foreground classes of (2 Σ p·y + 1) / (Σ p + Σ y + 1), the sums over all pixels of the batch
    but those whose label is `ignore`.

    p: softmax of the scores (B, 1 + classes, H, W); y: 1 where the mask (B, H, W) has the class.
    """
    p = scores.softmax(1)[:, 1:]  # (B, classes, H, W)
    if ignore is not None:
        p = p * (masks != ignore)[:, None]
    y = masks[:, None] == torch.arange(1, scores.shape[1], device=masks.device).view(-1, 1, 1)
    both, either = (p * y).sum((0, 2, 3)), p.sum((0, 2, 3)) + y.sum((0, 2, 3))  # (classes,)
    return 1 - ((2 * both + 1) / (either + 1)).mean()


def box_loss(predicted: Tensor, boxes: Tensor) -> Tensor:
    """Mean distance of the four sides, in pixels, over the cells that have a box; 0 where none has. (B, 4, h, w)"""
    owned = has_box(boxes)  # (B, h, w)
    return ((predicted - boxes).abs().mean(1) * owned).sum() / owned.sum().clamp(min=1)


def check_batch(batch: object, classes: int, with_boxes: bool, ignore: int | None = None) -> None:
    """Raise ValueError unless the batch is as `losses` takes it. classes: their number, with the background."""
    check_parts(batch, *("images", "masks", "boxes")[: 2 + with_boxes])
    images, masks, *boxes = batch
    check_images(images)
    check_range("images", images)
    size, _, height, width = images.shape
    check_tensor("masks, one of each image's size,", masks, torch.int64, (size, height, width))
    _check_classes("masks", masks, classes, ignore)
    for cells in boxes:
        check_tensor("boxes, one per cell,", cells, "float", (size, 4, height // CELL, width // CELL))
        boxes = cells.movedim(1, -1)[has_box(cells)]  # (n, 4)
        check_boxes("boxes, where they are not zeros,", boxes, height, width)
        check_in_pixels("boxes", [boxes])


def _check_classes(name: str, masks: Tensor, classes: int, ignore: int | None) -> None:
    """Raise ValueError unless all labels but `ignore` are those of classes, and one at least is."""
    known = masks if ignore is None else masks[masks != ignore]
    if not known.numel():
        raise ValueError(f"{name} must have a pixel that is classified, got {ignore} alone, which is ignored")
    check_labels(name, known, 0, classes - 1, VOID_HINT if ignore is None else "")


# Held-out metrics


@torch.no_grad()
def predict(model: Segmenter, images: Tensor) -> Tensor:
    """The class of each pixel of images (N, 3, H, W), int64 (N, H, W)."""
    with eval_mode(model):
        return torch.cat([model(part.to(device_of(model))).argmax(1).cpu() for part in images.split(20)])


@torch.no_grad()
def predict_boxes(model: Segmenter, images: Tensor) -> Tensor:
    """Of a model with a second head: the box that each cell predicts, in pixels. (N, 4, H/8, W/8)"""
    check_images(images)
    with eval_mode(model):
        parts = (part.to(device_of(model)) for part in images.split(20))
        return torch.cat([model.second(model.encoder(part)[-1]).cpu() for part in parts])


def evaluate(model: Segmenter, held: Labeled) -> dict[str, float]:
    """Held-out IoU in percent: of the foreground, the mean over its classes; of the background; of the boxes."""
    images = held.scenes.images.contiguous(memory_format=torch.channels_last)
    classes = iou(confusion(predict(model, images), held.masks.long(), model.classes, held.ignore))
    if classes[1:].isnan().all():
        raise ValueError(f"foreground IoU needs a pixel of an object at least, got none in {len(held)} images")
    metrics = {"foreground IoU (%)": classes[1:].nanmean(), "background IoU (%)": classes[0]}
    if hasattr(model, "second"):
        owned = has_box(held.boxes)  # (N, h, w)
        predicted, true = (x.movedim(1, -1)[owned] for x in (predict_boxes(model, images), held.boxes))  # (n, 4)
        metrics["box IoU (%)"] = box_iou(predicted, true).mean()
    return {name: 100 * float(value) for name, value in metrics.items()}


# The picture


def picture(model: Segmenter, held: Labeled) -> np.ndarray:
    """Six scenes with the predicted classes in color and hatched, the true outlines, and what each object was taken
    for: (504, 720, 3) uint8."""
    shown = min(SHOWN, len(held))
    predicted = predict(model, held.scenes.pixels[:shown].float() / 255).numpy()
    canvas = Image.new("RGB", (ACROSS * SIDE, -(-shown // ACROSS) * SIDE + 24), "white")
    for number in range(shown):
        corner = number % ACROSS * SIDE, number // ACROSS * SIDE
        canvas.paste(tile(held, number, predicted[number]), corner)
    legend(canvas, held.scenes.classes)
    return np.asarray(canvas)


def tile(held: Labeled, number: int, predicted: np.ndarray) -> Image.Image:
    """One scene, enlarged; predicted: int (H, W)."""
    scenes = held.scenes
    pixels = Image.fromarray(scenes.pixels[number].permute(1, 2, 0).numpy())
    canvas = np.array(pixels.resize((SIDE, SIDE), Image.Resampling.BILINEAR))  # (240, 240, 3)
    paint(canvas, enlarged(predicted))
    true = held.masks[number]
    outline(canvas, enlarged(torch.where(true == held.ignore, 0, true).numpy() if held.ignore else true.numpy()))
    image = Image.fromarray(canvas)
    drawing = ImageDraw.Draw(image)
    height, width = predicted.shape
    for box, label, mask in zip(
        scenes.boxes[number].tolist(), scenes.labels[number].tolist(), scenes.masks[number].numpy(), strict=True
    ):
        majority = int(np.bincount(predicted[mask]).argmax())
        x, y = SIDE / width * box[0], SIDE / height * box[1]
        name, right = scenes.classes[label], majority == label + 1
        if not right:
            name = f"{name} missed" if not majority else f"{name} as {scenes.classes[majority - 1]}"
            cross(drawing, min(SIDE - 1, round(SIDE / width * box[2])), round(y))
        plate(drawing, (x, y), name, "white", "black", "lb")
    return image


def enlarged(classes: np.ndarray) -> np.ndarray:
    """Classes (H, W), without new ones in between: (240, 240) uint8."""
    return np.asarray(Image.fromarray(classes.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.NEAREST))


def legend(canvas: Image.Image, classes: Sequence[str]) -> None:
    """At the foot of the canvas: the look of the first ten classes, and what the marks mean."""
    drawing, y = ImageDraw.Draw(canvas), canvas.height - 12
    drawing.text((4, y), "predicted:", "black", font(), anchor="lm")
    x = 90
    for number, name in enumerate(classes[:10], 1):
        swatch = np.full((16, 24, 3), 255, np.uint8)
        paint(swatch, np.full((16, 24), number))
        canvas.paste(Image.fromarray(swatch), (x, y - 8))
        drawing.text((x + 28, y), name, "black", font(), anchor="lm")
        x += 40 + round(drawing.textlength(name, font()))
    if x < 400:
        drawing.text((x + 8, y), "line: true    cross: another class, or none", "black", font(), anchor="lm")
