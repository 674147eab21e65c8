"""The smallest pipeline there is, as a landscape: y = φ·θ·x with two scalars, θ to extract a feature and φ to use it.

    L_task(θ, φ) = mean_i ½ (φ·θ·x_i − y_i)²  =  ½ (φ·θ − c)²       for y_i = c·x_i and mean x² = 1
    J(θ, φ)      = L_task + ½ λ_θ θ² + ½ λ_φ φ²                      one λ for both unless two are given

(Noise in y that x does not explain adds a constant.) The origin is a saddle. The minima lie on φ·θ = c for λ = 0,
draw nearer to the origin as λ grows, and are one with it from λ = c on.

The functions are plain arithmetic. `Landscape` is the live view; the browser computes and draws for itself.
"""

import math
from collections.abc import Iterator
from itertools import islice
from numbers import Integral, Real

import anywidget
import numpy as np
import traitlets
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from jointopt import plans
from jointopt.live.widget import front_end, style
from jointopt.objective import check_number
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
    """J(θ, φ); θ and φ: numbers, or arrays that broadcast. weights: one λ, or the pair (λ_θ, λ_φ). target: c."""
    a, b = _both(weights)
    misfit = phi * theta - target
    return 0.5 * misfit * misfit + 0.5 * a * theta * theta + 0.5 * b * phi * phi


def gradient(theta, phi, weights=WEIGHT, target: float = 1.0) -> tuple:
    """(∂J/∂θ, ∂J/∂φ), arguments as for `objective`."""
    a, b = _both(weights)
    misfit = phi * theta - target
    return misfit * phi + a * theta, misfit * theta + b * phi


def minima(weights=WEIGHT, target: float = 1.0) -> np.ndarray:
    """The isolated minima: array (2, 2), or (1, 2) where both have collapsed to the origin; columns θ, φ.

    Shape (0, 2) if there are none: with λ_θ = λ_φ = 0 all of φ·θ = c is a valley floor, and with only one of them 0 J
    falls for ever along that valley. Otherwise φ·θ = sign(c) · max(|c| − √(λ_θ λ_φ), 0): for a given product p,
    λ_θ θ² + λ_φ φ² is least at |θ| = √(|p| √(λ_φ/λ_θ)).
    """
    a, b = _both(weights)
    product = max(abs(target) - math.sqrt(a) * math.sqrt(b), 0.0)
    if product == 0:
        return np.zeros((1, 2))
    if a == 0 or b == 0:
        return np.empty((0, 2))
    ratio = math.sqrt(math.sqrt(b) / math.sqrt(a))
    theta, phi = math.sqrt(product) * ratio, math.copysign(math.sqrt(product) / ratio, target)
    return np.array([[theta, phi], [-theta, -phi]])


def path(
    start=START, plan: str = "joint", lr=LR, steps: int = STEPS, weights=WEIGHT, frozen=(), target: float = 1.0
) -> np.ndarray:
    """Plain gradient descent on J: float64 array (steps + 1, 2), columns θ and φ, row 0 the start.

    plan: a name in PLANS. frozen: names that stand still whatever the plan says. A learning rate that is too large
    ends in inf or nan.
    """
    if plan not in PLANS:
        raise ValueError(f"plan must be one of {', '.join(map(repr, PLANS))}; got {plan!r}")
    point, lr, frozen = list(_start(start)), _lr(lr), _frozen(frozen)
    points = [tuple(point)]
    for update in PLANS[plan](_steps(steps)):
        slopes = gradient(*point, weights, target)
        for i, name in enumerate(NAMES):
            if name not in frozen and (update.modules is None or name in update.modules):
                point[i] -= lr * slopes[i]
        points.append(tuple(point))
    return np.array(points)


def _finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _values(value: object) -> list | None:
    """The members of a sequence; None if it is none."""
    return list(value) if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim) else None


def _weight(value: object) -> float | tuple[float, float]:
    parts = _values(value)
    if parts is None:
        return check_number("weight (λ)", value)
    if len(parts) != 2:
        raise ValueError(f"weight (λ) must be one number or the pair (λ of theta, λ of phi), got {value!r}")
    return check_number("the weight λ of theta", parts[0]), check_number("the weight λ of phi", parts[1])


def _both(weights: object) -> tuple[float, float]:
    weight = _weight(weights)
    return weight if isinstance(weight, tuple) else (weight, weight)


def _start(value: object) -> tuple[float, float]:
    parts = _values(value)
    if parts is None or len(parts) != 2 or not all(_finite(x) and abs(x) <= MAX_START for x in parts):
        raise ValueError(f"start must be two numbers, theta and phi, from -{MAX_START:g} to {MAX_START:g}; got {value!r}")
    return float(parts[0]), float(parts[1])


def _plan(value: object) -> str:
    choices = (*PLANS, "all")
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"plan must be one of {', '.join(map(repr, choices))}; got {value!r}")
    return value


def _frozen(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, (set, frozenset)) else _values(value)
    if names is None or not all(isinstance(name, str) and name in NAMES for name in names):
        raise ValueError(f"frozen may name 'theta' and 'phi' and nothing else, got {value!r}")
    return tuple(name for name in NAMES if name in names)


def _lr(value: object) -> float:
    if not _finite(value) or value <= 0:
        raise ValueError(f"lr (the learning rate) must be a finite number > 0, got {value!r}")
    return float(value)


def _steps(value: object) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or not 1 <= value <= MAX_STEPS:
        raise ValueError(f"steps must be a whole number from 1 to {MAX_STEPS}, got {value!r}")
    return int(value)


# The look of the figure; the browser's is in landscape.js and common.js.
LOOK = {"theta": ("#0072B2", "-"), "phi": ("#D55E00", "--"), "both": ("black", "-")}
MARKERS = {"joint": "o", "staged": "s", "staged_phi_first": "s", "alternating": "^", "frozen": "D"}
INK = {"path_effects": [withStroke(linewidth=3, foreground="white")], "fontsize": 12}  # 12 pt, with a halo


def draw(paths: dict[str, np.ndarray], weights=WEIGHT, frozen=()) -> Figure:
    """Contours of J, its minima, and the paths, by plan; a matplotlib figure 720 px wide. frozen only changes markers."""
    a, b = _both(weights)
    figure = Figure(figsize=(9, 8), dpi=80, layout="constrained")
    axes = figure.subplots()
    start = next(iter(paths.values()))[0]
    reach = max(2.5, 0.3 + np.abs(start).max())
    line = np.linspace(-reach, reach, 241)
    surface = objective(line[None, :], line[:, None], (a, b))  # (phi, theta)
    floor = surface.min()
    levels = floor + 0.01 * 10 ** (np.arange(0, 40) / 3)
    levels = levels[levels < surface.max()]
    axes.contourf(line, line, surface, levels, cmap="Greys", norm=LogNorm(levels[0], 50 * levels[-1]), extend="both")
    marks = axes.contour(line, line, surface, levels, colors="0.55", linewidths=0.8)
    axes.clabel(marks, levels[3::3], fmt=lambda level: f"{level:.2g}", fontsize=11, colors="0.25")

    half = line[line > 1 / reach]
    for sign in (1, -1):
        axes.plot(sign * half, sign / half, color="black", linestyle=":", linewidth=1)
    _draw_minima(axes, minima((a, b)), reach)
    for name, points in paths.items():
        _draw_path(axes, points[np.abs(points).max(axis=1) < 10 * reach], MARKERS["frozen" if frozen else name])
    _label_ends(axes, paths, (a, b), frozen)
    axes.plot(*start, "o", markersize=13, markerfacecolor="white", markeredgecolor="black", markeredgewidth=2)
    axes.annotate("start", start, (0, -20), textcoords="offset points", ha="center", **INK)
    lock = {name: ", frozen" if name in frozen else "" for name in NAMES}
    axes.set_xlabel(f"θ (feature extractor{lock['theta']})", fontsize=13, color=LOOK["theta"][0])
    axes.set_ylabel(f"φ (classifier{lock['phi']})", fontsize=13, color=LOOK["phi"][0])
    weights = f"λ = {a:g}" if a == b else f"λ of θ = {a:g}, λ of φ = {b:g}"
    axes.set_title(f"J(θ, φ) = ½(φ·θ − 1)² + ½λ(θ² + φ²),  {weights}", fontsize=13)
    axes.tick_params(labelsize=12)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    return figure


def _draw_minima(axes, found: np.ndarray, reach: float) -> None:
    if len(found) == 1:
        axes.plot(0, 0, "*", markersize=18, color="black")
        axes.annotate("the only minimum", (0, 0), (0, -20), textcoords="offset points", ha="center", **INK)
        return
    axes.plot(0, 0, "x", markersize=9, markeredgewidth=2, color="black")
    axes.annotate("saddle", (0, 0), (0, -18), textcoords="offset points", ha="center", **INK)
    for point in found[np.abs(found).max(axis=1) < reach]:
        axes.plot(*point, "*", markersize=18, markerfacecolor="white", markeredgecolor="black")
        axes.annotate("minimum", point, (0, -22), textcoords="offset points", ha="center", **INK)


def _draw_path(axes, points: np.ndarray, marker: str) -> None:
    """A step in which only θ moves is blue, one in which only φ moves vermilion and dashed, any other black."""
    steps = np.stack([points[:-1], points[1:]], axis=1)  # (steps, 2 ends, 2)
    moved = points[:-1] != points[1:]
    kinds = {"theta": moved[:, 0] & ~moved[:, 1], "phi": ~moved[:, 0] & moved[:, 1], "both": moved.all(axis=1)}
    for kind, chosen in kinds.items():
        color, linestyle = LOOK[kind]
        axes.add_collection(LineCollection(steps[chosen], colors=color, linestyles=linestyle, linewidths=2.5, zorder=3))
    every = max(1, len(points) // 12)
    axes.plot(*points[::every].T, marker, color="black", markersize=6, markerfacecolor="white", zorder=4)


def _label_ends(axes, paths: dict[str, np.ndarray], weights, frozen) -> None:
    raise NotImplementedError


class _Checked(traitlets.TraitType):
    """A synchronized trait that a function checks and converts. Its ValueError comes before anything changes."""

    def __init__(self, check, default):
        super().__init__(default)
        self.check = check
        self.tag(sync=True)

    def validate(self, obj, value):
        return self.check(value)


class Landscape(anywidget.AnyWidget):
    """The live landscape of J(θ, φ). Every setting can be read and set, here and in the browser.

    weight  λ: one finite number ≥ 0, or the pair (λ_θ, λ_φ)
    start   (θ, φ), each from -10 to 10
    plan    "joint", "alternating", "staged" (θ first), "staged_phi_first", or "all": joint, staged and alternating
    frozen  names among "theta" and "phi"
    lr      learning rate of plain gradient descent, > 0;  steps: 1 to 2000

    A wrong value raises ValueError and changes nothing.
    """

    _esm = front_end("landscape.js")
    _css = style()
    weight = _Checked(_weight, WEIGHT)
    start = _Checked(_start, START)
    plan = _Checked(_plan, "joint")
    frozen = _Checked(_frozen, ())
    lr = _Checked(_lr, LR)
    steps = _Checked(_steps, STEPS)

    def __init__(self, weight=WEIGHT, start=START, plan="joint", frozen=(), lr=LR, steps=STEPS):
        super().__init__(weight=weight, start=start, plan=plan, frozen=frozen, lr=lr, steps=steps)
        self.on_msg(self._on_message)

    def __repr__(self):
        extra = f", frozen={self.frozen}" if self.frozen else ""
        return f"Landscape(weight={self.weight}, plan={self.plan!r}, start={self.start}{extra})"

    def paths(self) -> dict[str, np.ndarray]:
        """Plan name -> its path, array (steps + 1, 2) with columns θ and φ. More than one for plan="all"."""
        names = COMPARED if self.plan == "all" else (self.plan,)
        return {name: path(self.start, name, self.lr, self.steps, self.weight, self.frozen) for name in names}

    def _on_message(self, _widget, content, _buffers) -> None:
        """A change made in the browser: {"id": …, "set": {trait: value}}. All of it is valid, or none is applied.

        Messages rather than trait sync, which can go deaf for good. The answer lets the browser forget its own echo.
        """
        answer = {"ack": content.get("id") if isinstance(content, dict) else None}
        try:
            changes = {name: SETTINGS[name].check(value) for name, value in dict(content["set"]).items()}
        except (KeyError, TypeError, ValueError) as error:
            answer["error"] = str(error)
            self.send_state(list(SETTINGS))
        else:
            for name, value in changes.items():
                setattr(self, name, value)
        self.send(answer)

    def figure(self) -> Figure:
        """The same picture, static: 720 px wide."""
        return draw(self.paths(), self.weight, self.frozen)


SETTINGS = {name: trait for name, trait in Landscape.class_traits().items() if isinstance(trait, _Checked)}
