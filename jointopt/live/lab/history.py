"""What happened, step by step: all of it for the reader, and a bounded view of it for the browser."""

import math
from collections.abc import Sequence

import numpy as np

from jointopt.training import Step

VIEW_BYTES = 16_384  # the most that a frame may take


class History:
    """One row a step, columns by name: history["total"], history["grad_norm.classifier"].

    Columns: "step"; "total" (J); for each loss "loss.<name>" (L_k; nan where it was not computed), "weight.<name>"
    (λ_k) and "part.<name>" (λ_k · L_k; 0 where the update did not count it); for each module "grad_norm.<name>" and
    "change.<name>".
    `held_out` lists (steps taken, {metric: value}).
    """

    def __init__(self, losses: Sequence[str], modules: Sequence[str]):
        self.losses, self.modules = list(losses), list(modules)
        parts = [f"part.{name}" for name in self.losses]
        norms = [f"{kind}.{name}" for kind in ("grad_norm", "change") for name in self.modules]
        self.shown = ["step", "total", *parts, *norms]  # the columns of a frame
        self.columns = self.shown + [f"{kind}.{name}" for kind in ("loss", "weight") for name in self.losses]
        self.held_out: list[tuple[int, dict[str, float]]] = []
        self._rows = np.empty((1024, len(self.columns)))
        self._length = 0
        self._view = _Decimated(len(self.shown))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, column: str) -> np.ndarray:
        if column not in self.columns:
            raise KeyError(f"no column {column!r}; there are {', '.join(self.columns)}")
        return self._rows[: self._length, self.columns.index(column)].copy()

    def until(self, number: int) -> "History":
        """The first `number` steps, as a history of their own."""
        first = History(self.losses, self.modules)
        first._rows = self._rows[: max(number, 1)].copy()
        first._length = number
        for row in first._rows[:number, : len(self.shown)]:
            first._view.append(row)
        first.held_out = [(steps, metrics) for steps, metrics in self.held_out if steps <= number]
        return first

    def append(self, step: Step) -> None:
        """Add one step; the buffer doubles when it is full."""
        if self._length == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        counts = step.update.counts
        parts = [step.weights[name] * step.losses[name] if counts(name) else 0.0 for name in self.losses]
        norms = [norm[name] for norm in (step.grad_norm, step.change) for name in self.modules]
        shown = [step.number, step.total, *parts, *norms]
        values = [value.get(name, math.nan) for value in (step.losses, step.weights) for name in self.losses]
        self._rows[self._length] = shown + values
        self._length += 1
        self._view.append(shown)

    def frame(self) -> bytes:
        """The whole run in at most VIEW_BYTES: rows of float32, columns `shown`; neighbors are averaged."""
        return self._view.rows().astype(np.float32).tobytes()


class _Decimated:
    """A buffer of bounded size: when it is full, neighbors are averaged and it goes on with buckets twice as wide."""

    def __init__(self, columns: int):
        capacity = VIEW_BYTES // (4 * columns) // 2 * 2
        self._rows = np.empty((capacity, columns))
        self._length, self._width = 0, 1
        self._sum, self._count = np.zeros(columns), 0

    def append(self, row: Sequence[float]) -> None:
        self._sum += row
        self._count += 1
        if self._count < self._width:
            return
        if self._length == len(self._rows):
            self._length //= 2
            self._rows[: self._length] = (self._rows[0::2] + self._rows[1::2]) / 2
            self._width *= 2
            return  # the bucket goes on filling up to its new width
        self._rows[self._length] = self._sum / self._count
        self._length += 1
        self._sum[:], self._count = 0, 0

    def rows(self) -> np.ndarray:
        return self._rows[: self._length]
