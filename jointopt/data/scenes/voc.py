"""PASCAL VOC 2012 as scenes: photographs with boxes of 20 classes, and masks for a part of them.

Source: Everingham, Van Gool, Williams, Winn and Zisserman, IJCV 2010; read by torchvision's VOCDetection and
VOCSegmentation. License: SOURCES.md.
"""

import math
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from jointopt.data.scenes import Scenes, check_classes, photographs
from jointopt.data.scenes.photographs import Row
from jointopt.data.torchvision_sets import default_root

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
NUMBERS = dict(enumerate(CLASSES, 1))  # in SegmentationClass
EDGES = ("xmin", "ymin", "xmax", "ymax")
VOID = 255  # in SegmentationClass and SegmentationObject: the border around an object, which belongs to nobody
LISTS = {"train": "train", "validation": "train", "test": "val"}  # the labels of VOC's own test images are not public


def load(
    split: str = "train",
    root: str | os.PathLike | None = None,
    download: bool = False,
    size: int = 96,
    count: int | None = None,
    classes: Sequence[str] | None = None,
    masks: bool = False,
) -> Scenes:
    """Load photographs with their objects: pixels uint8 (N, 3, size, size), boxes in pixels of the resized image.

    Args:
        split: "train" is VOC's list train without every fifth image, which "validation" has; "test" is its list val.
            They have 4,574, 1,143 and 5,823 images, and 1,172, 292 and 1,449 with masks.
        root, download, size, count, and errors: see `photographs`. The folder is VOCdevkit/VOC2012, of 2 GB.
        classes: names out of CLASSES; labels count them from 0. None: all. Images without an object of these are
            left out, and so are objects of other classes.
        masks: False takes all images, with the boxes that VOC gives; objects that it marks as difficult are left
            out, and the masks are the boxes, filled. True takes the images that VOC outlines, with the outlined
            objects, a tight box around each; the border around an object is void, and an object that has no pixel
            left at this size is left out.
    """
    photographs.check(split, size, count)
    if classes is None:
        classes = CLASSES
    classes = check_classes(classes, CLASSES, f"a list of one or more of {', '.join(CLASSES)}, each once")
    from torchvision import datasets  # here: 2 s and 160 MB

    root = Path(root) if root is not None else default_root()
    folder = root / "VOCdevkit/VOC2012"
    if masks:
        kind, read = datasets.VOCSegmentation, _outlined
        listed, parts = "ImageSets/Segmentation", ("SegmentationClass", "SegmentationObject")
    else:
        kind, read, listed, parts = datasets.VOCDetection, _boxed, "ImageSets/Main", ("Annotations",)
    files = [folder / listed / f"{LISTS[split]}.txt", *(folder / part for part in ("JPEGImages", *parts))]
    data = photographs.find(
        "voc", lambda fetch: kind(root, "2012", LISTS[split], fetch), root, files, download, about="2 GB"
    )

    order = photographs.cut(len(data), split)
    read = partial(read, data, size, classes)
    return photographs.gather("voc", split, order, read, data.targets.__getitem__, count, classes)


def _boxed(data, size: int, classes: tuple[str, ...], number: int) -> Row:
    """An image of VOCDetection."""
    image, tree = data[number]
    objects = [
        each for each in tree["annotation"]["object"] if each["name"] in classes and each.get("difficult") != "1"
    ]
    boxes = np.array([[float(each["bndbox"][edge]) for edge in EDGES] for each in objects]).reshape(-1, 4)
    boxes[:, :2] -= 1  # VOC counts pixels from 1, and its last two are those of the last pixel
    boxes = (boxes * size / np.tile(image.size, 2)).clip(0, size)  # (k, 4)
    filled = torch.zeros(len(objects), size, size, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(filled, boxes, strict=True):
        if not (x1 < x2 and y1 < y2):
            raise ValueError(f"a box has no area in the image: {x1}, {y1}, {x2}, {y2} after resizing")
        mask[int(y1) : math.ceil(y2), int(x1) : math.ceil(x2)] = True
    labels = torch.tensor([classes.index(each["name"]) for each in objects], dtype=torch.int64)
    return photographs.resized(image, size), torch.from_numpy(boxes).float(), labels, filled, None


def _outlined(data, size: int, classes: tuple[str, ...], number: int) -> Row:
    """An image of VOCSegmentation, which knows the classes; the objects lie in a folder beside them."""
    image, kinds = data[number]
    kinds = photographs.resized_map(kinds, image, size)  # (size, size)
    path = Path(data.masks[number])
    with Image.open(path.parents[1] / "SegmentationObject" / path.name) as opened:
        objects = photographs.resized_map(opened, image, size)  # (size, size)
    chosen = []
    for which in objects.unique().tolist():
        mask = objects == which
        if which not in (0, VOID) and (name := NUMBERS[int(kinds[mask].mode().values)]) in classes:
            chosen.append((classes.index(name), mask))
    outlined = torch.stack([mask for _, mask in chosen]) if chosen else torch.zeros(0, size, size, dtype=torch.bool)
    labels = torch.tensor([label for label, _ in chosen], dtype=torch.int64)
    return photographs.resized(image, size), photographs.tight_boxes(outlined), labels, outlined, objects == VOID
