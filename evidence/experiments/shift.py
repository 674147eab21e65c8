"""Fine-tuning under a shift: pretrained on 0–4 over clutter, trained on 5–9 without it, 10 labels per class.

Tested on plain digits, as in training, over clutter and inverted. After Kumar et al. 2022, whose LP-FT is the head
first, then all.
"""

from collections.abc import Iterator
from functools import partial

from evidence import claims, grid
from evidence.record import Comparisons, Part, Verdict, verdict
from jointopt import Update, plans, tasks
from jointopt.compare import Budget, Interval

STEPS, ONE_LR = 300, 1e-3
SEEDS = range(10, 30)
SLICE = ("test", ["head only"], [10])
PAPER = {"head only": 66.2, "all at once": 59.3, "head first, then all": 68.9}  # accuracy (%), mean of the shifted sets
ARMS = {
    "head only": (partial(plans.alternating, Update("classifier", "task")), {}),
    "all at once": (partial(plans.joint, losses="task"), {}),
    "head first, then all": (partial(plans.lp_ft, "classifier", STEPS // 2, losses="task"), {}),
    "from scratch": (partial(plans.joint, losses="task"), {"pretrained": 0}),
}


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid of learning rates, chosen by plain digits alone, then the test; and all arms at one learning rate."""
    make = partial(tasks.load, "transfer", data="digits", labels=10, depth=3)
    yield "grid", grid.search(make, ARMS, Budget(steps=STEPS))
    yield "test", Part(make, grid.best(comparisons["grid"], ARMS), Budget(steps=STEPS), SEEDS)
    yield "one lr", Part(make, grid.at(lambda name: ONE_LR, ARMS), Budget(steps=STEPS), SEEDS)


def lp_ft(comparisons: Comparisons, name: str = "LP-FT") -> Verdict:
    """Fine-tuning distorts good features, and training the head first rescues them.

    Over clutter, "head only" and "head first, then all" are above "all at once"; each arm with its own learning rate
    (part "test"). Source: Kumar et al. 2022. name: of the finding.
    """
    head, once, then_all = (comparisons["test"].values(arm, "accuracy over clutter (%)") for arm in PAPER)
    of_head, of_once, of_then_all = PAPER.values()
    distorts = claims.decide(head - once, effect=claims.scaled(of_head, of_once, ours=head.mean()))
    rescues = claims.decide(then_all - once, effect=claims.scaled(of_once, of_then_all, ours=once.mean()))
    rests = {"all at once minus head only": once - head, "head first, then all minus all at once": then_all - once}
    decision = claims.all_of([distorts, rescues])
    return verdict({name: decision}, {words: Interval.of(each) for words, each in rests.items()})


RULE = lp_ft
