"""Detection (document §5.2): a two-stage detector, torchvision's Faster R-CNN on a small backbone.

Source: Ren, He, Girshick and Sun, NeurIPS 2015; "approximate joint training" of its §3.2 is what one joint Update does.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from jointopt.checks import check_boxes, check_in_pixels, check_labels, check_parts, check_range, check_tensor, listed
from jointopt.data import scenes as sets
from jointopt.data.own import moved
from jointopt.data.scenes import Scenes
from jointopt.data.scenes.held_out import read
from jointopt.figures.pixels import RIGHT, WRONG, cross, dashed, font, plate
from jointopt.metrics import average_precision, hits
from jointopt.models.detectors import two_stage
from jointopt.modules import device_of, eval_mode
from jointopt.system import seeded
from jointopt.training import Loss, Task

LOSSES = ("objectness", "rpn_box_reg", "classifier", "box_reg")  # torchvision says loss_objectness, …
ANCHORS = {"scenes": (22, 32), "voc": (16, 32, 64), "pets": (16, 32, 64)}  # pixels: the widths of square anchors
SURE = 0.5  # the score from which the picture shows a box
OVERLAP = 0.5  # the IoU from which a box counts as found
SHOWN, ACROSS, ZOOM = 6, 3, 2.5  # scenes in the picture, scenes per row, enlargement

Target = dict[str, Tensor]
Batch = tuple[Sequence[Tensor], Sequence[Target]]


def make(
    seed: int = 0,
    classes: str | Sequence[str] | None = None,
    scenes: int = 600,
    size: int = 4,
    held_out: str = "test",
    held_out_scenes: int = 100,
    data: str = "scenes",
) -> Task:
    """Find the objects in `scenes` images of 96×96 pixels, `size` in a batch: those of `read` for these options.

    Modules: "backbone" (features), "rpn" (region proposals), "roi_heads" (class and box of each proposal).
    Losses: of the proposals "objectness", a cross-entropy in nats, and "rpn_box_reg", smooth L1 of the box; of the
    detections "classifier", a cross-entropy in nats, and "box_reg", smooth L1. Every λ is 1, as in torchvision. The
    last two are computed only where one of them is counted. The samplers draw from torch's global generator.
    """
    train, held = read(data, seed, classes, scenes, held_out, held_out_scenes)
    with seeded(seed):
        model = two_stage(len(train.classes), ANCHORS[data])
    return Task(
        model,
        losses,
        batches(train, size, seed),
        evaluate=lambda model: evaluate(model, held),
        picture=lambda model: picture(model, held),
        weights=dict.fromkeys(LOSSES, 1.0),
    )


def batches(scenes: Scenes, size: int = 4, seed: int = 0) -> Callable[[int], Batch]:
    """Those of jointopt.data.scenes, with labels from 1, since 0 is the background, and without the masks."""
    drawn = sets.batches(scenes, size, seed)

    def batch(number: int) -> Batch:
        images, targets = drawn(number)
        return images, [{"boxes": target["boxes"], "labels": target["labels"] + 1} for target in targets]

    return batch


def losses(model: nn.Module, batch: Batch) -> dict[str, Loss]:
    """The four losses on (images, targets): what model(images, targets) computes, the second stage only if counted.

    images: float (3, H, W) each, a list or one tensor. targets: for each "boxes", float (k, 4), x1, y1, x2, y2 in
    pixels, and "labels", int64 (k,), from 1; k may be 0.
    """
    if not model.training:
        raise ValueError("the detector has losses in train mode only: call model.train()")
    check_batch(batch, classes=model.roi_heads.box_predictor.cls_score.out_features - 1)
    images, targets = model.transform(list(batch[0]), list(batch[1]))
    features = {"0": model.backbone(images.tensors)}  # (B, 64, H/8, W/8)
    proposals, first = model.rpn(images, features, targets)

    @lru_cache
    def second() -> dict[str, Tensor]:
        # torchvision has detached the proposals: no gradient of these two losses goes through them to the RPN.
        return model.roi_heads(features, proposals, images.image_sizes, targets)[1]

    return {
        "objectness": first["loss_objectness"],
        "rpn_box_reg": first["loss_rpn_box_reg"],
        "classifier": lambda: second()["loss_classifier"],
        "box_reg": lambda: second()["loss_box_reg"],
    }


def check_batch(batch: object, classes: int) -> None:
    """Raise ValueError unless the batch is (images, targets) as `losses` takes them."""
    check_parts(batch, "images", "targets")
    images, targets = batch
    check_images(images)
    if not isinstance(targets, (list, tuple)) or len(targets) != len(images):
        given = len(targets) if isinstance(targets, (list, tuple)) else type(targets).__name__
        raise ValueError(f"targets must be a list, one for each of {len(images)} images, got {given}")
    for number, (image, target) in enumerate(zip(images, targets, strict=True)):
        _check_target(f"target {number}", target, classes, *image.shape[1:])
    check_in_pixels("boxes", [target["boxes"] for target in targets])


def check_images(images: object) -> None:
    """Raise ValueError unless it is a list, or one tensor, of one image at least."""
    if not isinstance(images, (Tensor, list, tuple)):
        raise ValueError(f"images must be a list, got {type(images).__name__}")
    if not len(images):
        raise ValueError("images must hold an image at least, got none")
    for number, image in enumerate(images):
        check_tensor(f"image {number}", image, "float", (3, "H", "W"))
        check_range(f"image {number}", image)


def _check_target(name: str, target: object, classes: int, height: int, width: int) -> None:
    if not isinstance(target, Mapping) or not {"boxes", "labels"} <= target.keys():
        given = listed(target) if isinstance(target, Mapping) else type(target).__name__
        raise ValueError(f"{name} must have 'boxes' and 'labels', got {given}")
    boxes, labels = target["boxes"], target["labels"]
    check_tensor(f"{name}: labels", labels, torch.int64, ("k",))
    check_tensor(f"{name}: boxes, one per label,", boxes, "float", (len(labels), 4))
    check_labels(f"{name}: labels, where 0 is the background,", labels, 1, classes)
    check_boxes(f"{name}: boxes", boxes, height, width)


@torch.no_grad()
def predict(model: nn.Module, images: Sequence[Tensor]) -> list[Target]:
    """For each image (3, H, W) its "boxes" (k, 4), "labels" (k,) from 1, and "scores" (k,), the best first."""
    check_images(images)
    images = moved(list(images), device_of(model))
    with eval_mode(model):
        predictions = [each for start in range(0, len(images), 20) for each in model(list(images[start : start + 20]))]
    return list(moved(predictions, "cpu"))


@torch.no_grad()
def propose(model: nn.Module, images: Sequence[Tensor]) -> list[Tensor]:
    """For each image (3, 96, 96) the boxes (k, 4) that the first stage proposes, the best first; k is at most 40."""
    check_images(images)
    with eval_mode(model):
        stacked, _ = model.transform(list(moved(list(images), device_of(model))))
        return list(moved(model.rpn(stacked, {"0": model.backbone(stacked.tensors)})[0], "cpu"))


def evaluate(model: nn.Module, held: Scenes) -> dict[str, float]:
    """Held-out mAP and recall at an IoU of 0.5, in percent."""
    targets = [target_of(held, number) for number in range(len(held))]
    precision, recall = average_precision(predict(model, held.images), targets, OVERLAP)
    return {"mAP@0.5 (%)": precision, "recall@0.5 (%)": recall}


def target_of(scenes: Scenes, number: int) -> Target:
    """The boxes and labels, from 1, of one scene."""
    return {"boxes": scenes.boxes[number], "labels": scenes.labels[number] + 1}


def picture(model: nn.Module, held: Scenes, sure: float = SURE) -> np.ndarray:
    """Six scenes with the boxes found, solid, class and score above, and the true ones, dashed: (504, 720, 3) uint8.

    Only boxes whose score is `sure` at least are shown.
    """
    shown = min(SHOWN, len(held))
    predictions = predict(model, held.images[:shown])
    side = round(ZOOM * held.pixels.shape[-1])
    canvas = Image.new("RGB", (ACROSS * side, -(-shown // ACROSS) * side + 24), "white")
    for number in range(shown):
        corner = number % ACROSS * side, number // ACROSS * side
        canvas.paste(
            tile(held.pixels[number], predictions[number], target_of(held, number), held.classes, sure), corner
        )
    legend = f"dashed: true    solid: found, class and score    cross: wrong class, IoU < {OVERLAP:g} or duplicate"
    ImageDraw.Draw(canvas).text((4, canvas.height - 12), legend, fill="black", font=font(), anchor="lm")
    return np.asarray(canvas)


def tile(pixels: Tensor, predicted: Target, target: Target, classes: Sequence[str], sure: float = SURE) -> Image.Image:
    """One scene, uint8 (3, H, W), enlarged, with its boxes."""
    height, width = (round(ZOOM * side) for side in pixels.shape[1:])
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy()).resize((width, height), Image.Resampling.BILINEAR)
    drawing = ImageDraw.Draw(image)
    for box, label in zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True):
        dashed(drawing, [round(ZOOM * edge) for edge in box])
        plate(drawing, (ZOOM * box[2], ZOOM * box[3]), classes[label - 1], "white", "black", "rb")
    shown = {name: values[predicted["scores"] >= sure] for name, values in predicted.items()}
    lists = (shown[name].tolist() for name in ("boxes", "labels", "scores"))
    rows = list(zip(*lists, hits(shown, target, OVERLAP), strict=True))
    for box, label, score, right in reversed(rows):  # the best last, above the others
        color = RIGHT if right else WRONG
        x1, y1, x2, y2 = (round(ZOOM * edge) for edge in box)
        drawing.rectangle((x1, y1, x2, y2), outline=color, width=3)
        plate(drawing, (x1, y1), f"{classes[label - 1]} {100 * score:.0f}%", color, "white", "lb")
        if not right:
            cross(drawing, x2, y1)
    return image
