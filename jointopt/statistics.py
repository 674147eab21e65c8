"""Intervals of means; where one curve passes another, over the number of labels, say, and how sure that is.

differences = np.stack([curves[n].values("joint") - curves[n].values("HOG") for n in labels], axis=1)  # (seeds, n)
crossing(labels, differences)       # a number of labels, inf: never, or -inf: before the first
how_sure(labels, differences)       # (low, high)
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from jointopt.checks import check_count


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """(mean, half width) of the confidence interval for the mean: Student's t over n ≥ 2 independent values.

    For paired runs (equal seeds) give it the differences, seed by seed. Source: Student, Biometrika 6 (1908); the
    quantile is scipy.stats.t.ppf with n − 1 degrees of freedom.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"an interval needs two finite values at least, one per seed, got {values.tolist()}")
    spread = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(spread * stats.t.ppf((1 + level) / 2, len(values) - 1))


class Interval(NamedTuple):
    """A mean with the half width of its 95 % confidence interval, over n values."""

    mean: float
    half: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        """Of the mean of these values."""
        return cls(*interval(values), len(values))

    def __str__(self) -> str:
        return format(self)

    def __format__(self, sign: str) -> str:
        """ "12.3 ± 0.4", with one to three decimals, as the half width asks for; "+" gives the mean a sign."""
        decimals = int(np.clip(np.ceil(-np.log10(self.half)), 1, 3)) if self.half > 1e-3 else 1
        return f"{self.mean:{sign}.{decimals}f} ± {self.half:.{decimals}f}"

    @property
    def verdict(self) -> str:
        """ "more" or "less" where the interval excludes 0, else "undecided"."""
        return "undecided" if abs(self.mean) <= self.half else "more" if self.mean > 0 else "less"


def crossing(x: Sequence[float], differences: np.ndarray) -> float:
    """The x from which on the mean difference stays at or above 0.

    x            (n,), positive, from the smallest on
    differences  (seeds, n), one curve minus the other

    Between two x the mean is a straight line over log x. inf where it is still below 0 at the last x, −inf where it is
    never below 0. ValueError if the shapes do not fit, or x does not increase from above 0, or a number is not finite.
    """
    x, differences = _checked(x, differences)
    return _crossing(np.log(x), differences.mean(axis=0))


def how_sure(x: Sequence[float], differences: np.ndarray, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """(low, high): the middle 95 % of the crossings when the seeds are drawn again with replacement, `draws` times.

    Each draw has as many seeds as there are, and a seed's differences stay together. The ends are crossings that were
    drawn, so they may be ±inf. ValueError as in `crossing`, or if there are no draws.

    Source: the bootstrap, Efron, Annals of Statistics 7 (1979).
    """
    x, differences = _checked(x, differences)
    check_count("draws", draws, 1)
    logs, count = np.log(x), len(differences)
    drawn = np.random.default_rng(seed).integers(count, size=(draws, count))
    crossings = [_crossing(logs, differences[rows].mean(axis=0)) for rows in drawn]
    low, high = np.percentile(crossings, (2.5, 97.5), method="nearest")
    return float(low), float(high)


def _crossing(logs: np.ndarray, mean: np.ndarray) -> float:
    below = np.flatnonzero(mean < 0)
    if not len(below):
        return -np.inf
    last = below[-1]
    if last == len(logs) - 1:
        return np.inf
    return float(np.exp(np.interp(0, mean[last : last + 2], logs[last : last + 2])))


def _checked(x: Sequence[float], differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, differences = np.asarray(x, dtype=float), np.asarray(differences, dtype=float)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all() or not (np.diff(x, prepend=0) > 0).all():
        raise ValueError(f"x must be positive and increase, got {x.tolist()}")
    if differences.ndim != 2 or not len(differences) or differences.shape[1] != len(x):
        raise ValueError(f"differences must have the shape (seeds, {len(x)}), got {differences.shape}")
    if not np.isfinite(differences).all():
        raise ValueError("differences must be finite")
    return x, differences
