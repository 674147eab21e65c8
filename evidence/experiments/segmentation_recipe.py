"""What makes the segmentation of chapter 7 better in the same number of steps, and how far a minute leads.

"worth" takes away, one at a time, what a pilot found to help: a rate that rises and falls, more scenes, more digits in
each, and an encoder that has learned seven other digits. "none" is without all four. "full" goes on for about a minute.
All arms train jointly. Nothing is chosen, and no claim is decided.
"""

from collections.abc import Iterator
from dataclasses import replace

from evidence import grid
from evidence.experiments.segmentation import LRS, SIZE, make
from evidence.record import Comparisons, Part
from jointopt import plans
from jointopt.compare import Arm, Budget, records
from jointopt.data.scenes.held_out import MOST

FULL, FEW, CROWD = 1400, 600, 9  # steps; scenes; digits in a scene, at most
SEEDS = range(10, 15)
SLICE = ("worth", ["600 scenes"], [10])


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """What each choice is worth, then the long run. The rate is that of joint training in `segmentation`."""
    lr = grid.best_lr(records.load("segmentation")["grid"], "joint", LRS)
    joint = Arm(plans.joint, None, "Adam", {"lr": lr}, {"weights": "digits", "most": CROWD})
    every, constant = grid.falling(joint, SIZE), replace(joint, optimizer_options={"lr": lr / 2})  # about the mean
    few, sparse, random = {"scenes": FEW}, {"most": MOST}, {"weights": None}
    arms = {
        "all": every,
        "constant rate": constant,
        "600 scenes": replace(every, task_options=every.task_options | few),
        "3 digits": replace(every, task_options=every.task_options | sparse),
        "random encoder": replace(every, task_options=every.task_options | random),
        "none": replace(constant, task_options=few | sparse | random),
    }
    yield "worth", Part(make, arms, Budget(steps=SIZE), SEEDS)
    yield "full", Part(make, {"all": grid.falling(joint, FULL)}, Budget(steps=FULL), SEEDS)
