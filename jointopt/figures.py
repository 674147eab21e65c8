"""Static pictures: one look for one idea, the same as in the live views. matplotlib's object API only, no pyplot.

figure, axes = panels(1, 2, height=260)
axes[0].plot(steps, losses, **look("classifier"))
Picture(figure, alt="The loss falls from 2.3 to 0.4 in 100 steps.")
"""

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from textwrap import fill

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Rectangle
from matplotlib.text import Text
from PIL import Image

from jointopt.comparison import interval

WIDTH, DPI = 720, 80  # pixels, dots an inch
SMALLEST = 11  # points
STILL = 4  # steps: a shorter stand is another module's turn in an alternating plan
STYLE = {
    "font.size": 12,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2,
}

# The four ideas of the document; further modules and losses take the rest of the Okabe–Ito palette in this order.
_THETA, _PHI = ("#0072B2", "-"), ("#D55E00", "--")
_NAMED = {
    **dict.fromkeys(("feature_extractor", "backbone", "encoder", "theta"), _THETA),
    **dict.fromkeys(("classifier", "head", "roi_heads", "phi"), _PHI),
    "reg": ("#009E73", "-."),
    "total": ("black", "-"),
}
_FURTHER = [("#E69F00", (0, (6, 2))), ("#56B4E9", (0, (2, 2))), ("#CC79A7", (0, (4, 1, 1, 1))), ("#F0E442", ":")]
HELD_OUT = {"color": "#CC79A7", "linestyle": ":", "marker": "o", "markersize": 6}
MARKERS = {"joint": "o", "staged": "s", "alternating": "^", "frozen": "D"}


def look(name: str, further: Sequence[str] = ()) -> dict:
    """Color and line style of a module or loss, as arguments for `plot`. `further`: all names, to number the others."""
    if name in _NAMED:
        color, style = _NAMED[name]
    else:
        others = [other for other in further if other not in _NAMED]
        color, style = _FURTHER[(others.index(name) if name in others else 0) % len(_FURTHER)]
    return {"color": color, "linestyle": style, "linewidth": 3 if name == "total" else 2}


def panels(rows: int = 1, columns: int = 1, height: int = 300, **options) -> tuple[Figure, np.ndarray]:
    """An empty figure, 720 pixels wide and `height` pixels high, and its axes as a flat array."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes.ravel()


def seeds(
    axes: Axes, x: float, values: Sequence[float], label: str | None = None, marker: str = "o", **options
) -> None:
    """One point per seed, and beside them their mean with its 95 % interval as a line."""
    mean, half = interval(values)
    color = options.pop("color", "black")
    axes.plot([x] * len(values), values, marker, color=color, alpha=0.45, markersize=6, linestyle="none", **options)
    axes.errorbar([x], [mean], [half], fmt=marker, color=color, capsize=4, markersize=8, label=label)


class Picture:
    """A figure with its alternative text. The text is what a screen reader says, and what nbval compares."""

    def __init__(self, figure: Figure, alt: str):
        self.figure, self.alt = figure, alt
        for text in figure.findobj(Text):  # readable from the back of a hall
            text.set_fontsize(max(SMALLEST, text.get_fontsize()))

    def __repr__(self) -> str:
        return self.alt

    def png(self) -> bytes:
        """The figure as a PNG of its own size."""
        drawn, small = BytesIO(), BytesIO()
        with rc_context(STYLE):
            self.figure.savefig(drawn, format="png", dpi=DPI)
        # 128 colors are enough for lines and letters, in a third of the bytes. Octree keeps the rare ones.
        few = Image.open(drawn).convert("RGB").quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(small, "PNG", optimize=True)
        return small.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/png": self.png(), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def run(history, marks: Sequence[tuple[int, str]] = ()) -> Picture:
    """A run of the lab (a `jointopt.live.history.History`): J and its parts, gradients, movement, held-out figures.

    `marks`: (step, what changed there). A module that stands still has a gap in its curves and a hatched bar beneath.
    """
    standing = [module for module in history.modules if still(history[f"change.{module}"], STILL)]
    rows = dict(height_ratios=[180, 180, 16 * len(standing)][: 3 if standing else 2])
    height = 520 + 16 * len(standing)
    figure, (objective, held_out, gradient, change, *lanes) = panels(
        len(rows["height_ratios"]), 2, height, sharex=True, **rows
    )
    steps = history["step"]
    objective.plot(steps, history["total"], **look("total"), label="J")
    for loss in history.losses:
        if (history[f"part.{loss}"] > 0).any():
            objective.plot(*drawn(steps, history[f"part.{loss}"]), **look(loss, history.losses), label=f"λ·{loss}")
    objective.set_title("objective J and its parts (log scale)", loc="left")
    objective.set(yscale="log")
    label_ends(objective)
    for axes, kind, what in ((gradient, "grad_norm", "gradient norm"), (change, "change", "weight change per step")):
        for module in history.modules:
            values = history[f"{kind}.{module}"]
            if (values > 0).any():
                axes.plot(*drawn(steps, values), **look(module, history.modules), label=module)
        axes.set_title(f"{what}, 2-norm (log scale)", loc="left")
        axes.set(yscale="log" if axes.get_lines() else "linear")
    for axes in lanes:
        draw_lanes(axes, history, standing)
    for axes in lanes or (gradient, change):
        axes.set(xlabel="step")
    if lanes:
        lanes[1].set_yticks(range(len(standing)), standing)  # the lanes on the left are the same
    label_ends(change)  # the gradients beside it have the same lines
    draw_held_out(held_out, history.held_out)
    told = draw_marks(figure, (objective, held_out, gradient, change), marks)
    names, marked = ", ".join(history.modules), f" Marked: {told}." if told else ""
    shown = f"J and its parts, held-out figures, gradient norm and weight change of {names}"
    return Picture(figure, f"Four panels over {len(steps)} steps: {shown}.{marked}")


def draw_lanes(axes: Axes, history, modules: Sequence[str]) -> None:
    """A lane for each of the modules, with a hatched bar where it stood still for STILL steps; one word for all."""
    ends = np.append(history["step"], len(history))
    for lane, module in enumerate(modules):
        spans = [(ends[a], ends[b + 1] - ends[a]) for a, b in still(history[f"change.{module}"], STILL)]
        color = look(module, history.modules)["color"]
        axes.broken_barh(spans, (lane - 0.38, 0.76), facecolor=to_rgba(color, 0.4), edgecolor=color, hatch="///", lw=0)
    axes.set(ylim=(len(modules) - 0.5, -0.5), yticks=[])
    axes.set_ylabel("frozen", rotation=0, ha="right", va="center", fontsize=11)
    axes.tick_params("y", length=0, labelright=True, labelleft=False)
    axes.spines["left"].set_visible(False)


def label_ends(axes: Axes, apart: float = 0.085) -> None:
    """Each line's label beside its right end, in the line's color, `apart` (of the axes' height) at least."""
    ends = []
    for line in axes.get_lines():
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        drawn = np.isfinite(y) & ((y > 0) | (axes.get_yscale() != "log"))
        if drawn.any() and not line.get_label().startswith("_"):
            height = axes.transAxes.inverted().transform(axes.transData.transform((x[drawn][-1], y[drawn][-1])))[1]
            ends.append([height, line])
    for below, above in pairwise(sorted(ends, key=lambda end: end[0])):
        above[0] = max(above[0], below[0] + apart)
    for height, line in ends:
        place = dict(
            xycoords="axes fraction", xytext=(6, 0), textcoords="offset points", va="center", annotation_clip=False
        )
        axes.annotate(line.get_label(), (1, height), color=line.get_color(), fontsize=12, **place)


def draw_marks(figure: Figure, panels: Sequence[Axes], marks: Sequence[tuple[int, str]]) -> str:
    """A numbered line at each step with a change; what the numbers mean stands beneath, and is answered."""
    changes: dict[int, list[str]] = {}
    for step, text in marks:
        changes.setdefault(step, []).append(text)
    for number, step in enumerate(changes, 1):
        for axes in panels:
            axes.axvline(step, color="gray", linewidth=1, linestyle=(0, (1, 2)))
            axes.annotate(f" {number}", (step, 1), xycoords=axes.get_xaxis_transform(), fontsize=11, va="top")
    told = "; ".join(f"{i} (step {step}): {', '.join(texts)}" for i, (step, texts) in enumerate(changes.items(), 1))
    if told:
        figure.supxlabel(fill(told, 100), x=0.01, ha="left", fontsize=11, parse_math=False)
    return told


def flow(layers: dict[str, str], rows: dict[str, dict[str, float | None]], alt: str) -> Picture:
    """The pipeline once a row, and how far the backward pass comes in it.

    layers: layer -> its module, in the order of the forward pass.
    rows: title -> {layer: 2-norm of the gradient in its weights; None where it is held still}.
    A held layer is hatched and has a lock; gradient passes through it where a layer beneath it moves.
    """
    figure, axes = panels(len(rows), 1, height=125 * len(rows))
    for row, (title, norms) in zip(axes, rows.items(), strict=True):
        row.set_title(title, loc="left")
        row.set(xlim=(-0.5, len(layers) + 1.4), ylim=(-0.8, 0.5))
        row.axis("off")
        row.text(0, 0, "images", ha="center", va="center")
        row.text(len(layers) + 1, 0, "loss", ha="center", va="center")
        for x, (layer, module) in enumerate(layers.items(), 1):
            draw_layer(row, x, layer, norms[layer], look(module))
        lowest = min(x for x, layer in enumerate(layers, 1) if norms[layer] is not None)
        for x in range(lowest, len(layers) + 1):
            arrow = dict(arrowstyle="-|>", color="black", linewidth=2.5, shrinkA=0, shrinkB=0)
            row.annotate("", (x + 0.34, 0), (x + 0.66, 0), arrowprops=arrow)
    return Picture(figure, alt)


def draw_layer(axes: Axes, x: float, layer: str, norm: float | None, line: dict) -> None:
    """One box of `flow`, with what arrives in its weights beneath it."""
    held = norm is None
    color = to_rgba(line["color"], 0.5 if held else 1)
    box = dict(facecolor="none", edgecolor=color, hatch="//" * held, linestyle=line["linestyle"], linewidth=2.5)
    axes.add_patch(Rectangle((x - 0.32, -0.32), 0.64, 0.64, **box))
    plate = dict(facecolor="white", edgecolor="none", pad=2)
    axes.text(x, 0, layer, ha="center", va="center", color=line["color"], bbox=plate)
    words = "no gradient" if held else f"gradient {norm:.3f}"
    axes.text(x, -0.6, words, ha="center", va="center", fontsize=11, color=line["color"])
    if held:
        axes.add_patch(Rectangle((x + 0.2, -0.27), 0.12, 0.2, color=line["color"], zorder=3))
        axes.add_patch(Arc((x + 0.26, -0.07), 0.08, 0.3, theta2=180, color=line["color"], linewidth=2))


def draw_held_out(axes: Axes, held_out: Sequence[tuple[int, dict[str, float]]]) -> None:
    """The first held-out figure over the steps taken; the figure's name, with its unit, is the title."""
    axes.set_title("held-out figure: none", loc="left")
    if held_out:
        name = next(iter(held_out[0][1]))
        axes.plot([step for step, _ in held_out], [figures[name] for _, figures in held_out], **HELD_OUT)
        axes.set_title(f"held-out {name}", loc="left")


def positive(values: np.ndarray) -> np.ndarray:
    """For a log scale: nan, which leaves a gap, where a value is 0."""
    return np.where(values > 0, values, np.nan)


def still(change: np.ndarray, shortest: int = 1) -> list[tuple[int, int]]:
    """(first, last) row of each stretch, of so many rows at least, in which nothing moved."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], change == 0, [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def drawn(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For a log scale: a gap where a value is 0 for STILL steps; shorter zeros, other modules' turns, are left out."""
    gaps = np.zeros(len(values), bool)
    for first, last in still(values, STILL):
        gaps[first : last + 1] = True
    shown = (values > 0) | gaps
    return steps[shown], positive(values[shown])
