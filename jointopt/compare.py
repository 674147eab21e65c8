"""Comparisons over several seeds: means with their uncertainty."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """(mean, half width) of the confidence interval for the mean: Student's t over n ≥ 2 independent values.

    For paired runs (equal seeds) give it the differences, seed by seed. Source: Student, Biometrika 6 (1908); the
    quantile is scipy.stats.t.ppf with n − 1 degrees of freedom.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"an interval needs at least two finite values, got {values.tolist()}")
    spread = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(spread * stats.t.ppf((1 + level) / 2, len(values) - 1))
