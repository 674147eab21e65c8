"""Stacks of convolutions: names and shapes at every depth."""

import pytest
import torch

from jointopt.models import stack
from jointopt.modules import module_names


@pytest.mark.parametrize(("depth", "features"), [(2, 16 * 7 * 7), (3, 32 * 3 * 3), (4, 32), (5, 32), (8, 32), (12, 32)])
def test_stacks_of_every_depth(depth, features):
    model = stack.Stack(depth)
    assert module_names(model) == [*stack.layers(1, depth), "source_head", "classifier"]
    assert model.features(torch.zeros(2, 3, 28, 28)).shape == (2, features) and model(
        torch.zeros(2, 3, 28, 28)
    ).shape == (2, 5)
