"""Numbers that change over the steps of a run: a learning rate or a λ in the controls."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from jointopt.checks import check_choice, check_count, check_number

SHAPES = {"linear": lambda t: t, "cosine": lambda t: (1 - math.cos(math.pi * t)) / 2}  # of the way, t from 0 to 1


class Point(NamedTuple):
    """`shape`: of the way to it from the point before."""

    step: int
    value: float
    shape: str = "linear"


@dataclass(frozen=True)
class Schedule:
    """A number ≥ 0 over the steps of a run: schedule(step). Constant before its first point and after its last.

    points  (step, value) or (step, value, shape), by rising steps; shapes are straight lines and half waves of a cosine

    Any function of the step may stand in the controls; this one is saved with a run, and drawn to its end.
    """

    points: tuple[Point, ...]

    def __post_init__(self):
        points = tuple(map(_checked, self.points if _is_list(self.points) else (self.points,)))
        steps = [point.step for point in points]
        if not points or sorted(set(steps)) != steps:
            raise ValueError(f"a schedule has points (step, value), one at least, by rising steps, got steps {steps}")
        object.__setattr__(self, "points", points)

    def __call__(self, step: int) -> float:
        after = bisect_right(self.points, step, key=itemgetter(0))
        if after in (0, len(self.points)):
            return self.points[max(0, after - 1)].value
        (first, low, _), (last, high, shape) = self.points[after - 1 : after + 1]
        return low + (high - low) * SHAPES[shape]((step - first) / (last - first))

    def __str__(self):
        first, *more = self.points
        ends = [f"{value:.3g} (step {step})" for step, value, _ in (more if len(more) < 3 else more[-1:])]
        return " → ".join([f"{first.value:.3g}", *(["…"] if len(more) >= 3 else []), *ends])

    @property
    def end(self) -> int:
        """The step from which on it is constant."""
        return self.points[-1].step

    @classmethod
    def of(cls, function: Callable[[int], float], first: int, last: int) -> "Schedule":
        """What a function answers at the steps from `first` to `last`, or to the one before it fails, as a schedule."""
        values = [check_value_at("a schedule", function, first)]
        with suppress(Exception):  # it was no longer in force there
            for step in range(first + 1, last + 1):
                values.append(check_value_at("a schedule", function, step))
        ends = {0, len(values) - 1}
        kept = (i for i in range(len(values)) if i in ends or not values[i - 1] == values[i] == values[i + 1])
        return cls(tuple(Point(first + i, values[i]) for i in kept))


def linear(*points: tuple[int, float]) -> Schedule:
    """Straight from each point (step, value) to the next: `linear((0, 0.0), (200, 0.1))` rises over 200 steps."""
    return Schedule(points)


def warmup_cosine(peak: float, warmup: int, steps: int, end: float = 0.0) -> Schedule:
    """Rises in equal parts to its peak at step `warmup`, and falls along a cosine to `end` at `steps`.

    Source: Loshchilov, Hutter: SGDR, arXiv 1608.03983, equation 5, without restarts; the warm-up is that of Goyal et
    al., arXiv 1706.02677, section 2.2.
    """
    peak = check_number("the peak of a schedule", peak)
    warmup = check_count("the warm-up of a schedule", warmup)
    rise = [(0, peak / (warmup + 1))] if warmup else []
    return Schedule((*rise, (warmup, peak), (check_count("the steps of a schedule", steps, warmup + 1), end, "cosine")))


def check_value(what: str, value: object) -> float | Callable[[int], float]:
    """The value, if it is a finite number ≥ 0, or a function of the step that answers such."""
    return value if callable(value) else check_number(what, value)


def check_value_at(what: str, value: float | Callable[[int], float], step: int) -> float:
    """The number at this step."""
    return check_number(f"{what} at step {step}", value(step)) if callable(value) else value


def _is_list(points: object) -> bool:
    return isinstance(points, Iterable) and not isinstance(points, (str, bytes))


def _checked(point: object) -> Point:
    """ValueError unless it is a point."""
    if not isinstance(point, Sequence) or isinstance(point, str) or len(point) not in (2, 3):
        raise ValueError(f"a point of a schedule is (step, value) or (step, value, shape), got {point!r}")
    step, value, shape = Point(*point)
    check_choice("the shape of a schedule", shape, SHAPES)
    return Point(check_count("the step of a schedule", step), check_number("the value of a schedule", value), shape)
