"""The landscape of y = φ·θ·x against autograd, against its known minima, and against the training loop."""

import numpy as np
import pytest
import torch
from torch import nn

from jointopt import Controls, Task, plans, train
from jointopt.toys.landscape import PLANS, gradient, minima, objective, path
from jointopt.toys.landscape import task as task_of
from jointopt.training import Update

X = torch.tensor([-1.4, -0.2, 0.2, 1.4], dtype=torch.float64)  # mean square 1


class TwoScalars(nn.Module):
    """y = φ·θ·x."""

    def __init__(self, theta, phi):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(float(theta), dtype=torch.float64))
        self.phi = nn.Parameter(torch.tensor(float(phi), dtype=torch.float64))

    def forward(self, x):
        return self.phi * (self.theta * x)


def losses(model, batch):
    x, y = batch
    return {
        "task": 0.5 * (model(x) - y).square().mean(),
        "reg_theta": 0.5 * model.theta.square(),
        "reg_phi": 0.5 * model.phi.square(),
    }


def hessian(theta, phi, a, b, c=1.0):
    return np.array([[phi**2 + a, 2 * phi * theta - c], [2 * phi * theta - c, theta**2 + b]])


@pytest.mark.parametrize("target", [1.0, -0.5])
@pytest.mark.parametrize(("theta", "phi"), [(2.0, -0.5), (0.3, 1.7), (0.0, 0.0)])
def test_j_and_its_gradient_are_those_of_the_data(theta, phi, target):
    model = TwoScalars(theta, phi)
    parts = losses(model, (X, target * X))
    total = parts["task"] + 0.1 * parts["reg_theta"] + 0.7 * parts["reg_phi"]
    total.backward()
    assert objective(theta, phi, (0.1, 0.7), target) == pytest.approx(total.item(), abs=1e-12)
    expected = (model.theta.grad.item(), model.phi.grad.item())
    assert gradient(theta, phi, (0.1, 0.7), target) == pytest.approx(expected, abs=1e-12)


def test_noise_that_x_does_not_explain_adds_a_constant():
    noise = torch.tensor([0.3, -0.3, -0.3, 0.3], dtype=torch.float64)  # mean of x · noise is 0
    for theta, phi in [(2.0, -0.5), (0.3, 1.7)]:
        noisy = losses(TwoScalars(theta, phi), (X, X + noise))["task"].item()
        assert noisy - objective(theta, phi, 0) == pytest.approx(0.5 * 0.09)


@pytest.mark.parametrize("weights", [0.01, 0.1, 0.9, 1.0, 3.0, (0.1, 0.6), (2.0, 0.3), (0.01, 4.0), (4.0, 1.0)])
@pytest.mark.parametrize("target", [1.0, -0.5])
def test_the_minima_are_minima_and_nothing_is_lower(weights, target):
    a, b = weights if isinstance(weights, tuple) else (weights, weights)
    points = minima(weights, target)
    assert len(points) == (1 if np.sqrt(a * b) >= abs(target) else 2)
    grid = np.linspace(-12, 12, 1201)
    lowest = objective(grid[None, :], grid[:, None], weights, target).min()
    for theta, phi in points:
        assert gradient(theta, phi, weights, target) == pytest.approx((0, 0), abs=1e-12)
        assert np.linalg.eigvalsh(hessian(theta, phi, a, b, target)).min() >= -1e-12
        assert objective(theta, phi, weights, target) <= lowest + 1e-12


def test_with_one_weight_the_minima_slide_inwards_on_the_diagonal():
    for weight in (0.001, 0.1, 0.5, 0.99):
        r = np.sqrt(1 - weight)  # φ·θ = c − λ
        np.testing.assert_allclose(minima(weight), [[r, r], [-r, -r]], atol=1e-12)
    np.testing.assert_array_equal(minima(1.0), [[0, 0]])
    np.testing.assert_array_equal(minima(5), [[0, 0]])


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.99])
def test_the_origin_is_a_saddle_until_the_collapse(weight):
    assert gradient(0.0, 0.0, weight) == (0.0, 0.0)
    low, high = np.linalg.eigvalsh(hessian(0, 0, weight, weight))
    assert low == pytest.approx(weight - 1)
    assert high == pytest.approx(weight + 1)
    assert low < 0 < high


def test_without_both_weights_no_point_is_the_minimum():
    assert minima(0).shape == minima((0, 0.5)).shape == minima((0.5, 0)).shape == (0, 2)
    theta = np.array([1.0, 10, 100, 1000])
    assert objective(theta, 1 / theta, 0) == pytest.approx(0)
    assert (np.diff(objective(theta, 1 / theta, (0, 0.5))) < 0).all()  # it falls for ever as θ grows


def test_gradient_descent_arrives_at_a_minimum_or_collapses():
    np.testing.assert_allclose(path((2, 0.3), steps=2000, weights=0.1)[-1], minima(0.1)[0], atol=1e-6)
    np.testing.assert_allclose(path((2, 0.3), steps=2000, weights=1.5)[-1], [0, 0], atol=1e-6)


def core_plan(name, steps):
    """The plan as chapter 2 would write it, for an even number of steps."""
    theta, phi = Update("theta"), Update("phi")
    return {
        "joint": plans.joint(steps),
        "alternating": plans.alternating(theta, phi, steps=steps),
        "staged": plans.staged((theta, steps // 2), (phi, steps // 2)),
        "staged_phi_first": plans.staged((phi, steps // 2), (theta, steps // 2)),
    }[name]


@pytest.mark.parametrize("frozen", [(), ("theta",), ("phi",), ("theta", "phi")])
@pytest.mark.parametrize("plan", PLANS)
def test_a_path_is_what_the_training_loop_does(plan, frozen):
    model = TwoScalars(2.0, -0.5)
    weights = {"task": 1.0, "reg_theta": 0.1, "reg_phi": 0.3}
    task = Task(model, losses, lambda number: (X, X), weights=weights)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    trained = [(2.0, -0.5)]
    for _ in train(task, core_plan(plan, 40), Controls(frozen=frozen), sgd):
        trained.append((model.theta.item(), model.phi.item()))
    computed = path((2.0, -0.5), plan, lr=0.1, steps=40, weights=(0.1, 0.3), frozen=frozen)
    assert computed.shape == (41, 2)
    assert computed.dtype == np.float64
    np.testing.assert_allclose(computed, trained, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 5, 60])
def test_the_stages_are_halves_and_the_first_may_be_longer(steps):
    theta_first, phi_first = path(plan="staged", steps=steps), path(plan="staged_phi_first", steps=steps)
    half = (steps + 1) // 2
    for points, early in ((theta_first, 0), (phi_first, 1)):
        moved = np.diff(points, axis=0) != 0
        assert moved[:half, early].all()
        assert moved[half:, 1 - early].all()
        assert not moved[half:, early].any()
        assert not moved[:half, 1 - early].any()


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_frozen_stays_on_its_line(plan):
    assert (path((2, -0.5), plan, frozen="theta")[:, 0] == 2).all()
    assert (path((2, -0.5), plan, frozen="phi")[:, 1] == -0.5).all()
    assert path((2, -0.5), plan, frozen="phi")[-1, 0] != 2


@pytest.mark.filterwarnings("error")
def test_a_learning_rate_that_is_too_large_ends_quietly():
    points = path(lr=5.0, steps=500)
    assert points.shape == (501, 2)
    assert not np.isfinite(points[-1]).any()


@pytest.mark.parametrize("setting", ["start", "plan", "lr", "steps", "frozen"])
def test_the_functions_check_as_well(setting):
    wrong = {"start": (1, np.inf), "plan": "all", "lr": 0, "steps": 2001, "frozen": ["psi"]}[setting]
    with pytest.raises(ValueError, match=setting if setting != "plan" else "one plan"):
        path(**{setting: wrong})
    with pytest.raises(ValueError, match="weight"):
        objective(1.0, 1.0, -1)


@pytest.mark.parametrize("frozen", [(), ("theta",), ("phi",)])
@pytest.mark.parametrize("plan", PLANS)
def test_the_path_is_what_the_loop_does_to_the_task(plan, frozen):
    task = task_of((2.0, -0.5), (0.1, 0.3), target=1.5)
    sgd = torch.optim.SGD(task.model.parameters(), lr=0.1)
    points = [(2.0, -0.5)]
    for _ in train(task, PLANS[plan](20), Controls(frozen=frozen), sgd):
        points.append((task.model.theta.item(), task.model.phi.item()))
    expected = path((2.0, -0.5), plan, 0.1, 20, (0.1, 0.3), frozen, target=1.5)
    np.testing.assert_allclose(points, expected, rtol=1e-12)


def test_a_task_refuses_what_a_path_refuses():
    with pytest.raises(ValueError, match="start must be two finite numbers"):
        task_of(start=(1, 20))
    with pytest.raises(ValueError, match="λ of phi must be a finite number"):
        task_of(weights=(1, -1))
