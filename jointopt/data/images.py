"""Labeled images in memory: as floats, or as bytes that become floats where they are read."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from jointopt.checks import check_labels, check_tensor


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Labeled images: `images` float32 (N, C, H, W), `labels` int64 (N,), `classes` the name of each label.

    Raises ValueError if the shapes, the dtypes or a label do not fit.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __post_init__(self):
        check_tensor("images", self.images, torch.float32, ("n", "c", "h", "w"))
        self._check_labels()

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.pixels.shape[1:]))
        return f"Images({len(self)} of {size}, {len(self.classes)} classes)"

    @property
    def pixels(self) -> Tensor:
        """The images as they are kept, (N, C, H, W): float32, or uint8 from 0 to 255. See `floats`."""
        return self.images

    def changed(self, pixels: Tensor, labels: Tensor) -> "Images":
        """Other pixels and labels, (n, C, H, W) and (n,), of the same classes, kept in the same way."""
        return (Bytes if pixels.dtype == torch.uint8 else Images)(pixels, labels, self.classes)

    def part(self, rows: slice | Tensor) -> "Images":
        """Some of the images."""
        return self.changed(self.pixels[rows], self.labels[rows])

    def _check_labels(self) -> None:
        check_tensor("labels, one per image,", self.labels, torch.int64, (len(self.pixels),))
        check_labels("labels", self.labels, 0, len(self.classes) - 1)


class Bytes(Images):
    """Images that are kept as uint8, a quarter of the size, until all of them are asked for by `images`.

    Channels may share their memory (`expand`): gray images then take a twelfth.
    """

    def __init__(self, pixels: Tensor, labels: Tensor, classes: tuple[str, ...]):
        self.__dict__.update(kept=pixels, labels=labels, classes=classes)
        check_tensor("images", pixels, torch.uint8, ("n", "c", "h", "w"))
        self._check_labels()

    @cached_property
    def images(self) -> Tensor:
        """All of them as float32 in [0, 1], in torch.channels_last if the bytes are, else contiguous."""
        last = self.kept.is_contiguous(memory_format=torch.channels_last) and not self.kept.is_contiguous()
        layout = torch.channels_last if last else torch.contiguous_format
        return torch.empty(self.kept.shape, memory_format=layout).copy_(self.kept).div_(255)

    @property
    def pixels(self) -> Tensor:
        """The floats once they were asked for, since they may have been altered."""
        return self.__dict__.get("images", self.kept)


def floats(pixels: Tensor) -> Tensor:
    """Pixels as `Images` keep them, as float32 in [0, 1]."""
    return pixels.float().div_(255) if pixels.dtype == torch.uint8 else pixels
