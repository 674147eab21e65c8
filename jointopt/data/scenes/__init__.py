"""Scenes: one to three real digits, tinted, over a crop of a photograph, with their exact boxes and masks.

    train, test = scenes(600), scenes(200, "test")
    image, target = train[0]             # float32 (3, 96, 96), {"boxes": (k, 4), "labels": (k,), "masks": (k, 96, 96)}
    images, targets = batches(train)(0)  # float32 (4, 3, 96, 96) and four targets

Digits and photographs are those of `load("cluttered")`, in the same splits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jointopt.checks import check_boxes, check_choice, check_count, check_in_pixels, check_labels, check_tensor
from jointopt.data import LAST_SEED, SPLITS, digits, rows
from jointopt.data.scenes.drawn import box_of, crop, draw_digits

Target = dict[str, Tensor]
Batches = Callable[[int], tuple[Tensor, list[Target]]]
MOST = 3  # digits in a scene, at most, where nothing else is said
DIGITS = "one or more of the digits 0 to 9, each once, such as '247'"  # what classes of drawn scenes are


@dataclass(frozen=True, eq=False, repr=False)
class Scenes:
    """Images with k objects each, where k differs from one to the next and may be 0.

    pixels: uint8 (N, 3, H, W). `images` gives them as float32 in [0, 1], four times as large.
    boxes: for each scene float32 (k, 4), x1, y1, x2, y2 in pixels. They are edges and not pixels: a box around the
        columns 3 and 4 has x1 = 3 and x2 = 5, and a whole image is (0, 0, W, H).
    labels: for each scene int64 (k,), from 0; a model with a class for the background has to make room for it.
    masks: for each scene bool (k, H, W).
    classes: the name of each label.
    void: bool (N, H, W), the pixels that the data set leaves unclassified, such as a border; None: there are none.

    Raises ValueError, with the number of the scene, where one of them does not fit the others.
    """

    pixels: Tensor
    boxes: tuple[Tensor, ...]
    labels: tuple[Tensor, ...]
    masks: tuple[Tensor, ...]
    classes: tuple[str, ...]
    void: Tensor | None = None

    def __post_init__(self):
        check_tensor("pixels", self.pixels, torch.uint8, ("N", 3, "H", "W"))
        n, _, height, width = self.pixels.shape
        counts = {"boxes": len(self.boxes), "labels": len(self.labels), "masks": len(self.masks)}
        for name, count in counts.items():
            if count != n:
                raise ValueError(f"{name} must be given for each of the {n} scenes, not for {count}")
        for number, parts in enumerate(zip(self.boxes, self.labels, self.masks, strict=True)):
            _check_scene(f"scene {number}: ", *parts, len(self.classes), height, width)
        check_in_pixels("boxes", self.boxes)
        if self.void is not None:
            check_tensor("void", self.void, torch.bool, (n, height, width))

    @property
    def images(self) -> Tensor:
        """The images, float32 (N, 3, H, W) in [0, 1], made anew at each call."""
        return self.pixels.float().div_(255)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, number: int) -> tuple[Tensor, Target]:
        """One scene: image float32 (3, H, W) in [0, 1] and target, as torchvision's detectors take them.

        The target holds "boxes" float32 (k, 4), "labels" int64 (k,) from 0, and "masks" uint8 (k, H, W). All are new
        tensors, which may be altered in place.
        """
        image = self.pixels[number].float().div_(255)
        boxes, labels, masks = self.boxes[number], self.labels[number], self.masks[number]
        return image, {"boxes": boxes.clone(), "labels": labels.clone(), "masks": masks.to(torch.uint8)}

    def __repr__(self) -> str:
        size = "x".join(map(str, self.pixels.shape[1:]))
        objects = sum(map(len, self.labels))
        return f"Scenes({len(self)} of {size}, {objects} objects, {len(self.classes)} classes)"


def scenes(
    count: int,
    split: str = "train",
    seed: int = 0,
    size: int = 96,
    classes: Sequence[str] = digits.CLASSES,
    most: int = MOST,
) -> Scenes:
    """Draw `count` scenes of `size` x `size` pixels with one to `most` digits.

    Args:
        split: "train" or "test": no digit and no pixel of a photograph is in both.
        seed: from 0 to 2**32 - 1. Each scene has a generator of its own, from (seed, split, number of the scene): the
            first 100 of 600 scenes are the scenes of count=100. No other generator is touched.
        size: from 40 to 96 pixels, the width of the test photographs.
        classes: the digits to draw from, such as "247"; labels count them from 0.
        most: from 1 to `most` digits are drawn, where `most` is at most 9. A digit that fits nowhere in 30 tries is
            left out; one at least stays.

    No pixel is tinted by two digits, and two boxes share at most 15 % of the smaller. The longer side of a digit has
    about 20 to 36 pixels. A mask holds the pixels that show more of the digit than of the
    photograph, and the box is tight around them. The luminance of a tint stands out, by 60 of 255, from at least
    90 % of the pixels where the digit will lie.

    Raises ValueError for anything else.
    """
    check_choice("split", split, SPLITS)
    check_count("count", count, 1)
    check_count("seed", seed, most=LAST_SEED)
    check_count("size", size, 40, 96)
    check_count("most", most, 1, 9)
    classes = check_classes(classes, digits.CLASSES, DIGITS)
    arrays = digits.read(digits.FILE)
    strokes, backgrounds = arrays[f"{split}_digits"], arrays[f"{split}_backgrounds"]
    pools = [strokes[arrays[f"{split}_labels"] == int(name)] for name in classes]

    pixels = np.empty((count, 3, size, size), np.uint8)
    boxes, labels, masks = [], [], []
    for number in range(count):
        random = np.random.RandomState([seed, SPLITS.index(split), number])  # NumPy froze its stream
        pixels[number] = crop(random, backgrounds, size)
        chosen, drawn = draw_digits(random, pixels[number], pools, most)
        labels.append(torch.tensor(chosen))
        masks.append(torch.from_numpy(np.stack(drawn)))
        boxes.append(torch.tensor([box_of(mask) for mask in drawn], dtype=torch.float32))
    return Scenes(torch.from_numpy(pixels), tuple(boxes), tuple(labels), tuple(masks), classes)


def batches(scenes: Scenes, size: int = 4, seed: int = 0) -> Batches:
    """Cut the scenes into batches: returns a function from a step number (from 0) to (images, targets).

    Images are float32 (size, 3, H, W) in torch.channels_last, targets a list of what `scenes[i]` gives, with labels
    from 0. The order is that of `jointopt.data.batches`: the same number gives the same batch, and each epoch is
    a permutation drawn from (seed, epoch). Errors as there. The scenes are not copied: leave them as they are.
    """
    chosen = rows(len(scenes), size, seed)

    def batch(number: int) -> tuple[Tensor, list[Target]]:
        images, targets = zip(*(scenes[row] for row in chosen(number).tolist()), strict=True)
        return torch.stack(images).contiguous(memory_format=torch.channels_last), list(targets)

    return batch


def check_classes(classes: Sequence[str], known: Sequence[str], expected: str) -> tuple[str, ...]:
    """The classes as a tuple, if they are one or more of the known ones, each once. expected: says so in the error."""
    try:
        chosen = tuple(classes)
        right = chosen and len(set(chosen)) == len(chosen) and set(chosen) <= set(known)
    except TypeError:
        right = False
    if not right:
        raise ValueError(f"classes must be {expected}, got {classes!r}")
    return chosen


def _check_scene(
    scene: str, boxes: Tensor, labels: Tensor, masks: Tensor, classes: int, height: int, width: int
) -> None:
    """Raise ValueError, beginning with `scene`, unless a scene of height x width pixels may look like this."""
    check_tensor(f"{scene}labels", labels, torch.int64, ("k",))
    k = len(labels)
    check_tensor(f"{scene}boxes, one per label,", boxes, torch.float32, (k, 4))
    check_tensor(f"{scene}masks, one per label,", masks, torch.bool, (k, height, width))
    check_labels(f"{scene}labels", labels, 0, classes - 1)
    check_boxes(f"{scene}boxes", boxes, height, width)
    for box, mask in zip(boxes.tolist(), masks, strict=True):
        if not mask.any():
            raise ValueError(f"{scene}each mask must have a pixel that is on; that of the box {tuple(box)} has none")
