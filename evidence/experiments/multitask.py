"""Does a detector that learns class and box together beat one that learns them one after the other?

After Girshick, Fast R-CNN, 2015, table 6. The proposals are learned in each arm, by their own two losses.
"classification only": the box regressor stays at 0, so that boxes are what was proposed. "stage-wise": as there,
and then the box regressor alone, for as many steps. "joint": all four losses. Each layer moves equally often.
"""

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from evidence import claims, grid
from evidence.record import Comparisons, Part, verdict
from jointopt import Task, Update, plans, tasks
from jointopt.compare import Budget, Interval

STEPS = 300
LRS = grid.LRS
SEEDS, GRID_SEEDS = range(10, 15), range(2)
REGRESSOR = "roi_heads.box_predictor.bbox_pred"
CLASSES, BOXES = Update(losses=("objectness", "rpn_box_reg", "classifier")), Update(REGRESSOR, "box_reg")
ARMS = {
    "classification only": (partial(plans.alternating, CLASSES, steps=STEPS), {}),
    "stage-wise": (partial(plans.staged, (CLASSES, STEPS), (BOXES, STEPS)), {}),
    "joint": (partial(plans.joint, STEPS), {}),
}
SLICE = ("test", ["classification only"], [10])
PAPER = 56.6, 59.2  # mAP (%) of "stage-wise" and "joint" on VOC07, the model in the middle of three


def load(seed: int, **options) -> Task:
    """The task "detection", whose box regressor begins at 0, with the metrics of the boxes as proposed besides."""
    task = tasks.load("detection", seed, **options)
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
    """The grid of learning rates, then the test. The budget is that of the longest plan."""
    budget = Budget(steps=2 * STEPS)
    yield "grid", grid.search(load, ARMS, budget, LRS, seeds=GRID_SEEDS)
    yield "test", Part(load, grid.at(partial(grid.best_lr, comparisons["grid"], lrs=LRS), ARMS), budget, SEEDS)


def fast_rcnn_table_6(comparisons: Comparisons) -> dict:
    """Class and box learned together are better than one after the other.

    mAP of "joint" is above that of "stage-wise". Source: Girshick 2015.
    """
    joint, stages = (comparisons["test"].values(arm) for arm in ("joint", "stage-wise"))
    shown = claims.decide(joint - stages, effect=claims.scaled(*PAPER, ours=stages.mean()))
    return verdict({"Fast R-CNN, table 6": shown}, {"joint minus stage-wise": Interval.of(joint - stages)})


RULE = fast_rcnn_table_6
