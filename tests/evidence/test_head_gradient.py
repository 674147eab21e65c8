"""The gradient through a head: by hand, and the first steps of the record once more."""

import copy
from itertools import combinations
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evidence.experiments import head_gradient
from jointopt import plans, tasks
from jointopt.compare import records
from jointopt.optimizers import make_optimizer
from jointopt.training import train


def test_the_gradient_is_that_of_the_loss_without_dropout():
    model = tasks.load("pretext", seed=1, labels=200).model.double()
    images, _ = head_gradient.halves(1)
    images = SimpleNamespace(images=images.images[:500].double(), labels=images.labels[:500])
    gradient = head_gradient.gradient(model.feature_extractor, model.classifier, images)

    standardize, flatten, first, relu, _, last = model.classifier
    features = model.feature_extractor(images.images)
    mean, spread = features.mean((0, 2, 3), keepdim=True), features.var((0, 2, 3), unbiased=False, keepdim=True)
    scores = last(relu(first(flatten((features - mean) / (spread + standardize.eps).sqrt()))))
    F.cross_entropy(scores, images.labels).backward()
    by_hand = torch.cat([p.grad.ravel() for p in model.feature_extractor.parameters()])
    torch.testing.assert_close(gradient, by_hand)


def test_new_heads_are_new_and_leave_the_old_one_and_the_random_numbers():
    first = tasks.load("pretext", seed=1, labels=200).model.classifier
    before, state = copy.deepcopy(first.state_dict()), torch.get_rng_state()
    heads = [first, *head_gradient.new_heads(first, seed=1)]
    assert len(heads) == 1 + head_gradient.DRAWS
    for one, other in combinations(heads, 2):
        assert not torch.equal(one[2].weight, other[2].weight) and not torch.equal(one[5].bias, other[5].bias)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in first.state_dict().items())
    again = head_gradient.new_heads(first, seed=1)
    assert torch.equal(again[0][2].weight, heads[1][2].weight)


def test_the_halves_are_the_labeled_images_and_none_of_them():
    first, second = ({image.numpy().tobytes() for image in half.images} for half in head_gradient.halves(3))
    inputs = tasks.load("pretext", seed=3, labels=200).batches(5)[0].contiguous()
    assert {image.numpy().tobytes() for image in inputs} <= first
    assert not first & second and len(first) == len(second) == 2000


@pytest.fixture(scope="module")
def first_steps():
    """The metrics of seed 10 up to step 10, and whether the random numbers stayed as they were."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head_gradient, "AT", (0, 10))
        patch.setattr(head_gradient, "STEPS", 10)
        state = torch.get_rng_state()
        metrics = head_gradient.along(seed=10)
        return metrics, torch.equal(torch.get_rng_state(), state)


def test_the_first_steps_agree_with_the_record(first_steps):
    metrics, _ = first_steps
    recorded = records.load("head_gradient")["gradients"].runs[10]["joint"]
    assert metrics == {name: pytest.approx(recorded[name], abs=0.03) for name in metrics}


def test_one_run_is_looked_at_in_every_way(first_steps):
    metrics, untouched = first_steps
    kinds, measures = ("new random head", "head as it began", "other images"), ("cosine", "ratio of norms")
    assert set(metrics) == {f"{kind}: {m}, step {at}" for kind in kinds for m in measures for at in (0, 10)}
    assert untouched
    for measure in measures:  # before the first step the trained head is the one that it began as
        assert metrics[f"head as it began: {measure}, step 0"] == pytest.approx(1, abs=1e-5)
        assert metrics[f"head as it began: {measure}, step 10"] < 0.9


def test_the_gradients_are_those_of_the_network_that_is_trained(first_steps):
    task = tasks.load("pretext", seed=10, labels=200)
    first = copy.deepcopy(task.model.classifier)
    torch.manual_seed(10)
    list(train(task, plans.joint(10, losses="task"), optimizer=make_optimizer(task.model)))
    images, others = head_gradient.halves(10)
    through = head_gradient.gradient(task.model.feature_extractor, task.model.classifier, images)
    for kind, head, seen in (("head as it began", first, images), ("other images", task.model.classifier, others)):
        other = head_gradient.gradient(task.model.feature_extractor, head, seen)
        cosine, ratio = float(other @ through / (other.norm() * through.norm())), float(other.norm() / through.norm())
        assert first_steps[0][f"{kind}: cosine, step 10"] == pytest.approx(cosine, abs=1e-4)
        assert first_steps[0][f"{kind}: ratio of norms, step 10"] == pytest.approx(ratio, rel=1e-4)


def test_every_kind_of_layer_with_chance_in_the_head_is_known():
    layers = {type(layer) for layer in tasks.load("pretext").model.classifier.children()}
    assert layers == {nn.BatchNorm2d, nn.Flatten, nn.Linear, nn.ReLU, nn.Dropout}
