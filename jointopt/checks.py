"""What is asked of arguments, of names and of the tensors that others give.

Each function raises ValueError, which says what was expected and what was given, before anything is changed.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from types import UnionType

import numpy as np
import torch
from torch import Tensor

Kind = torch.dtype | str
OF_OWN_DATA = """. Of a DataLoader, a data set or a list of (input, label) it is made so:
    from jointopt import Task, data
    batches = data.batches(loader, seed=0)  # the data set, shuffled by the seed: same number, same batch
    task = Task(model, losses, batches)"""
BRIGHT = (
    16  # no image of 0 … 1 comes near it, normalized by whatever mean and deviation; of 0 … 255, all but black ones do
)


def listed(names: Collection[str]) -> str:
    """Names for an error message."""
    return ", ".join(repr(name) for name in sorted(names)) or "none"


def check_number(what: str, value: object, most: float = math.inf) -> float:
    """The value as a float, if it is a finite number from 0 to `most`."""
    if not is_finite(value) or not 0 <= value <= most:
        limits = "finite number ≥ 0" if most == math.inf else f"number from 0 to {most:g}"
        raise ValueError(f"{what} must be a {limits}, got {value!r}")
    return float(value)


def check_positive(what: str, value: object) -> float:
    """The value as a float, if it is a finite number > 0."""
    if not is_finite(value) or value <= 0:
        raise ValueError(f"{what} must be a finite number > 0, got {value!r}")
    return float(value)


def is_finite(value: object) -> bool:
    """True for a real number that a float can hold, and that is neither nan nor infinite. A bool is rejected."""
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # 10**400
        return False


def check_count(what: str, value: object, least: int = 0, most: int | None = None) -> int:
    """The value as an int, if it is a whole number from `least` to `most` (None: without end)."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        limits = f"≥ {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{what} must be a whole number {limits}, got {value!r}")
    return int(value)


def check_point(what: str, value: object, most: float = math.inf) -> tuple[float, float]:
    """The value as a pair of floats, if it is two finite numbers, each from -most to most."""
    pair = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(pair, Sequence) or len(pair) != 2 or not all(is_finite(x) and abs(x) <= most for x in pair):
        limits = "" if most == math.inf else f" from {-most:g} to {most:g}"
        raise ValueError(f"{what} must be two finite numbers{limits}, got {value!r}")
    return float(pair[0]), float(pair[1])


def check_choice(what: str, value: object, choices: Iterable[object]) -> None:
    """The value of an option is one of these."""
    choices = tuple(choices)
    if value not in choices:
        raise ValueError(f"{what} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_name(kind: str, name: object, known: Collection[str], hint: str = "") -> None:
    """The name is one of the known ones. hint: the end of the error."""
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"no {kind} is named {name!r}; there are {listed(known)}{hint}")


def some_names(names: str | Iterable[str], why: str) -> frozenset[str]:
    """The names as a set, one at least; one name may stand alone. why: the error where there is none."""
    names = frozenset([names] if isinstance(names, str) else names)
    if not names:
        raise ValueError(why)
    return names


def check_type(what: str, value: object, kind: type | UnionType, wanted: str, hint: str = "") -> None:
    """The value is of this type, or of one of these (`Mapping | None`). wanted: the same in words; hint: the end."""
    if not isinstance(value, kind):
        given = repr(value) if isinstance(value, (str, Real)) else type(value).__name__
        raise ValueError(f"{what} must be {wanted}, got {given}{hint}")


def check_function(what: str, value: object, signature: str, hint: str = "") -> None:
    """The value can be called. hint: the end of the error."""
    if not callable(value):
        raise ValueError(f"{what} must be a function, {signature}, got {type(value).__name__}{hint}")


def check_answer(losses: object, weights: Mapping[str, float] | None) -> dict[str, object]:
    """What a task's losses answered, as a dict, if it has a name at least, and names that the weights have, too."""
    if not isinstance(losses, Mapping) or not losses:
        raise ValueError(f"a task's losses must answer a dict of name -> scalar tensor, got {type(losses).__name__}")
    if weights is not None and weights.keys() != losses.keys():
        raise ValueError(
            f"task.weights must name every loss: it names {listed(weights)}, the losses are {listed(losses)}"
        )
    return dict(losses)


def check_scalars(losses: Mapping[str, object]) -> dict[str, Tensor]:
    """The losses that were computed, if each is a scalar. Those that are still functions are left out."""
    values = {name: loss for name, loss in losses.items() if not callable(loss)}
    for name, loss in values.items():
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            raise ValueError(f"the loss {name!r} must be a scalar tensor, got {got}")
    return values


class NonFiniteError(FloatingPointError):
    """A loss or a gradient is nan or infinite. Raised before any weight moves."""


def check_finite(values: Mapping[str, float], step: int) -> None:
    """Each value, by what it is, is finite; otherwise NonFiniteError."""
    for what, value in values.items():
        if not math.isfinite(value):
            raise NonFiniteError(f"step {step}: {what} is {value}; no weight was changed")


def check_parts(batch: object, *names: str) -> None:
    """The batch is a tuple or list with one part per name."""
    several = isinstance(batch, (tuple, list))
    if not several or len(batch) != len(names):
        length = f" of {len(batch)}" if several else ""
        raise ValueError(f"a batch is ({', '.join(names)}), got {type(batch).__name__}{length}")


def check_repeats(batches: Callable[[int], object]) -> list[Tensor]:
    """The tensors of batch 0, if it is the same when it is asked for twice. torch's random numbers stay as they are."""
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
    """True if two tensors are equal; nan equals nan."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return torch.equal(a, b) or bool(((a == b) | (a != a) & (b != b)).all())


def check_tensor(name: str, value: object, kind: Kind, shape: tuple[int | str, ...]) -> None:
    """It is a tensor of this kind and shape.

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
        given = _described(value.dtype, value.shape)
        hint = ", none of them 0" if 0 in value.shape and any(str(m).isupper() for m in shape) else ""
    raise ValueError(f"{name} must be {_described(kind, shape)}{hint}, got {given}")


def check_labels(name: str, labels: Tensor, first: int, last: int, hint: str = "") -> None:
    """All of them lie in first … last. hint: the end of the error."""
    low, high = labels.aminmax() if labels.numel() else (first, last)
    if low < first or high > last:  # which one is looked for in an error alone, since masks are large
        wrong = labels[(labels < first) | (labels > last)][0]
        raise ValueError(f"{name} must be in {first} … {last}, got {int(wrong)}{hint}")


def check_range(name: str, images: Tensor, most: int = 255) -> None:
    """They are floats of about 0 … 1; normalized ones pass, those of 0 … `most` do not."""
    if (largest := images.amax().item()) > BRIGHT:
        by = f"{most}" if largest <= most else "the largest that there can be"
        raise ValueError(f"{name} must be floats of 0 … 1, got {largest:g}, the largest here: divide by {by}")


def check_in_pixels(name: str, boxes: Iterable[Tensor]) -> None:
    """At least one of all boxes, each tensor (k, 4), reaches beyond the first pixel."""
    largest = max((each.max().item() for each in boxes if len(each)), default=None)
    if largest is not None and largest <= 1:
        raise ValueError(
            f"{name} must be in pixels, got {largest:g}, the largest here: multiply x by the image's width and y by its"
            " height"
        )


def check_boxes(name: str, boxes: Tensor, height: int, width: int) -> None:
    """Each of (k, 4), x1, y1, x2, y2, lies in the image and has an area."""
    x1, y1, x2, y2 = boxes.unbind(1)
    right = (0 <= x1) & (x1 < x2) & (x2 <= width) & (0 <= y1) & (y1 < y2) & (y2 <= height)  # nan fails
    if not right.all():
        within = f"0 ≤ x1 < x2 ≤ {width} and 0 ≤ y1 < y2 ≤ {height}"
        given = tuple(boxes[~right][0].tolist())
        raise ValueError(f"{name} must lie in the image and have an area, {within}, got {given}")


def _described(kind: Kind, shape: tuple[int | str, ...]) -> str:
    """As "float32 (4, 3, 28, 28)"."""
    sides = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
    return f"{str(kind).removeprefix('torch.')} ({sides})"
