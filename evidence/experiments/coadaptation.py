"""Do layers that were trained together come apart? Keep the first k of a trained network, retrain the rest.

After Yosinski et al. 2014, figure 2: "kept" (their BnB) freezes the k layers, "kept, all" (BnB+) fine-tunes them too,
"other" (AnB) has the k layers of a network that was trained on the other five digits. A plain stack of 8
convolutions, without normalization and without skip connections, which are said to soften the effect.
"""

from collections.abc import Iterator
from functools import partial

from evidence import claims, grid
from evidence.record import Comparisons, Part, verdict
from jointopt import plans, tasks
from jointopt.compare import Budget, Comparison
from jointopt.tasks.transfer import above

DEPTH, STEPS = 8, 600
ALL = (2, 4, 6, 8)  # the k that get "kept, all" too
OTHER = (6, 8)  # and "other"
LABELS = {"validation": 300, "test": 400}  # per class: all there are, which those that were kept have learned from
SLICE = ("test", ["kept 8"], [10])
PAPER = 62.5, 60.5  # accuracy (%) of "base" and of the lowest "kept", as far as figure 2 can be read

WHOLE = partial(plans.alternating, above(0, DEPTH))
BASE = {"base": (WHOLE, {"pretrained": 0})}  # trained whole, from scratch
REST = {k: partial(plans.alternating, above(k, DEPTH)) for k in range(1, DEPTH + 1)}
ARMS = (
    BASE
    | {f"kept {k}": (REST[k], {"keep": k}) for k in REST}
    | {f"kept {k}, all": (WHOLE, {"keep": k}) for k in ALL}
    | {f"other {k}": (REST[k], {"keep": k, "source": "0-4"}) for k in OTHER}
)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The learning rate of the base, which all arms then have, as in the paper; then the test."""
    make = partial(tasks.load, "transfer", source="5-9", depth=DEPTH, pretrained=STEPS)
    yield "grid", grid.search(partial(make, labels=LABELS["validation"]), BASE, Budget(steps=STEPS))
    lr = grid.best_lr(comparisons["grid"], "base")
    tested = grid.at(lambda name: lr, ARMS)
    yield "test", Part(partial(make, labels=LABELS["test"]), tested, Budget(steps=STEPS))


def yosinski(comparisons: Comparisons) -> dict:
    """There is a number k of kept layers at which accuracy `drops`. Source: Yosinski et al. 2014, figure 2."""
    decisions = drops(comparisons["test"])
    layers = [k for k, decision in decisions.items() if decision.word == claims.REPLICATED]
    rests = {"layers kept at which accuracy drops": layers}
    return verdict({"Yosinski et al., figure 2": claims.any_of(decisions.values())}, rests)


def drops(test: Comparison) -> dict[int, claims.Decision]:
    """Whether layers come apart at k, for each k but the first and the last of those tried.

    "kept k" is below "base" (98.75 % interval, since several k are looked at), and "kept k, all" is above "kept k" (95
    %), where that was run.
    """
    base = test.values("base")
    effect = claims.scaled(*PAPER, ours=base.mean())

    def apart(k: int) -> claims.Decision:
        kept, again = test.values(f"kept {k}"), f"kept {k}, all"
        decisions = [claims.decide(base - kept, effect=effect, level=0.9875)]
        if again in test.arms:
            decisions.append(claims.decide(test.values(again) - kept, effect=effect))
        return claims.all_of(decisions)

    return {k: apart(k) for k in list(REST)[1:-1]}


RULE = yosinski
