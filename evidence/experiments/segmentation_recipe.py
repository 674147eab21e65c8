"""What makes the segmentation of chapter 7 better in the same number of steps, and how far 1,700 steps lead.

"worth" takes away, one at a time, what a pilot found to help: a rate that rises and falls, more scenes, more digits in
each, data augmentation, and an encoder that has learned seven other digits. "none" is without all five. "full" goes on
to 1,700 steps. All arms train jointly. Nothing is chosen, and no claim is decided.
"""

from collections.abc import Iterator
from dataclasses import replace

from evidence import grid
from evidence.experiments.segmentation import SIZE, make
from evidence.record import Comparisons, Part
from jointopt import plans
from jointopt.compare import Arm, Budget
from jointopt.data.scenes import MOST

FULL, FEW, CROWD = 1700, 600, 9  # steps; scenes; digits in a scene, at most
BEST = {"weights": "digits", "most": CROWD, "augment": 0.5}  # the task's options; of the augmentation, the share
LR = 1e-2  # the peak of the rate
SEEDS = range(10, 15)
SLICE = ("worth", ["600 scenes"], [10])


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """What each choice is worth, then the long run."""
    joint = Arm(plans.joint, None, "Adam", {"lr": LR}, BEST)
    every, constant = grid.falling(joint, SIZE), replace(joint, optimizer_options={"lr": LR / 2})  # about the mean
    fewer = {"600 scenes": ("scenes", FEW), "3 digits": ("most", MOST), "no augmentation": ("augment", 0.0)}
    fewer["random encoder"] = ("weights", None)
    arms = {"all": every, "constant rate": constant}
    arms |= {name: replace(every, task_options=BEST | dict([option])) for name, option in fewer.items()}
    arms["none"] = replace(constant, task_options=dict(fewer.values()))
    yield "worth", Part(make, arms, Budget(steps=SIZE), SEEDS)
    yield "full", Part(make, {"all": grid.falling(joint, FULL)}, Budget(steps=FULL), SEEDS)
