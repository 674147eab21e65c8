"""How a scene is drawn: a crop of a photograph, and tinted digits over it."""

import numpy as np
from PIL import Image

from jointopt.data import digits

SMALLEST, LARGEST = 20, 36  # pixels, the longer side of a digit's ink; in the stored images it is 20
INK = 128  # of 255: from here on a pixel shows more of the digit than of the photograph, and belongs to its mask
TRIES = 30  # positions drawn for a digit before it is left out, and colors for a position before it is given up
SHARED = 0.15  # of the smaller of two boxes: the most that they may share
NEAR = 60  # of 255: a pixel whose luminance is nearer than this to the tint's hides the digit
HIDING = 0.1  # of the pixels in its box: the most that may hide it


def draw_digits(
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
        opacity = scale(stroke, SMALLEST + _below(random, LARGEST - SMALLEST + 1))  # (h, w)
        found = find_position(random, opacity, image, tinted, boxes)
        if found is None:
            continue
        position, tint = found
        image[:, *position] = digits.mix(image[:, *position], tint[:, None, None], opacity)
        tinted[position] |= opacity > 0
        mask = np.zeros_like(tinted)
        mask[position] = opacity >= INK
        labels.append(label)
        masks.append(mask)
        boxes.append(box_of(mask))
    return labels, masks


def crop(random: np.random.RandomState, backgrounds: np.ndarray, size: int) -> np.ndarray:
    """A square of one of the photographs (B, H, W, 3), every second one mirrored. (3, size, size)"""
    photograph = backgrounds[_below(random, len(backgrounds))]
    top, left = (_below(random, side - size + 1) for side in photograph.shape[:2])
    square = photograph[top : top + size, left : left + size].transpose(2, 0, 1)
    return square[:, :, ::-1] if _below(random, 2) else square


def scale(stroke: np.ndarray, side: int) -> np.ndarray:
    """A stored digit (28, 28), scaled so that the longer side of its ink has `side` pixels. Opacity, uint8 (h, w)."""
    x1, y1, x2, y2 = box_of(stroke > 0)
    cut = np.pad(stroke[y1:y2, x1:x2], 1)  # so that its edge fades on all sides
    height, width = (round(side * n / max(x2 - x1, y2 - y1)) for n in cut.shape)
    scaled = Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC)  # integers: the same everywhere
    x1, y1, x2, y2 = box_of(np.asarray(scaled) > 0)
    return np.asarray(scaled)[y1:y2, x1:x2]


def find_position(
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
    x1, y1, x2, y2 = box_of(opacity >= INK)
    for _ in range(TRIES):
        top, left = (_below(random, n - side + 1) for n, side in zip(tinted.shape, opacity.shape, strict=True))
        position = slice(top, top + height), slice(left, left + width)
        box = left + x1, top + y1, left + x2, top + y2
        if (tinted[position] & (opacity > 0)).any() or any(_shared(box, other) > SHARED for other in boxes):
            continue
        tint = find_tint(random, image[:, *position])
        if tint is not None:
            return position, tint
    return None


def _shared(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """The area that two boxes share, as a part of the smaller one's."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (a, b))
    return max(0, width) * max(0, height) / smaller


def find_tint(random: np.random.RandomState, under: np.ndarray) -> np.ndarray | None:
    """The first color drawn, (3,) uint8, that is legible on `under` (3, h, w), be it light, dark or in between.

    Each is any color, mixed with white or with black: few colors are nearly white or black by themselves, and busy
    backgrounds, on which no other is legible, would have no digits.
    """
    color, part = random.random_sample((TRIES, 3)), random.random_sample((TRIES, 1))
    white = random.random_sample((TRIES, 1)) < 0.5
    tints = (255 * (color * (1 - part) + part * white) + 0.5).astype(np.uint8)
    distance = np.abs(luminance(tints.T)[:, None] - luminance(under).ravel())  # (TRIES, h * w)
    legible = np.flatnonzero((distance < NEAR).mean(1) <= HIDING)
    return tints[legible[0]] if len(legible) else None


def luminance(colors: np.ndarray) -> np.ndarray:
    """Luminance by ITU-R BT.601 of (3, ...) uint8, from 0 to 255, in exact integers. (...)"""
    red, green, blue = colors.astype(np.int32)
    return (299 * red + 587 * green + 114 * blue) // 1000


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The tight box around what is on in (H, W): x1, y1, x2, y2, the last two one beyond the last pixel."""
    y, x = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return int(x[0]), int(y[0]), int(x[-1]) + 1, int(y[-1]) + 1


def _below(random: np.random.RandomState, n: int) -> int:
    """A number from 0 to n - 1."""
    return int(random.random_sample() * n)
