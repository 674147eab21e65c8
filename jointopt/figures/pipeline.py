"""The pipeline, layer by layer, and how far the backward pass comes in it."""

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Arc, Rectangle

from jointopt.figures.style import Picture, look, panels


def flow(layers: dict[str, str], rows: dict[str, dict[str, float | None]], alt: str) -> Picture:
    """The pipeline once per row, and how far the backward pass comes in it.

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
