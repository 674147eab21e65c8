"""Does approximate joint training come close to the four steps of Faster R-CNN, at less compute?

Joint training spends 5/8 of what the four steps do: 37.5 % less, the middle of the 25 to 50 % of Ren et al. 2015, §3.2.
The arms and learning rates are those of `detection`. A pilot on validation scenes says how many seeds it takes.
"""

from collections.abc import Iterator
from functools import partial

from evidence import claims, grid
from evidence.experiments import detection
from evidence.record import Comparisons, Part, verdict
from jointopt import plans
from jointopt.compare import Budget, Comparison, cost, records

SIZE, SHARE = detection.SIZE, 5 / 8  # joint steps, and their part of what the four steps spend
NAMES = {"joint": "joint", "four steps": "staged"}  # there
CLOSE = 5  # points of mAP: detectors of equal hyperparameters and different seeds are further apart than that
SLICE = ("test", ["joint"], [10])


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """A pilot, then as many seeds as it asks for."""
    make, task, arms = detection.make, detection.make(0), detection.ARMS
    costs = {update: cost(task, update)[0] for update in {arms.joint, *arms.staged}}
    size = round(SIZE / SHARE)
    budget = Budget(flops=size * costs[arms.joint])
    plan_of = {"joint": (partial(plans.joint, SIZE), {}), "four steps": arms.plans("flops", size, costs)["staged"]}
    stages = {name: grid.spans(plan, task, budget) for name, (plan, _) in plan_of.items()}
    searched = records.load("detection")["grid"]
    best = {name: grid.best_lr(searched, NAMES[name], detection.LRS) for name in plan_of}
    chosen = grid.at(best.get, plan_of, stages=stages)
    yield "pilot", Part(make, grid.on_validation(chosen), budget, grid.PILOT_SEEDS)
    yield "test", Part(make, chosen, budget, claims.planned([close(comparisons["pilot"])]))


def close(test: Comparison) -> claims.Decision:
    """Whether the mAP of "joint" minus that of "four steps" is above −CLOSE points."""
    return claims.decide(test.values("joint") - test.values("four steps"), border=-CLOSE)


def approximate_joint(comparisons: Comparisons) -> dict:
    """Joint training comes close to the four steps with a quarter less compute, or more.

    mAP of "joint" minus that of "four steps" is above −CLOSE points (95 % interval), at no more than 75 % of the FLOPs.
    Source: Ren et al. 2015, §3.2.
    """
    test = comparisons["test"]
    share = float(test.values("joint", "flops").mean() / test.values("four steps", "flops").mean())
    decision = close(test) if share <= 0.75 else claims.Decision(claims.NOT_REPLICATED)
    numbers = {"joint minus four steps": test.difference("joint", "four steps"), "share of the FLOPs": round(share, 3)}
    return verdict({"Faster R-CNN, §3.2": decision}, numbers)


RULE = approximate_joint
