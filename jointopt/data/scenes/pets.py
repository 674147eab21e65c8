"""The Oxford-IIIT pets as scenes: a photograph each of one cat or dog, with its mask and a box around it.

Source: Parkhi, Vedaldi, Zisserman and Jawahar, Cats and Dogs, CVPR 2012; read by torchvision's OxfordIIITPet.
License: SOURCES.md.
"""

import os
from pathlib import Path

import torch

from jointopt.checks import check_choice
from jointopt.data.scenes import Scenes, photographs
from jointopt.data.scenes.photographs import Row
from jointopt.data.torchvision_sets import default_root

SPECIES = ("cat", "dog")
ANIMAL, VOID = 1, 3  # in a trimap; 2 is the background. VOID: a band along the outline that is not classified
LISTS = {"train": "trainval", "validation": "trainval", "test": "test"}


def load(
    split: str = "train",
    root: str | os.PathLike | None = None,
    download: bool = False,
    size: int = 96,
    count: int | None = None,
    classes: str | None = None,
) -> Scenes:
    """Load photographs with their animal: pixels uint8 (N, 3, size, size), box in pixels of the resized image.

    Args:
        split: "train" is the list trainval without every fifth image, which "validation" has; "test" is the list of
            that name. They have 2,944, 736 and 3,669 images.
        root, download, size, count, and errors: see `photographs`. The folder is oxford-iiit-pet, of 0.8 GB.
        classes: "species" (labels 0 cat, 1 dog), or "breeds" (the 37, in the order of the data set). None: species.

    The mask holds what the data set calls foreground. A narrow band along the outline, which it does not classify,
    is void, and the box is tight around the rest: it is a few pixels smaller than the animal.
    """
    photographs.check(split, size, count)
    check_choice("classes", classes, (None, "species", "breeds"))
    from torchvision.datasets import OxfordIIITPet  # here: 2 s and 160 MB

    root = Path(root) if root is not None else default_root()
    folder, listed = root / "oxford-iiit-pet", LISTS[split]
    files = [folder / name for name in ("images", "annotations/trimaps", f"annotations/{listed}.txt")]
    kinds = ("category", "binary-category", "segmentation")
    data = photographs.find(
        "pets", lambda fetch: OxfordIIITPet(root, listed, kinds, download=fetch), root, files, download, about="0.8 GB"
    )
    breeds = classes == "breeds"

    def read(number: int) -> Row:
        image, (breed, species, trimap) = data[number]
        trimap = photographs.resized_map(trimap, image, size)  # (size, size)
        mask = trimap[None] == ANIMAL  # (1, size, size)
        mask = mask[mask.flatten(1).any(1)]  # (0, size, size) where nothing is left of it
        labels = torch.tensor([breed if breeds else species] * len(mask), dtype=torch.int64)
        return photographs.resized(image, size), photographs.tight_boxes(mask), labels, mask, trimap == VOID

    order = photographs.cut(len(data), split)
    names = tuple(data.classes) if breeds else SPECIES
    return photographs.gather("pets", split, order, read, lambda number: f"image {number} of {files[-1]}", count, names)
