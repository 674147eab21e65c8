"""Exercises by their number. Those of a chapter are registered when its file is first asked for."""

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


class Prediction(NamedTuple):
    """What is to be predicted: a number in this unit, or one of these choices. close: what counts as predicted."""

    hints: tuple[str, ...]
    unit: str = ""
    close: float = 0.0
    choices: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """What to write in place of None."""
        if self.choices:
            return "one of " + ", ".join(map(repr, self.choices))
        return f"a number ({self.unit})" if self.unit else "a number"

    def read(self, value: object) -> float | str:
        """The value, if it can be a prediction."""
        if not self.choices:
            return number(value)
        if not isinstance(value, str) or value not in self.choices:
            got = repr(value) if isinstance(value, str) else kind(value)
            raise Wrong(f"{self.wanted} is asked for, not {got}.")
        return value

    def words(self, value: float | str) -> str:
        """A value with its unit."""
        return repr(value) if self.choices else f"{value:g}{self._unit}"

    def close_to(self, predicted: float | str, measured: float | str) -> bool:
        """True if the prediction was right, or near enough."""
        return predicted == measured if self.choices else abs(predicted - measured) <= self.close

    def verdict(self, predicted: float | str, measured: float | str) -> str:
        """The end of the sentence that begins with what was measured."""
        if self.close_to(predicted, measured):
            return ", as you predicted." if predicted == measured else f"; you predicted {predicted:g}: close."
        if self.choices:
            return f"; you predicted {predicted!r}."
        way = "too high" if predicted > measured else "too low"
        return f"; you predicted {predicted:g}: {abs(predicted - measured):.3g} {way}."

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


_known: dict[str, Exercise | Prediction] = {}


def exercise(name: str, *hints: str) -> Callable[[Callable], Callable]:
    """Register a check under the exercise's number, as in `@exercise("4.2", "A first hint.", "A second one.")`."""

    def register(check: Callable) -> Callable:
        _known[name] = Exercise(check, hints)
        return check

    return register


def prediction(name: str, *hints: str, unit: str = "", close: float = 0.0, choices: tuple[str, ...] = ()) -> None:
    """Register a prediction: of a number in this unit, or of one of the choices."""
    _known[name] = Prediction(hints, unit, close, choices)


def of_chapter(chapter: int) -> list[str]:
    """The numbers of its exercises, in order."""
    import_module(f"jointopt.exercises.ch{chapter:02}")
    numbers = [name for name in _known if name.partition(".")[0] == str(chapter)]
    return sorted(numbers, key=lambda name: int(name.partition(".")[2]))


def find(name: str) -> Exercise | Prediction:
    """The exercise of this number. ValueError, with the numbers that there are, if there is none."""
    chapter = str(name).partition(".")[0]
    if not (chapter.isdecimal() and int(chapter) in CHAPTERS):
        chapters = ", ".join(map(str, CHAPTERS))
        raise ValueError(f"no exercise is named {name!r}: expected a text like '4.2'; there are chapters {chapters}")
    numbers = of_chapter(int(chapter))
    if name not in numbers:
        known = ", ".join(map(repr, numbers))
        raise ValueError(f"no exercise is named {name!r}; chapter {chapter} has {known}")
    return _known[name]
