"""Does what was learned from easy sums survive the change to real ones? Three digits, end to end (chapter 11).

A curriculum: in the first quarter of the steps the sums differ in one digit alone. What matters is who moves after it.
"""

from collections.abc import Iterator
from functools import partial

from evidence.experiments.parity import CHANCE, FAR, HARD, HEAD, NEAR, SUM
from evidence.record import Comparisons, Part, verdict
from jointopt import Update, plans, tasks
from jointopt.compare import Arm, Budget

STEPS, EASY, LR = 800, 200, 3e-3
CLAIM = "without a freeze, all that easy sums taught is lost"
WHOLE = Update(losses="task")
PLANS = {
    "no curriculum": partial(plans.staged, (WHOLE, STEPS)),
    "all at once": partial(plans.staged, (WHOLE, STEPS)),
    "slow features": partial(plans.staged, (WHOLE, STEPS)),
    "head first, 5 steps": partial(plans.staged, (WHOLE, EASY), (HEAD, 5), (WHOLE, STEPS - EASY - 5)),
    "head first, then all": partial(plans.staged, (WHOLE, EASY), (HEAD, EASY), (WHOLE, STEPS - 2 * EASY)),
    "head only": partial(plans.staged, (WHOLE, EASY), (HEAD, STEPS - EASY)),
}
SLOW = ((EASY, "lr.feature_extractor", LR / 100),)  # from the change on
SLICE = ("test", ["head first, then all"], [10])


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """One comparison."""
    arms = {
        name: Arm(
            plan,
            optimizer_options={"lr": LR},
            task_options={"easy": 0 if name == "no curriculum" else EASY},
            changes=SLOW if name == "slow features" else (),
        )
        for name, plan in PLANS.items()
    }
    yield "test", Part(partial(tasks.load, "parity", digits=HARD), arms, Budget(steps=STEPS))


def distorted(comparisons: Comparisons) -> dict:
    """Moving everything at the change unlearns what the easy sums taught; moving the head first keeps it.

    The interval of "all at once" ends below 55 %, and that of "head first, then all" minus it begins above 20 points:
    after Kumar et al. 2022, who do not study a curriculum.
    """
    test = comparisons["test"]
    once, apart = test.mean("all at once", SUM), test.difference("head first, then all", "all at once", SUM)
    shown = once.mean + once.half < CHANCE + NEAR and apart.mean - apart.half > FAR
    others = {f"{name} (%)": str(test.mean(name, SUM)) for name in PLANS}
    rests = {"head first, then all minus all at once": apart} | others
    return verdict({CLAIM: "holds" if shown else "does not hold"}, rests)


RULE = distorted
