"""How often does a run collapse, over learning rates and λ's, and what does a warm-up do (chapter 11)?

The small model of `objective` on 3,000 digits, 200 steps of Adam, and L2 of all weights. In a warm-up the rate, or λ,
rises from zero over the first 60 steps (Goyal et al. 2017, §2.2, of the rate).
"""

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np

from evidence.experiments.objective import clean
from evidence.record import Comparisons, Part
from jointopt import plans, schedules
from jointopt.compare import Arm, Budget, Comparison, Interval

STEPS, RISE, SEEDS = 200, 60, range(10, 15)
LRS, WEIGHTS = (1e-3, 3e-3, 1e-2, 3e-2), (0.0, 0.05, 0.1, 0.2)  # of Adam; of the penalty
WARMED = ("nothing", "rate", "λ")
COLLAPSED = 20.0  # %, at most; a guess among ten digits has 10
SLICE = ("test", ["nothing, lr 0.003, λ 0.05"], [10])
CLAIMS = {kind: f"a warm-up of {the} keeps runs from collapsing" for kind, the in (("rate", "the rate"), ("λ", "λ"))}


def name(kind: str, lr: float, weight: float) -> str:
    """Of an arm."""
    return f"{kind}, lr {lr:g}, λ {weight:g}"


def arm(kind: str, lr: float, weight: float) -> Arm:
    """Constant, or with a rate or a λ that rises over the first RISE steps."""
    what, end = {"rate": ("lr", lr), "λ": ("weight.reg", weight)}.get(kind, ("", 0.0))
    changes = ((0, what, schedules.linear((0, end / RISE), (RISE - 1, end))),) if what else ()
    return Arm(plans.joint, None if kind == "λ" else {"reg": weight}, "Adam", {"lr": lr}, changes=changes)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """One comparison; where λ is 0 there is nothing to warm up."""
    cells = product(WARMED, LRS, WEIGHTS)
    arms = {name(*cell): arm(*cell) for cell in cells if cell[0] != "λ" or cell[2]}
    yield "test", Part(partial(clean, small=True), arms, Budget(steps=STEPS), SEEDS)


def collapses(test: Comparison, kind: str, lr: float, weight: float) -> np.ndarray:
    """True for each seed that ends at a guess, or with a loss that is no longer finite: (seeds,)."""
    arm = name(kind, lr, weight)
    return (test.values(arm) <= COLLAPSED) | (test.values(arm, "diverged") > 0)


def share(test: Comparison, kind: str, weights: tuple[float, ...]) -> np.ndarray:
    """Of the runs of each seed, in percent, over all rates and these λ's: (seeds,)."""
    return 100 * np.mean([collapses(test, kind, *cell) for cell in product(LRS, weights)], axis=0)


def saved(comparisons: Comparisons) -> dict:
    """A warm-up lowers the share of the runs that collapse: of the rate, over all cells; of λ, where it is above 0."""
    test, answer, rests = comparisons["test"], {}, {}
    for kind, weights in (("rate", WEIGHTS), ("λ", WEIGHTS[1:])):
        shares = {which: share(test, which, weights) for which in ("nothing", kind)}
        gain = Interval.of(shares["nothing"] - shares[kind])
        answer[CLAIMS[kind]] = "holds" if gain.verdict == "more" else "does not hold"
        rests[f"collapsed (%), {kind} constant"] = str(Interval.of(shares["nothing"]))
        rests[f"collapsed (%), {kind} warmed up"] = str(Interval.of(shares[kind]))
        rests[f"fewer collapsed by a warm-up of {kind} (points)"] = f"{gain:+}"
    return answer | {"rests on": rests}


RULE = saved
