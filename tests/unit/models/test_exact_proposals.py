"""Exact joint training of the detector: the same losses, and the gradient that torchvision drops."""

import copy

import pytest
import torch
from labtools import take

from jointopt import plans, tasks
from jointopt.live.lab.influence import gradient_norms
from jointopt.models import exact_proposals

FIRST, SECOND = ["objectness", "rpn_box_reg"], ["classifier", "box_reg"]


@pytest.fixture
def task():
    return tasks.load("detection", scenes=40, held_out_scenes=6)


def exactly(task):
    return exact_proposals.exact(copy.deepcopy(task.model).double())


def double(batch):
    images, targets = batch
    return list(images.double()), [{**target, "boxes": target["boxes"].double()} for target in targets]


def test_exact_training_has_the_same_losses_and_all_of_them_reach_the_proposals(task):
    take(task, plans.joint(5))
    same, exact = copy.deepcopy(task.model).double(), exactly(task)
    reached, found = [], []
    for model in (same, exact):
        torch.manual_seed(3)
        losses = model(*double(task.batches(0)))
        found.append({name: float(loss.detach()) for name, loss in losses.items()})
        reached.append(
            {loss for loss, module in gradient_norms(losses, model, list(model.parameters())) if module == "rpn"}
        )
    assert found[0] == pytest.approx(found[1])
    assert reached == [{f"loss_{name}" for name in FIRST}, {f"loss_{name}" for name in FIRST + SECOND}]


def test_the_gradient_through_the_proposals_is_that_of_finite_differences(task):
    take(task, plans.joint(30))
    model, given = exactly(task), double(task.batches(0))
    bias = model.rpn.head.bbox_pred.bias

    def loss():
        torch.manual_seed(0)
        losses = model(*given)
        return losses["loss_classifier"] + losses["loss_box_reg"]

    (gradient,) = torch.autograd.grad(loss(), bias)
    assert gradient.abs().max() > 1e-3
    for place in gradient.abs().topk(3).indices:
        ends = []
        for step in (1e-8, -2e-8):  # small, so that no box crosses the border of being kept or sampled
            with torch.no_grad():
                bias[place] += step
            ends.append(float(loss().detach()))
        with torch.no_grad():
            bias[place] += 1e-8
        assert (ends[0] - ends[1]) / 2e-8 == pytest.approx(float(gradient[place]), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(("cells", "samples"), [(7, 2), (5, 1)])
def test_pooling_with_a_gradient_equals_torchvisions_at_the_edge_too(cells, samples):
    from torchvision.ops import MultiScaleRoIAlign

    features = {"0": torch.rand(2, 5, 12, 12, generator=torch.Generator().manual_seed(0))}
    boxes = [torch.tensor([[0.0, 0, 96, 96], [90, 3, 96, 40], [5, 5, 6, 7]]), torch.tensor([[40.0, 0, 70, 96]])]
    for side in (96, 192):  # strides 8 and 16
        shapes = [(side, side)] * 2
        expected = MultiScaleRoIAlign(["0"], output_size=cells, sampling_ratio=samples)(features, boxes, shapes)
        ours = exact_proposals.PoolWithGradient(cells, samples)
        assert torch.allclose(ours(features, boxes, shapes), expected, atol=1e-5)


def test_what_cannot_be_made_exact_is_refused_unchanged(task):
    twice = exact_proposals.exact(copy.deepcopy(task.model))
    adaptive = copy.deepcopy(task.model)  # as many points as pixels: another number for each box
    adaptive.roi_heads.box_roi_pool.sampling_ratio = -1
    for model in (twice, adaptive, torch.nn.Linear(2, 2)):
        before = str(model)
        with pytest.raises(ValueError, match=rf"sampling_ratio from 1, got {type(model).__name__} with "):
            exact_proposals.exact(model)
        assert str(model) == before
