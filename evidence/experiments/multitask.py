"""Does a detector that learns class and box together beat one that learns them one after the other?

After Girshick, Fast R-CNN, 2015, table 6. The proposals are learned in each arm, by their own two losses.
"classification only": the box regressor stays at 0, so that boxes are what was proposed. "stage-wise": as there,
and then the box regressor alone, for as many steps. "joint": all four losses. Each layer moves equally often. A pilot
on validation scenes says how many seeds it takes.
"""

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from evidence import claims, grid
from evidence.experiments import detection
from evidence.record import Comparisons, Part, verdict
from jointopt import Task, Update, plans
from jointopt.compare import Budget, Comparison

STEPS = detection.SIZE
GRID_SEEDS = range(2)
REGRESSOR = "roi_heads.box_predictor.bbox_pred"
CLASSES, BOXES = Update(losses=("objectness", "rpn_box_reg", "classifier")), Update(REGRESSOR, "box_reg")
ARMS = {
    "classification only": (partial(plans.alternating, CLASSES, steps=STEPS), {}),
    "stage-wise": (partial(plans.staged, (CLASSES, STEPS), (BOXES, STEPS)), {}),
    "joint": (partial(plans.joint, STEPS), {}),
}
STAGES = {"classification only": [STEPS], "stage-wise": [STEPS, STEPS], "joint": [STEPS]}
SLICE = ("test", ["classification only"], [10])
PAPER = 56.6, 59.2  # mAP (%) of "stage-wise" and "joint" on VOC07, the model in the middle of three


def load(seed: int, **options) -> Task:
    """The task "detection", whose box regressor begins at 0, with the metrics of the boxes as proposed besides."""
    task = detection.make(seed, **options)
    switch_off(task.model)

    def evaluate(model: nn.Module) -> dict[str, float]:
        proposed = copy.deepcopy(model)
        switch_off(proposed)
        metrics, without = task.evaluate(model), task.evaluate(proposed)
        return metrics | {f"{name}, boxes as proposed": value for name, value in without.items()}

    return replace(task, evaluate=evaluate)


@torch.no_grad()
def switch_off(model: nn.Module) -> None:
    """Set the box regressor to 0: it then leaves each box as it was proposed."""
    for p in model.get_submodule(REGRESSOR).parameters():
        p.zero_()


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid, a pilot, then as many seeds as it asks for. The budget is that of the longest plan."""
    budget, lrs = Budget(steps=2 * STEPS), detection.LRS
    yield "grid", grid.search(load, ARMS, budget, lrs, seeds=GRID_SEEDS, stages=STAGES)
    chosen = grid.at(partial(grid.best_lr, comparisons["grid"], lrs=lrs), ARMS, stages=STAGES)
    compared = {name: chosen[name] for name in ("stage-wise", "joint")}
    yield "pilot", Part(load, grid.on_validation(compared), budget, grid.PILOT_SEEDS)
    yield "test", Part(load, chosen, budget, claims.planned([together_wins(comparisons["pilot"])]))


def together_wins(test: Comparison) -> claims.Decision:
    """Whether the mAP of "joint" is above that of "stage-wise"."""
    joint, stages = (test.values(arm) for arm in ("joint", "stage-wise"))
    return claims.decide(joint - stages, effect=claims.scaled(*PAPER, ours=stages.mean()))


def fast_rcnn_table_6(comparisons: Comparisons) -> dict:
    """Class and box learned together are better than one after the other. Source: Girshick 2015."""
    test = comparisons["test"]
    difference = test.difference("joint", "stage-wise")
    return verdict({"Fast R-CNN, table 6": together_wins(test)}, {"joint minus stage-wise": difference})


RULE = fast_rcnn_table_6
