"""What makes the detector of chapter 6 better in the same number of steps, and how far a minute leads.

"worth" takes away, one at a time, what a pilot chose: a rate that rises and falls, 3,000 scenes rather than 600, and
proposals that are read coarsely, in some 60 % of the time. "none" is without all three. "full" goes on for about a
minute. All arms train jointly. Nothing is chosen, and no claim is decided.
"""

from collections.abc import Iterator
from dataclasses import replace

from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign

from evidence import grid
from evidence.experiments.detection import LRS, SCENES, SIZE
from evidence.record import Comparisons, Part
from jointopt import Task, plans, tasks
from jointopt.compare import Arm, Budget, records
from jointopt.system import seeded

FULL, FEW = 1300, 600  # steps; scenes
SEEDS = range(10, 15)
FINE, SAMPLES = 7, 2  # cells of a proposal and points of a cell, each way
SLICE = ("worth", ["600 scenes"], [10])


def make(seed: int, fine: bool = False, **options) -> Task:
    """The task "detection", whose proposals are read at 7×7 cells with 2×2 points each if `fine`."""
    task = tasks.load("detection", seed, **{"scenes": SCENES} | options)
    if fine:
        heads, channels = task.model.roi_heads, task.model.backbone.out_channels
        heads.box_roi_pool = MultiScaleRoIAlign(["0"], output_size=FINE, sampling_ratio=SAMPLES)
        with seeded(seed):
            heads.box_head = TwoMLPHead(channels * FINE**2, 128)
    return task


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """What each choice is worth, then the long run. The rate is that of joint training in `detection`."""
    lr = grid.best_lr(records.load("detection")["grid"], "joint", LRS)
    joint = Arm(plans.joint, None, "Adam", {"lr": lr})
    every, constant = grid.falling(joint, SIZE), replace(joint, optimizer_options={"lr": lr / 2})  # about the mean
    few, fine = {"scenes": FEW}, {"fine": True}
    arms = {
        "all": every,
        "constant rate": constant,
        "600 scenes": replace(every, task_options=few),
        "7×7 cells": replace(every, task_options=fine),
        "none": replace(constant, task_options=few | fine),
    }
    yield "worth", Part(make, arms, Budget(steps=SIZE), SEEDS)
    yield "full", Part(make, {"all": grid.falling(joint, FULL)}, Budget(steps=FULL), SEEDS)
