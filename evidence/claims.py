"""Whether seeds bear a published result out: "replicated", "not replicated" or "not decided", and what would decide it.

A claim says that the mean of paired differences, seed by seed, lies above a border: 0 for "is better", −2 for "loses
less than two points". Its confidence interval

    lies above the border              replicated
    excludes the effect that matters   not replicated: it ends below border + effect
    holds both                         not decided

`effect` is how far beyond the border a difference would matter: for "is better" that of the paper, `scaled`; 0 where
the border itself says what matters. A verdict that is not decided says what its seeds see, with the probability POWER,
and how many it takes to see what matters.

Sources: power of a t test from the noncentral t distribution, Cohen, Statistical Power Analysis, 1988, chapter 2; that
an interval which includes 0 is no evidence of no effect, Altman and Bland, BMJ 311 (1995).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import optimize, stats

from jointopt.statistics import Interval, interval

REPLICATED, NOT_REPLICATED, NOT_DECIDED = WORDS = ("replicated", "not replicated", "not decided")
POWER = 0.8  # of a test that is worth its seeds
MOST = 1000  # seeds: more are not counted
LEAST, AFFORDED = 5, 20  # the seeds that a record has, whatever a pilot says


@dataclass(frozen=True)
class Decision:
    """One of WORDS, what its seeds see, and how many see what matters."""

    word: str
    seeds: int = 0  # that there are; 0: no seed has decided it
    sees: float = 0.0  # the distance from the border that they see with probability POWER
    matters: float = 0.0  # the distance that matters; 0: nobody has said
    takes: int = 0  # the seeds that see it, MOST + 1 for more than MOST
    border: float = 0.0
    spread: float = 0.0  # standard deviation of the differences

    @property
    def power(self) -> dict:
        """A row of the table of powers, as plain data, rounded; "takes" is None for more than MOST."""
        takes = None if self.takes > MOST else self.takes
        numbers = {name: round(getattr(self, name), 2) for name in ("spread", "sees", "matters", "border")}
        return {"verdict": self.word, "seeds": self.seeds, "takes": takes} | numbers

    def __str__(self) -> str:
        if self.word != NOT_DECIDED:
            return self.word
        takes = f"more than {MOST:,}" if self.takes > MOST else self.takes
        sees, matters = (f"{x:.1f}" if x >= 1 else f"{x:.2f}" for x in (self.sees, self.matters))
        if self.matters and self.takes <= self.seeds:
            return f"{self.word} ({self.seeds} seeds, {takes} see an effect of {matters}: it may be smaller)"
        if self.border:
            far = f"{self.seeds} seeds see a mean that is {sees} above {self.border:g}"
            return f"{self.word} ({far}; one that is {matters} above it takes {takes})"
        more = f"; one of {matters} takes {takes}" if self.matters else ""
        return f"{self.word} ({self.seeds} seeds see an effect of {sees}{more})"


def decide(differences: Sequence[float], border: float = 0.0, effect: float = 0.0, level: float = 0.95) -> Decision:
    """Of the claim that their mean is above `border`, where `effect` beyond it would matter; see above.

    Without an effect the distance that matters is that of the border from 0: above −2 a truth of 0, above 20 one of 40.
    ValueError if effect is negative, or if both are 0: nothing then says what would matter.
    """
    matters = effect or abs(border)
    if effect < 0 or not matters:
        raise ValueError(f"a claim needs an effect above 0 or a border other than 0, got {effect} and {border}")
    mean, half = interval(differences, level)
    word = REPLICATED if mean - half > border else NOT_REPLICATED if mean + half < border + effect else NOT_DECIDED
    seeds, spread = len(differences), float(np.std(differences, ddof=1))
    takes = seeds_for(matters, spread, level)
    return Decision(word, seeds, visible(spread, seeds, level), matters, takes, border, spread)


def afterwards(figures: Sequence[tuple[str, Interval]]) -> Decision:
    """Of a result whose rule was written when its figures were known, so that it names no effect that matters.

    figures: "for", "against" or "open", with the interval. Where nothing is against it and something is open, the
    widest of what is open says what its seeds see.
    """
    words = [word for word, _ in figures]
    if "open" not in words or "against" in words:
        return Decision(NOT_REPLICATED if "against" in words else REPLICATED)
    widest = max((found for word, found in figures if word == "open"), key=lambda each: each.half)
    spread = widest.half * sqrt(widest.n) / float(stats.t.ppf(0.975, widest.n - 1))
    return Decision(NOT_DECIDED, widest.n, visible(spread, widest.n))


def planned(pilot: Iterable[Decision]) -> range:
    """The seeds of a record, from 10 on: as many as see what matters, by a pilot's spread; LEAST to AFFORDED."""
    takes = max(decision.takes for decision in pilot)
    return range(10, 10 + min(max(takes, LEAST), AFFORDED))


def all_of(decisions: Iterable[Decision]) -> Decision:
    """Replicated if all are, not replicated if one is not, else not decided: the one of these that takes most seeds."""
    return _combined(list(decisions), (NOT_REPLICATED, NOT_DECIDED, REPLICATED), max)


def any_of(decisions: Iterable[Decision]) -> Decision:
    """Replicated if one is, not replicated if none is, else not decided: the one of these that takes fewest seeds."""
    return _combined(list(decisions), (REPLICATED, NOT_DECIDED, NOT_REPLICATED), min)


def _combined(decisions: list[Decision], words: Sequence[str], choose: Callable) -> Decision:
    """Of those with the first of these words that one has, the one chosen by its seeds; of none, the last word."""
    word = next((word for word in words if any(each.word == word for each in decisions)), words[-1])
    having = (each for each in decisions if each.word == word)
    return choose(having, key=lambda each: each.takes, default=Decision(word))


def scaled(before: float, after: float, ours: float) -> float:
    """A paper's effect, from `before` to `after` in %, as large here, in points.

    ours: what stands here for `before`. A gain is a share of what is missing to 100 %: from 60 to 64 a tenth, as from
    80 to 82. A loss is a share of what is there: from 60 to 54 a tenth, as from 80 to 72.
    """
    return (after - before) / (100 - before) * (100 - ours) if after > before else (before - after) / before * ours


def power(distance: float, spread: float, seeds: int, level: float = 0.95) -> float:
    """The probability that the interval of a mean `distance` above the border lies above it.

    spread: standard deviation of the differences. seeds ≥ 2.
    """
    if not spread:
        return float(distance > 0)
    least = stats.t.ppf((1 + level) / 2, seeds - 1)
    return float(stats.nct.sf(least, seeds - 1, distance * sqrt(seeds) / spread))


def visible(spread: float, seeds: int, level: float = 0.95) -> float:
    """The distance that this number of seeds sees with probability POWER."""
    if not spread:
        return 0.0
    return float(optimize.brentq(lambda x: power(x, 1.0, seeds, level) - POWER, 0.0, 1000.0)) * spread


def seeds_for(distance: float, spread: float, level: float = 0.95) -> int:
    """The least number of seeds, from 2, that see the distance with probability POWER; MOST + 1 for more than MOST."""
    low, high = 1, 2
    while power(distance, spread, high, level) < POWER:
        if high >= MOST:
            return MOST + 1
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(distance, spread, middle, level) >= POWER else (middle, high)
    return high
