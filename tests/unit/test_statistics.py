"""Intervals of means, against scipy; where one curve passes another: by hand, at the ends, and how sure it is."""

import numpy as np
import pytest
from scipy import stats

from jointopt.statistics import Interval, crossing, how_sure, interval

PLACES = (10, 100, 1000)


def test_the_interval_is_scipys():
    values = np.random.default_rng(0).normal(3, 2, size=7)
    mean, half = interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx((low, high))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")], [[1.0, 2.0]]])
def test_an_interval_needs_two_values(values):
    with pytest.raises(ValueError, match="two finite values at least, one per seed, got"):
        interval(values)


def test_an_interval_has_the_decimals_that_its_width_asks_for():
    pairs = [(12.345, 1.26), (0.123, 0.045), (10.0, 0.0)]
    assert [str(Interval(*pair, 5)) for pair in pairs] == ["12.3 ± 1.3", "0.12 ± 0.04", "10.0 ± 0.0"]
    assert f"{Interval(1.26, 0.5, 5):+}" == "+1.3 ± 0.5"


def test_verdicts():
    assert [Interval(m, 1.0, 5).verdict for m in (2, -2, 1, 0.5)] == ["more", "less", "undecided", "undecided"]


# Where one curve passes another


def test_it_lies_on_a_straight_line_over_the_logarithm():
    differences = np.array([[-4.0, -1.0, 1.0], [-2.0, -3.0, 3.0]])  # means −3, −2, 2
    assert crossing(PLACES, differences) == pytest.approx(100 * np.sqrt(10))
    assert crossing(PLACES, [[-1.0, 3.0, 5.0]]) == pytest.approx(10**1.25)
    assert crossing(PLACES, [[-1.0, 0.0, 5.0]]) == pytest.approx(100)


def test_it_is_the_last_one_of_several():
    assert crossing(PLACES, [[5.0, -1.0, 1.0]]) == pytest.approx(100 * np.sqrt(10))


def test_a_curve_that_is_never_below_or_still_below():
    assert crossing(PLACES, [[1.0, 0.0, 3.0]]) == -np.inf
    assert crossing(PLACES, [[1.0, 2.0, -0.1]]) == np.inf


def test_how_sure_is_the_middle_of_what_is_drawn():
    assert how_sure(PLACES, [[-1.0, 3.0, 5.0]] * 4) == pytest.approx((10**1.25, 10**1.25))
    assert how_sure(PLACES, [[1.0, 3.0, 5.0]] * 4) == (-np.inf, -np.inf)
    assert how_sure(PLACES, [[-1.0, -3.0, -5.0]] * 4) == (np.inf, np.inf)
    low, high = how_sure(PLACES, [[-1.0, -3.0, -5.0], [1.0, 3.0, 5.0], [-1.0, 1.0, 5.0]])
    assert (low, high) == (-np.inf, np.inf)


def test_how_sure_covers_what_is_true_as_often_as_it_says():
    rng, covered = np.random.default_rng(1), 0
    for trial in range(200):  # true means −1, 1, 3: they cross 0 at 10 ** 1.5
        low, high = how_sure(PLACES, [-1.0, 1.0, 3.0] + rng.normal(size=(40, 3)), draws=300, seed=trial)
        covered += low <= 10**1.5 <= high
    assert 0.88 < covered / 200 < 0.99


def test_the_same_seed_draws_the_same():
    differences = np.random.default_rng(0).normal(size=(10, 3)) + [-1, 0, 1]
    assert how_sure(PLACES, differences) == how_sure(PLACES, differences)
    assert how_sure(PLACES, differences) != how_sure(PLACES, differences, seed=1)


@pytest.mark.parametrize(
    ("x", "differences", "message"),
    [
        ((1, 3, 2), [[1.0, 2.0, 3.0]], "x must be positive and increase"),
        ((0, 1, 2), [[1.0, 2.0, 3.0]], "x must be positive and increase"),
        ((), [[]], "x must be positive and increase"),
        (PLACES, [1.0, 2.0, 3.0], r"shape \(seeds, 3\), got \(3,\)"),
        (PLACES, [[1.0, 2.0]], r"shape \(seeds, 3\), got \(1, 2\)"),
        (PLACES, np.zeros((0, 3)), r"shape \(seeds, 3\), got \(0, 3\)"),
        (PLACES, [[1.0, np.nan, 3.0]], "must be finite"),
    ],
)
def test_what_does_not_fit_is_named(x, differences, message):
    with pytest.raises(ValueError, match=message):
        crossing(x, differences)
    with pytest.raises(ValueError, match=message):
        how_sure(x, differences)


@pytest.mark.parametrize("draws", [0, 2.5, True])
def test_draws_are_a_whole_number(draws):
    with pytest.raises(ValueError, match="draws must be a whole number"):
        how_sure(PLACES, [[1.0, 2.0, 3.0]], draws=draws)
