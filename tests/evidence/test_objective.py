"""The penalties of the record `objective`, against sums written by hand."""

import pytest
import torch

from evidence.experiments import objective


def test_the_penalty_on_activations_is_the_mean_of_half_the_squared_norms():
    features = torch.randn(6, 2, 3, 3)
    by_hand = sum(0.5 * (f**2).sum() for f in features) / 6
    assert float(objective.activations(None, features)["reg"]) == pytest.approx(float(by_hand), rel=1e-6)
