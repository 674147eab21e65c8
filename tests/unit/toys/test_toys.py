"""The toys: what is plain arithmetic in them, and what the training loop makes of their tasks, is the same."""

import numpy as np
import pytest
import torch

from jointopt import Controls, train
from jointopt.toys import landscape


@pytest.mark.parametrize("frozen", [(), ("theta",), ("phi",)])
@pytest.mark.parametrize("plan", landscape.PLANS)
def test_the_path_is_what_the_loop_does_to_the_task(plan, frozen):
    task = landscape.task((2.0, -0.5), (0.1, 0.3), target=1.5)
    sgd = torch.optim.SGD(task.model.parameters(), lr=0.1)
    points = [(2.0, -0.5)]
    for _ in train(task, landscape.PLANS[plan](20), Controls(frozen=frozen), sgd):
        points.append((task.model.theta.item(), task.model.phi.item()))
    expected = landscape.path((2.0, -0.5), plan, 0.1, 20, (0.1, 0.3), frozen, target=1.5)
    np.testing.assert_allclose(points, expected, rtol=1e-12)


def test_a_task_refuses_what_a_path_refuses():
    with pytest.raises(ValueError, match="start must be two numbers"):
        landscape.task(start=(1, 20))
    with pytest.raises(ValueError, match="λ of phi must be a finite number"):
        landscape.task(weights=(1, -1))
