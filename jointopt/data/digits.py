"""The digits that ship with the package, plain or over clutter, from one checked file.

`python -m tools.make_digits` makes the file. It holds six uint8 arrays, three for each split ("train" and
"test"): train_digits (N, 28, 28), train_labels (N,) and train_backgrounds (2, H, W, 3). The backgrounds are
the left 70 % (train) and the right 30 % (test) of two photographs: no pixel is in both.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch

from jointopt.system import read_arrays

NAMES = ("digits", "cluttered")
CLASSES = tuple("0123456789")
FILE = Path(__file__).with_name("digits.npz")
SHA256 = "8362dff75469606cb9c6da0ce98ab041ed1dce737ee9e7878f5018d285bcd8b2"
read = partial(read_arrays, what="the data file", sha256=SHA256, script="tools.make_digits")  # path -> arrays by name
CLUTTER_SEED = {"train": 0, "test": 1}
CANDIDATES = 3  # crops drawn for one image; the busiest is taken, or half of the backgrounds would be plain
TINT_RANGE = 90  # of 255: how far the channels of a tint may lie from black or from white


def load(name: str, split: str) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    """Pixels uint8 ("digits": (N, 28, 28), "cluttered": (N, 3, 28, 28)), labels uint8 (N,), and classes."""
    arrays = read(FILE)
    digits, labels = arrays[f"{split}_digits"], torch.tensor(arrays[f"{split}_labels"])
    if name == "digits":
        return torch.tensor(digits), labels, CLASSES
    pixels, _ = clutter(digits, arrays[f"{split}_backgrounds"], CLUTTER_SEED[split])
    return torch.from_numpy(pixels), labels, CLASSES


def clutter(digits: np.ndarray, backgrounds: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay tinted digits over crops of photographs.

    Args:
        digits: (N, 28, 28) uint8; the gray value is the tint's opacity.
        backgrounds: (B, H, W, 3) uint8.
        seed: of a generator of its own, from which all crops and tints are drawn.

    Returns the images, (N, 3, 28, 28) uint8, and the position of each crop, (N, 3) int: background, top, left.
    A digit is light where what lies under its strokes is dark, else dark: it stays legible, and no fixed
    color distinguishes it from its background. All sums are of integers, and so equal on every machine.
    """
    n, side = digits.shape[:2]
    random = np.random.RandomState(seed)  # NumPy froze its stream: the same images in every version
    gray = (backgrounds.sum(-1, dtype=np.uint16) // 3).astype(np.uint8)  # (B, H, W)
    gray_crops = np.lib.stride_tricks.sliding_window_view(gray, (side, side), axis=(1, 2))
    color_crops = np.lib.stride_tricks.sliding_window_view(backgrounds, (side, side), axis=(1, 2))

    limits = np.array(gray_crops.shape[:3])  # (B, H - 27, W - 27)
    positions = (random.random_sample((CANDIDATES, n, 3)) * limits).astype(int)  # (CANDIDATES, N, 3)
    tints = (random.random_sample((n, 3)) * (TINT_RANGE + 1)).astype(np.uint8)  # (N, 3)

    busiest = np.argmax([_variance(gray_crops[tuple(p.T)]) for p in positions], axis=0)  # (N,)
    positions = positions[busiest, np.arange(n)]  # (N, 3)
    crops = color_crops[tuple(positions.T)]  # (N, 3, 28, 28)

    # Mean gray under the strokes against half of the range, without a division.
    under = np.einsum("nij,nij->n", gray_crops[tuple(positions.T)], digits, dtype=np.int64)
    dark = under <= 127 * digits.sum((1, 2), dtype=np.int64)
    tints = np.where(dark[:, None], 255 - tints, tints)

    return mix(crops, tints[:, :, None, None], digits[:, None]), positions


def mix(under: np.ndarray, tint: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Lay a tint over pixels, all from 0 to 255 and of shapes that fit each other. uint8, rounded, as `under`."""
    opacity = opacity.astype(np.uint16)
    mixed = under * (255 - opacity)  # with the tint at most 255 * 255, which fits uint16
    mixed += tint * opacity
    mixed += 127  # so that the division rounds
    mixed //= 255
    return mixed.astype(np.uint8)


def _variance(crops: np.ndarray) -> np.ndarray:
    """Variance of each (h, w) image in (N, h, w) uint8, times (h w) squared, in exact integers. (N,)"""
    sums = crops.sum((1, 2), dtype=np.int64)
    squares = np.einsum("nij,nij->n", crops, crops, dtype=np.int64)
    return crops[0].size * squares - sums**2
