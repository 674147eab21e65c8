"""How the benchmarks measure: two sides in turn, a ratio per repeat, its median and its quartiles."""

import statistics
import time
from collections.abc import Iterator, Sequence
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
        """What, bound, median, quartiles, number of repeats, held or not."""
        bound = f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}"
        quartiles = "–"
        if len(self.values) > 1:
            low, _, high = statistics.quantiles(self.values, n=4)
            quartiles = f"{short(low)} … {short(high)}"
        verdict = "held" if self.held else "NOT HELD"
        return self.what, bound, short(self.median), quartiles, str(len(self.values)), verdict


def short(value: float) -> str:
    """Three decimals, or one for a large number."""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def table(rows: Sequence[Row]) -> str:
    """The rows under their headings, in columns."""
    heads = ("what is compared", "bound", "median", "quartiles", "repeats", "")
    lines = [heads, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([text[0], "-" * (sum(widths) + 2 * len(widths) - 2), *text[1:]])


def interleaved(*sides: Iterator, repeats: int, steps: int = 2) -> list[list[float]]:
    """CPU seconds a step of each side, in blocks of a few steps taken in turn: A B A B …

    The CPU time of this thread, since on a shared machine the wall clock measures the others too.
    """
    for side in sides:
        _seconds(side, 5)  # warm up
    blocks = [[_seconds(side, steps) for side in sides] for _ in range(repeats)]
    return [list(side) for side in zip(*blocks, strict=True)]


def ratios(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """a / b, repeat by repeat."""
    return [x / y for x, y in zip(a, b, strict=True)]


def _seconds(side: Iterator, steps: int) -> float:
    start = time.thread_time()
    for _ in range(steps):
        next(side)
    return (time.thread_time() - start) / steps
