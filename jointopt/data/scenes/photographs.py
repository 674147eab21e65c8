"""Scenes that are photographs, from data sets of torchvision's: `voc.py` and `pets.py`, and what the two share.

    train = load("voc", "train", 600)     # read once in a process: tasks call this
    train = voc.load("train", count=600)  # read anew

The `load` of both takes
    root      the folder that holds, or will hold, that of the data set; None: see `torchvision_sets.default_root`
    download  fetch the data set if it is not there; nothing else fetches
    size      pixels, to which both sides are scaled, so that shapes are distorted; boxes and masks with them
    count     of images, in an order that is fixed and has no pattern: the first 100 of 600 are those of count=100;
              None: all. An image takes 27 KB at 96 pixels, and each mask 9 KB
and raises ValueError for anything else and where there are fewer images than count, FileNotFoundError if the files are
not there, OSError if they cannot be fetched or read. Sources and licenses are in SOURCES.md, in the folder above.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from jointopt.checks import check_choice, check_count
from jointopt.data import torchvision_sets
from jointopt.data.scenes import Scenes
from jointopt.data.torchvision_sets import default_root

NAMES = ("voc", "pets")
SPLITS = ("train", "validation", "test")
VALIDATION_EVERY = 5  # of the images that a data set gives for training, every fifth is for validation

# Pixels, boxes, labels, masks and void of one image, as Scenes holds them.
Row = tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]


def load(
    name: str, split: str, count: int, size: int = 96, classes: str | Sequence[str] | None = None, **options
) -> Scenes:
    """`count` photographs of a data set, resized to size × size pixels. Callers share them: leave them as they are.

    name: one of NAMES. The other arguments, and the errors, are those of its own `load`, without root and download.
    """
    check_choice("photographs", name, NAMES)
    classes = tuple(classes) if isinstance(classes, list) else classes
    read = import_module(f"jointopt.data.scenes.{name}").load
    return _once(read, split, default_root(), size=size, count=count, classes=classes, **options)


@lru_cache(maxsize=8, typed=True)
def _once(read: Callable[..., Scenes], *arguments, **options) -> Scenes:
    return read(*arguments, **options)


def check(split: object, size: object, count: object) -> None:
    """Raise ValueError unless they are a split, a size in pixels, and a number of images or None."""
    check_choice("split", split, SPLITS)
    check_count("size", size, 1)
    if count is not None:
        check_count("count", count, 1)


def find(name: str, make: Callable, root: Path, files: Sequence[Path], download: bool, about: str):
    """As torchvision_sets.find. about: the size of the download."""
    way = f"To fetch it ({about}): from jointopt.data.scenes import {name}; {name}.load(count=1, download=True)"
    elsewhere = "If it lies in another folder, name that in the environment variable JOINTOPT_DATA or as root"
    return torchvision_sets.find(name, make, root, files, download, f"{way}. {elsewhere}")


def cut(images: int, split: str) -> list[int]:
    """The numbers of the split's images in one of a data set's lists, in an order that is fixed and has no pattern.

    A list for training holds "train" and "validation", one for testing only "test". Lists go by year, class or name,
    so that their first images are no sample of the rest; the first n of this order are.
    """
    numbers = np.arange(images)
    if split != "test":
        numbers = numbers[(numbers % VALIDATION_EVERY == VALIDATION_EVERY - 1) == (split == "validation")]
    return np.random.RandomState(0).permutation(numbers).tolist()  # NumPy froze its stream


def gather(
    name: str,
    split: str,
    order: Iterable[int],
    read: Callable[[int], Row],
    path: Callable[[int], object],
    count: int | None,
    classes: tuple[str, ...],
) -> Scenes:
    """The first `count` images (None: all) in which `read` finds an object.

    path: the file by which an error names an image. ValueError if there are fewer, or none; OSError if one cannot be
    read.
    """
    rows = []
    for number in order:
        if len(rows) == count:
            break
        try:
            row = read(number)
        except Exception as error:  # no such file, a JPEG cut short, an annotation without a box
            raise torchvision_sets.unreadable(f"{name}: {path(number)}", error) from error
        if len(row[2]):
            rows.append(row)
    if len(rows) < (count or 1):
        which = ", ".join(classes)
        raise ValueError(f"{name} has {len(rows)} images in {split!r} with an object ({which}), not {count or 'one'}")
    pixels, boxes, labels, masks, void = zip(*rows, strict=True)
    return Scenes(torch.stack(pixels), boxes, labels, masks, classes, None if void[0] is None else torch.stack(void))


def resized(image: Image.Image, size: int) -> Tensor:
    """uint8 (3, size, size), antialiased; the sides are scaled each by its own factor."""
    scaled = image.resize((size, size), Image.Resampling.BILINEAR)  # integers: the same everywhere
    return torch.from_numpy(np.array(scaled)).permute(2, 0, 1).contiguous()


def resized_map(image: Image.Image, like: Image.Image, size: int) -> Tensor:
    """A map of numbers, one per pixel of `like`: uint8 (size, size), each the nearest pixel's."""
    scaled = image.resize((size, size), Image.Resampling.NEAREST)  # reads the file, which is then closed
    if image.size != like.size:
        raise ValueError(f"a mask must have the image's size, {like.size}, got {image.size}")
    return torch.from_numpy(np.array(scaled))


def tight_boxes(masks: Tensor) -> Tensor:
    """Around what is on in each of (k, H, W): float32 (k, 4), edges, not pixels, as Scenes has them."""
    from torchvision.ops import masks_to_boxes

    return masks_to_boxes(masks) + torch.tensor([0.0, 0, 1, 1])  # it gives the last pixel that is on
