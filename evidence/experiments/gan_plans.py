"""How often the discriminator moves for each step of the generator, and the λ of its gradient penalty.

All arms alternate, at equal compute: that of SIZE joint steps. Nothing is chosen, and no claim is decided.
"""

from collections.abc import Iterator
from functools import partial

from evidence.experiments.generation import SIZE, D, G, make
from evidence.record import Comparisons, Part
from jointopt import Update, plans
from jointopt.compare import Arm, Budget, cost

SEEDS = range(10, 15)
KS, WEIGHTS = (1, 2, 5), (0.0, 0.1, 10.0)  # λ is 1 in the arms of KS
OPTIMIZER = {"optimizer": "RMSprop", "optimizer_options": {"lr": 2e-3}}
SLICE = ("test", ["k 1"], [10])


def arms() -> dict[str, Arm]:
    """The arms by name."""
    turns = {f"k {k}": Arm(partial(plans.alternating, *[D] * k, G), **OPTIMIZER) for k in KS}
    weights = {f"λ {x:g}": Arm(partial(plans.alternating, D, G), {"penalty": x}, **OPTIMIZER) for x in WEIGHTS}
    return turns | weights


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """One comparison."""
    joint_step, _ = cost(make(0), Update())
    yield "test", Part(make, arms(), Budget(flops=SIZE * joint_step), SEEDS)
