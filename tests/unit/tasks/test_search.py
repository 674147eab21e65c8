"""Architecture search: the mixture, what it costs, its two halves of the data, and a loop that is DARTS's own."""

import pytest
import torch
from labtools import take
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from jointopt import Controls, Update, data, plans, tasks, train
from jointopt.models import search_space
from jointopt.models.search_space import ARCHITECTURES, OPERATIONS, SearchNetwork, cost_of, costs, operation
from jointopt.modules import eval_mode, module_names
from jointopt.tasks import search

WEIGHTS = Update(["feature_extractor", "classifier"], "task", hold_normalization=False)
ALPHA = Update("architecture", ["validation", "cost"], hold_normalization=False)


@pytest.fixture
def task():
    return tasks.load("search", size=16)


# The space


def test_the_cost_of_an_operation_is_what_it_multiplies_and_adds():
    for positions, row in zip(search_space.POSITIONS, costs().tolist(), strict=True):
        side = int(positions**0.5)
        for name, cost in zip(OPERATIONS, row, strict=True):
            with FlopCounterMode(display=False) as counter:
                features = operation(name)(torch.rand(2, 12, side, side))
            assert features.shape == (2, 12, side, side)
            counted = counter.get_total_flops() / 2 / 2  # of one image, two for each multiplication with its addition
            expected = 9 * 12 * positions if name == "pool" else counted  # the counter leaves pooling out
            assert cost == pytest.approx(expected / search_space.UNIT)


def test_there_are_64_architectures_and_each_has_its_cost():
    assert len(set(ARCHITECTURES)) == 64 and cost_of("skip-skip-skip") == 0
    assert cost_of("conv1-pool-conv3") == pytest.approx((144 * 196 + 108 * 49 + 1296 * 9) / 1e5)
    assert max(ARCHITECTURES, key=cost_of) == "conv3-conv3-conv3"


def test_the_expected_cost_is_the_mean_over_all_64(task):
    model = task.model
    torch.nn.init.normal_(model.architecture.alpha)
    p = model.probabilities().tolist()
    mean = 0.0
    for name in ARCHITECTURES:
        chance = 1.0
        for row, chosen in zip(p, name.split("-"), strict=True):
            chance *= row[OPERATIONS.index(chosen)]
        mean += chance * cost_of(name)
    assert model.expected_cost().item() == pytest.approx(mean, rel=1e-5)
    assert task.evaluate(model)["cost (100,000 multiply-adds)"] == pytest.approx(mean, rel=1e-5)


def test_a_mixture_that_is_sure_is_the_architecture_that_it_is_sure_of(task):
    mixture, name = task.model, "conv3-pool-conv1"
    alone = tasks.load("search", size=16, architecture=name).model
    alone.classifier.load_state_dict(mixture.classifier.state_dict())
    alone.feature_extractor.stem.load_state_dict(mixture.feature_extractor.stem.state_dict())
    with torch.no_grad():
        for cell, chosen in enumerate(name.split("-")):
            number = OPERATIONS.index(chosen)
            mixture.architecture.alpha[cell, number] = 100.0
            other = mixture.feature_extractor.cells[cell][number].state_dict()
            alone.feature_extractor.cells[cell][0].load_state_dict(other)
        images = torch.rand(4, 1, 28, 28)
        with eval_mode(mixture), eval_mode(alone):
            torch.testing.assert_close(mixture(images), alone(images))
    assert search.architecture_of(mixture) == search.architecture_of(alone) == name
    assert mixture.expected_cost().item() == pytest.approx(cost_of(name), rel=1e-5)
    assert torch.equal(mixture.probabilities().round(), alone.probabilities())


@pytest.mark.parametrize("wrong", ["conv3-skip", "conv3-skip-sep5", "", 7, ["conv3", "skip", "pool"]])
def test_an_architecture_that_is_not_of_the_space_is_named(wrong):
    with pytest.raises(ValueError, match="architecture must be three of 'conv1', .*, one per cell, .*, got "):
        tasks.load("search", architecture=wrong)


def test_a_width_that_cannot_be_is_named():
    with pytest.raises(ValueError, match="width must be a whole number ≥ 1, got 0"):
        tasks.load("search", width=0)
    with pytest.raises(ValueError, match="the weight λ of 'cost' must be a finite number ≥ 0, got -1"):
        tasks.load("search", cost=-1)


# The data


def in_bytes(images):
    return {image.contiguous().numpy().tobytes() for image in images}


def test_the_halves_share_no_image_and_neither_has_one_that_is_held_out():
    task = tasks.load("search", size=500, held_out="validation")
    batches = [task.batches(number) for number in range(3)]  # an epoch of each half
    first, second = (in_bytes(image for batch in batches for image in batch[part]) for part in (0, 2))
    assert len(first) == len(second) == 1500 and not first & second
    held = in_bytes(data.load("cluttered").images[-1000:].mean(1, keepdim=True))
    assert len(held) == 1000 and not held & (first | second)


def test_an_architecture_alone_learns_from_all_training_images():
    task = tasks.load("search", architecture="skip-skip-skip", size=1000)
    assert len(in_bytes(image for number in range(4) for image in task.batches(number)[0])) == 4000
    assert list(task.weights) == ["task"] and module_names(task.model) == ["feature_extractor", "classifier"]


# The search


def test_the_plan_is_darts_s_own_loop_bit_for_bit(task):
    """First order: all in train mode, and an optimizer for each."""
    again = tasks.load("search", size=16)
    controls = Controls({"cost": 0.1}, lr={"architecture": 0.05})
    for _ in train(task, plans.alternating(WEIGHTS, ALPHA, steps=6), controls):
        pass

    model = again.model
    weights = [p for name, p in model.named_parameters() if name != "architecture.alpha"]
    of_weights = torch.optim.Adam(weights, lr=5e-3, fused=True)
    of_alpha = torch.optim.Adam([model.architecture.alpha], lr=0.05, fused=True)
    for number in range(0, 6, 2):
        inputs, labels, _, _ = again.batches(number)
        of_weights.zero_grad()
        F.cross_entropy(model(inputs), labels).backward()
        of_weights.step()
        _, _, inputs, labels = again.batches(number + 1)
        of_alpha.zero_grad()
        cost = (model.architecture.alpha.softmax(1) * costs()).sum()
        (F.cross_entropy(model(inputs), labels) + 0.1 * cost).backward()
        of_alpha.step()
    ours, theirs = task.model.state_dict(), model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs), "weights, α and running statistics"


def test_each_turn_computes_its_own_losses_alone_and_moves_its_own_modules(task):
    first, second = take(task, [WEIGHTS, ALPHA])
    assert list(first.losses) == ["task"] and first.moved == ("feature_extractor", "classifier")
    assert list(second.losses) == ["validation", "cost"] and second.moved == ("architecture",)


def test_the_cost_alone_leads_to_what_costs_nothing(task):
    for _ in train(task, plans.alternating(Update("architecture", "cost"), steps=60), Controls({"cost": 1}, lr=0.1)):
        pass
    assert search.architecture_of(task.model) == "skip-skip-skip"
    assert task.model.expected_cost() < 0.1 * costs().mean(1).sum()


def test_the_picture_shows_the_architecture(task):
    before = task.picture(task.model)
    with torch.no_grad():
        task.model.architecture.alpha[1, 2] += 3
    after = task.picture(task.model)
    assert (before != after)[:200, 240:480].any() and not (before != after)[:200, 480:].any()
    assert not (before != after)[:200, :240].any() and (before != after)[200:].any()


def test_the_network_takes_other_widths_and_channels():
    model = SearchNetwork(channels=3, classes=5, width=4)
    assert model(torch.rand(2, 3, 28, 28)).shape == (2, 5)
