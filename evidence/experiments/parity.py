"""Is the sum of k digits odd? End to end, joint with an intermediate loss, and staged, at equal compute (chapter 11).

Compute is that of 25,600 sums, end to end; each arm has its own learning rate and batch size, for each k. At k = 3 then
the λ of the intermediate loss, and what is left if it is withdrawn. After Shalev-Shwartz, Shamir and Shammah 2017, §3.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from evidence import claims
from evidence.record import Comparisons, Part, verdict
from jointopt import Update, plans, tasks
from jointopt.compare import Arm, Budget, Comparison, Interval, cost

SUMS = 25_600
KS, SIZES, LRS = (1, 2, 3, 4), (32, 128), (1e-3, 3e-3, 1e-2)
GRID_SEEDS = range(2)
HARD = 3  # digits: from here on end-to-end training is to fail
WEIGHTS = (0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0)  # λ of the intermediate loss
WITHDRAWN = (0.025, 0.05, 0.1, 0.2)  # after this share of the steps it is no longer counted
CHANCE, NEAR, FAR = 50.0, 5.0, 20.0  # %, points, points
HELPS = 2.0  # points by which a correction would matter: the paper measures other tasks, in other units
SLICE = ("3 digits", ["joint"], [10])
SUM, DIGIT, CORRECTED = "sum (%)", "digit (%)", "sum, one digit corrected (%)"
Plan = Callable[[int], Iterator[Update]]  # the steps of an end-to-end run -> a plan
PLANS: Mapping[str, Plan] = {
    "end to end": lambda steps: plans.joint(losses="task"),
    "joint": lambda steps: plans.joint(),
    "staged": lambda steps: plans.staged((Update("feature_extractor", "digits"), steps // 2), (HEAD, None)),
}
HEAD = Update("classifier", "task")


def arm(plan: Plan, size: int, lr: float, weights: Mapping[str, float] | None = None, **task_options) -> Arm:
    """A plan, with its batch size and learning rate."""
    return Arm(partial(plan, SUMS // size), weights, None, {"lr": lr}, {"size": size, **task_options})


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """For each k the grid, on validation images, and the test; then the two questions about the intermediate loss."""
    for k in KS:
        make, budget = partial(tasks.load, "parity", digits=k), compute(k)
        tried = {
            f"{name}, batch {size}, lr {lr:g}": arm(plan, size, lr, held_out="validation")
            for name, plan in PLANS.items()
            for size in SIZES
            for lr in LRS
        }
        yield f"grid of {digits(k)}", Part(make, tried, budget, GRID_SEEDS)
        chosen = {name: arm(plan, *best(comparisons, k, name)) for name, plan in PLANS.items()}
        yield digits(k), Part(make, chosen, budget)
    make, budget = partial(tasks.load, "parity", digits=HARD), compute(HARD)
    chosen = best(comparisons, HARD, "joint")
    yield "weights", Part(make, {f"λ {x:g}": arm(PLANS["joint"], *chosen, {"digits": x}) for x in WEIGHTS}, budget)
    yield "withdrawn", Part(make, {f"after {x:.1%}": arm(withdrawn(x), *chosen) for x in WITHDRAWN}, budget)


def digits(k: int) -> str:
    """The name of a part."""
    return f"{k} digit{'s' if k > 1 else ''}"


def compute(k: int) -> Budget:
    """That of SUMS sums, end to end."""
    size = SIZES[0]
    flops, _ = cost(tasks.load("parity", digits=k, size=size), Update(losses="task"))
    return Budget(flops=flops * (SUMS // size))


def best(comparisons: Comparisons, k: int, name: str) -> tuple[int, float]:
    """(batch size, learning rate) with the best mean on validation images; of equals the first."""
    grid = comparisons[f"grid of {digits(k)}"]
    choices = [(size, lr) for size in SIZES for lr in LRS]
    return max(choices, key=lambda choice: grid.values("{}, batch {}, lr {:g}".format(name, *choice), SUM).mean())


def withdrawn(share: float) -> Plan:
    """Joint for a share of the steps, end to end from then on."""
    return lambda steps: plans.staged((Update(), round(share * steps)), (Update(losses="task"), None))


def correction(comparison: Comparison, name: str) -> np.ndarray:
    """What it adds to the sums that are right, in points, if one digit of each is corrected: (seeds,)."""
    return comparison.values(name, CORRECTED) - comparison.values(name, SUM)


def failure(comparisons: Comparisons) -> dict:
    """End to end fails where joint training does not; a concept that has a loss of its own can be corrected.

    Shalev-Shwartz, Shamir and Shammah 2017, §3: with three digits the interval of "end to end" ends below 55 %, and
    that of "joint" minus it begins above 20 points. Koh et al. 2020: with three digits one correction raises "joint"
    (interval above 0).
    """
    hard = comparisons[digits(HARD)]
    alone, joint, help_ = hard.values("end to end", SUM), hard.values("joint", SUM), correction(hard, "joint")
    apart = [claims.decide(CHANCE - alone, border=-NEAR), claims.decide(joint - alone, border=FAR)]
    shown = {
        "Shalev-Shwartz, Shamir and Shammah, §3": claims.all_of(apart),
        "Koh et al., test-time intervention": claims.decide(help_, effect=HELPS),
    }
    staged = {f"joint minus staged, {digits(k)}": comparisons[digits(k)].difference("joint", "staged", SUM) for k in KS}
    rests = {
        "end to end, 3 digits": str(Interval.of(alone)),
        "joint minus end to end, 3 digits": Interval.of(joint - alone),
        "one correction, joint": Interval.of(help_),
    }
    return verdict(shown, rests | staged)


RULE = failure
