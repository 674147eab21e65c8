"""The network of segmentation: first predictions, skip connections, and learned weights by their formula."""

import math
from functools import partial

import pytest
import torch

from jointopt import Update, tasks
from jointopt.compare.budget import cost
from jointopt.models.segmenter import Balance
from jointopt.tasks import segmentation

load = partial(tasks.load, "segmentation", scenes=24, held_out_scenes=8)


def test_boxes_begin_as_squares_around_their_cells():
    model = load(second="boxes").model
    with torch.no_grad():
        model.second[-1].weight.zero_()
    found = segmentation.predict_boxes(model, torch.rand(1, 3, 64, 96))
    assert found.shape == (1, 4, 8, 12)
    assert found[0, :, 2, 5].tolist() == [44 - 12, 20 - 12, 44 + 12, 20 + 12]


def test_skip_connections_cost_nothing_and_carry_the_finer_features():
    task, without = load(), load(skip=False)
    assert cost(task, Update()) == cost(without, Update())
    images = torch.rand(1, 3, 96, 96)
    for model, skips in ((task.model, True), (without.model, False)):
        fine, middle, coarse = model.encoder(images)
        same = torch.equal(model.decoder(fine, middle, coarse), model.decoder(0 * fine, middle, coarse))
        same_too = torch.equal(model.decoder(fine, middle, coarse), model.decoder(fine, 0 * middle, coarse))
        assert same is same_too is not skips


def test_the_first_prediction_is_background_nearly_everywhere():
    task = load()
    p = task.model(task.batches(0)[0]).softmax(1).mean((0, 2, 3))
    assert p[0] > 0.93 and p[1:].min() > 0.003


def test_learned_weights_follow_equation_10():
    """Kendall, Gal and Cipolla 2018: L1 / (2 σ1²) + L2 / σ2² + log σ1 + log σ2, 1 a regression, 2 a classification."""
    balance = Balance()
    with torch.no_grad():
        balance.slow.copy_(torch.tensor([-0.13, 0.08]))
    log_of_squares = (10 * balance.slow).tolist()
    sigma2, sigma1 = (math.exp(s / 2) for s in log_of_squares)
    cross_entropy, boxes = torch.tensor(0.07), torch.tensor(3.1)
    expected = 3.1 / (2 * sigma1**2) + 0.07 / sigma2**2 + math.log(sigma1) + math.log(sigma2)
    assert balance(cross_entropy, boxes).item() == pytest.approx(expected, rel=1e-5)
    assert balance.weights().tolist() == pytest.approx([1 / sigma2**2, 1 / (2 * sigma1**2)], rel=1e-5)


def test_learned_weights_rest_where_each_term_is_a_half():
    balance = Balance()
    with torch.no_grad():
        balance.slow.copy_(torch.tensor([2 * 0.07, 3.1]).log() / 10)
    balance(torch.tensor(0.07), torch.tensor(3.1)).backward()
    assert balance.slow.grad.abs().max() < 1e-4
    assert (balance.weights() * torch.tensor([0.07, 3.1])).tolist() == pytest.approx([0.5, 0.5], rel=1e-4)
