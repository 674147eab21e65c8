"""Do the weights λ_k decide whether a second task helps the first? And does the first help the second?

After Kendall, Gal and Cipolla 2018, table 1, and the other way round after He et al., Mask R-CNN, 2017, table 3. The
second task tells each cell of 8×8 pixels the box of its object; its loss is L1 in pixels, that of the first the
cross-entropy in nats, and "equal" weighs both by 1. "searched" is the best λ of the boxes on validation images.

All arms have equal steps and one learning rate, that of joint training in the record `segmentation`, chosen without
boxes. Dice is not counted: the formula of the learned weights knows no such loss.
"""

from collections.abc import Iterator
from functools import partial

from evidence.record import Part, comparisons
from jointopt import plans, tasks
from jointopt.compare import Arm, Comparison, name_of
from jointopt.compare.budget import Budget

STEPS = 300
SEEDS, SWEEP_SEEDS = range(10, 18), range(2)
SWEEP = (0.001, 0.01, 0.1, 1.0)
FIRST, SECOND = "cross_entropy", "boxes"
SLICE = ("test", ["boxes alone"], [10])


def parts(found: dict[str, Comparison]) -> Iterator[tuple[str, Part]]:
    """A sweep over λ of the boxes on validation images, then the test."""
    make, budget = partial(tasks.load, "segmentation", second="boxes"), Budget(steps=STEPS)
    chosen = comparisons("segmentation")["updates"].spec["arms"]["joint"]
    settings = chosen["optimizer"], chosen["optimizer_options"]

    def arm(losses: tuple[str, ...], weight: float | None = None, **options) -> Arm:
        weights = None if weight is None else {SECOND: weight}
        return Arm(partial(plans.joint, losses=losses), weights, *settings, options)

    both = (FIRST, SECOND)
    sweep = {weight: arm(both, weight, held_out="validation") for weight in SWEEP}
    yield "sweep", Part(make, {name_of({SECOND: weight}): its for weight, its in sweep.items()}, budget, SWEEP_SEEDS)
    best = max(SWEEP, key=lambda weight: found["sweep"].values(name_of({SECOND: weight})).mean())
    arms = {
        "alone": arm((FIRST,)),
        "equal": arm(both, 1.0),
        "searched": arm(both, best),
        "learned": arm(("learned",), weighting="learned"),
        "boxes alone": arm((SECOND,)),
    }
    yield "test", Part(make, arms, budget, SEEDS)
