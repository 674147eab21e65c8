"""What is asked of the tensors that others give. A ValueError says what was expected, and what was given."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

Kind = torch.dtype | str
BRIGHT = (
    16  # no image of 0 … 1 comes near it, normalized by whatever mean and deviation; of 0 … 255, all but black ones do
)


def check_parts(batch: object, *names: str) -> None:
    """Unless a batch is a tuple or list of so many parts."""
    listed = isinstance(batch, (tuple, list))
    if not listed or len(batch) != len(names):
        length = f" of {len(batch)}" if listed else ""
        raise ValueError(f"a batch is ({', '.join(names)}), got {type(batch).__name__}{length}")


def check_repeats(batches: Callable[[int], object]) -> list[Tensor]:
    """Unless batch 0 is the same when it is asked for twice: its tensors. torch's random numbers stay as they are."""
    with torch.random.fork_rng(devices=[]):
        first, second = ([tensor.clone() for tensor in tensors_of(batches(0))] for _ in range(2))
    if len(first) != len(second) or not all(map(_equal, first, second)):
        raise ValueError(
            "batch 0 was asked for twice, and the second was another than the first, so that no run could be replayed:"
            " a task's batches must draw from nothing but the step's number (random augmentation: by a"
            " torch.Generator().manual_seed(number), or within the losses)"
        )
    return first


def tensors_of(batch: object) -> Iterator[Tensor]:
    """The tensors and arrays of a batch, however they are nested."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, np.ndarray) and batch.dtype.kind in "biuf":
        yield torch.from_numpy(batch)
    elif isinstance(batch, Mapping):
        yield from tensors_of(tuple(batch.values()))
    elif isinstance(batch, (tuple, list)):
        for part in batch:
            yield from tensors_of(part)


def _equal(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are, nan beside nan too."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return torch.equal(a, b) or bool(((a == b) | (a != a) & (b != b)).all())


def check_tensor(name: str, value: object, kind: Kind, shape: tuple[int | str, ...]) -> None:
    """Unless it is a tensor of this kind and shape.

    kind: a dtype, or "float" for any of floating point.
    shape: numbers, and letters for any number; a capital for any but 0.
    """
    if isinstance(value, Tensor) and value.ndim == len(shape):
        right = value.is_floating_point() if kind == "float" else value.dtype == kind
        fits = (n == m if isinstance(m, int) else n > 0 or m.islower() for n, m in zip(value.shape, shape, strict=True))
        if right and all(fits):
            return
    given, hint = type(value).__name__, ""
    if isinstance(value, Tensor):
        given = _told(value.dtype, value.shape)
        hint = ", none of them 0" if 0 in value.shape and any(str(m).isupper() for m in shape) else ""
    raise ValueError(f"{name} must be {_told(kind, shape)}{hint}, got {given}")


def check_labels(name: str, labels: Tensor, first: int, last: int, hint: str = "") -> None:
    """Unless all of them lie in first … last. hint: the end of the error."""
    low, high = labels.aminmax() if labels.numel() else (first, last)
    if low < first or high > last:  # which one is looked for in an error alone, since masks are large
        wrong = labels[(labels < first) | (labels > last)][0]
        raise ValueError(f"{name} must be in {first} … {last}, got {int(wrong)}{hint}")


def check_range(name: str, images: Tensor) -> None:
    """Unless they are floats of about 0 … 1; normalized ones pass, those of 0 … 255 do not."""
    if (largest := images.max().item()) > BRIGHT:
        by = "255" if largest <= 255 else "the largest that there can be"
        raise ValueError(f"{name} must be floats of 0 … 1, got {largest:g}, the largest here: divide by {by}")


def check_in_pixels(name: str, boxes: Iterable[Tensor]) -> None:
    """Unless one at least of all boxes, each tensor (k, 4), reaches beyond the first pixel."""
    largest = max((each.max().item() for each in boxes if len(each)), default=None)
    if largest is not None and largest <= 1:
        raise ValueError(
            f"{name} must be in pixels, got {largest:g}, the largest here: multiply x by the image's width and y by its"
            " height"
        )


def check_boxes(name: str, boxes: Tensor, height: int, width: int) -> None:
    """Unless each of (k, 4), x1, y1, x2, y2, lies in the image and has an area."""
    x1, y1, x2, y2 = boxes.unbind(1)
    right = (0 <= x1) & (x1 < x2) & (x2 <= width) & (0 <= y1) & (y1 < y2) & (y2 <= height)  # nan fails
    if not right.all():
        within = f"0 ≤ x1 < x2 ≤ {width} and 0 ≤ y1 < y2 ≤ {height}"
        given = tuple(boxes[~right][0].tolist())
        raise ValueError(f"{name} must lie in the image and have an area, {within}, got {given}")


def _told(kind: Kind, shape: tuple[int | str, ...]) -> str:
    """As "float32 (4, 3, 28, 28)"."""
    sides = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    return f"{str(kind).removeprefix('torch.')} ({sides})"
