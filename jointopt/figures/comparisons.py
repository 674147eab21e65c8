"""Pictures of values per seed: the arms of a comparison side by side, a curve over one λ, a heat map over two.

A comparison draws itself by them: result.figure(), result.curve("reg"), result.heat_map("reg_theta", "reg_phi").
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from jointopt.checks import listed
from jointopt.figures.style import MARKERS, Picture, draw_seeds, panels
from jointopt.statistics import Interval, interval

COLORS = "cividis"  # perceptually uniform, and nearly the same to all kinds of color vision


def comparison(values: Mapping[str, np.ndarray], metric: str, against: str) -> Picture:
    """Of {arm: a value per seed, (n,)}. Left: a point per seed and the mean with its 95 % interval, a row per arm.

    Right: the paired differences from one of the arms.
    """
    drawing, (left, right) = panels(1, 2, height=90 + 48 * len(values), sharey=True)
    names = list(values)[::-1]  # the first on top
    for y, name in enumerate(names):
        across(left, y, values[name], marker_of(name))
        if name != against:
            across(right, y, values[name] - values[against], marker_of(name))
    right.axvline(0, color="gray", linewidth=1)
    left.set_yticks(range(len(names)), names)
    left.set(xlabel=metric, ylim=(-0.6, len(names) - 0.4))
    right.set(xlabel=f"minus {against}, seed by seed")
    right.tick_params(left=False)
    for panel in (left, right):
        panel.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))  # else wide labels run together
    n = len(values[against])
    drawn = f"{metric} of {listed(values)}, one point for each of {n} seeds, with mean and 95 % interval"
    return Picture(drawing, f"{drawn}; beside it each arm's paired differences from {against!r}.")


def across(axes: Axes, y: float, values: Sequence[float], marker: str) -> None:
    """As `draw_seeds`, but lying: one point per seed, and beneath them their mean with its 95 % interval."""
    mean, half = interval(values)
    axes.plot(values, [y + 0.14] * len(values), marker, color="black", alpha=0.35, markersize=5, linestyle="none")
    axes.errorbar([mean], [y - 0.14], xerr=[half], fmt=marker, color="black", capsize=4, markersize=8)


def marker_of(arm: str) -> str:
    """The marker of a plan, by the first of MARKERS' names that its name has in it."""
    return next((marker for plan, marker in MARKERS.items() if plan in arm), "o")


def curve(values: Mapping[float, np.ndarray], name: str, metric: str) -> Picture:
    """A metric over one λ, {λ: a value per seed, (n,)}: a point per seed, the mean with its 95 % interval."""
    drawing, (axes,) = panels(1, 1, height=300)
    draw_curve(axes, values)
    powers = powers_of_ten(values)
    zero = {zero_position(values): "0"} if 0 in values else {}
    axes.set_xticks([*zero, *powers], [*zero.values(), *(f"{power:g}" for power in powers)])
    axes.set(xlabel=f"λ of {name}", ylabel=metric)
    n, low, high = len(values[min(values)]), min(values), max(values)
    drawn = f"{metric} over λ of {name}, {len(values)} values from {low:g} to {high:g}"
    return Picture(drawing, f"{drawn}: one point for each of {n} seeds, with mean and 95 % interval.")


def draw_curve(
    axes: Axes, values: Mapping[float, Sequence[float]], zero: float | None = None, color: str = "black", **options
) -> None:
    """Values per seed over λ, {λ: (n,)}, on a log axis, where λ = 0 stands at `zero`, joined to nothing.

    zero: None is `zero_position`. The options are those of `draw_seeds`.
    """
    zero = zero_position(values) if zero is None else zero
    for weight, row in values.items():
        draw_seeds(axes, weight or zero, row, color=color, **options)
    positive = [weight for weight in values if weight > 0]
    axes.plot(positive, [np.mean(values[weight]) for weight in positive], color=color, linewidth=1)
    axes.set(xscale="log")
    axes.minorticks_off()  # between 0 and the smallest λ there is no scale


def zero_position(weights: Sequence[float]) -> float:
    """Where λ = 0 stands on a log axis: at the power of ten below the decade of the smallest λ."""
    return 10.0 ** (np.floor(np.log10(min((w for w in weights if w > 0), default=1.0))) - 1)


def powers_of_ten(weights: Sequence[float], most: int = 6) -> list[float]:
    """Those between the smallest and the largest λ > 0, or every second (third, …) of them: at most `most`."""
    exponents = np.log10([w for w in weights if w > 0] or [1.0])
    inside = np.arange(np.ceil(exponents.min() - 1e-9), np.floor(exponents.max() + 1e-9) + 1)
    return (10.0 ** inside[:: -(-len(inside) // most) or 1]).tolist()


def heat_map(values: Mapping[tuple[float, float], np.ndarray], rows: str, columns: str, metric: str) -> Picture:
    """A metric over two λ's, {(λ of rows, λ of columns): a value per seed, (n,)}.

    Each cell has the mean over the seeds, and ± the half width of its 95 % interval. ValueError if a cell is missing.
    """
    down, along = (sorted({choice[i] for choice in values}) for i in (0, 1))
    if missing := [cell for cell in product(down, along) if cell not in values]:
        first = f"{rows} {missing[0][0]:g}, {columns} {missing[0][1]:g}"
        raise ValueError(f"the grid of {rows!r} and {columns!r} lacks {len(missing)} cells, the first of them {first}")
    cells = {cell: Interval.of(row) for cell, row in values.items()}
    means = np.array([[cells[row, column].mean for column in along] for row in down])  # (rows, columns)
    drawing, (axes,) = panels(1, 1, height=100 + 56 * len(down))
    drawn = axes.imshow(means, cmap=COLORS, aspect="auto", origin="lower")
    for (y, row), (x, column) in product(enumerate(down), enumerate(along)):
        text, color = str(cells[row, column]).replace(" ±", "\n±"), ink(drawn.to_rgba(means[y, x]))
        axes.text(x, y, text, color=color, ha="center", va="center", fontsize=12)
    axes.set_xticks(range(len(along)), [f"{weight:g}" for weight in along])
    axes.set_yticks(range(len(down)), [f"{weight:g}" for weight in down])
    axes.set(xlabel=f"λ of {columns}", ylabel=f"λ of {rows}")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    drawing.colorbar(drawn, label=metric).outline.set_visible(False)
    n, size = len(next(iter(values.values()))), f"{len(down)} by {len(along)} values"
    what = f"{metric} over λ of {rows} (up) and λ of {columns} (to the right), {size}"
    return Picture(drawing, f"{what}; in each cell the mean of {n} seeds and its 95 % interval.")


def ink(background: Sequence[float]) -> str:
    """Black or white, whichever stands out more: the contrast is then 4.5 at least, whatever the background.

    Source: relative luminance and contrast ratio, WCAG 2.2.
    """
    channels = np.asarray(background[:3])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"
