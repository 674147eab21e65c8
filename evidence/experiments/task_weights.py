"""Do the weights λ_k decide whether a second task helps the first? And does the first help the second?

After Kendall, Gal and Cipolla 2018, table 1, and the other way round after He et al., Mask R-CNN, 2017, table 3. The
second task predicts in each cell of 8×8 pixels the box of its object; its loss is L1 in pixels, that of the first the
cross-entropy in nats, and "equal" weighs both by 1. "searched" is the best λ of the boxes on validation images.

All arms have equal steps, and the scenes, the augmentation and the encoder of `segmentation_recipe`, which has learned
seven other digits, as the papers' have learned ImageNet. Their one learning rate rises and falls. Its peak is that of
joint training in the record `segmentation`, chosen from a random encoder, with Dice and without boxes. Here Dice is not
counted: the formula of the learned weights knows no such loss. A pilot on validation scenes says how many seeds it
takes.
"""

from collections.abc import Iterator
from functools import partial
from itertools import chain

from evidence import claims, grid
from evidence.experiments import segmentation, segmentation_recipe
from evidence.record import Comparisons, Part, verdict
from jointopt import plans
from jointopt.compare import Arm, Budget, Comparison, name_of, records

STEPS = segmentation.SIZE
SWEEP_SEEDS = range(2)
SWEEP = (0.001, 0.01, 0.1, 1.0)
FIRST, SECOND, BOX_IOU = "cross_entropy", "boxes", "box IoU (%)"
SLICE = ("test", ["boxes alone"], [10])
# Segmentation IoU (%) on Tiny CityScapes. "learned" is of two tasks, "equal" of three: there is no other plain sum.
KENDALL = {"alone": 59.4, "equal": 50.1, "learned": 61.0}
MASK_RCNN = 37.3, 38.2  # box AP (%) on COCO without masks and with them, ResNet-101-FPN


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """A sweep over λ of the boxes on validation images, then the test."""
    make, budget = partial(segmentation.make, **segmentation_recipe.BEST, second="boxes"), Budget(steps=STEPS)
    chosen = records.load("segmentation")["updates"].spec["arms"]["joint"]
    optimizer = chosen["optimizer"], chosen["optimizer_options"]

    def arm(losses: tuple[str, ...], weight: float | None = None, **options) -> Arm:
        weights = None if weight is None else {SECOND: weight}
        return grid.falling(Arm(partial(plans.joint, losses=losses), weights, *optimizer, options), STEPS)

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
    compared = {name: each for name, each in arms.items() if name != "searched"}
    yield "pilot", Part(make, grid.on_validation(compared), budget, grid.PILOT_SEEDS)
    found = chain.from_iterable(decisions(comparisons["pilot"]).values())
    yield "test", Part(make, arms, budget, claims.planned(found))


def decisions(test: Comparison) -> dict[str, list[claims.Decision]]:
    """Finding -> of each of its parts."""
    alone, equal, learned = (test.values(arm) for arm in KENDALL)
    of_alone, of_equal, of_learned = KENDALL.values()
    weights = [
        claims.decide(alone - equal, effect=claims.scaled(of_alone, of_equal, ours=alone.mean())),
        claims.decide(learned - alone, effect=claims.scaled(of_alone, of_learned, ours=alone.mean())),
    ]
    with_masks, boxes = (test.values(arm, BOX_IOU) for arm in ("equal", "boxes alone"))
    masks = claims.decide(with_masks - boxes, effect=claims.scaled(*MASK_RCNN, ours=boxes.mean()))
    return {"Kendall, Gal and Cipolla, table 1": weights, "Mask R-CNN, table 3": [masks]}


def weights_decide(comparisons: Comparisons) -> dict:
    """The weights decide whether a second task helps segmentation; boxes are better with segmentation beside them.

    Foreground IoU of "equal" is below "alone", and of "learned" above it. Source: Kendall, Gal and Cipolla 2018. Box
    IoU of "equal" is above "boxes alone". Source: He et al. 2017, who measure a detector's box AP.
    """
    test = comparisons["test"]
    results = {name: claims.all_of(each) for name, each in decisions(test).items()}
    differences = {
        "equal minus alone": test.difference("equal", "alone"),
        "learned minus alone": test.difference("learned", "alone"),
        "equal minus boxes alone, box IoU": test.difference("equal", "boxes alone", BOX_IOU),
    }
    return verdict(results, differences)


RULE = weights_decide
