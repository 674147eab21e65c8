"""Do the weights λ_k decide whether a second task helps the first? And does the first help the second?

After Kendall, Gal and Cipolla 2018, table 1, and the other way round after He et al., Mask R-CNN, 2017, table 3. The
second task predicts in each cell of 8×8 pixels the box of its object; its loss is L1 in pixels, that of the first the
cross-entropy in nats, and "equal" weighs both by 1. "searched" is the best λ of the boxes on validation images.

All arms have equal steps and one learning rate, constant, which joint training had in an earlier version of the record
`segmentation`; it was chosen without boxes. Dice is not counted: the formula of the learned weights knows no such loss.
"""

from collections.abc import Iterator
from functools import partial

from evidence import claims
from evidence.record import Comparisons, Part, verdict
from jointopt import plans, tasks
from jointopt.compare import Arm, Budget, Interval, name_of

STEPS = 300
LR = 2e-3  # of joint training in `segmentation`, when that had 300 steps at a constant rate
SEEDS, SWEEP_SEEDS = range(10, 18), range(2)
SWEEP = (0.001, 0.01, 0.1, 1.0)
FIRST, SECOND = "cross_entropy", "boxes"
SLICE = ("test", ["boxes alone"], [10])
# Segmentation IoU (%) on Tiny CityScapes. "learned" is of two tasks, "equal" of three: there is no other plain sum.
KENDALL = {"alone": 59.4, "equal": 50.1, "learned": 61.0}
MASK_RCNN = 37.3, 38.2  # box AP (%) on COCO without masks and with them, ResNet-101-FPN


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """A sweep over λ of the boxes on validation images, then the test."""
    make, budget = partial(tasks.load, "segmentation", second="boxes"), Budget(steps=STEPS)

    def arm(losses: tuple[str, ...], weight: float | None = None, **options) -> Arm:
        weights = None if weight is None else {SECOND: weight}
        return Arm(partial(plans.joint, losses=losses), weights, "Adam", {"lr": LR}, options)

    both = (FIRST, SECOND)
    sweep = {name_of({SECOND: weight}): arm(both, weight, held_out="validation") for weight in SWEEP}
    yield "sweep", Part(make, sweep, budget, SWEEP_SEEDS)
    best = max(SWEEP, key=lambda weight: comparisons["sweep"].values(name_of({SECOND: weight})).mean())
    arms = {
        "alone": arm((FIRST,)),
        "equal": arm(both, 1.0),
        "searched": arm(both, best),
        "learned": arm(("learned",), weighting="learned"),
        "boxes alone": arm((SECOND,)),
    }
    yield "test", Part(make, arms, budget, SEEDS)


def weights_decide(comparisons: Comparisons) -> dict:
    """The weights decide whether a second task helps segmentation; boxes are better with segmentation beside them.

    Foreground IoU of "equal" is below "alone", and of "learned" above it. Source: Kendall, Gal and Cipolla 2018. Box
    IoU of "equal" is above "boxes alone". Source: He et al. 2017, who measure a detector's box AP.
    """
    test = comparisons["test"]
    alone, equal, learned = (test.values(arm) for arm in KENDALL)
    of_alone, of_equal, of_learned = KENDALL.values()
    weights = [
        claims.decide(alone - equal, effect=claims.scaled(of_alone, of_equal, ours=alone.mean())),
        claims.decide(learned - alone, effect=claims.scaled(of_alone, of_learned, ours=alone.mean())),
    ]
    with_masks, boxes = (test.values(arm, "box IoU (%)") for arm in ("equal", "boxes alone"))
    masks = claims.decide(with_masks - boxes, effect=claims.scaled(*MASK_RCNN, ours=boxes.mean()))
    results = {"Kendall, Gal and Cipolla, table 1": claims.all_of(weights), "Mask R-CNN, table 3": masks}
    differences = {
        "equal minus alone": equal - alone,
        "learned minus alone": learned - alone,
        "equal minus boxes alone, box IoU": with_masks - boxes,
    }
    return verdict(results, {name: Interval.of(values) for name, values in differences.items()})


RULE = weights_decide
