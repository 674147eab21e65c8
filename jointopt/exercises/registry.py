"""Exercises by their number. Those of a chapter are registered when its file is first asked for."""

import math
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from jointopt.exercises.answers import Wrong, kind, number

CHAPTERS = sorted(int(path.stem[2:]) for path in Path(__file__).parent.glob("ch[0-9][0-9].py"))


class Exercise(NamedTuple):
    """A check of an answer. It raises Wrong or Blank, or returns words to add to "right"."""

    check: Callable[[object], str | None]
    hints: tuple[str, ...]


BETWEEN = {"%": (0.0, 100.0), "points": (-100.0, 100.0)}  # what a number in this unit can be


class Prediction(NamedTuple):
    """What is to be predicted: a number in this unit, or one of these choices. close: what counts as predicted.

    between: the least and the largest number that makes sense, if not those of the unit. never: a larger one says that
    it never happens.
    """

    hints: tuple[str, ...]
    unit: str = ""
    close: float = 0.0
    choices: tuple[str, ...] = ()
    between: tuple[float, float] | None = None
    never: float = math.inf

    @property
    def wanted(self) -> str:
        """What to write in place of None."""
        if self.choices:
            return "one of " + ", ".join(map(repr, self.choices))
        return f"a number ({self.unit})" if self.unit else "a number"

    def read(self, value: object) -> float | str:
        """The value, if it can be a prediction; of a choice its own spelling, whatever the case and the order."""
        if not self.choices:
            return self._number(value)
        same = [choice for choice in self.choices if isinstance(value, str) and _parts(value) == _parts(choice)]
        if not same:
            got = repr(value) if isinstance(value, str) else kind(value)
            raise Wrong(f"{self.wanted} is asked for, not {got}.")
        return same[0]

    def words(self, value: float | str) -> str:
        """A value with its unit."""
        if self.choices:
            return repr(value)
        return "never" if value > self.never else f"{value:g}{self._unit}"

    def close_to(self, predicted: float | str, measured: float | str) -> bool:
        """True if the prediction was right, or near enough."""
        return predicted == measured if self.choices else abs(predicted - measured) <= self.close

    def verdict(self, predicted: float | str, measured: float | str) -> str:
        """The end of the sentence that begins with what was measured."""
        if predicted == measured:
            return ", as you predicted."
        said = self.words(predicted).removesuffix(self._unit)
        if self.choices or max(predicted, measured) > self.never:
            return f"; you predicted {said}."
        if self.close_to(predicted, measured):
            return f"; you predicted {said}: close."
        way = "too high" if predicted > measured else "too low"
        return f"; you predicted {said}: {abs(predicted - measured):.3g} {way}."

    def _number(self, value: object) -> float:
        value, (low, high) = number(value), self.between or self._possible
        if low <= value <= high:
            return value if value <= self.never else self.never + 1  # never is never
        limits = f"from {low:g} to {high:g}" if math.isfinite(high) else f"≥ {low:g}"
        raise Wrong(f"{self.wanted} {limits} is asked for, not {value:g}.")

    @property
    def _possible(self) -> tuple[float, float]:
        word, _, most = self.unit.partition(" ")  # "of 10"
        return (0.0, float(most)) if word == "of" else BETWEEN.get(self.unit, (-math.inf, math.inf))

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


def _parts(choice: str) -> set[str]:
    """A choice may name several things."""
    return {part.strip().casefold() for part in choice.split(",")}


_known: dict[str, Exercise | Prediction] = {}


def exercise(name: str, *hints: str) -> Callable[[Callable], Callable]:
    """Register a check under the exercise's number, as in `@exercise("4.2", "A first hint.", "A second one.")`."""

    def register(check: Callable) -> Callable:
        _known[name] = Exercise(check, hints)
        return check

    return register


def prediction(name: str, *hints: str, **what: object) -> None:
    """Register a prediction: `unit`, `close`, `choices`, `between` and `never` as Prediction has them."""
    _known[name] = Prediction(hints, **what)


def of_chapter(chapter: int) -> list[str]:
    """The numbers of its exercises, in order."""
    import_module(f"jointopt.exercises.ch{chapter:02}")
    numbers = [name for name in _known if name.partition(".")[0] == str(chapter)]
    return sorted(numbers, key=lambda name: int(name.partition(".")[2]))


def find(name: str) -> Exercise | Prediction:
    """The exercise of this number. ValueError, with the numbers that there are, if there is none."""
    if isinstance(name, float | int):
        raise ValueError(f"no exercise is named {name}: write it in quotes, '{name}'")
    chapter = str(name).partition(".")[0]
    if not (chapter.isdecimal() and int(chapter) in CHAPTERS):
        chapters = ", ".join(map(str, CHAPTERS))
        raise ValueError(f"no exercise is named {name!r}: expected a text like '4.2'; there are chapters {chapters}")
    numbers = of_chapter(int(chapter))
    if name not in numbers:
        known = ", ".join(map(repr, numbers))
        raise ValueError(f"no exercise is named {name!r}; chapter {chapter} has {known}")
    return _known[name]
