"""How the benchmarks measure: two sides in turn, a ratio per repeat, its median and its quartiles."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: repeated values of one quantity, and the bound that their median is to keep."""

    what: str
    values: Sequence[float]
    bound: float
    unit: str = "×"
    at_least: bool = False

    @property
    def median(self) -> float:
        """What the bound is compared with."""
        return statistics.median(self.values)

    @property
    def held(self) -> bool:
        """Whether the median keeps the bound."""
        return self.median >= self.bound if self.at_least else self.median <= self.bound

    def cells(self) -> tuple[str, ...]:
        """what, bound, median, quartiles, how many repeats, held or not"""
        low, _, high = statistics.quantiles(self.values, n=4) if len(self.values) > 1 else (self.values * 3)[:3]
        spread = f"{short(low)} … {short(high)}" if len(self.values) > 1 else "–"
        bound = f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}"
        verdict = "held" if self.held else "NOT HELD"
        return self.what, bound, short(self.median), spread, str(len(self.values)), verdict


def short(value: float) -> str:
    """Three significant digits, and two decimals at least for a ratio near 1."""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def table(rows: Sequence[Row]) -> str:
    """The rows under their headings, in columns."""
    heads = ("what is compared", "bound", "median", "quartiles", "repeats", "")
    lines = [heads, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([text[0], "-" * (sum(widths) + 2 * len(widths) - 2), *text[1:]])


def interleaved(
    *sides: Iterator, repeats: int, steps: int = 2, clock: Callable[[], float] = time.thread_time
) -> list[list[float]]:
    """Seconds a step of each side, in blocks of a few steps taken in turn: A B A B …

    The default clock is the CPU time of this thread: on a shared machine the wall clock measures the others too.
    """
    for side in sides:
        _seconds(side, 5, clock)  # warm up
    return [
        list(side)
        for side in zip(*[[_seconds(side, steps, clock) for side in sides] for _ in range(repeats)], strict=True)
    ]


def ratios(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """a / b, repeat by repeat."""
    return [x / y for x, y in zip(a, b, strict=True)]


def _seconds(side: Iterator, steps: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(steps):
        next(side)
    return (clock() - start) / steps
