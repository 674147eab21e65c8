"""The gradient through a head: by hand, and the first steps of the record once more."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evidence import head_gradient, record
from jointopt import tasks


def test_the_gradient_is_that_of_the_loss_without_dropout():
    model = tasks.load("pretext", seed=1, labels=200).model.double()
    images, _ = head_gradient.halves(1)
    images = SimpleNamespace(images=images.images[:500].double(), labels=images.labels[:500])
    found = head_gradient.gradient(model.feature_extractor, model.classifier, images)

    standardize, flatten, first, relu, _, last = model.classifier
    features = model.feature_extractor(images.images)
    mean, spread = features.mean((0, 2, 3), keepdim=True), features.var((0, 2, 3), unbiased=False, keepdim=True)
    scores = last(relu(first(flatten((features - mean) / (spread + standardize.eps).sqrt()))))
    F.cross_entropy(scores, images.labels).backward()
    by_hand = torch.cat([p.grad.ravel() for p in model.feature_extractor.parameters()])
    torch.testing.assert_close(found, by_hand)


def test_new_heads_are_new_and_leave_the_old_one_and_the_random_numbers():
    task = tasks.load("pretext", seed=1, labels=200)
    images, _ = head_gradient.halves(1)
    before, state = copy.deepcopy(task.model.state_dict()), torch.get_rng_state()
    gradients = head_gradient.new_heads(task, task.model.classifier, images, seed=1)
    assert len(gradients) == head_gradient.DRAWS
    assert all(not torch.equal(a, b) for a, b in zip(gradients, gradients[1:], strict=False))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in task.model.state_dict().items())


def test_the_halves_are_the_labeled_images_and_none_of_them():
    first, second = ({image.numpy().tobytes() for image in half.images} for half in head_gradient.halves(3))
    inputs = tasks.load("pretext", seed=3, labels=200).batches(5)[0].contiguous()
    assert {image.numpy().tobytes() for image in inputs} <= first
    assert not first & second and len(first) == len(second) == 2000


@pytest.mark.parametrize("name", ["head as it began", "other images"])
def test_the_first_steps_agree_with_the_record(name, monkeypatch):
    found = record.comparisons("head_gradient")["gradients"].seeds[10][name]
    monkeypatch.setattr(head_gradient, "AT", (0, 10))
    monkeypatch.setattr(head_gradient, "STEPS", 10)
    others = {"head as it began": head_gradient.first_head, "other images": head_gradient.other_images}[name]
    again = head_gradient.along(others, seed=10)
    assert again == {figure: pytest.approx(found[figure], abs=0.03) for figure in again} and len(again) == 4


def test_every_kind_of_layer_with_chance_in_the_head_is_known():
    layers = {type(layer) for layer in tasks.load("pretext").model.classifier.children()}
    assert layers == {nn.BatchNorm2d, nn.Flatten, nn.Linear, nn.ReLU, nn.Dropout}
