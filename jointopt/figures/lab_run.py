"""The picture of a run of the lab."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from jointopt.figures.style import HELD_OUT, Picture, label_ends, look, looks, panels

PALE = {"alpha": 0.4, "linewidth": 1.2, "zorder": 1, "label": "_behind"}
STILL = 4  # steps: a shorter stand is another module's turn in an alternating plan


def run(history, marks: Sequence[tuple[int, str]] = (), others: Sequence[tuple[str, int, object]] = ()) -> Picture:
    """A run of the lab (a `jointopt.live.lab.history.History`): J and its parts, gradients, movement, held-out metrics.

    marks   (step, what changed there)
    others  (name, first step that is not this run's, history) of its other branches, which are drawn pale behind it

    A module that stands still has a gap in its curves and a hatched bar beneath.
    """
    standing = [module for module in history.modules if still(history[f"change.{module}"], STILL)]
    rows = dict(height_ratios=[180, 180, 16 * len(standing)][: 3 if standing else 2])
    height = 520 + 16 * len(standing)
    figure, (objective, held_out, gradient, change, *lanes) = panels(
        len(rows["height_ratios"]), 2, height, sharex=True, **rows
    )
    steps, (of_losses, of_modules) = history["step"], looks(history.losses, history.modules)
    objective.plot(steps, history["total"], **look("total"), label="J")
    for loss in history.losses:
        if (history[f"part.{loss}"] > 0).any():
            objective.plot(*drawn(steps, history[f"part.{loss}"]), **of_losses[loss], label=f"λ·{loss}")
    objective.set_title("objective J and its parts (log scale)", loc="left")
    objective.set(yscale="log")
    columns = {"total": look("total")} | {f"part.{loss}": of_losses[loss] for loss in history.losses}
    draw_behind(objective, others, columns)
    label_ends(objective)
    for axes, kind, what in ((gradient, "grad_norm", "gradient norm"), (change, "change", "weight change per step")):
        for module in history.modules:
            values = history[f"{kind}.{module}"]
            if (values > 0).any():
                axes.plot(*drawn(steps, values), **of_modules[module], label=module)
        draw_behind(axes, others, {f"{kind}.{name}": of_modules[name] for name in history.modules})
        axes.set_title(f"{what}, 2-norm (log scale)", loc="left")
        axes.set(yscale="log" if axes.get_lines() else "linear")
    for axes in lanes:
        draw_lanes(axes, history, standing)
    for axes in lanes or (gradient, change):
        axes.set(xlabel="step")
    if lanes:
        lanes[1].set_yticks(range(len(standing)), standing)  # the lanes on the left are the same
    label_ends(change)  # the gradients beside it have the same lines
    draw_held_out(held_out, history.held_out, others)
    words = draw_marks(figure, (objective, held_out, gradient, change), marks)
    names, marked = ", ".join(history.modules), f" Marked: {words}." if words else ""
    shown = f"J and its parts, held-out metrics, gradient norm and weight change of {names}"
    ends = ", ".join(f"{name} ({len(other)} steps)" for name, _, other in others)
    behind = f" Pale behind it: branch {ends}." if others else ""
    return Picture(figure, f"Four panels over {len(steps)} steps: {shown}.{marked}{behind}")


def draw_behind(axes: Axes, others: Sequence[tuple[str, int, object]], columns: Mapping[str, dict]) -> None:
    """These columns of the other branches, {column: look}, from their last step in common on; names at their ends."""
    for name, first, other in others:
        ends = []
        for column, style in columns.items():
            steps, values = drawn(other["step"], other[column])
            later = steps >= first - 1
            if np.isfinite(values[later]).any():
                axes.plot(steps[later], values[later], **style | PALE)
                ends.append((steps[later][-1], values[later][-1]))
        name_end(axes, name, ends[0] if ends else None)


def name_end(axes: Axes, name: str, end: tuple[float, float] | None) -> None:
    """The name of a branch at the end of its first curve."""
    if end is not None and np.isfinite(end).all():
        axes.annotate(name, end, fontsize=12, ha="right", va="bottom", color="black")


def draw_lanes(axes: Axes, history, modules: Sequence[str]) -> None:
    """A lane for each of the modules, with a hatched bar where it stood still for STILL steps; one word for all."""
    ends = np.append(history["step"], len(history))
    for lane, module in enumerate(modules):
        spans = [(ends[a], ends[b + 1] - ends[a]) for a, b in still(history[f"change.{module}"], STILL)]
        color = looks(history.losses, history.modules)[1][module]["color"]
        axes.broken_barh(spans, (lane - 0.38, 0.76), facecolor=to_rgba(color, 0.4), edgecolor=color, hatch="///", lw=0)
    axes.set(ylim=(len(modules) - 0.5, -0.5), yticks=[])
    axes.set_ylabel("frozen", rotation=0, ha="right", va="center", fontsize=11)
    axes.tick_params("y", length=0, labelright=True, labelleft=False)
    axes.spines["left"].set_visible(False)


def draw_marks(figure: Figure, panels: Sequence[Axes], marks: Sequence[tuple[int, str]]) -> str:
    """A numbered line at each step with a change; what the numbers mean stands beneath, and is answered."""
    changes: dict[int, list[str]] = {}
    for step, text in marks:
        changes.setdefault(step, []).append(text)
    for number, step in enumerate(changes, 1):
        for axes in panels:
            axes.axvline(step, color="gray", linewidth=1, linestyle=(0, (1, 2)))
            axes.annotate(f" {number}", (step, 1), xycoords=axes.get_xaxis_transform(), fontsize=11, va="top")
    words = "; ".join(f"{i} (step {step}): {', '.join(texts)}" for i, (step, texts) in enumerate(changes.items(), 1))
    if words:
        figure.supxlabel(fill(words, 100), x=0.01, ha="left", fontsize=11, parse_math=False)
    return words


def draw_held_out(axes: Axes, held_out: Sequence[tuple[int, dict[str, float]]], others: Sequence[tuple]) -> None:
    """The first held-out metric over the steps taken; its name, with its unit, is the title."""
    axes.set_title("held-out metric: none", loc="left")
    if held_out:
        name = next(iter(held_out[0][1]))
        for branch, first, other in others:
            shared = sum(step <= first for step, _ in other.held_out)
            points = [(step, metrics[name]) for step, metrics in other.held_out[max(0, shared - 1) :]]
            if points:
                axes.plot(*zip(*points, strict=True), **HELD_OUT | PALE)
                name_end(axes, branch, points[-1])
        axes.plot([step for step, _ in held_out], [figures[name] for _, figures in held_out], **HELD_OUT)
        axes.set_title(f"held-out {name}", loc="left")


def positive(values: np.ndarray) -> np.ndarray:
    """For a log scale: nan, which leaves a gap, where a value is 0."""
    return np.where(values > 0, values, np.nan)


def still(change: np.ndarray, shortest: int = 1) -> list[tuple[int, int]]:
    """(first, last) row of each stretch, of at least `shortest` rows, in which nothing moved."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], change == 0, [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def drawn(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For a log scale: a gap where a value is 0 for STILL steps; shorter zeros, other modules' turns, are left out."""
    gaps = np.zeros(len(values), bool)
    for first, last in still(values, STILL):
        gaps[first : last + 1] = True
    shown = (values > 0) | gaps
    return steps[shown], positive(values[shown])
