"""What the two detectors share: each is torchvision's, a frozen backbone saves its backward pass, any size of image."""

import copy
from dataclasses import replace

import pytest
import torch
from labtools import take, values

from jointopt import Update, plans, tasks
from jointopt.compare.budget import cost
from jointopt.data.scenes import held_out
from jointopt.modules import module_names
from jointopt.tasks import detection, one_stage

MODULES = {"detection": ["backbone", "rpn", "roi_heads"], "one_stage": ["backbone", "head"]}
LOSSES = {"detection": detection.LOSSES, "one_stage": one_stage.LOSSES}
IMAGES = held_out.draw(6, "test", 0, "247").images

pytestmark = pytest.mark.parametrize("name", MODULES)


@pytest.fixture
def task(name):
    return tasks.load(name, scenes=40, held_out_scenes=6)


def finding(model, score):
    """The model, which now finds every box from this score on."""
    getattr(model, "roi_heads", model).score_thresh = score
    return model


def test_modules_losses_and_weights(name, task):
    assert module_names(task.model) == MODULES[name]
    (step,) = take(task, plans.joint(1))
    assert list(step.losses) == list(task.weights) == list(LOSSES[name]) and set(task.weights.values()) == {1.0}
    assert step.moved == tuple(MODULES[name]) and all(step.change[module] > 0 for module in MODULES[name])


def test_losses_and_gradients_equal_torchvisions_called_directly(task):
    images, targets = task.batches(0)
    direct = copy.deepcopy(task.model)
    torch.manual_seed(7)  # the two-stage detector samples
    expected = {name.removeprefix("loss_"): loss for name, loss in direct(list(images), targets).items()}
    sum(expected.values()).backward()
    torch.manual_seed(7)
    got = values(task.losses(task.model, (images, targets)))
    sum(got.values()).backward()
    assert got.keys() == expected.keys() and all(torch.equal(loss, expected[name]) for name, loss in got.items())
    for p, q in zip(task.model.parameters(), direct.parameters(), strict=True):
        assert torch.equal(p.grad, q.grad)


def test_boxes_equal_torchvisions_called_directly(task):
    take(task, plans.joint(3))
    direct = copy.deepcopy(finding(task.model, 0.01)).eval()
    with torch.no_grad():
        expected = direct(list(IMAGES))
    got = detection.predict(task.model, IMAGES)
    assert sum(len(each["boxes"]) for each in got) > 0
    assert all(torch.equal(a[name], b[name]) for a, b in zip(got, expected, strict=True) for name in b)


def test_a_frozen_backbone_makes_the_step_cheaper(name, task):
    """No backward pass runs there, and none that would hand a gradient down to it."""
    needs_gradient = []
    task.model.backbone.register_forward_hook(
        lambda module, inputs, output: needs_gradient.append(output.requires_grad)
    )
    joint, frozen = cost(task, Update())[0], cost(task, Update(MODULES[name][1:]))[0]
    assert needs_gradient == [True, False] and frozen < {"detection": 0.7, "one_stage": 0.8}[name] * joint


def test_a_model_in_eval_mode_is_refused(task):
    with pytest.raises(ValueError, match=r"in train mode only: call model.train\(\)"):
        task.losses(task.model.eval(), task.batches(0))


@pytest.mark.parametrize("size", [(96, 96), (40, 64), (200, 130)])
def test_a_batch_of_one_and_an_image_of_another_size_are_fine(size, task):
    """It is scaled until its shorter side has 96 pixels; boxes come back in its own pixels."""
    image = torch.rand(3, *size)
    batch = [image], [{"boxes": torch.tensor([[10.0, 10, 30, 40]]), "labels": torch.tensor([1])}]
    (step,) = take(replace(task, batches=lambda n: batch), plans.joint(1))
    assert 0 < step.total < 20
    (predicted,) = detection.predict(finding(task.model, 0.0), [image])
    edges = predicted["boxes"].amax(0)
    assert len(predicted["boxes"]) and predicted["boxes"].min() >= 0 and edges[2] <= size[1] and edges[3] <= size[0]
