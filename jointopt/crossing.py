"""Where one curve passes another, over the number of labels, say, and how sure that is.

differences = np.stack([found[str(n)].values("joint") - found[str(n)].values("HOG") for n in places], axis=1)
crossing(places, differences)       # a place, inf: never, or -inf: before the first place
how_sure(places, differences)       # (low, high)
"""

from collections.abc import Sequence

import numpy as np


def crossing(places: Sequence[float], differences: np.ndarray) -> float:
    """The place from which on the mean difference stays at or above 0.

    places       (n,), positive, from the smallest on
    differences  (seeds, n), one curve less the other

    Between two places the mean is taken as a straight line over log place. inf where it is still below 0 at the last
    place, −inf where it is never below 0. ValueError if the shapes do not fit, or the places do not increase from
    above 0, or a number is not finite.
    """
    places, differences = _checked(places, differences)
    return _crossing(np.log(places), differences.mean(axis=0))


def how_sure(places: Sequence[float], differences: np.ndarray, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """(low, high): the middle 95 % of the crossings when the seeds are drawn again so many times, with replacement.

    Each draw has as many seeds as there are, and a seed's differences stay together. The ends are crossings that were
    drawn, so they may be ±inf. ValueError as in `crossing`, or if there are no draws.

    Source: the bootstrap, Efron, Annals of Statistics 7 (1979).
    """
    places, differences = _checked(places, differences)
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise ValueError(f"draws must be a whole number ≥ 1, got {draws!r}")
    logs, seeds = np.log(places), len(differences)
    drawn = np.random.default_rng(seed).integers(seeds, size=(draws, seeds))
    found = [_crossing(logs, differences[rows].mean(axis=0)) for rows in drawn]
    low, high = np.percentile(found, (2.5, 97.5), method="nearest")
    return float(low), float(high)


def _crossing(logs: np.ndarray, mean: np.ndarray) -> float:
    below = np.flatnonzero(mean < 0)
    if not len(below):
        return -np.inf
    last = below[-1]
    if last == len(logs) - 1:
        return np.inf
    return float(np.exp(np.interp(0, mean[last : last + 2], logs[last : last + 2])))


def _checked(places: Sequence[float], differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    places, differences = np.asarray(places, dtype=float), np.asarray(differences, dtype=float)
    increasing = places.ndim == 1 and len(places) and np.isfinite(places).all() and (np.diff(places) > 0).all()
    if not increasing or places[0] <= 0:
        raise ValueError(f"places must be positive and increase, got {places.tolist()}")
    if differences.ndim != 2 or not len(differences) or differences.shape[1] != len(places):
        raise ValueError(f"differences must have the shape (seeds, {len(places)}), got {differences.shape}")
    if not np.isfinite(differences).all():
        raise ValueError("differences must be finite")
    return places, differences
