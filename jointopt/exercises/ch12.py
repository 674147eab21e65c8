"""Chapter 12, questions and answers: intervals, verdicts, and evidence that is too good."""

from collections.abc import Callable, Collection, Mapping

import numpy as np
from scipy.stats import t, ttest_ind

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number
from jointopt.exercises.registry import exercise, prediction
from jointopt.statistics import interval

prediction("12.1", "How many rivals does 'the whole performs better' have to beat?", unit="of 15", close=1)
prediction(
    "12.2",
    "Small networks and few seeds hide small effects. Are most of the published ones small?",
    unit="of 18",
    close=1,
)
prediction("12.3", "Each interval is right with probability 0.95. And all twenty?", unit="%", close=10)
prediction("12.4", "What do the two runs of one seed have in common?", choices=("yes", "no"))


@exercise(
    "12.5",
    "The half width is s·q/√n. With n seeds you know it and q, so you know the spread s.",
    "q is t.ppf(0.975, n − 1): it falls with n, too. Try one n after the other.",
)
def seeds_that_decide(answer):
    """The least number of seeds whose interval excludes 0, if mean and spread stay as they are."""
    seeds = function(answer, "mean", "half", "n")
    for mean, half, n in ((27.1, 28.3, 5), (-2.0, 2.9, 5), (0.5, 1.6, 5), (-1.0, 1.1, 10)):
        spread = half / t.ppf(0.975, n - 1) * n**0.5
        got = number(seeds(mean, half, n))
        where = f"for {mean:g} ± {half:g} over {n} seeds yours is {got:g}"
        if got != int(got) or got < 2:
            raise Wrong(f"{where}: a whole number of seeds is asked for, two at least.")
        wide, wide_before = (spread * t.ppf(0.975, max(m - 1, 1)) / m**0.5 for m in (got, got - 1))
        if wide >= abs(mean):
            raise Wrong(f"{where}; with that many the interval is {mean:g} ± {wide:.2f}, and 0 is in it.")
        if wide_before < abs(mean):
            raise Wrong(f"{where}; with one seed fewer it is {mean:g} ± {wide_before:.2f}, and excludes 0 already.")
    return "For 27.1 ± 28.3 it is six: one seed more."


def _outcome(words: Collection[str]) -> str:
    """Of a condition, from the words of its figures."""
    return "met" if set(words) == {"for"} else "contradicted" if "against" in words and "for" not in words else "open"


@exercise(
    "12.6",
    "A condition has 'name' and 'figures'; a figure has 'part', as \"flops 200\", and 'word'.",
    "Leave out conditions that have no figure in this sense; the rule for the others is above, in bold.",
)
def outcomes_of_one_sense(answer):
    """Conditions of sentence 2.1 -> outcome, from its figures in one sense of equal alone."""
    from jointopt.compare import records

    at_equal = function(answer, "sense")
    (sentence,) = (each for each in records.answers()["sentences"] if each["number"] == "2.1")
    for sense in ("flops", "steps", "updates"):
        found = given(at_equal(sense))
        if not isinstance(found, Mapping):
            raise Wrong(f"a dict is asked for, from the name of a condition to its outcome, not {kind(found)}.")
        for condition in sentence["conditions"]:
            name = condition["name"]
            words = [each["word"] for each in condition["figures"] if each["part"].startswith(sense)]
            if not words:
                if name in found:
                    raise Wrong(f"{sense!r}: {name!r} has no figure in this sense; leave it out.")
            elif name not in found:
                raise Wrong(f"{sense!r}: the condition {name!r} is missing.")
            elif found[name] != _outcome(words):
                raise Wrong(f"{sense!r}: {name!r} has figures with the words {words}, and yours is {found[name]!r}.")
        if len(found) > len(sentence["conditions"]):
            raise Wrong(f"{sense!r}: there are names in it that no condition of 2.1 has.")
    return "At equal compute ('flops') no condition changes its outcome; two have no figures there."


@exercise(
    "12.7",
    "A wider interval makes no figure better: 'for' stays, or becomes open. One without 'mean' stays as it is.",
    "A figure stays 'for' if it is farther from the border than the wider half width, on the side where it was.",
    "Only 2.2b has another border: up to a point below hand-made features is still for it, so its border is −1.",
)
def conditions_at_a_level(answer):
    """Number of a sentence -> names of the conditions that are met if the intervals have this level."""
    from jointopt.compare import records

    met = function(answer, "level")
    sentences = records.answers()["sentences"]
    changed = []
    for level in (0.95, 0.99, 0.999):
        found = given(met(level))
        if not isinstance(found, Mapping):
            raise Wrong(f"a dict is asked for, from a sentence's number to its conditions, not {kind(found)}.")
        for each in sentences:
            name, names = each["number"], found.get(each["number"], ())
            if isinstance(names, str) or not isinstance(names, Collection):
                raise Wrong(f"met({level})[{name!r}] is to be a list of names, not {kind(names)}.")
            wanted = [c["name"] for c in each["conditions"] if _is_met(c["figures"], level, -(name == "2.2b"))]
            if too_many := [which for which in names if which not in wanted]:
                raise Wrong(f"at {100 * level:g} %, sentence {name}: {too_many[0]!r} is not met.")
            if too_few := [which for which in wanted if which not in names]:
                raise Wrong(f"at {100 * level:g} %, sentence {name}: {too_few[0]!r} is met, and is not among yours.")
            if level == 0.99 and wanted != [c["name"] for c in each["conditions"] if c["outcome"] == "met"]:
                changed.append(name)
    return f"At 99 % fewer conditions are met in {len(changed)} sentences: {', '.join(changed)}."


def _is_met(figures: list[dict], level: float, border: float) -> bool:
    def stays(each):
        wider = t.ppf((1 + level) / 2, each["n"] - 1) / t.ppf(0.975, each["n"] - 1)
        return abs(each["mean"] - border) > each["half"] * wider

    return all(each["word"] == "for" and ("mean" not in each or stays(each)) for each in figures)


@exercise(
    "12.8",
    "Each person has two numbers: take their difference first.",
    "The border is 5 points, not 0. An interval that contains 5 decides nothing.",
)
def maps_that_add_little(answer):
    """ "met" if the whole paired interval of the gain lies below 5 points, "contradicted" if above, else "open"."""
    judge = function(answer, "without", "with_map")
    rng = np.random.default_rng(12)
    for mean, half, people in ((2, 1, 30), (2, 9, 6), (9, 2, 12), (-3, 2, 12), (4, 2, 8), (0.5, 6, 5), (6, 2, 10)):
        gains = rng.standard_normal(people)
        gains = mean + (gains - gains.mean()) * half / interval(gains)[1]
        without = 60 + 12 * rng.standard_normal(people)  # people differ by more than the map adds
        got = given(judge(without, without + gains))
        wanted = "met" if mean + half < 5 else "contradicted" if mean - half > 5 else "open"
        if not isinstance(got, str) or got not in ("met", "contradicted", "open"):
            shown = repr(got) if isinstance(got, str) else kind(got)
            raise Wrong(f"'met', 'contradicted' or 'open' is asked for, not {shown}.")
        if got != wanted:
            raise Wrong(
                f"the map adds {mean:g} ± {half:g} points, person by person, and yours is {got!r}: "
                f"the rule asks on which side of 5 the whole of {mean - half:g} to {mean + half:g} lies."
            )
    return "'Undecided against 0' is not the same as 'less than five points'."


@exercise(
    "12.9",
    "Look at how the two dicts are made into arrays. What comes first in each?",
    "Values belong together if they have the same seed: go through the seeds, and look both arms up.",
)
def pairs_of_one_seed(answer):
    """(mean, half width) of the interval of a − b, paired by seed."""
    difference = function(answer, "a", "b")
    rng = np.random.default_rng(3)
    for count, sign in ((10, 1), (7, -1)):
        luck, noise = rng.standard_normal((2, count)) * ((4,), (1.5,))
        first, second = dict(enumerate(90 + luck + noise)), dict(enumerate(88.8 + sign * luck))
        shuffled = {int(seed): second[int(seed)] for seed in rng.permutation(count)}
        mean, half = interval(_listed(first) - _listed(second))
        pair = given(difference(first, shuffled))
        try:
            its_mean, its_half = pair
        except (TypeError, ValueError):
            raise Wrong("two numbers are asked for, (mean, half width).") from None
        got = number(its_mean), number(its_half)
        wanted, yours = f"{mean:+.2f} ± {half:.2f}", f"{got[0]:+.2f} ± {got[1]:.2f}"
        if np.allclose(got, (mean, half), atol=1e-6):
            continue
        if np.isclose(got[1], interval(_listed(first) - np.array(list(shuffled.values())))[1]):
            raise Blank(f"with the runs of one arm listed in another order, {wanted} has become {yours}.")
        if np.isclose(got[1], interval(np.sort(_listed(first)) - np.sort(_listed(second)))[1]):
            raise Wrong(
                f"{yours} in place of {wanted}: each arm is sorted by its values, so a pair is no longer one seed."
            )
        low, high = ttest_ind(_listed(first), _listed(second), equal_var=False).confidence_interval(0.95)
        if np.isclose(got[1], (high - low) / 2, rtol=0.1):
            raise Wrong(f"{yours} in place of {wanted}: that is the unpaired interval.")
        raise Wrong(f"seed by seed it is {wanted}; yours is {yours}.")
    return "The mean was right all along: only the interval shows that pairs were torn apart."


def _listed(values: Mapping[int, float]) -> np.ndarray:
    return np.array([values[seed] for seed in sorted(values)])


@exercise(
    "12.10",
    "How many intervals does one call look at? Each may err.",
    "Train a number of seeds that was chosen before, and look once.",
)
def looks_that_are_paid_for(answer):
    """True if the arms differ, with at most 20 seeds, and wrongly so in about one case of twenty."""
    decided = function(answer, "run")
    rng = np.random.default_rng(1)
    rate, seen = _rate(decided, rng, 0.0, 400), "400 experiments"
    if rate > 0.17:
        raise Blank(f"where nothing differs, it says True in {100 * rate:.0f} % of {seen}.")
    if 0.03 < rate <= 0.09:  # one look or two? Only many experiments say
        rate, seen = (400 * rate + 2600 * _rate(decided, rng, 0.0, 2600)) / 3000, "3,000 experiments"
    says = f"where nothing differs, it says True in {100 * rate:.1f} % of {seen}"
    if rate > 0.065:
        raise Wrong(f"{says}, not in 5 %. Does it look more than once, without paying for that?")
    found = _rate(decided, rng, 2.0, 40)
    if found < 0.7:
        raise Wrong(f"of differences as large as two standard deviations it finds only {100 * found:.0f} %.")
    return f"W{says[1:]}."


def _rate(decided: Callable, rng: np.random.Generator, effect: float, experiments: int) -> float:
    """How often it says True. effect: the true difference, in standard deviations."""
    said = 0
    for _ in range(experiments):
        runs = iter(effect + rng.standard_normal(20))

        def run(runs=runs):
            gain = next(runs, None)
            if gain is None:
                raise Wrong("it trains more than 20 seeds.")
            return float(gain)

        got = given(decided(run))
        if not isinstance(got, bool | np.bool_):
            raise Wrong(f"True or False is asked for, not {kind(got)}.")
        said += bool(got)
    return said / experiments


@exercise(
    "12.11",
    "The best of twenty is the best partly by luck. Is the luck in the values that are reported?",
    "Let some seeds choose, and others report.",
)
def best_without_its_luck(answer):
    """(setting, its gain): of (settings, seeds) the best one, with a gain that is right on average."""
    best = function(answer, "gains")
    rng = np.random.default_rng(2)

    def mean_over(tables, effect):
        """How often the better one is chosen, the mean gain, and by how much that is too high for what was chosen."""
        chosen, leads = [], []
        for _ in range(tables):
            gains = rng.standard_normal((20, 10))
            gains[7] += effect
            found = given(best(gains))
            if not isinstance(found, tuple | list) or len(found) != 2:
                raise Wrong("a pair is asked for: the number of the setting, and its gain.")
            chosen.append(number(found[0]) == 7)
            leads.append(number(found[1]))
        return np.mean(chosen), np.mean(leads), np.mean(leads) - effect * np.mean(chosen)

    _, lead, _ = mean_over(1000, 0.0)
    if lead > 0.52:
        raise Blank(f"in 1,000 tables in which no setting differs, the gain of the best is {lead:.2f} on average.")
    if abs(lead) > 0.08:
        raise Wrong(f"in 1,000 tables in which no setting differs, the gain is {lead:.2f} on average, not 0.")
    hits, lead, _ = mean_over(1000, 3.0)
    if hits < 0.8:
        raise Wrong(f"one setting is better by 3.0, and it is chosen in only {100 * hits:.0f} % of the tables.")
    if abs(lead - 3) > 0.1:
        raise Wrong(f"one setting is better by 3.0, and the gain is {lead:.2f} on average.")
    _, lead, excess = mean_over(1000, 1.0)  # where what is subtracted at 0, and not at 3, shows
    if abs(excess) > 0.1:
        worth = f"{lead:.2f} on average, while what is chosen is worth {lead - excess:.2f}"
        raise Wrong(f"one setting is better by 1.0, and the gain is {worth}. Which seeds report?")
    return "Fewer seeds choose, and fewer report: that is the price."
