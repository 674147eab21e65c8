"""Pictures of what `jointopt.compare` found: its arms side by side, a curve over one λ, a heat map over two.

Call them as methods of the comparison: result.figure(), result.curve("reg"), result.heat_map("reg_theta", "reg_phi").
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes

from jointopt.checks import listed
from jointopt.figures.style import MARKERS, Picture, panels, seeds
from jointopt.statistics import interval

COLORS = "cividis"  # perceptually uniform, and nearly the same to all kinds of color vision


def comparison(result, figure: str, against: str) -> Picture:
    """Left: a point per seed and the mean with its 95 % interval, a row an arm. Right: the paired differences."""
    names = result.arms[::-1]  # the first on top
    drawing, (values, differences) = panels(1, 2, height=90 + 48 * len(names), sharey=True)
    for y, name in enumerate(names):
        across(values, y, result.values(name, figure), marker_of(name))
        if name != against:
            across(differences, y, result.values(name, figure) - result.values(against, figure), marker_of(name))
    differences.axvline(0, color="gray", linewidth=1)
    values.set_yticks(range(len(names)), names)
    values.set(xlabel=figure, ylim=(-0.6, len(names) - 0.4))
    differences.set(xlabel=f"minus {against}, seed by seed")
    differences.tick_params(left=False)
    n = len(result.seeds)
    drawn = f"{figure} of {listed(result.arms)}, one point for each of {n} seeds, with mean and 95 % interval"
    return Picture(drawing, f"{drawn}; beside it each arm's paired differences from {against!r}.")


def across(axes: Axes, y: float, values: Sequence[float], marker: str) -> None:
    """As `seeds`, but lying: one point per seed, and beneath them their mean with its 95 % interval."""
    mean, half = interval(values)
    axes.plot(values, [y + 0.14] * len(values), marker, color="black", alpha=0.35, markersize=5, linestyle="none")
    axes.errorbar([mean], [y - 0.14], xerr=[half], fmt=marker, color="black", capsize=4, markersize=8)


def marker_of(arm: str) -> str:
    """The marker of a plan, by the first of MARKERS' names that its name has in it."""
    return next((marker for plan, marker in MARKERS.items() if plan in arm), "o")


def curve(result, name: str, figure: str) -> Picture:
    """The figure over one λ: a point per seed, the mean with its 95 % interval."""
    values = result.over(name, figure)
    means = {weight: interval(found) for weight, found in values.items()}  # what it cannot draw, it refuses here
    drawing, (axes,) = panels(1, 1, height=300)
    draw_curve(axes, values)
    powers = powers_of_ten(values)
    zero = {zero_place(values): "0"} if 0 in values else {}
    axes.set_xticks([*zero, *powers], [*zero.values(), *(f"{power:g}" for power in powers)])
    axes.set(xlabel=f"λ of {name}", ylabel=figure)
    n, low, high = len(result.seeds), min(means), max(means)
    drawn = f"{figure} over λ of {name}, {len(values)} values from {low:g} to {high:g}"
    return Picture(drawing, f"{drawn}: one point for each of {n} seeds, with mean and 95 % interval.")


def draw_curve(
    axes: Axes, values: Mapping[float, Sequence[float]], zero: float | None = None, color: str = "black", **options
) -> None:
    """Values per seed over λ, {λ: (n,)}, on a log axis, where λ = 0 stands at `zero`, joined to nothing.

    zero: None is `zero_place`. The options are those of `figures.seeds`.
    """
    zero = zero_place(values) if zero is None else zero
    for weight, found in values.items():
        seeds(axes, weight or zero, found, color=color, **options)
    positive = [weight for weight in values if weight > 0]
    axes.plot(positive, [np.mean(values[weight]) for weight in positive], color=color, linewidth=1)
    axes.set(xscale="log")
    axes.minorticks_off()  # between 0 and the smallest λ there is no scale


def zero_place(weights: Sequence[float]) -> float:
    """Where λ = 0 stands on a log axis: at the power of ten below the decade of the smallest λ."""
    return 10.0 ** (np.floor(np.log10(min((w for w in weights if w > 0), default=1.0))) - 1)


def powers_of_ten(weights: Sequence[float], most: int = 6) -> list[float]:
    """Those between the smallest and the largest λ > 0, or every second (third, …) of them: so many at most."""
    exponents = np.log10([w for w in weights if w > 0] or [1.0])
    inside = np.arange(np.ceil(exponents.min() - 1e-9), np.floor(exponents.max() + 1e-9) + 1)
    return (10.0 ** inside[:: -(-len(inside) // most) or 1]).tolist()


def heat_map(result, rows: str, columns: str, figure: str) -> Picture:
    """The figure over two λ's: each cell has the mean over the seeds, and ± the half width of its 95 % interval."""
    if rows == columns:
        raise ValueError(f"a heat map has two different λ's, got {rows!r} twice")
    arms = result.choices(rows, columns)
    down, along = (sorted({choice[i] for choice in arms}) for i in (0, 1))
    if missing := [cell for cell in product(down, along) if cell not in arms]:
        first = f"{rows} {missing[0][0]:g}, {columns} {missing[0][1]:g}"
        raise ValueError(f"the grid of {rows!r} and {columns!r} lacks {len(missing)} cells, the first of them {first}")
    cells = {cell: result.mean(arm, figure) for cell, arm in arms.items()}
    means = np.array([[cells[row, column].mean for column in along] for row in down])  # (rows, columns)
    drawing, (axes,) = panels(1, 1, height=100 + 56 * len(down))
    drawn = axes.imshow(means, cmap=COLORS, aspect="auto", origin="lower")
    for (y, row), (x, column) in product(enumerate(down), enumerate(along)):
        found, color = cells[row, column], ink(drawn.to_rgba(means[y, x]))
        axes.text(x, y, str(found).replace(" ±", "\n±"), color=color, ha="center", va="center", fontsize=12)
    axes.set_xticks(range(len(along)), [f"{weight:g}" for weight in along])
    axes.set_yticks(range(len(down)), [f"{weight:g}" for weight in down])
    axes.set(xlabel=f"λ of {columns}", ylabel=f"λ of {rows}")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    drawing.colorbar(drawn, label=figure).outline.set_visible(False)
    what = f"{figure} over λ of {rows} (up) and λ of {columns} (to the right), {len(down)} by {len(along)} values"
    return Picture(drawing, f"{what}; in each cell the mean of {len(result.seeds)} seeds and its 95 % interval.")


def ink(background: Sequence[float]) -> str:
    """Black or white, whichever stands out more: the contrast is then 4.5 at least, whatever the background.

    Source: relative luminance and contrast ratio, WCAG 2.2.
    """
    channels = np.asarray(background[:3])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"
