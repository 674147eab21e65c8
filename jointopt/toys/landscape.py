"""The smallest pipeline there is, y = φ·θ·x, as a landscape: θ extracts a feature, φ uses it, two scalars.

    L_task(θ, φ) = mean_i ½ (φ·θ·x_i − y_i)²  =  ½ (φ·θ − c)²       for y_i = c·x_i and mean x² = 1
    J(θ, φ)      = L_task + ½ λ_θ θ² + ½ λ_φ φ²                      one λ for both unless two are given

(Noise in y that x does not explain adds a constant.) The origin is a saddle. The minima lie on φ·θ = c for
λ = 0, draw nearer to the origin as λ grows, and are one with it from λ = c on.

Plain arithmetic; jointopt/live/landscape/math.js has the same for the browser.
"""

import math
from collections.abc import Collection, Iterator
from itertools import islice
from numbers import Integral

import numpy as np

from jointopt import plans
from jointopt.objective import check_number, is_finite
from jointopt.training import Update

NAMES = ("theta", "phi")
START, WEIGHT, LR, STEPS = (2.0, -0.5), 0.1, 0.1, 60
MAX_START, MAX_STEPS = 10.0, 2000
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
    point, lr, frozen = list(_start(start)), _lr(lr), _frozen(frozen)
    points = [tuple(point)]
    for update in PLANS[plan](_steps(steps)):
        slopes = gradient(*point, weights, target)
        for i, name in enumerate(NAMES):
            if name not in frozen and (update.modules is None or name in update.modules):
                point[i] -= lr * slopes[i]
        points.append(tuple(point))
    return np.array(points)


def both(weights: object) -> tuple[float, float]:
    """The pair (λ_θ, λ_φ) of one λ or of a pair; ValueError unless all are finite numbers ≥ 0."""
    weight = _weight(weights)
    return weight if isinstance(weight, tuple) else (weight, weight)


def _weight(value: object) -> float | tuple[float, float]:
    pair = _sequence(value)
    if pair is None:
        return check_number("weight (λ)", value)
    if len(pair) != 2:
        raise ValueError(f"weight (λ) must be one number or the pair (λ of theta, λ of phi), got {value!r}")
    return check_number("the weight λ of theta", pair[0]), check_number("the weight λ of phi", pair[1])


def _start(value: object) -> tuple[float, float]:
    pair = _sequence(value)
    if pair is None or len(pair) != 2 or not all(is_finite(x) and abs(x) <= MAX_START for x in pair):
        limits = f"from -{MAX_START:g} to {MAX_START:g}"
        raise ValueError(f"start must be two numbers, theta and phi, {limits}; got {value!r}")
    return float(pair[0]), float(pair[1])


def _plan(value: object) -> str:
    choices = (*PLANS, "all")
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"plan must be one of {', '.join(map(repr, choices))}; got {value!r}")
    return value


def _frozen(value: object) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Collection) or not all(name in NAMES for name in names):
        raise ValueError(f"frozen may name 'theta' and 'phi' and nothing else, got {value!r}")
    return tuple(name for name in NAMES if name in names)


def _lr(value: object) -> float:
    if not is_finite(value) or value <= 0:
        raise ValueError(f"lr (the learning rate) must be a finite number > 0, got {value!r}")
    return float(value)


def _steps(value: object) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or not 1 <= value <= MAX_STEPS:
        raise ValueError(f"steps must be a whole number from 1 to {MAX_STEPS}, got {value!r}")
    return int(value)


def _sequence(value: object) -> list | None:
    """The members of a list, tuple or array; None for anything else."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return list(value) if isinstance(value, (list, tuple)) else None


# Setting -> its value in plain form, or a ValueError that says what was given and what was expected.
CHECKS = {"weight": _weight, "start": _start, "plan": _plan, "frozen": _frozen, "lr": _lr, "steps": _steps}
