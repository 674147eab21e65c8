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
from jointopt.data.scenes import Scenes
from jointopt.data.scenes import held_out as splits
from jointopt.data.scenes.held_out import SIDE
from jointopt.figures.pixels import RIGHT, WRONG, cross, dashed, font, plate
from jointopt.modules import eval_mode
from jointopt.system import seeded
from jointopt.training import Loss, Task

LOSSES = ("objectness", "rpn_box_reg", "classifier", "box_reg")  # torchvision says loss_objectness, …
ANCHORS = {"scenes": (22, 32), "voc": (16, 32, 64), "pets": (16, 32, 64)}  # pixels: the widths of square anchors
SURE = 0.5  # the score from which the picture shows a box
OVERLAP = 0.5  # the IoU from which a box counts as found
SHOWN, ACROSS, ZOOM = 6, 3, 2.5  # scenes in the picture, scenes in a row, enlargement

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
    """Find the objects in `scenes` images of 96×96 pixels, `size` in a batch: what `read` gives for these options.

    Modules: "backbone" (features), "rpn" (region proposals), "roi_heads" (class and box of each proposal).
    Losses: of the proposals "objectness", a cross-entropy in nats, and "rpn_box_reg", smooth L1 of the box; of the
    detections "classifier", a cross-entropy in nats, and "box_reg", smooth L1. Every λ is 1, as in torchvision. The
    last two are computed only where one of them is counted. The samplers draw from torch's global generator.
    """
    train, held = read(seed, classes, scenes, held_out, held_out_scenes, data)
    with seeded(seed):
        model = detector(len(train.classes), ANCHORS[data])
    return Task(
        model,
        losses,
        batches(train, size, seed),
        evaluate=lambda model: evaluate(model, held),
        picture=lambda model: picture(model, held),
        weights=dict.fromkeys(LOSSES, 1.0),
    )


def read(
    seed: int,
    classes: str | Sequence[str] | None,
    scenes: int,
    held_out: str,
    held_out_scenes: int,
    data: str,
) -> tuple[Scenes, Scenes]:
    """The images for training, and those held out, by jointopt.data.scenes.held_out.read.

    data: "scenes", "voc" or "pets"; classes of scenes are a string of digits. ValueError for anything else.
    """
    if data == "scenes" and not isinstance(classes, str | None):
        raise ValueError(f"classes is a string of digits, such as '247', got {classes!r}")
    return splits.read(data, seed, classes, scenes, held_out, held_out_scenes)


def detector(classes: int, anchors: Sequence[int] = (22, 32)) -> nn.Module:
    """torchvision's FasterRCNN for so many classes besides the background, which is class 0; anchors are in pixels.

    In train mode (images, targets) → {"loss_objectness": …, …}; in eval mode images → [{"boxes", "labels", "scores"}].
    """
    from torchvision.models.detection import FasterRCNN  # here: it takes 2.5 s and 160 MB
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.rpn import AnchorGenerator
    from torchvision.ops import MultiScaleRoIAlign

    backbone, pooled = make_backbone(), 7
    return FasterRCNN(
        backbone,
        min_size=SIDE,  # an image of another size is scaled until its shorter side has it
        max_size=2 * SIDE,
        image_mean=[0.5] * 3,
        image_std=[0.25] * 3,
        rpn_anchor_generator=AnchorGenerator(sizes=(tuple(anchors),), aspect_ratios=((1.0, 1.7),)),  # height over width
        rpn_pre_nms_top_n_train=200,
        rpn_pre_nms_top_n_test=200,
        rpn_post_nms_top_n_train=40,
        rpn_post_nms_top_n_test=40,
        rpn_batch_size_per_image=64,
        box_roi_pool=MultiScaleRoIAlign(["0"], output_size=pooled, sampling_ratio=2),
        box_head=TwoMLPHead(backbone.out_channels * pooled**2, 128),
        box_predictor=FastRCNNPredictor(128, classes + 1),
        box_batch_size_per_image=32,
        box_detections_per_img=20,
    )


def make_backbone() -> nn.Sequential:
    """images (B, 3, H, W) → features (B, 64, H/8, W/8). GroupNorm, since batches are small."""
    layers, before = [], 3
    for channels in (16, 32, 64):
        layers += [nn.Conv2d(before, channels, 3, 2, 1, bias=False), nn.GroupNorm(8, channels), nn.ReLU()]
        before = channels
    backbone = nn.Sequential(*layers)
    backbone.out_channels = before  # torchvision asks for it
    return backbone


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
    """ValueError unless the batch is (images, targets) as `losses` takes them."""
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
    """ValueError unless it is a list, or one tensor, of one image at least."""
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
    check_tensor(f"{name}: boxes, one a label,", boxes, "float", (len(labels), 4))
    check_labels(f"{name}: labels, where 0 is the background,", labels, 1, classes)
    check_boxes(f"{name}: boxes", boxes, height, width)


@torch.no_grad()
def predict(model: nn.Module, images: Sequence[Tensor]) -> list[Target]:
    """For each image (3, H, W) its "boxes" (k, 4), "labels" (k,) from 1, and "scores" (k,), the best first."""
    check_images(images)
    with eval_mode(model):
        return [found for start in range(0, len(images), 20) for found in model(list(images[start : start + 20]))]


@torch.no_grad()
def propose(model: nn.Module, images: Sequence[Tensor]) -> list[Tensor]:
    """For each image (3, 96, 96) the boxes (k, 4) that the first stage proposes, the best first; k is at most 40."""
    check_images(images)
    with eval_mode(model):
        stacked, _ = model.transform(list(images))
        return model.rpn(stacked, {"0": model.backbone(stacked.tensors)})[0]


def evaluate(model: nn.Module, held: Scenes) -> dict[str, float]:
    """Held-out mAP and recall at an IoU of 0.5, in percent: see `figures`."""
    return figures(predict(model, held.images), [target_of(held, number) for number in range(len(held))])


def target_of(scenes: Scenes, number: int) -> Target:
    """The boxes and labels, from 1, of one scene."""
    return {"boxes": scenes.boxes[number], "labels": scenes.labels[number] + 1}


def figures(found: Sequence[Target], targets: Sequence[Target]) -> dict[str, float]:
    """COCO's average precision and recall at an IoU of 0.5, the mean over the classes that occur, in percent.

    Average precision: the area under precision over recall as the boxes are taken by falling score, at 101 recalls.
    Source: Lin et al. 2014 and the rules of its evaluation server, as the package faster-coco-eval computes them.
    """
    from faster_coco_eval import COCO, COCOeval_faster  # it prints nothing; pycocotools does, from a lab's thread too

    if len(found) != len(targets):
        raise ValueError(f"each of {len(targets)} images needs its found boxes, got those of {len(found)}")
    truth = [dict(row, id=n, iscrowd=0) for n, row in enumerate(_coco_rows(targets), 1)]
    if not truth:
        raise ValueError(f"average precision needs a true box at least, got none in {len(targets)} images")
    images = [{"id": number} for number in range(len(targets))]
    labels = sorted({row["category_id"] for row in truth})
    known = COCO({"images": images, "annotations": truth, "categories": [{"id": label} for label in labels]})
    run = COCOeval_faster(known, known.loadRes(_coco_rows(found)), "bbox")
    run.params.iouThrs = np.array([OVERLAP])
    run.params.areaRng, run.params.areaRngLbl, run.params.maxDets = [[0, 1e10]], ["all"], [100]
    run.evaluate()
    run.accumulate()
    precision, recall = run.eval["precision"].mean(axis=(0, 1)), run.eval["recall"].mean(axis=0)  # (classes, 1, 1)
    return {"mAP@0.5 (%)": 100 * float(precision.mean()), "recall@0.5 (%)": 100 * float(recall.mean())}


def _coco_rows(targets: Sequence[Target]) -> list[dict]:
    """A row for each box as COCO has them: x, y, width, height."""
    rows = []
    for number, target in enumerate(targets):
        scores = target["scores"] if "scores" in target else torch.ones(len(target["boxes"]))
        lists = (target[name].tolist() for name in ("boxes", "labels"))
        for (x1, y1, x2, y2), label, score in zip(*lists, scores.tolist(), strict=True):
            box, area = [x1, y1, x2 - x1, y2 - y1], (x2 - x1) * (y2 - y1)
            rows.append({"image_id": number, "category_id": label, "bbox": box, "area": area, "score": score})
    return rows


def picture(model: nn.Module, held: Scenes, sure: float = SURE) -> np.ndarray:
    """Six scenes with the boxes found, solid, class and score above, and the true ones, dashed: (504, 720, 3) uint8.

    Only boxes whose score is `sure` at least are shown.
    """
    shown = min(SHOWN, len(held))
    found = predict(model, held.images[:shown])
    side = round(ZOOM * held.pixels.shape[-1])
    canvas = Image.new("RGB", (ACROSS * side, -(-shown // ACROSS) * side + 24), "white")
    for number in range(shown):
        place = number % ACROSS * side, number // ACROSS * side
        canvas.paste(tile(held.pixels[number], found[number], target_of(held, number), held.classes, sure), place)
    legend = "dashed: true    solid: found, class and score    crossed corner: another class or place"
    ImageDraw.Draw(canvas).text((4, canvas.height - 12), legend, fill="black", font=font(), anchor="lm")
    return np.asarray(canvas)


def tile(pixels: Tensor, found: Target, target: Target, classes: Sequence[str], sure: float = SURE) -> Image.Image:
    """One scene, uint8 (3, H, W), enlarged, with its boxes."""
    height, width = (round(ZOOM * side) for side in pixels.shape[1:])
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy()).resize((width, height), Image.Resampling.BILINEAR)
    drawing = ImageDraw.Draw(image)
    for box, label in zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True):
        dashed(drawing, [round(ZOOM * edge) for edge in box])
        plate(drawing, (ZOOM * box[2], ZOOM * box[3]), classes[label - 1], "white", "black", "rb")
    shown = {name: values[found["scores"] >= sure] for name, values in found.items()}
    lists = (shown[name].tolist() for name in ("boxes", "labels", "scores"))
    rows = list(zip(*lists, hits(shown, target), strict=True))
    for box, label, score, right in reversed(rows):  # the best last, above the others
        color = RIGHT if right else WRONG
        x1, y1, x2, y2 = (round(ZOOM * edge) for edge in box)
        drawing.rectangle((x1, y1, x2, y2), outline=color, width=3)
        plate(drawing, (x1, y1), f"{classes[label - 1]} {100 * score:.0f}%", color, "white", "lb")
        if not right:
            cross(drawing, x2, y1)
    return image


def hits(found: Target, target: Target) -> list[bool]:
    """Whether each found box overlaps a true one of its class that no better box has taken."""
    from torchvision.ops import box_iou

    overlaps = box_iou(found["boxes"], target["boxes"]) * (found["labels"][:, None] == target["labels"])  # (k, n)
    free, right = set(range(len(target["boxes"]))), []
    for row in overlaps.tolist():
        best = max(free, key=row.__getitem__, default=None)
        right.append(best is not None and row[best] >= OVERLAP)
        if right[-1]:
            free.remove(best)
    return right
