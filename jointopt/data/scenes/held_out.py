"""Scenes to train on and scenes held out, drawn or photographed: what the tasks on scenes read.

train, held = read("scenes", 0, "247", 600, "test", 100)
"""

from collections.abc import Sequence
from functools import lru_cache

from jointopt.checks import check_choice, check_count
from jointopt.data import LAST_SEED, digits, scenes
from jointopt.data.scenes import MOST, Scenes, photographs

HELD_OUT = {"test": ("test", 0), "validation": ("train", LAST_SEED)}  # the split and the seed of drawn scenes
SIDE = 96  # pixels


def read(
    data: str,
    seed: int,
    classes: str | Sequence[str] | None,
    count: int,
    held_out: str,
    held_out_count: int,
    most: int = MOST,
    **options,
) -> tuple[Scenes, Scenes]:
    """The images for training, and those held out: the same for every seed. All have 96×96 pixels.

    data: "scenes" draws digits over photographs by the seed (jointopt.data.scenes); classes are then digits, "247" if
    None. Another name is one of photographs.NAMES: photographs, the same for every seed, by their own module, which
    says what classes and options may be; None: all classes, or the species.
    held_out: "test", or "validation" for choosing hyperparameters. No digit and no background of a test scene is in a
    training scene; validation scenes are other scenes, of the digits and backgrounds that are trained on.
    most: digits in a drawn scene to train on, at most, from 1 to 9; scenes held out have one to three.
    Photographs are never in two of the three splits.

    ValueError for another held_out, for `most` of photographs, and for what the module of the data refuses;
    FileNotFoundError where photographs are missing.
    """
    check_choice("data", data, ("scenes", *photographs.NAMES))
    check_choice("held_out", held_out, HELD_OUT)
    check_count("scenes", count, 1)
    check_count("held_out_scenes", held_out_count, 1)
    if data != "scenes":
        if most != MOST:
            raise ValueError(f"most is of drawn scenes, got {most!r} for the photographs {data!r}")
        splits = (("train", count), (held_out, held_out_count))
        train, held = (photographs.load(data, split, n, SIDE, classes, **options) for split, n in splits)
        return train, held
    chosen = scenes.check_classes("247" if classes is None else classes, digits.CLASSES, scenes.DIGITS)
    classes = "".join(chosen)  # one form for what is drawn once
    split, held_seed = HELD_OUT[held_out]
    return draw(count, "train", seed, classes, most), draw(held_out_count, split, held_seed, classes)


@lru_cache(maxsize=8, typed=True)
def draw(count: int, split: str, seed: int, classes: str, most: int = MOST) -> Scenes:
    """Scenes, drawn once in a process. Callers share them: leave them as they are."""
    return scenes.scenes(count, split, seed, SIDE, classes, most)
