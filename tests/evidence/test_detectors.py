"""The experiments on detectors train what they name, on the losses that they name."""

import pytest
import torch
from labtools import everything, same, take

from evidence.experiments import detection, detection_recipe, detectors, multitask
from jointopt import tasks
from jointopt.modules import module_names

FIRST, SECOND = ["objectness", "rpn_box_reg"], ["classifier", "box_reg"]


@pytest.fixture
def task():
    return tasks.load("detection", scenes=40, held_out_scenes=6)


def test_the_four_steps_move_what_they_name_on_its_losses(task):
    """Each module as often as the others at equal updates, and never on a loss that does not reach it."""
    taken = take(task, detection.ARMS.staged)
    assert [step.moved for step in taken] == [("backbone", "rpn"), ("backbone", "roi_heads"), ("rpn",), ("roi_heads",)]
    assert [set(step.update.losses) for step in taken] == [set(FIRST), set(SECOND)] * 2
    counted = [sum(step.losses[name] for name in step.update.losses) for step in taken]
    assert [step.total for step in taken] == pytest.approx(counted)


def test_the_box_regressor_can_be_trained_alone():
    task = multitask.load(0, scenes=40, held_out_scenes=6)
    regressor = task.model.get_submodule(multitask.REGRESSOR)
    before, weights = everything(task.model), everything(regressor)
    assert not any(weight.any() for weight in weights.values())
    take(task, [multitask.CLASSES] * 2)
    assert same(weights, everything(regressor))  # no loss that is counted reaches it
    with torch.no_grad():
        regressor.bias.fill_(0.1)  # at 0 it is right about true boxes, which are among the proposals
    between = everything(task.model)
    (step,) = take(task, [multitask.BOXES])
    moved = {name for name, weight in everything(task.model).items() if not torch.equal(weight, between[name])}
    assert moved == {f"{multitask.REGRESSOR}.weight", f"{multitask.REGRESSOR}.bias"} and step.moved == ("roi_heads",)
    assert not same(before, between)


def test_boxes_as_proposed_are_those_of_a_regressor_at_0():
    task = multitask.load(0, scenes=40, held_out_scenes=6)
    task.model.roi_heads.score_thresh = 0.01
    metrics = task.evaluate(task.model)
    plain = [metrics.pop(f"{name}, boxes as proposed") for name in list(metrics)[:2]]
    assert list(metrics) == ["mAP@0.5 (%)", "recall@0.5 (%)"] and plain == list(metrics.values()) and plain[1] > 0
    with torch.no_grad():
        task.model.get_submodule(multitask.REGRESSOR).bias.fill_(5.0)  # half a box, to the right and down, and larger
    before = everything(task.model)
    moved = task.evaluate(task.model)
    assert [moved[f"{name}, boxes as proposed"] for name in metrics] == plain
    assert moved["recall@0.5 (%)"] < plain[1] and same(before, everything(task.model))


def test_a_proposal_is_read_finely_where_it_is_asked_for():
    before = torch.random.get_rng_state()
    coarse, fine = (detection_recipe.make(0, fine, scenes=4, held_out_scenes=2).model for fine in (False, True))
    assert torch.equal(before, torch.random.get_rng_state())
    pool = fine.roi_heads.box_roi_pool
    assert (tuple(pool.output_size), pool.sampling_ratio, pool.featmap_names) == ((7, 7), 2, ["0"])
    assert (
        fine.roi_heads.box_head.fc6.in_features == 64 * 7**2 and coarse.roi_heads.box_head.fc6.in_features == 64 * 5**2
    )
    others = [{n: w for n, w in everything(each).items() if "box_head" not in n} for each in (coarse, fine)]
    assert same(*others)


def test_both_detectors_are_made_by_their_names():
    two_stage = detectors.load(0, "detection", scenes=4, held_out_scenes=2).model
    assert module_names(two_stage) == ["backbone", "rpn", "roi_heads"]
    assert module_names(detectors.load(0, "one_stage", scenes=4, held_out_scenes=2).model) == ["backbone", "head"]
