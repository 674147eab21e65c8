"""The calibration error agrees with torchmetrics and with arithmetic by hand."""

import math

import pytest
import torch

from jointopt.tasks import classification


@pytest.mark.parametrize("bins", [1, 7, 10, 15])
def test_calibration_error_agrees_with_torchmetrics(bins):
    from torchmetrics.functional.classification import multiclass_calibration_error

    generator = torch.Generator().manual_seed(bins)
    probabilities = torch.randn(500, 10, generator=generator).mul(2).softmax(1)
    labels = torch.randint(10, (500,), generator=generator)
    expected = 100 * multiclass_calibration_error(probabilities, labels, num_classes=10, n_bins=bins, norm="l1").item()
    assert classification.calibration_error(probabilities, labels, bins) == pytest.approx(expected, abs=1e-3)


def test_calibration_error_by_hand():
    sure_and_right, sure_and_wrong = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    label = torch.tensor([0])
    assert classification.calibration_error(sure_and_right, label) == 0
    assert classification.calibration_error(sure_and_wrong, label) == 100
    four = torch.tensor([[0.75, 0.25]]).expand(4, 2)
    assert classification.calibration_error(four, torch.tensor([0, 0, 0, 1])) == pytest.approx(0)
    assert classification.calibration_error(four, torch.tensor([0, 1, 1, 1])) == pytest.approx(50)
    low_and_right, high_and_wrong = torch.tensor([[0.6, 0.4]]), torch.tensor([[0.1, 0.9]])  # 40 below, 90 above
    assert classification.calibration_error(torch.cat([low_and_right, high_and_wrong]), torch.tensor([0, 0])) == (
        pytest.approx(65)
    )


@pytest.mark.parametrize(
    ("probabilities", "labels", "bins", "message"),
    [
        (torch.rand(4), torch.zeros(4).long(), 10, r"got \(4,\) and \(4,\)"),
        (torch.rand(4, 3), torch.zeros(5).long(), 10, r"got \(4, 3\) and \(5,\)"),
        (torch.rand(0, 3), torch.zeros(0).long(), 10, r"N ≥ 1, got \(0, 3\)"),
        (torch.rand(4, 3), torch.tensor([0, 1, 2, 3]), 10, "labels must be in 0 … 2, got 3"),
        (torch.tensor([[-1.0, 3.5]]), torch.tensor([1]), 10, r"must be in 0 … 1, got -1 … 3\.5; of logits take"),
        (torch.tensor([[math.nan, 0.5]]), torch.tensor([1]), 10, "must be in 0 … 1, got nan … nan"),
        (torch.rand(4, 3), torch.zeros(4).long(), 0, "bins must be a whole number ≥ 1, got 0"),
    ],
)
def test_calibration_error_refuses(probabilities, labels, bins, message):
    with pytest.raises(ValueError, match=message):
        classification.calibration_error(probabilities, labels, bins)
