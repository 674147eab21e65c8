"""The static picture of the landscape; landscape_draw.js draws the live one."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from jointopt.live.landscape_math import WEIGHT, both, minima, objective

# The look of the figure; the browser's is in common.js and landscape_draw.js.
LOOK = {"theta": ("#0072B2", "-"), "phi": ("#D55E00", "--"), "both": ("black", "-")}
MARKERS = {"joint": "o", "staged": "s", "staged_phi_first": "s", "alternating": "^", "frozen": "D"}
WORDS = {"fontsize": 12, "path_effects": [withStroke(linewidth=3, foreground="white")], "zorder": 6}  # 12 pt


def draw(paths: dict[str, np.ndarray], weights=WEIGHT, frozen=()) -> Figure:
    """Contours of J, its minima, and a path for each plan: a matplotlib figure, 720 px wide.

    paths: plan name -> array (steps + 1, 2). frozen: names of what stood still, for the marks and the axes' names.
    """
    a, b = both(weights)
    figure = Figure(figsize=(9, 7.8), dpi=80, layout="constrained")
    axes = figure.subplots()
    start = next(iter(paths.values()))[0]
    reach = max(2.5, 0.3 + np.abs(start).max())
    line = np.linspace(-reach, reach, 201)
    surface = objective(line[None, :], line[:, None], (a, b))  # (phi, theta)
    levels = surface.min() + 0.01 * 10 ** (
        np.arange(40) / 3
    )  # each third is ten times higher above the floor
    levels = levels[levels < surface.max()]
    height = np.log10(surface - surface.min() + 0.01)
    axes.contourf(line, line, height, 14, cmap="Greys", vmax=height.min() + 3 * np.ptp(height))
    widths = np.where(np.arange(len(levels)) % 3, 0.6, 1.4)
    lines = axes.contour(line, line, surface, levels, colors="0.45", linewidths=widths)
    axes.clabel(lines, levels[3::3], fmt="%.3g", fontsize=11, colors="0.2")
    half = np.geomspace(1 / reach, reach, 100)
    for sign in (1, -1):
        axes.plot(sign * half, sign / half, color="black", linestyle=":", linewidth=1)
    axes.text(1 / reach + 0.1, reach - 0.2, "φ·θ = 1", **WORDS)

    _draw_minima(axes, minima((a, b)), reach)
    for name, points in paths.items():
        shown = points[(np.abs(points) < 10 * reach).all(axis=1)]
        _draw_path(axes, shown, MARKERS["frozen" if frozen else name])
    _label_ends(axes, {f"{name}: J": points for name, points in paths.items()}, (a, b), reach)
    axes.plot(*start, "o", markersize=13, color="black", markerfacecolor="white", markeredgewidth=2, zorder=5)
    axes.annotate("start", start, (0, -22), textcoords="offset points", ha="center", **WORDS)
    names = {"theta": "θ (feature extractor", "phi": "φ (classifier"}
    names = {name: words + (", frozen)" if name in frozen else ")") for name, words in names.items()}
    axes.set_xlabel(names["theta"], fontsize=13, color=LOOK["theta"][0])
    axes.set_ylabel(names["phi"], fontsize=13, color=LOOK["phi"][0])
    regularizer = f"½·{a:g}·(θ² + φ²)" if a == b else f"½·{a:g}·θ² + ½·{b:g}·φ²"
    axes.set_title(f"J(θ, φ) = ½(φ·θ − 1)² + {regularizer}", fontsize=14)
    axes.tick_params(labelsize=12)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    return figure


def _draw_minima(axes, found: np.ndarray, reach: float) -> None:
    if len(found) != 1:
        axes.plot(0, 0, "x", markersize=10, markeredgewidth=2.5, color="black")
        axes.annotate("saddle", (0, 0), (0, -22), textcoords="offset points", ha="center", **WORDS)
    name = "the only minimum" if len(found) == 1 else "minimum"
    for point in found[(np.abs(found) < reach).all(axis=1)]:
        side = -1 if point[0] > 0 else 1  # the name goes on the side that looks to the middle
        axes.plot(*point, "*", markersize=18, markerfacecolor="white", markeredgecolor="black", zorder=4)
        align = {"ha": "right" if side < 0 else "left", "va": "center"}
        axes.annotate(name, point, (14 * side, 0), textcoords="offset points", **align, **WORDS)


def _draw_path(axes, points: np.ndarray, marker: str) -> None:
    """A step in which θ alone moves is blue, one of φ alone vermilion and dashed, one of both black."""
    moved = points[:-1] != points[1:]
    kinds = np.where(moved.all(axis=1), "both", np.where(moved[:, 1], "phi", "theta"))
    changes = [0, *(1 + np.flatnonzero(kinds[:-1] != kinds[1:])), len(kinds)]
    for first, last in zip(changes, changes[1:], strict=False):
        color, linestyle = LOOK[str(kinds[first])] if len(kinds) else LOOK["both"]
        axes.plot(*points[first : last + 1].T, color=color, linestyle=linestyle, linewidth=2.5, zorder=3)
    every = max(1, len(points) // 12)
    look = {"color": "black", "markerfacecolor": "white", "zorder": 4}
    axes.plot(*points[::every].T, marker, markersize=6, **look)
    axes.plot(*points[-1], marker, markersize=9, markeredgewidth=1.5, **look)


def _label_ends(axes, paths: dict[str, np.ndarray], weights, reach: float) -> None:
    """Name and J at each end that is in the picture, away from the start; stacked where ends are close."""
    ends = {name: points[-1] for name, points in paths.items() if (np.abs(points[-1]) < reach).all()}
    start = next(iter(paths.values()))[0]
    for way in (1, -1):  # up, down
        taken = -np.inf
        for name, (theta, phi) in sorted(ends.items(), key=lambda end: way * end[1][1]):
            if (phi >= start[1]) == (way > 0):
                level = max(way * phi + 0.1 * reach, taken)
                taken = level + 0.08 * reach
                words = f"{name} {objective(theta, phi, weights):.3g}"
                place = (min(theta + 0.08 * reach, 0.5 * reach), way * level)
                link = {"arrowstyle": "-", "relpos": (0, 0.5)}
                axes.annotate(words, (theta, phi), place, va="center", arrowprops=link, **WORDS)
