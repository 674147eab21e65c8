"""Sums of digits: what they are made of, who sees what, what is measured, and the correction of one digit."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Update, data, plans, tasks, train
from jointopt.models.parity import OddSum
from jointopt.tasks import parity


@pytest.fixture
def task():
    return tasks.load("parity", digits=3, size=8)


class Known(nn.Module):
    """Answers what the first pixel of each image says, as the score of its digit."""

    def __init__(self, digits, odd_sum):
        super().__init__()
        self.digits, self.odd_sum = digits, odd_sum
        self.device = nn.Parameter(torch.zeros(1))

    def forward(self, images):
        scores = images[..., 0, 0, 0]
        return self.odd_sum(torch.tanh(scores)), scores


def product(concepts):
    """Of numbers of which −1 is even and 1 is odd: the score that their sum is odd."""
    return -((-concepts).prod(1))


def marked(scores):
    images = torch.zeros(*scores.shape, 3, 28, 28)
    images[..., 0, 0, 0] = scores
    return images


# The task


def test_a_sum_is_of_training_images_each_with_its_own_label(task):
    images, digits = task.batches(5)
    known = data.load("digits")
    for image, digit in zip(images.flatten(0, 1), digits.flatten(), strict=True):
        (row,) = (known.images == image).flatten(1).all(1).nonzero()[0]
        assert known.labels[row] == digit


def test_an_epoch_has_each_image_at_most_once():
    task = tasks.load("parity", digits=4, size=125)
    images = torch.cat([task.batches(number)[0].flatten(0, 1) for number in range(8)])  # 4,000: all of them
    assert len(torch.unique(images.flatten(1), dim=0)) == len(
        torch.unique(data.load("digits").images.flatten(1), dim=0)
    )


def test_easy_sums_differ_in_their_first_digit_alone():
    easy, plain = (tasks.load("parity", digits=3, size=8, easy=steps) for steps in (2, 0))
    same = easy.batches(0)[0][0, 1:]
    for number in (0, 1):
        (images, digits), (others, labels) = easy.batches(number), plain.batches(number)
        assert torch.equal(images[:, 0], others[:, 0]) and torch.equal(digits[:, 0], labels[:, 0])
        assert all(torch.equal(rest, same) for rest in images[:, 1:]) and len(digits[:, 1:].unique(dim=0)) == 1
    assert all(map(torch.equal, easy.batches(2), plain.batches(2)))


def test_the_losses_are_the_cross_entropies_by_hand(task):
    images, digits = task.batches(0)
    of_sum, of_digits = task.model(images)
    expected = {"task": 0.0, "digits": 0.0}
    for b in range(8):
        p = torch.sigmoid(of_sum[b])
        expected["task"] -= (p if digits[b].sum() % 2 else 1 - p).log() / 8
        for i in range(3):
            q = torch.sigmoid(of_digits[b, i])
            expected["digits"] -= (q if digits[b, i] % 2 else 1 - q).log() / 24
    losses = task.losses(task.model, (images, digits))
    for name, loss in losses.items():
        torch.testing.assert_close(loss, expected[name])


def test_the_feature_extractor_sees_one_image_at_a_time_and_the_classifier_their_numbers_alone(task):
    images = task.batches(0)[0]
    of_sum, of_digits = task.model(images)
    alone = task.model.feature_extractor(images[2, 1:2])
    torch.testing.assert_close(alone[0, 0], of_digits[2, 1])
    torch.testing.assert_close(task.model.odd_sum(torch.tanh(of_digits)), of_sum)


def test_the_intermediate_loss_reaches_the_feature_extractor_alone(task):
    (step,) = train(task, plans.joint(1, losses="digits"))
    assert step.moved == ("feature_extractor",)
    (step,) = train(task, plans.alternating(Update("classifier", "task"), steps=1))
    assert step.moved == ("classifier",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(digits=0), "digits must be a whole number from 1 to 8, got 0"),
        (dict(digits=9), "digits must be a whole number from 1 to 8, got 9"),
        (dict(digits=4, size=1001), "size must be a whole number from 1 to 1000, got 1001"),
        (dict(easy=-1), "easy must be a whole number ≥ 0, got -1"),
        (dict(reg=-1.0), "reg must be a finite number ≥ 0, got -1.0"),
        (dict(reg=float("nan")), "reg must be a finite number ≥ 0, got nan"),
    ],
)
def test_an_option_that_cannot_be_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        tasks.load("parity", **options)


# What is measured


def test_what_is_right_is_counted():
    scores = torch.tensor([[2.0, -1.0], [-2.0, -1.0], [3.0, 0.5], [-3.0, 0.5]])
    digits = torch.tensor([[1, 2], [4, 4], [7, 2], [3, 9]])  # all right; all right; second wrong; first wrong
    sums = marked(scores), digits
    measured = parity.evaluate(Known(2, product), sums)
    assert measured == {"sum (%)": 50.0, "digit (%)": 75.0, "sum, one digit corrected (%)": 75.0}


def test_the_digit_that_is_corrected_is_the_one_of_which_the_network_is_least_sure():
    seen = []
    model = Known(3, lambda concepts: seen.append(concepts) or product(concepts))
    scores = torch.tensor([[2.0, -0.1, 1.0], [0.2, -3.0, -0.4]])
    odd = torch.tensor([[1, 1, 0], [0, 0, 1]])
    parity.corrected(model, scores, odd)
    expected = torch.tanh(scores)
    expected[0, 1], expected[1, 0] = 1.0, -1.0
    torch.testing.assert_close(seen[0], expected)


def test_to_correct_a_digit_that_is_right_and_sure_changes_nothing():
    scores = torch.tensor([[9.0, -9.0], [-9.0, -9.0]])
    odd = torch.tensor([[1, 0], [0, 0]])
    model = Known(2, product)
    assert ((parity.corrected(model, scores, odd) > 0) == (product(torch.tanh(scores)) > 0)).all()


def test_a_mistake_is_marked_by_more_than_its_color():
    scores, digits = torch.full((40, 1), 9.0), torch.ones(40, 1, dtype=torch.int64)
    right = parity.picture(Known(1, product), (marked(scores), digits))
    wrong = parity.picture(Known(1, product), (marked(scores), digits + 1))
    assert right.shape == wrong.shape and right.dtype == np.uint8
    assert (right[..., 0] < 128).sum() < (wrong[..., 1] < 160).sum()  # more ink, whatever its hue


# Training


def test_a_step_is_the_loop_by_hand(task):
    hand = OddSum(3)
    hand.load_state_dict(task.model.state_dict())
    optimizer = torch.optim.Adam(hand.parameters(), lr=1e-3)
    totals = []
    for number in range(3):
        images, digits = task.batches(number)
        of_sum, of_digits = hand(images)
        odd = (digits % 2).float()
        J = F.binary_cross_entropy_with_logits(of_sum, odd.sum(1).remainder(2))
        J = J + F.binary_cross_entropy_with_logits(of_digits, odd)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        totals.append(J.item())
    ours = train(task, plans.joint(3), optimizer=torch.optim.Adam(task.model.parameters(), lr=1e-3))
    assert [step.total for step in ours] == totals


def test_one_digit_is_learned_end_to_end_without_its_own_loss():
    task = tasks.load("parity", digits=1, size=64, held_out="validation")
    for _ in train(task, plans.joint(150, losses="task"), optimizer=torch.optim.Adam(task.model.parameters(), lr=3e-3)):
        pass
    assert task.evaluate(task.model)["sum (%)"] > 85
