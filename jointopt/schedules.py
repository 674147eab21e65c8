"""Numbers that change over the steps of a run: a learning rate or a λ in the controls."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
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

    Any function of the step may stand in the controls. This one is saved with a run as it is, and drawn to its end; of
    another one what it answered is.
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

    @property
    def plain(self) -> list[list]:
        """The points as plain data, from which a Schedule can be made again."""
        return [list(point[: 2 if point.shape == "linear" else 3]) for point in self.points]


class AskedOnce:
    """A function of the step that is no Schedule. It is asked once for each step, and what it answered is kept.

    So a run that is taken again, a branch and a saved run have the same numbers, whatever the function hangs on.
    """

    def __init__(self, function: Callable[[int], float]):
        self.function = function
        self.answers: dict[int, float] = {}

    def __repr__(self):
        return f"<{words(self)}: {getattr(self.function, '__qualname__', type(self.function).__qualname__)}>"

    def __call__(self, step: int, what: str = "a number that changes with the step") -> float:
        """Its answer; ValueError, which says of what, if it fails or answers no finite number ≥ 0."""
        if step not in self.answers:
            try:
                answer = self.function(step)
            except Exception as error:
                failed = f"the function fails at step {step}: {type(error).__name__}: {error}"
                raise ValueError(f"{what}: {failed}") from error
            self.answers[step] = check_number(f"{what} at step {step}", answer)
        return self.answers[step]

    def since(self, first: int) -> Schedule:
        """What it answered from this step on, as a schedule; it is asked for the first one if it has not been yet."""
        self(first)
        points = [Point(step, self.answers[step]) for step in sorted(self.answers) if step >= first]
        around = zip([None, *points], points, [*points[1:], None], strict=False)
        return Schedule(tuple(p for before, p, after in around if not _between_equals(before, p, after)))


Value = float | Schedule | AskedOnce  # of a weight or a rate


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


def check_value(what: str, value: object) -> Value:
    """The value, if it is a finite number ≥ 0, or a function of the step."""
    if isinstance(value, Schedule | AskedOnce):
        return value
    return AskedOnce(value) if callable(value) else check_number(what, value)


def check_value_at(what: str, value: Value, step: int) -> float:
    """The number at this step. ValueError, which says of what, if a function fails or answers no finite number ≥ 0."""
    if isinstance(value, AskedOnce):
        return value(step, what)
    return value(step) if callable(value) else value


def without_functions(value: object, step: int) -> object:
    """The value that was set at this step, for a file or another process: what a function answered, as a schedule."""
    return value.since(step) if isinstance(value, AskedOnce) else value


def known_at(value: Value | None, step: int) -> float | None:
    """The number at this step, without asking a function: what it answered there or a step before, else None."""
    if isinstance(value, AskedOnce):
        return value.answers.get(step, value.answers.get(step - 1))
    return value(step) if callable(value) else value


def words(value: Value | None) -> str:
    """A number in three digits, or how it changes with the step."""
    if value is None:
        return "as all"
    if isinstance(value, Schedule):
        return f"a schedule: {value}"
    return "a function of the step" if callable(value) else f"{value:.3g}"


def _between_equals(before: Point | None, point: Point, after: Point | None) -> bool:
    """True for a point that a schedule can do without."""
    if before is None or after is None:
        return False
    return before.value == point.value == after.value


def _is_list(points: object) -> bool:
    return isinstance(points, Iterable) and not isinstance(points, (str, bytes))


def _checked(point: object) -> Point:
    """ValueError unless it is a point."""
    if not isinstance(point, Sequence) or isinstance(point, str) or len(point) not in (2, 3):
        raise ValueError(f"a point of a schedule is (step, value) or (step, value, shape), got {point!r}")
    step, value, shape = Point(*point)
    check_choice("the shape of a schedule", shape, SHAPES)
    return Point(check_count("the step of a schedule", step), check_number("the value of a schedule", value), shape)
