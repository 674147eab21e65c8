"""The live plane of the game min_x max_y x·y; `jointopt.toys.game` says what is played.

The browser computes and draws for itself: a change needs no kernel, and the view works in an exported page.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from jointopt.checks import check_count, check_point
from jointopt.figures import MARKERS, Picture, label_ends, look, panels
from jointopt.live.shared.plane import HALO, WHITE
from jointopt.live.shared.view import Setting, View, front_end
from jointopt.toys import game
from jointopt.toys.game import LR, METHODS, START, STEPS, radius

MARKS = {"simultaneous": MARKERS["joint"], "alternating": MARKERS["alternating"], "extragradient": "*"}
CHECKS = {
    "start": partial(check_point, "start", most=10.0),
    "lr": game.check_lr,
    "steps": partial(check_count, "steps", least=1, most=2000),
}


class GamePlane(View):
    """Simultaneous, alternating and extragradient play from one start, step by step, with their radius.

    start  (x, y), each from -10 to 10;  lr: the step size η, > 0;  steps: 1 to 2000

    Each can be read and set, here and in the browser. A wrong value raises ValueError and changes nothing.
    """

    _esm = front_end("game/game.js")
    start = Setting(CHECKS["start"], START)
    lr = Setting(CHECKS["lr"], LR)
    steps = Setting(CHECKS["steps"], STEPS)

    def __init__(self, start=START, lr=LR, steps=STEPS):
        super().__init__(start=start, lr=lr, steps=steps)

    def __repr__(self):
        return f"GamePlane(start={self.start}, lr={self.lr:g}, steps={self.steps})"

    def paths(self) -> dict[str, np.ndarray]:
        """Method -> its path, array (steps + 1, 2) with columns x and y."""
        return {method: game.path(self.start, method, self.lr, self.steps) for method in METHODS}

    def figure(self) -> Picture:
        """All steps as a static picture: 720 px wide."""
        return draw(self.paths(), self.lr)


def draw(paths: Mapping[str, np.ndarray], lr: float) -> Picture:
    """The plane with each path, and beside it the radius over the steps (log scale).

    paths: method -> array (steps + 1, 2), all from one start.
    """
    figure, (plane, radii) = panels(1, 2, height=370)
    start = next(iter(paths.values()))[0]
    with np.errstate(over="ignore", invalid="ignore"):
        distances = {method: radius(points) for method, points in paths.items()}
    _draw_plane(plane, paths, start)
    _draw_radii(radii, distances, float(np.hypot(*start)))
    steps = len(next(iter(paths.values()))) - 1
    ends = "; ".join(f"{method} {r[-1]:.3g}" for method, r in distances.items())
    words = f"From x {start[0]:g}, y {start[1]:g}, {steps} steps of size {lr:g}. Radius at the end: {ends}."
    plane.set_title(f"min max x·y, η = {lr:g}", loc="left")
    return Picture(figure, f"Three paths on the plane of x and y around the equilibrium, and their radius. {words}")


def reach_of(start: np.ndarray) -> float:
    """The plane is shown from minus this to this."""
    return max(2.5, 2 * float(np.hypot(*start)))


def looks() -> dict[str, dict]:
    """Method -> how its line is drawn: simultaneous steps are the joint ones, in the look of J."""
    others = [method for method in METHODS if method != "simultaneous"]
    return {"simultaneous": look("total")} | {method: look(method, others) for method in others}


def _draw_plane(axes: Axes, paths: Mapping[str, np.ndarray], start: np.ndarray) -> None:
    reach = reach_of(start)
    line = np.linspace(-0.9, 0.9, 7) * reach
    x, y = np.meshgrid(line, line)
    axes.quiver(x, y, -y, x, color="0.75", angles="xy", zorder=0)  # where each player would go
    for method, points in paths.items():
        shown = points[np.cumprod((np.abs(points) < 10 * reach).all(axis=1)).astype(bool)]
        axes.plot(*shown.T, **looks()[method], zorder=3)
        axes.plot(*points[-1], MARKS[method], markersize=10, markeredgewidth=1.5, **WHITE)
    axes.plot(*start, "o", markersize=13, markeredgewidth=2, **WHITE)
    axes.annotate("start", start, (-10, 0), textcoords="offset points", ha="right", va="center", **HALO)
    axes.plot(0, 0, "x", markersize=9, markeredgewidth=2.5, color="black", zorder=5)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="x, descends on x·y")
    axes.set_ylabel("y, descends on −x·y")


def _draw_radii(axes: Axes, distances: Mapping[str, np.ndarray], first: float) -> None:
    low, high = radius_range(list(distances.values()), first)
    for method, r in distances.items():
        shown = np.where((r >= low) & (r <= high), r, np.nan)
        axes.plot(shown, **looks()[method], label=method)
        axes.plot(len(r) - 1, shown[-1], MARKS[method], markersize=10, markeredgewidth=1.5, clip_on=False, **WHITE)
    axes.set(yscale="log", ylim=(low, high), xlabel="step")
    axes.set_title("radius, log scale", loc="left")
    label_ends(axes)


def radius_range(distances: list[np.ndarray], first: float) -> tuple[float, float]:
    """What the axis of the radius shows: all of them, but no more than three decades up and down from the first."""
    if first == 0:
        return 0.1, 10.0
    seen = np.concatenate(distances)
    seen = seen[np.isfinite(seen) & (seen > 0)]
    return max(seen.min() / 1.3, first / 1000), min(seen.max() * 1.3, first * 1000)
