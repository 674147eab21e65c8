"""The static picture of the landscape; draw.js draws the live one."""

import numpy as np
from matplotlib.axes import Axes

from jointopt.figures import MARKERS, Picture, look, panels
from jointopt.live.shared.plane import HALO, WHITE
from jointopt.toys.landscape import WEIGHT, both, minima, objective


def draw(paths: dict[str, np.ndarray], weights=WEIGHT, frozen=()) -> Picture:
    """Contours of J, its minima, and a path for each plan; 720 pixels wide.

    paths: plan name -> array (steps + 1, 2), all from one start. frozen: names of what stood still.
    """
    a, b = both(weights)
    figure, (axes,) = panels(height=620)
    start = next(iter(paths.values()))[0]
    reach = max(2.5, 0.4 + np.abs(start).max())
    _draw_surface(axes, (a, b), reach)
    _draw_minima(axes, minima((a, b)), reach)
    for plan, points in paths.items():
        _draw_path(axes, points[(np.abs(points) < 10 * reach).all(axis=1)], _marker(plan, frozen))
    _name_ends(axes, paths, (a, b), reach)
    axes.plot(*start, "o", markersize=13, markeredgewidth=2, **WHITE)
    above = {"xytext": (0, 16 if start[1] > 0 else -24), "textcoords": "offset points", "ha": "center"}
    axes.annotate("start", start, **above, **HALO)
    names = {"theta": "θ (feature extractor", "phi": "φ (classifier"}
    names = {name: words + (", frozen)" if name in frozen else ")") for name, words in names.items()}
    axes.set_xlabel(names["theta"], color=look("theta")["color"])
    axes.set_ylabel(names["phi"], color=look("phi")["color"])
    regularizer = f"½·{a:g}·(θ² + φ²)" if a == b else f"½·{a:g}·θ² + ½·{b:g}·φ²"
    title = f"J(θ, φ) = ½(φ·θ − 1)² + {regularizer}"
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
    return Picture(figure, f"Contours of {title}. {_ends_in_words(paths, (a, b), frozen)}")


def _marker(plan: str, frozen) -> str:
    return MARKERS["frozen" if frozen else plan.split("_")[0]]


def _draw_surface(axes: Axes, weights, reach: float) -> None:
    line = np.linspace(-reach, reach, 201)
    surface = objective(line[None, :], line[:, None], weights)  # (phi, theta)
    above = surface - surface.min()
    height = np.log10(above + 0.01)
    axes.contourf(line, line, height, 14, cmap="Greys", vmax=height.min() + 3 * np.ptp(height))
    levels = 0.01 * 10 ** (np.arange(40) / 3)
    levels = surface.min() + levels[levels < above.max()]
    widths = np.where(np.arange(len(levels)) % 3, 0.6, 1.4)  # each third is ten times higher above the floor
    lines = axes.contour(line, line, surface, levels, colors="0.45", linewidths=widths)
    axes.clabel(lines, levels[3::3], fmt="%.3g", fontsize=11, colors="0.2")
    half = np.geomspace(1 / reach, reach, 100)
    for sign in (1, -1):
        axes.plot(sign * half, sign / half, color="black", linestyle=":", linewidth=1)
    axes.text(1 / reach + 0.1, reach - 0.2, "φ·θ = 1", **HALO)


def _draw_minima(axes: Axes, lowest: np.ndarray, reach: float) -> None:
    """Each minimum, named on its left where there is room, and the saddle."""
    for point in lowest[(np.abs(lowest) < reach).all(axis=1)]:
        axes.plot(*point, "*", markersize=18, **WHITE)
        place = {"ha": "right", "xytext": (-14, 0)} if point[0] > -0.5 * reach else {"ha": "left", "xytext": (14, 0)}
        name = "minimum" if len(lowest) == 2 else "the only minimum"
        axes.annotate(name, point, textcoords="offset points", va="center", **place, **HALO)
    if len(lowest) != 1:
        axes.plot(0, 0, "x", markersize=10, markeredgewidth=2.5, color="black")
        axes.annotate("saddle", (0, 0), (0, -22), textcoords="offset points", ha="center", **HALO)


def _draw_path(axes: Axes, points: np.ndarray, marker: str) -> None:
    """A step in which θ alone moves has the look of θ, one of φ alone that of φ, one of both that of J."""
    moved = points[:-1] != points[1:]
    kinds = np.where(moved.all(axis=1), "total", np.where(moved[:, 1], "phi", "theta"))
    changes = [0, *(1 + np.flatnonzero(kinds[:-1] != kinds[1:])), len(kinds)]
    for first, last in zip(changes[:-1], changes[1:], strict=True):
        axes.plot(*points[first : last + 1].T, zorder=3, **look(str(kinds[first])) if len(kinds) else {})
    axes.plot(*points[:: max(1, len(points) // 12)].T, marker, markersize=6, **WHITE)
    axes.plot(*points[-1], marker, markersize=9, markeredgewidth=1.5, **WHITE)


def _name_ends(axes: Axes, paths: dict[str, np.ndarray], weights, reach: float) -> None:
    """Plan and J at each end in the picture, on the side away from the start; stacked where ends are near."""
    start = next(iter(paths.values()))[0]
    ends = {plan: points[-1] for plan, points in paths.items() if (np.abs(points[-1]) < reach).all()}
    for way in (1, -1):  # up, down
        free = -np.inf
        for plan, (theta, phi) in sorted(ends.items(), key=lambda end: way * end[1][1]):
            if (phi >= start[1]) == (way > 0):
                level = max(way * phi + 0.12 * reach, free)
                free = level + 0.08 * reach
                words = f"{plan}: " * (len(paths) > 1) + f"J {objective(theta, phi, weights):.3g}"
                place = (min(theta + 0.08 * reach, (0.5 if len(paths) > 1 else 0.75) * reach), way * level)
                link = {"arrowstyle": "-", "relpos": (0, 0.5)}
                axes.annotate(words, (theta, phi), place, va="center", arrowprops=link, **HALO)


def _ends_in_words(paths: dict[str, np.ndarray], weights, frozen) -> str:
    held = f", {' and '.join(frozen)} frozen" if frozen else ""
    ends = []
    for plan, points in paths.items():
        (theta, phi), plan = points[-1], plan.replace("_", " ")
        where = f"theta {theta:.2f}, phi {phi:.2f}, J {objective(theta, phi, weights):.3g}"
        ends.append(f"{plan}: {where}" if np.abs(points[-1]).max() < 1e6 else f"{plan}: ran off")
    steps, start = len(points) - 1, points[0]
    return f"From theta {start[0]:g}, phi {start[1]:g} after {steps} steps{held}: {'; '.join(ends)}."
