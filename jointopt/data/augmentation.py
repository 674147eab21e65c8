"""Data augmentation: images in other colors, with a texture, so that few backgrounds are not learned by heart.

Domain randomization (Tobin et al. 2017, arXiv:1703.06907), of photographs that are drawn on.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from jointopt.checks import check_count, check_number, check_tensor
from jointopt.data import LAST_SEED

GAIN, OFFSET, INVERTED = (0.6, 1.3), (-0.2, 0.2), 0.3  # per image and channel; the last: a share of the images
GRIDS, STRONGEST = (3, 6, 12, 24, 48), 0.12  # of the texture: cells per side; standard deviation of a grid, at most


def augmented(images: Tensor, share: float, seed: int, number: int) -> Tensor:
    """A share of the images with other contrast, brightness and order of channels, some inverted, under a texture.

    images: float (B, 3, H, W), values from 0 to 1. share: from 0 to 1, how probable it is for each image. seed, number:
    of the run, and of the batch: what is drawn follows from them alone. What comes out is float32 in
    [0, 1], of the same shape and device, in torch.channels_last.

    ValueError for anything else.
    """
    check_tensor("images", images, "float", ("B", 3, "H", "W"))
    check_number("share", share, 1)
    check_count("seed", seed, most=LAST_SEED)
    number = check_count("batch number", number)
    chosen = np.random.RandomState([seed, number, 1]).uniform(size=len(images)) < share
    changed = images.cpu().float().clone()
    if chosen.any():
        changed[chosen] = _changed(np.random.RandomState([seed, number]), changed[chosen])
    return changed.to(images.device).contiguous(memory_format=torch.channels_last)


def _changed(random: np.random.RandomState, images: Tensor) -> Tensor:
    """All of the images, float32 (B, C, H, W), changed."""
    count, channels, *_ = images.shape
    gain, offset = (_uniform(random, *limits, (count, channels, 1, 1)) for limits in (GAIN, OFFSET))
    changed = ((images - 0.5) * gain + 0.5 + offset + texture(random, *images.shape)).clamp(0, 1)
    changed = torch.where(_uniform(random, 0, 1, (count, 1, 1, 1)) < INVERTED, 1 - changed, changed)
    order = torch.from_numpy(np.argsort(random.uniform(size=(count, channels)), axis=1))
    return changed[torch.arange(count)[:, None], order]


def texture(random: np.random.RandomState, count: int, channels: int, *sides: int) -> Tensor:
    """Sums of noise on coarse and fine grids, half of them gray, weak to strong. float32 (count, channels, *sides)"""
    sums = torch.zeros(count, channels, 1, 1)
    for cells in GRIDS:
        noise = torch.from_numpy(random.standard_normal((count, channels, cells, cells))).float()
        sums = _resized(sums, (cells, cells)) + _uniform(random, 0, 1, (count, 1, 1, 1)) * noise
    sums = torch.where(_uniform(random, 0, 1, (count, 1, 1, 1)) < 0.5, sums.mean(1, keepdim=True), sums)
    return _resized(_uniform(random, 0, STRONGEST, (count, 1, 1, 1)) * sums, sides)


def _resized(images: Tensor, sides: Sequence[int]) -> Tensor:
    """Interpolated: (B, C, H, W) → (B, C, *sides)."""
    return F.interpolate(images, tuple(sides), mode="bilinear", align_corners=False)


def _uniform(random: np.random.RandomState, low: float, high: float, shape: tuple[int, ...]) -> Tensor:
    """Numbers between the two, float32 of this shape."""
    return torch.from_numpy(random.uniform(low, high, shape)).float()
