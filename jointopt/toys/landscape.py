"""The smallest pipeline there is, y = φ·θ·x, as a landscape: θ extracts a feature, φ uses it, two scalars.

    L_task(θ, φ) = mean_i ½ (φ·θ·x_i − y_i)²  =  ½ (φ·θ − c)²       for y_i = c·x_i and mean x² = 1
    J(θ, φ)      = L_task + ½ λ_θ θ² + ½ λ_φ φ²                      one λ for both unless two are given

(Noise in y that x does not explain adds a constant.) The origin is a saddle. The minima lie on φ·θ = c for
λ = 0, draw nearer to the origin as λ grows, and are one with it from λ = c on.

`path` is plain arithmetic, as live/landscape/math.js is for the browser. `task` is the same for `jointopt.train`, with
modules "theta" and "phi", and losses "task", "reg_theta" and "reg_phi".
"""

import math
from collections.abc import Collection, Iterator
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from jointopt import plans
from jointopt.checks import check_choice, check_count, check_number, check_point, check_positive
from jointopt.training import Task, Update

NAMES = ("theta", "phi")
START, WEIGHT, LR, STEPS = (2.0, -0.5), 0.1, 0.1, 60
COMPARED = ("joint", "staged", "alternating")  # what plan="all" shows


def _staged(first: str, second: str, steps: int) -> Iterator[Update]:
    return islice(plans.staged((Update(first), (steps + 1) // 2), (Update(second), None)), steps)


# Plan name -> steps -> its updates.
PLANS = {
    "joint": plans.joint,
    "alternating": lambda steps: plans.alternating(Update("theta"), Update("phi"), steps=steps),
    "staged": lambda steps: _staged("theta", "phi", steps),
    "staged_phi_first": lambda steps: _staged("phi", "theta", steps),
}


def objective(theta, phi, weights=WEIGHT, target: float = 1.0):
    """J(θ, φ), for numbers or arrays that broadcast. weights: one λ, or the pair (λ_θ, λ_φ). target: c."""
    a, b = both(weights)
    misfit = phi * theta - target
    return 0.5 * misfit * misfit + 0.5 * a * theta * theta + 0.5 * b * phi * phi


def gradient(theta, phi, weights=WEIGHT, target: float = 1.0) -> tuple:
    """(∂J/∂θ, ∂J/∂φ), arguments as for `objective`."""
    a, b = both(weights)
    misfit = phi * theta - target
    return misfit * phi + a * theta, misfit * theta + b * phi


def minima(weights=WEIGHT, target: float = 1.0) -> np.ndarray:
    """The isolated minima: array (2, 2), or (1, 2) where both have collapsed to the origin; columns θ, φ.

    Shape (0, 2) if there are none: with λ_θ = λ_φ = 0 all of φ·θ = c is a valley, and with one of them 0,
    J falls for ever along that valley. Otherwise φ·θ = sign(c) · max(|c| − √(λ_θ λ_φ), 0), since for a given
    product p = φ·θ the sum λ_θ θ² + λ_φ φ² is least at θ² = |p| √(λ_φ/λ_θ).
    """
    a, b = both(weights)
    product = max(abs(target) - math.sqrt(a) * math.sqrt(b), 0.0)
    if product == 0:
        return np.zeros((1, 2))
    if a == 0 or b == 0:
        return np.empty((0, 2))
    ratio = math.sqrt(math.sqrt(b) / math.sqrt(a))
    theta, phi = math.sqrt(product) * ratio, math.copysign(math.sqrt(product) / ratio, target)
    return np.array([[theta, phi], [-theta, -phi]])


def path(
    start=START,
    plan: str = "joint",
    lr=LR,
    steps: int = STEPS,
    weights=WEIGHT,
    frozen=(),
    target: float = 1.0,
) -> np.ndarray:
    """Plain gradient descent on J: float64 array (steps + 1, 2), columns θ and φ, row 0 the start.

    plan: a name in PLANS. frozen: names that stand still whatever the plan says. A learning rate that is too
    large ends in inf or nan.
    """
    if _plan(plan) == "all":
        raise ValueError("a path has one plan; 'all' is for the view")
    point, lr, frozen = list(CHECKS["start"](start)), CHECKS["lr"](lr), _frozen(frozen)
    points = [tuple(point)]
    for update in PLANS[plan](CHECKS["steps"](steps)):
        slopes = gradient(*point, weights, target)
        for i, name in enumerate(NAMES):
            if name not in frozen and (update.modules is None or name in update.modules):
                point[i] -= lr * slopes[i]
        points.append(tuple(point))
    return np.array(points)


class Factors(nn.Module):
    """θ and φ, each a module of its own to the training loop: two scalars in float64."""

    def __init__(self, theta: float, phi: float):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))
        self.phi = nn.Parameter(torch.tensor(phi, dtype=torch.float64))


def task(start=START, weights=WEIGHT, target: float = 1.0) -> Task:
    """The pipeline as a task; arguments and errors as for `path`."""

    def losses(factors: Factors, batch: None) -> dict[str, Tensor]:
        theta, phi = factors.theta, factors.phi
        return {"task": (phi * theta - target) ** 2 / 2, "reg_theta": theta**2 / 2, "reg_phi": phi**2 / 2}

    a, b = both(weights)
    lambdas = {"task": 1.0, "reg_theta": a, "reg_phi": b}
    return Task(Factors(*CHECKS["start"](start)), losses, lambda number: None, weights=lambdas)


def both(weights: object) -> tuple[float, float]:
    """The pair (λ_θ, λ_φ) of one λ or of a pair; ValueError unless all are finite numbers ≥ 0."""
    weight = _weight(weights)
    return weight if isinstance(weight, tuple) else (weight, weight)


def _weight(value: object) -> float | tuple[float, float]:
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(value, (list, tuple)):
        return check_number("weight (λ)", value)
    if len(value) != 2:
        raise ValueError(f"weight (λ) must be one number or the pair (λ of theta, λ of phi), got {value!r}")
    return check_number("the weight λ of theta", value[0]), check_number("the weight λ of phi", value[1])


def _plan(value: object) -> str:
    check_choice("plan", value, (*PLANS, "all"))
    return value


def _frozen(value: object) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Collection) or not all(name in NAMES for name in names):
        raise ValueError(f"frozen may name 'theta' and 'phi' and nothing else, got {value!r}")
    return tuple(name for name in NAMES if name in names)


# Setting -> its value in plain form, or a ValueError that says what was given and what was expected.
CHECKS = {
    "weight": _weight,
    "start": partial(check_point, "start", most=10.0),
    "plan": _plan,
    "frozen": _frozen,
    "lr": partial(check_positive, "lr (the learning rate)"),
    "steps": partial(check_count, "steps", least=1, most=2000),
}
