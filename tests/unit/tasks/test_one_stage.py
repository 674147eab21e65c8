"""The losses of the one-stage detector are those by hand; freezing, pictures, and what is refused.

What it shares with the two-stage detector is tested in test_detectors.py and test_detection.py, photographs in
test_voc.py.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from labtools import take

from jointopt import Update, plans, tasks
from jointopt.data.scenes import held_out
from jointopt.tasks import detection, one_stage

load = partial(tasks.load, "one_stage", scenes=40, held_out_scenes=6)
BOX, ONE = torch.tensor([[10.0, 10, 30, 40]]), torch.tensor([1])
NOTHING = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}


def batch(image=None, boxes=BOX, labels=ONE):
    return [torch.rand(3, 96, 96) if image is None else image], [{"boxes": boxes, "labels": labels}]


# The task


def test_backbone_and_scenes_are_those_of_the_two_stage_detector(task, state, monkeypatch):
    other = tasks.load("detection", scenes=40, held_out_scenes=6)
    assert state.same(state(task.model.backbone), state(other.model.backbone))
    (images, targets), (its, theirs) = task.batches(3), other.batches(3)
    assert torch.equal(images, its)
    assert all(torch.equal(a[name], b[name]) for a, b in zip(targets, theirs, strict=True) for name in a)
    monkeypatch.setattr(detection, "evaluate", lambda model, held: held.pixels)
    assert torch.equal(task.evaluate(None), other.evaluate(None))


# Losses


def test_losses_by_hand(task):
    """On one image: a place is of an object if it is less than 12 pixels from its middle, in x and in y."""
    image, (target,) = (
        torch.rand(3, 96, 96),
        batch(boxes=torch.tensor([[10.0, 12, 42, 40]]), labels=torch.tensor([2]))[1],
    )
    take(task, plans.joint(5))
    got = task.losses(task.model, ([image], [target]))
    with torch.no_grad():
        features = task.model.backbone((image[None] - 0.5) / 0.25)  # (1, 64, 12, 12)
        said = {name: value[0] for name, value in task.model.head([features]).items()}
    y, x = torch.meshgrid(8.0 * torch.arange(12), 8.0 * torch.arange(12), indexing="ij")
    mine = (((x - 26).abs() < 12) & ((y - 26).abs() < 12)).flatten()
    left, top, right, bottom = ((side / 8).flatten()[mine] for side in (x - 10, y - 12, 42 - x, 40 - y))
    assert mine.sum() == 9

    truth = torch.zeros(144, 4)
    truth[mine, 2] = 1
    p = said["cls_logits"].sigmoid()
    right_p = torch.where(truth == 1, p, 1 - p)
    focal = -torch.where(truth == 1, 0.25, 0.75) * (1 - right_p) ** 2 * right_p.log()
    assert got["classification"].item() == pytest.approx(focal.sum().item() / 9, rel=1e-4)

    l, t, r, b = said["bbox_regression"][mine].unbind(1)  # noqa: E741
    shared = (torch.minimum(l, left) + torch.minimum(r, right)) * (torch.minimum(t, top) + torch.minimum(b, bottom))
    union = (l + r) * (t + b) + (left + right) * (top + bottom) - shared
    hull = (torch.maximum(l, left) + torch.maximum(r, right)) * (torch.maximum(t, top) + torch.maximum(b, bottom))
    giou = shared / union - (hull - union) / hull
    assert got["bbox_regression"].item() == pytest.approx((1 - giou).mean().item(), rel=1e-4)

    near = (
        torch.minimum(left, right)
        / torch.maximum(left, right)
        * torch.minimum(top, bottom)
        / torch.maximum(top, bottom)
    )
    said_near = said["bbox_ctrness"][mine, 0]
    cross = torch.nn.functional.binary_cross_entropy_with_logits(said_near, near.sqrt())
    assert got["bbox_ctrness"].item() == pytest.approx(cross.item(), rel=1e-4)


def test_every_loss_reaches_the_backbone(task):
    """End to end: nothing between a loss and the backbone is cut, and no branch of the head sees another's loss."""
    take(task, plans.joint(5))
    head, losses = task.model.head, task.losses(task.model, task.batches(0))
    layers = {
        "class": head.classification_head.cls_logits.weight,
        "box": head.regression_head.bbox_reg.weight,
        "centerness": head.regression_head.bbox_ctrness.weight,
        "backbone": task.model.backbone[0].weight,
    }

    def reached(name):
        found = torch.autograd.grad(losses[name], layers.values(), retain_graph=True, allow_unused=True)
        return {key for key, g in zip(layers, found, strict=True) if g is not None and g.abs().sum() > 0}

    assert reached("classification") == {"class", "backbone"}
    assert reached("bbox_regression") == {"box", "backbone"}
    assert reached("bbox_ctrness") == {"centerness", "backbone"}


# Freezing


def test_half_of_the_head_can_be_frozen(task, state):
    box = task.model.head.regression_head
    before = state(box)
    take(task, [Update(["backbone", "head.classification_head"], "classification")] * 2)
    assert state.same(before, state(box))


# Figures


def test_it_learns_and_never_finds_the_background(task):
    """Four scenes by heart, with labels from 1 as the targets have them: class 0 is never found."""
    task = load(scenes=4, held_out_scenes=6)
    before, *_, after = (step.total for step in take(task, plans.joint(120)))
    assert after < 0.6 * before
    known = held_out.draw(4, "train", 0, "247")
    assert detection.evaluate(task.model, known)["mAP@0.5 (%)"] > 80
    task.model.score_thresh = 0.0
    found = torch.cat([each["labels"] for each in detection.predict(task.model, known.images)])
    assert set(found.tolist()) <= {1, 2, 3}


def test_the_picture_shows_the_boxes_that_are_sure(monkeypatch, task):
    found = [{"boxes": BOX, "labels": ONE, "scores": torch.tensor([0.45])} for _ in range(6)]
    monkeypatch.setattr(detection, "predict", lambda model, images: found)
    held = held_out.draw(6, "test", 0, "247")
    shown, hidden = (detection.picture(None, held, sure) for sure in (0.4, 0.5))
    assert not np.array_equal(shown, hidden)
    assert np.array_equal(task.picture(None), shown if one_stage.SURE <= 0.45 else hidden)


# What is refused, and what is not


@pytest.mark.parametrize("label", [0, 4])
def test_a_label_that_is_no_class_is_refused(label, task):
    with pytest.raises(ValueError, match=f"labels, where 0 is the background, must be in 1 … 3, got {label}"):
        task.losses(task.model, batch(labels=torch.tensor([label])))


def test_images_without_objects_are_fine(task):
    """Beside one that has some, and alone: then only the classification is a loss."""
    image = torch.rand(3, 96, 96)
    for targets in ([batch()[1][0], NOTHING], [NOTHING, NOTHING]):
        (step,) = take(replace(task, batches=lambda n, t=targets: ([image, image], t)), plans.joint(1))
        assert 0 < step.total < 20
    assert step.losses["bbox_regression"] == step.losses["bbox_ctrness"] == 0 < step.losses["classification"]
    assert len(detection.predict(task.model, [image] * 2)) == 2
