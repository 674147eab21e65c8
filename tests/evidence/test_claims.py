"""What is decided by an interval, and how many seeds decide it: against published tables, and against simulation."""

import numpy as np
import pytest
from scipy import stats

from evidence import claims
from evidence.claims import MOST, NOT_DECIDED, NOT_REPLICATED, REPLICATED, Decision, decide
from jointopt.statistics import Interval

SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
HALF = Interval.of(SPREAD).half


@pytest.mark.parametrize(
    ("mean", "border", "effect", "word"),
    [
        (HALF + 0.01, 0.0, 3.0, REPLICATED),  # the interval begins above the border
        (HALF - 0.01, 0.0, 2 * HALF - 0.02, NOT_DECIDED),
        (HALF - 0.01, 0.0, 2 * HALF, NOT_REPLICATED),  # it holds 0, and not what would matter
        (0.0, 0.0, HALF - 0.01, NOT_DECIDED),
        (0.0, 0.0, HALF + 0.01, NOT_REPLICATED),
        (-9.0, 0.0, 0.5, NOT_REPLICATED),  # the other way round
        (9.0, 0.0, 20.0, REPLICATED),  # smaller than the paper's, but there
        (HALF - 1.9, -2.0, 0.0, REPLICATED),  # at most two points less
        (HALF - 2.1, -2.0, 0.0, NOT_DECIDED),
        (-HALF - 1.9, -2.0, 0.0, NOT_DECIDED),
        (-HALF - 2.1, -2.0, 0.0, NOT_REPLICATED),
        (20 + HALF + 0.1, 20.0, 0.0, REPLICATED),
        (20 - HALF + 0.1, 20.0, 0.0, NOT_DECIDED),
        (20 - HALF - 0.1, 20.0, 0.0, NOT_REPLICATED),
    ],
)
def test_the_interval_decides(mean, border, effect, word):
    assert decide(SPREAD + mean, border, effect).word == word


def test_a_wider_interval_decides_later():
    assert decide(SPREAD + 1.1 * HALF, effect=9.0).word == REPLICATED
    assert decide(SPREAD + 1.1 * HALF, effect=9.0, level=0.9875).word == NOT_REPLICATED
    assert decide(SPREAD + 1.1 * HALF, effect=2.5, level=0.9875).word == NOT_DECIDED


@pytest.mark.parametrize("effect", [0.0, -1.0])
def test_a_claim_says_what_would_matter(effect):
    with pytest.raises(ValueError, match=f"an effect above 0 or a border other than 0, got {effect} and 0.0"):
        decide(SPREAD, 0.0, effect)


@pytest.mark.parametrize("level", [0.95, 0.9875])
def test_what_is_not_decided_says_what_it_takes(level):
    open_ = decide(SPREAD + 0.5, effect=1.0, level=level)
    assert (open_.seeds, open_.matters) == (5, 1.0)
    assert claims.power(open_.sees, SPREAD.std(ddof=1), 5, level) == pytest.approx(claims.POWER)
    assert open_.takes == claims.seeds_for(1.0, SPREAD.std(ddof=1), level)
    assert str(open_) == f"not decided (5 seeds see an effect of {open_.sees:.1f}; one of 1.0 takes {open_.takes})"
    assert str(Decision(NOT_DECIDED, 5, 0.321, 0.01, MOST + 1)).endswith(
        "effect of 0.32; one of 0.01 takes more than 1,000)"
    )
    decided = decide(SPREAD + 9, effect=1.0, level=level)
    assert str(decided) == "replicated" and (decided.sees, decided.takes) == (open_.sees, open_.takes)
    assert decided.spread == pytest.approx(SPREAD.std(ddof=1))


def test_seeds_that_were_enough_and_an_interval_that_holds_both_all_the_same():
    assert str(decide(SPREAD + 0.9, effect=1.5)) == "not decided (5 seeds, 5 see an effect of 1.5: it may be smaller)"


def test_of_a_margin_what_is_seen_is_a_distance_from_it():
    sees = claims.visible(SPREAD.std(ddof=1), 5)
    words = f"5 seeds see a mean that is {sees:.1f} above -1; one that is 1.0 above it takes"
    assert words in str(decide(SPREAD - 0.5, border=-1.0))


@pytest.mark.parametrize(("d", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_seeds_as_in_tables_of_the_t_test(d, seeds):
    """Two-sided, 5 %, power 0.8, one sample, for a difference of d standard deviations."""
    assert claims.seeds_for(d, 1.0) == seeds
    assert claims.seeds_for(3 * d, 3.0) == seeds
    assert claims.power(d, 1.0, seeds) >= claims.POWER > claims.power(d, 1.0, seeds - 1)


def test_power_as_simulated():
    drawn = np.random.default_rng(0).normal(1.5, 1.0, size=(20_000, 5))
    means, errors = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(5)
    share = (means - stats.t.ppf(0.975, 4) * errors > 0).mean()
    assert claims.power(1.5, 1.0, 5) == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("seeds", [2, 3, 5, 20, 400])
@pytest.mark.parametrize("level", [0.95, 0.9875])
def test_what_is_visible_takes_these_seeds(seeds, level):
    sees = claims.visible(2.0, seeds, level)
    assert claims.power(sees, 2.0, seeds, level) == pytest.approx(claims.POWER, abs=1e-6)
    assert claims.seeds_for(1.001 * sees, 2.0, level) == seeds


def test_differences_without_spread():
    assert claims.visible(0.0, 5) == 0
    assert claims.seeds_for(0.1, 0.0) == 2
    assert decide([1.0, 1.0, 1.0], effect=2.0).word == REPLICATED


def test_more_seeds_than_can_be_counted():
    assert claims.seeds_for(0.01, 1.0) == MOST + 1


def test_an_effect_as_large_here():
    assert claims.scaled(60, 64, ours=80) == pytest.approx(2.0)
    assert claims.scaled(60, 54, ours=80) == pytest.approx(8.0)


YES, NO = Decision(REPLICATED), Decision(NOT_REPLICATED)
SOON, LATE = (Decision(NOT_DECIDED, 5, 2.0, 1.0, takes) for takes in (20, 90))


@pytest.mark.parametrize(
    ("decisions", "all_", "any_"),
    [
        ([YES, YES], YES, YES),
        ([YES, NO, SOON], NO, YES),
        ([NO, NO], NO, NO),
        ([YES, SOON, LATE], LATE, YES),
        ([NO, LATE, SOON], NO, SOON),
        ([], YES, NO),
    ],
)
def test_several_decisions(decisions, all_, any_):
    assert claims.all_of(iter(decisions)) == all_
    assert claims.any_of(iter(decisions)) == any_


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["for", "for"], REPLICATED),
        (["for", "against"], NOT_REPLICATED),
        (["open", "against"], NOT_REPLICATED),
        (["for", "open"], NOT_DECIDED),
    ],
)
def test_a_rule_that_was_written_afterwards(words, word):
    wide, narrow = Interval.of(100 * SPREAD), Interval.of(10 * SPREAD)
    decision = claims.afterwards(list(zip(words, (wide, narrow), strict=True)))
    assert decision.word == word
    if word == NOT_DECIDED:  # the wide one has decided
        sees = claims.visible(10 * SPREAD.std(ddof=1), 5)
        assert str(decision) == f"not decided (5 seeds see an effect of {sees:.1f})"
