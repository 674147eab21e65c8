"""Chapter 4, joint against staged: what a fair comparison is, its interval, its budget, and two ways to spoil it."""

import inspect
from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from jointopt import plans
from jointopt.exercises.answers import Blank, Wrong, finite, first_of, given, kind, number, pair, pure_function, rounded
from jointopt.exercises.registry import exercise, prediction
from jointopt.statistics import Interval
from jointopt.training import Update

prediction(
    "4.1",
    "Which of the two pipelines could also learn such a shift and such a scale itself?",
    choices=("joint", "frozen", "both alike"),
)
prediction(
    "4.2",
    "A hundred images in all. One pipeline has to find out from them that edges matter, the other one knows.",
    unit="points",
    close=8,
)
prediction(
    "4.3",
    "A gradient through a head tells θ what this head wants. What does the other head know of it?",
    "In 1,392 dimensions nearly all pairs of directions that have nothing to do with each other have a cosine near 0.",
    close=0.2,
    between=(-1, 1),
)


@exercise(
    "4.4",
    "Subtract first, seed by seed. What is left is one sample of n numbers.",
    "If single ones spread by s, by how much does the mean of n? (NumPy's std divides by n, unless ddof is 1.)",
    "How much is left at each side of the middle 95 %? And one degree of freedom is spent on the mean.",
)
def paired_interval(answer):
    """(mean, half width) of the 95 % interval of arm − against, seed by seed."""
    from jointopt.compare import records

    paired = pure_function(answer, "arm", "against")
    recorded = records.load("budgets")["steps 200"]
    three = np.array([43.0, 39.0, 47.0]), np.array([41.5, 38.5, 44.0])
    for arm, against in ((recorded.values("rotation, then head"), recorded.values("joint")), three):
        value = given(paired(arm.copy(), against.copy()))  # an Interval has n as well
        mean, half = map(number, pair(value[:2] if isinstance(value, Interval) else value, "(mean, half width)"))
        wanted = Interval.of(arm - against)
        yours = f"over {len(arm)} seeds yours is {mean:.2f} ± {half:.2f}"
        if abs(mean + wanted.mean) < 1e-4:
            raise Wrong(f"{yours}: that is `against` minus `arm`.")
        if abs(mean - (wanted.mean - wanted.half)) < 1e-3 * wanted.half:
            raise Wrong("the mean and the half width are asked for, not the two ends of the interval.")
        if abs(mean - wanted.half) < 1e-3 * wanted.half and abs(half - wanted.mean) < 1e-3:
            raise Wrong(f"{yours}: a pair (mean, half width) is asked for, in this order.")
        if rounded(mean, wanted.mean) or rounded(half, wanted.half):
            raise Wrong(f"yours is {mean:g} ± {half:g}: do not round, neither the mean nor the half width.")
        if abs(mean - wanted.mean) > 1e-4:
            raise Wrong(f"{yours}: the mean of arm − against is asked for, which is another number.")
        if half < 0:
            raise Wrong(f"{yours}, and a width is not negative. That is the quantile on the other side.")
        for words, halves in _wrong_halves(arm, against).items():
            if any(abs(half - each) < 1e-3 * each for each in halves):
                raise Wrong(f"{yours}. {words}")
        if abs(half - wanted.half) > 1e-3 * wanted.half:
            raise Wrong(f"{yours}: the mean is right, the interval too {'wide' if half > wanted.half else 'narrow'}.")
    return "A seed that is lucky for both arms is not counted as noise: unpaired, ± 2.2 points would be ± 3.3."


def _wrong_halves(arm: np.ndarray, against: np.ndarray) -> dict[str, list[float]]:
    """What can be said of a half width -> the half widths of which it is true."""
    from scipy import stats

    n, differences = len(arm), arm - against
    error, apart = differences.std(ddof=1) / sqrt(n), sqrt((arm.var(ddof=1) + against.var(ddof=1)) / n)
    t, both = stats.t.ppf(0.975, n - 1), stats.ttest_ind(arm, against, equal_var=False).df
    unpaired = [q * apart for q in (t, stats.t.ppf(0.975, 2 * n - 2), stats.t.ppf(0.975, both), 1.96)]
    return {
        "That treats the two arms as if they had run from different seeds.": unpaired,
        f"1.96 is for many seeds: with {n} the quantile is larger.": [1.96 * error],
        "That is the standard error alone; a quantile of Student's t is missing.": [error],
        f"That is how far single seeds spread; the mean of {n} is surer.": [t * error * sqrt(n)],
        "That is the whole width: half of it is asked for.": [2 * t * error],
        "The standard deviation of a sample has n − 1 as its divisor.": [t * error * sqrt((n - 1) / n)],
        "95 % in the middle leave 2.5 % on each side.": [stats.t.ppf(0.95, n - 1) * error],
        "The degrees of freedom are n − 1, since one is spent on the mean.": [stats.t.ppf(0.975, n) * error],
    }


@exercise(
    "4.5",
    "plans.alternating takes any number of Updates, also the same one twice.",
    "An Update's first argument is what moves, its second the losses: Update('classifier', 'task').",
    "Arm(lambda: …): the function makes a new stream for each run.",
)
def head_alone_in_every_third_step(answer):
    """An Arm whose plan moves the classifier alone at steps 2, 5, 8 …, all modules otherwise, on the loss "task"."""
    from jointopt.compare import Arm

    arm, most = given(answer), 9001
    if not isinstance(arm, Arm):
        raise Wrong(f"an Arm is asked for, not {kind(arm)}: Arm(a function without arguments that gives the plan).")
    try:
        inspect.signature(arm.plan).bind()
    except TypeError:
        raise Wrong(f"an Arm takes a function without arguments; yours is of {inspect.signature(arm.plan)}.") from None
    taken, again = (first_of(arm.plan(), most) for _ in range(2))
    for step, update in enumerate(taken):
        if not update.counts("task") or update.counts("rotation") or update.counts("reconstruction"):
            raise Wrong(f"step {step} counts {_named(update.losses, 'all three losses')}; 'task' alone is asked for.")
    alone = [step for step, update in enumerate(taken) if update.modules == {"classifier"}]
    if alone != list(range(2, len(taken), 3)):
        steps = f"at steps {', '.join(map(str, alone[:4]))} …" if alone else "at no step"
        raise Wrong(f"in yours the head moves alone {steps}; steps 2, 5, 8 … are asked for, and they count from 0.")
    for step in set(range(len(taken))) - set(alone):
        if not (taken[step].modules is None or taken[step].modules >= {"feature_extractor", "classifier"}):
            raise Wrong(f"step {step} moves {_named(taken[step].modules, '')} alone; all modules are asked for.")
    if len(taken) < most:
        raise Wrong(f"the plan ends after {len(taken)} updates. A budget ends a run; the plan has no end.")
    if arm != Arm(arm.plan):
        raise Wrong("a plan is asked for, and the Arm that has it: leave its other options as they are.")
    if again != taken:
        raise Wrong("the second run does not begin anew: its stream goes on where that of the first one stopped.")
    return "Budget(flops=3e10) pays for 495 of its steps, and for 401 of joint training."


def _named(names: frozenset[str] | None, all_of_them: str) -> str:
    return all_of_them if names is None else " and ".join(map(repr, sorted(names)))


@exercise(
    "4.6",
    "Keep a count for each module: in how many steps it has moved so far.",
    "Before you count a step, ask whether one of its modules has moved `updates` times already. The plan stops there.",
)
def steps_within_updates(answer):
    """How many steps a plan takes until one more would move some module for the (updates + 1)-th time."""
    steps = pure_function(answer, "plan", "modules", "updates")
    features, head = Update("feature_extractor"), Update("classifier")
    cases = {
        "joint training": (plans.joint(), 400, 400),
        "the head alone in every third step": (plans.alternating(Update(), Update(), head), 400, 400),
        "alternating": (plans.alternating(features, head), 400, 800),
        "150 steps of features, then the head": (plans.staged((features, 150), (head, None)), 400, 550),
        "two steps of the head, then one of the features": (plans.alternating(head, head, features), 5, 7),
        "100 steps of features, then 100 of the head": (plans.staged((features, 100), (head, 100)), 400, 200),
    }
    for name, (plan, budget, wanted) in cases.items():
        got = number(steps(finite(plan), ["feature_extractor", "classifier"], budget))
        case = f"{name}, {budget} updates per module: yours takes {got:g} steps"
        if got == wanted + 1:
            raise Wrong(f"{case}, one too many: the last of them exceeds the budget.")
        if name == "alternating" and got == budget:
            raise Wrong(f"{case}. By then each module has moved {budget // 2} times.")
        if got > wanted:
            ends = "The plan has ended by then." if wanted < budget else ""
            raise Wrong(f"{case}. {ends or f'In its first {got:g} steps a module moves more than {budget} times.'}")
        if got < wanted:
            raise Wrong(f"{case}. A further step would still be within the budget.")
    return "Alternating takes 800 steps where joint training takes 400: it sees twice as many batches."


@exercise(
    "4.7",
    "Of eight accuracies the best is the luckiest, too. On which images did it have its luck?",
    "Images that had a say in the choice flatter what was chosen. Which kind may choose, and which one reports?",
    "Of which settings do you need accuracies on test images? And when?",
)
def tuned_on_validation(answer):
    """(best setting, accuracy to report): chosen by the mean validation accuracy, reported on test images."""
    tuned = pure_function(answer, "accuracy", "settings", "seeds")
    settings, seeds = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0], [0, 1, 2]
    reported, seen = [], set()
    for search in range(40):  # eight settings that are all worth 80 %; one run is off by 2 points
        luck = np.random.RandomState(search // 2).normal(80, 2, (2, len(settings), len(seeds)))
        luck[1] = luck[1] if search % 2 else 160 - luck[1]  # what validation chooses is then worth 80.0 % on average
        validation, test = luck.mean(axis=2)
        best, value = pair(tuned(_accuracy(luck, settings, seen), list(settings), list(seeds)), "(setting, accuracy)")
        if best not in settings:
            got = f"{best:g}" if isinstance(best, int | float) else kind(best)
            raise Wrong(f"the first of the pair is to be one of the settings; yours is {got}.")
        reported.append((settings.index(best), number(value), validation, test))
    on_test = all(chosen == test.argmax() for chosen, _, _, test in reported)
    on_validation = all(chosen == validation.argmax() for chosen, _, validation, _ in reported)
    mean = np.mean([value for _, value, _, _ in reported])
    bias = f"eight settings are all worth 80.0 %; the one that is chosen is reported with {mean:.1f} %, on average"
    if on_test and mean > 80.8:
        raise Blank(f"{bias} over 40 searches.")
    if not on_validation:
        raise Wrong("the setting is to be the one with the best mean validation accuracy; yours is another one.")
    if all(abs(value - validation[chosen]) < 1e-6 for chosen, value, validation, _ in reported):
        raise Wrong(f"{bias}. Images that have chosen a setting flatter it, validation images too.")
    if not all(abs(value - test[chosen]) < 1e-6 for chosen, value, _, test in reported):
        raise Wrong("the setting is right; report its mean test accuracy over all seeds, which yours is not.")
    looks = sum(held_out == "test" for held_out, *_ in seen) / len(reported)
    more = f" You look at the test images of {looks:g} settings; one is enough." if looks > 1 else ""
    return f"Now it is fair: {bias}.{more}"


def _accuracy(luck: np.ndarray, settings: list[float], seen: set) -> Callable[[float, int, str], float]:
    """luck: (validation and test, settings, seeds). What is asked for is noted in `seen`."""

    def accuracy(setting, seed, held_out):
        if held_out not in ("validation", "test"):
            raise Wrong(f'held_out is "validation" or "test"; yours is {held_out!r}.')
        if setting not in settings or seed not in range(luck.shape[2]):
            raise Wrong(f"accuracy() was asked for the setting {setting!r} and the seed {seed!r}; there is none such.")
        seen.add((held_out, setting, luck.tobytes()))
        return float(luck[["validation", "test"].index(held_out), settings.index(setting), seed])

    return accuracy


@exercise(
    "4.8",
    "What are the first weights of the second arm? Print one of them in front of each arm.",
    "Each arm needs a model of its own that begins as the seed says. And the random numbers that come after it?",
)
def arms_that_begin_alike(answer):
    """{arm: [result per seed]}, with equal weights and equal random numbers for all arms of a seed."""
    run_all = pure_function(answer, "make", "arms", "seeds")
    seeds = [3, 5, 8]
    starts = _starts(run_all, seeds)
    (first, ones), (second, others) = starts.items()
    for seed, one, other in zip(seeds, ones, others, strict=True):
        if other.weights != one.weights:
            words = f"from seed {seed} {first!r} begins with a first weight of {one.weights[0]:.2f}, {second!r} with "
            words += f"{other.weights[0]:.2f}"
            if abs(other.weights[0] - one.weights[0] - 1) > 1e-3:  # not where the first one stopped
                raise Wrong(f"{words}.")
            if other.loaded:
                raise Wrong(f"{words}: what you load has moved along. state_dict() gives the weights, not a copy.")
            if other.model is not one.model:
                raise Wrong(f"{words}: the copy shares its weights with what it is a copy of.")
            if other.draw == one.draw:
                raise Wrong(f"{words}: the second arm gets a model that the first one has trained.")
            raise Blank(f"{words}.")
        if other.draw != one.draw:
            raise Wrong(f"equal weights, but {second!r} draws other batches: the random numbers went on in between.")
    if len({tuple(one.weights) for one in ones}) < len(seeds):
        raise Wrong("several seeds begin with the same weights: to the interval they count as independent.")
    if _starts(run_all, seeds[-1:])[first][0][:3] != ones[-1][:3]:
        raise Wrong(f"seed {seeds[-1]} begins in another way when it runs alone: the seed does not decide it.")
    return "The plan and its copy now come out equal at each seed."


class _Start(NamedTuple):
    """An arm and what it was given: weights, its first random number, the model; and whether one was loaded before."""

    arm: str
    weights: list[float]
    draw: float
    model: nn.Module
    loaded: bool


def _starts(run_all: Callable, seeds: list[int]) -> dict[str, list[_Start]]:
    """Arm -> how it began, per seed. An arm adds 1 to each weight, and returns the number of its call."""
    calls, loads = [], []

    def make():
        model = nn.Linear(3, 1)
        model.register_load_state_dict_post_hook(lambda *_: loads.append(1))
        return model

    def training(arm):
        def train(model):
            if not isinstance(model, nn.Linear):
                raise Wrong(f"an arm is called with a model; yours got {kind(model)}.")
            weights = model.weight.detach().flatten().tolist()
            calls.append(_Start(arm, weights, torch.rand(1).item(), model, bool(loads)))
            with torch.no_grad():
                model.weight += 1
            return float(len(calls) - 1)

        return train

    names = ["a plan", "its copy"]
    results = given(run_all(make, {name: training(name) for name in names}, list(seeds)))
    if not isinstance(results, dict) or list(results) != names:
        raise Wrong("a dict with an entry per arm is asked for, {arm: [result per seed]}.")
    starts = {}
    for arm, values in results.items():
        if not isinstance(values, list | tuple | np.ndarray) or len(values) != len(seeds):
            raise Wrong(f"{arm!r} has to have one result per seed, {len(seeds)} here.")
        numbers = [number(value) for value in values]
        if not all(value in range(len(calls)) for value in numbers):
            raise Wrong(f"the results of {arm!r} are not those that its training returned.")
        starts[arm] = [calls[int(value)] for value in numbers]
        if others := {start.arm for start in starts[arm]} - {arm}:
            raise Wrong(f"the results of {arm!r} are those of {others.pop()!r}: each arm has to train by itself.")
        if len(set(numbers)) < len(seeds):
            raise Wrong(f"the results of {arm!r} are those of one run, several times: each seed is a run of its own.")
    return starts
