"""Scenes: one to three real digits, tinted, over a crop of a photograph, with their exact boxes and masks.

    train, test = scenes(600), scenes(200, "test")
    image, target = train[0]             # float32 (3, 96, 96), {"boxes": (k, 4), "labels": (k,), "masks": (k, 96, 96)}
    images, targets = batches(train)(0)  # float32 (4, 3, 96, 96) and four targets

Digits and photographs are those of `load("cluttered")`, with the same split.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from jointopt.checks import check_boxes, check_choice, check_count, check_in_pixels, check_labels, check_tensor
from jointopt.data import LAST_SEED, SPLITS, digits, rows

SMALLEST, LARGEST = 20, 36  # pixels, the longer side of a digit's ink; in the stored images it is 20
INK = 128  # of 255: from here on a pixel shows more of the digit than of the photograph, and belongs to its mask
TRIES = 30  # places drawn for a digit before it is left out, and colors drawn for a place before it is given up
SHARED = 0.15  # of the smaller of two boxes: the most that they may share
NEAR = 60  # of 255: a pixel whose luminance is nearer than this to the tint's hides the digit
HIDING = 0.1  # of the pixels in its box: the most that may hide it

Target = dict[str, Tensor]
Batches = Callable[[int], tuple[Tensor, list[Target]]]


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
    most: int = 3,
) -> Scenes:
    """Draw `count` scenes of `size` x `size` pixels with one to `most` digits.

    Args:
        split: "train" or "test": no digit and no pixel of a photograph is in both.
        seed: from 0 to 2**32 - 1. Each scene has a generator of its own, from (seed, split, number of the scene): the
            first 100 of 600 scenes are the scenes of count=100. No other generator is touched.
        size: from 40 to 96 pixels, the width of the test photographs.
        classes: the digits to draw from, such as "247"; labels count them from 0.
        most: from 1 to `most` digits are drawn, where `most` is at most 9. A digit that finds no place in 30 tries is
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
    classes = _check_classes(classes)
    arrays = digits.read(digits.FILE)
    strokes, backgrounds = arrays[f"{split}_digits"], arrays[f"{split}_backgrounds"]
    pools = [strokes[arrays[f"{split}_labels"] == int(name)] for name in classes]

    pixels = np.empty((count, 3, size, size), np.uint8)
    boxes, labels, masks = [], [], []
    for number in range(count):
        random = np.random.RandomState([seed, SPLITS.index(split), number])  # NumPy froze its stream
        pixels[number] = _crop(random, backgrounds, size)
        chosen, drawn = _draw(random, pixels[number], pools, most)
        labels.append(torch.tensor(chosen))
        masks.append(torch.from_numpy(np.stack(drawn)))
        boxes.append(torch.tensor([_box(mask) for mask in drawn], dtype=torch.float32))
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


def part(scenes: Scenes, which: slice) -> Scenes:
    """Some of the scenes."""
    parts = (scenes.pixels, scenes.boxes, scenes.labels, scenes.masks)
    void = None if scenes.void is None else scenes.void[which]
    return Scenes(*(each[which] for each in parts), scenes.classes, void)


def _draw(
    random: np.random.RandomState, image: np.ndarray, pools: list[np.ndarray], most: int
) -> tuple[list[int], list[np.ndarray]]:
    """Lay digits over the image (3, H, W), in place. Returns the label and the mask (H, W) of each."""
    tinted = np.zeros(image.shape[1:], bool)
    labels, masks, boxes = [], [], []
    wanted = 1 + _below(random, most)
    while wanted > 0 or not labels:
        wanted -= 1
        label = _below(random, len(pools))
        stroke = pools[label][_below(random, len(pools[label]))]
        opacity = _scale(stroke, SMALLEST + _below(random, LARGEST - SMALLEST + 1))  # (h, w)
        found = _find_place(random, opacity, image, tinted, boxes)
        if found is None:
            continue
        place, tint = found
        image[:, *place] = digits.mix(image[:, *place], tint[:, None, None], opacity)
        tinted[place] |= opacity > 0
        mask = np.zeros_like(tinted)
        mask[place] = opacity >= INK
        labels.append(label)
        masks.append(mask)
        boxes.append(_box(mask))
    return labels, masks


def _crop(random: np.random.RandomState, backgrounds: np.ndarray, size: int) -> np.ndarray:
    """A square of one of the photographs (B, H, W, 3), every second one mirrored. (3, size, size)"""
    photograph = backgrounds[_below(random, len(backgrounds))]
    top, left = (_below(random, side - size + 1) for side in photograph.shape[:2])
    crop = photograph[top : top + size, left : left + size].transpose(2, 0, 1)
    return crop[:, :, ::-1] if _below(random, 2) else crop


def _scale(stroke: np.ndarray, side: int) -> np.ndarray:
    """A stored digit (28, 28), scaled so that the longer side of its ink has `side` pixels. Opacity, uint8 (h, w)."""
    x1, y1, x2, y2 = _box(stroke > 0)
    cut = np.pad(stroke[y1:y2, x1:x2], 1)  # so that its edge fades on all sides
    height, width = (round(side * n / max(x2 - x1, y2 - y1)) for n in cut.shape)
    scaled = Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC)  # integers: the same everywhere
    x1, y1, x2, y2 = _box(np.asarray(scaled) > 0)
    return np.asarray(scaled)[y1:y2, x1:x2]


def _find_place(
    random: np.random.RandomState,
    opacity: np.ndarray,
    image: np.ndarray,
    tinted: np.ndarray,
    boxes: list[tuple[int, ...]],
) -> tuple[tuple[slice, slice], np.ndarray] | None:
    """Rows and columns where a digit may lie, and a tint that is legible there; None if they are not found.

    There it touches no pixel that is `tinted` (H, W), and shares little with another's box.
    """
    height, width = opacity.shape
    x1, y1, x2, y2 = _box(opacity >= INK)
    for _ in range(TRIES):
        top, left = (_below(random, n - side + 1) for n, side in zip(tinted.shape, opacity.shape, strict=True))
        place = slice(top, top + height), slice(left, left + width)
        box = left + x1, top + y1, left + x2, top + y2
        if (tinted[place] & (opacity > 0)).any() or any(_shared(box, other) > SHARED for other in boxes):
            continue
        tint = _find_tint(random, image[:, *place])
        if tint is not None:
            return place, tint
    return None


def _shared(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """The area that two boxes share, as a part of the smaller one's."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (a, b))
    return max(0, width) * max(0, height) / smaller


def _find_tint(random: np.random.RandomState, under: np.ndarray) -> np.ndarray | None:
    """The first color drawn, (3,) uint8, that is legible on `under` (3, h, w), be it light, dark or in between.

    Each is any color, mixed with white or with black: few colors are nearly white or black by themselves, and busy
    places, on which no other is legible, would have no digits.
    """
    color, part = random.random_sample((TRIES, 3)), random.random_sample((TRIES, 1))
    white = random.random_sample((TRIES, 1)) < 0.5
    tints = (255 * (color * (1 - part) + part * white) + 0.5).astype(np.uint8)
    distance = np.abs(_luminance(tints.T)[:, None] - _luminance(under).ravel())  # (TRIES, h * w)
    legible = np.flatnonzero((distance < NEAR).mean(1) <= HIDING)
    return tints[legible[0]] if len(legible) else None


def _luminance(colors: np.ndarray) -> np.ndarray:
    """Luminance by ITU-R BT.601 of (3, ...) uint8, from 0 to 255, in exact integers. (...)"""
    red, green, blue = colors.astype(np.int32)
    return (299 * red + 587 * green + 114 * blue) // 1000


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The tight box around what is on in (H, W): x1, y1, x2, y2, the last two one beyond the last pixel."""
    y, x = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return int(x[0]), int(y[0]), int(x[-1]) + 1, int(y[-1]) + 1


def _below(random: np.random.RandomState, n: int) -> int:
    """A number from 0 to n - 1."""
    return int(random.random_sample() * n)


def _check_classes(classes: Sequence[str]) -> tuple[str, ...]:
    try:
        chosen = tuple(classes)
        right = chosen and len(set(chosen)) == len(chosen) and set(chosen) <= set(digits.CLASSES)
    except TypeError:
        right = False
    if not right:
        raise ValueError(f"classes must be one or more of the digits 0 to 9, each once, such as '247', got {classes!r}")
    return chosen


def _check_scene(
    scene: str, boxes: Tensor, labels: Tensor, masks: Tensor, classes: int, height: int, width: int
) -> None:
    """ValueError, beginning with `scene`, unless a scene of height x width pixels may look like this."""
    check_tensor(f"{scene}labels", labels, torch.int64, ("k",))
    k = len(labels)
    check_tensor(f"{scene}boxes, one a label,", boxes, torch.float32, (k, 4))
    check_tensor(f"{scene}masks, one a label,", masks, torch.bool, (k, height, width))
    check_labels(f"{scene}labels", labels, 0, classes - 1)
    check_boxes(f"{scene}boxes", boxes, height, width)
    for box, mask in zip(boxes.tolist(), masks, strict=True):
        if not mask.any():
            raise ValueError(f"{scene}each mask must have a pixel that is on; that of the box {tuple(box)} has none")
