"""Scenes with one class per pixel, and one box per cell of 8×8 pixels: what segmentation is trained on."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from jointopt.data.scenes import Scenes

CELL = 8  # pixels
COVERED = 0.1  # of a cell: it belongs to an object that covers at least this share
VOID = 255  # the label of pixels that are not classified, as VOC and Cityscapes have it


@dataclass(frozen=True, eq=False)
class Labeled:
    """Scenes with maps of classes and boxes.

    masks: uint8 (N, H, W), 0 the background.
    boxes: float32 (N, 4, H/8, W/8), the box (x1, y1, x2, y2, in pixels) of the object to which a cell belongs, and
        zeros where it belongs to none.
    ignore: the label in `masks` of pixels that are not classified, and count nowhere; None: there are none.
    """

    scenes: Scenes
    masks: Tensor
    boxes: Tensor
    ignore: int | None = None

    def __len__(self) -> int:
        return len(self.masks)


@lru_cache(maxsize=8)
def labeled(scenes: Scenes, ignore: int | None = VOID) -> Labeled:
    """The maps of scenes whose sides are multiples of 8; where objects overlap, the last one lies above.

    ignore: the label of what is void in the scenes; with None it counts as background.
    Made once for the same scenes. Callers share it: leave it as it is.
    """
    n, _, height, width = scenes.pixels.shape
    classes = torch.zeros(n, height, width, dtype=torch.uint8)
    boxes = torch.zeros(n, 4, height // CELL, width // CELL)
    if scenes.void is not None and ignore is not None:
        classes[scenes.void] = ignore
    for number in range(n):
        for label, mask in zip(scenes.labels[number].tolist(), scenes.masks[number], strict=True):
            classes[number][mask] = label + 1
        boxes[number] = cells(scenes.boxes[number], scenes.masks[number])
    return Labeled(scenes, classes, boxes, ignore)


def cells(boxes: Tensor, masks: Tensor) -> Tensor:
    """Of boxes (k, 4) and masks bool (k, H, W): for each cell the box of the object that has the most of it, or zeros
    where none has a tenth. (4, H/8, W/8)"""
    if not len(boxes):
        return torch.zeros(4, *(side // CELL for side in masks.shape[1:]))
    shares = F.avg_pool2d(masks[None].float(), CELL)[0]  # (k, H/8, W/8)
    share, owner = shares.max(0)  # (H/8, W/8)
    return boxes[owner].permute(2, 0, 1) * (share >= COVERED)  # (4, H/8, W/8)


def has_box(boxes: Tensor) -> Tensor:
    """True for the cells of (B, 4, h, w) that belong to an object, bool (B, h, w)."""
    return (boxes != 0).any(1)
