"""The look of every picture: one for one idea, the same as in the live views. matplotlib's object API only, no pyplot.

figure, axes = panels(1, 2, height=260)
axes[0].plot(steps, losses, **look("classifier"))
Picture(figure, alt="The loss falls from 2.3 to 0.4 in 100 steps.")
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from itertools import cycle, pairwise

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from jointopt.statistics import interval

WIDTH, DPI = 720, 80  # pixels, dots an inch
SMALLEST = 11  # points
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
_COLORS = ["#E69F00", "#56B4E9", "#CC79A7", "#F0E442"]
_STYLES = [
    *((0, (6, 2)), (0, (2, 2)), (0, (4, 1, 1, 1)), ":"),
    *((0, (5, 1, 1, 1, 1, 1)), (0, (2.5, 3)), (0, (1, 3.5))),
]
HELD_OUT = {"color": "#CC79A7", "linestyle": ":", "marker": "o", "markersize": 6}
MARKERS = {"joint": "o", "staged": "s", "alternating": "^", "frozen": "D"}


def look(name: str, further: Sequence[str] = ()) -> dict:
    """Color and line style of a module or loss, as arguments for `plot`. `further`: all names, to number the others."""
    if name in _NAMED:
        color, style = _NAMED[name]
    else:
        others = [other for other in further if other not in _NAMED]
        number = others.index(name) if name in others else 0
        color, style = _COLORS[number % len(_COLORS)], _STYLES[number % len(_STYLES)]
    return {"color": color, "linestyle": style, "linewidth": 3 if name == "total" else 2}


def looks(losses: Sequence[str], modules: Sequence[str]) -> tuple[dict[str, dict], dict[str, dict]]:
    """The looks of a run's losses and of its modules, no two alike. Further ones are numbered, modules first.

    Green comes before yellow where no regularizer has it.
    """
    green, _ = _NAMED["reg"]
    colors = _COLORS if "reg" in losses else [*_COLORS[:3], green, *_COLORS[3:]]
    further = zip(cycle(colors), cycle(_STYLES), strict=False)

    def of(names: Sequence[str], ideas: Sequence[tuple]) -> dict[str, dict]:
        answer, left = {}, list(ideas)
        for name in names:
            if (idea := _NAMED.get(name)) in left:
                left.remove(idea)
            else:
                idea = next(further)
            answer[name] = {"color": idea[0], "linestyle": idea[1], "linewidth": 2}
        return answer

    of_modules = of(modules, [_THETA, _PHI])
    return of(losses, [_NAMED["reg"]]), of_modules


def panels(rows: int = 1, columns: int = 1, height: int = 300, **options) -> tuple[Figure, np.ndarray]:
    """An empty figure, 720 pixels wide and `height` pixels high, and its axes as a flat array."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes.ravel()


def draw_seeds(
    axes: Axes, x: float, values: Sequence[float], label: str | None = None, marker: str = "o", **options
) -> None:
    """One point per seed, and over them their mean with its 95 % interval as a line."""
    mean, half = interval(values)
    color = options.pop("color", "black")
    axes.plot([x] * len(values), values, marker, color=color, alpha=0.45, markersize=6, linestyle="none", **options)
    axes.errorbar([x], [mean], [half], fmt=marker, color=color, capsize=4, markersize=8, label=label)


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

    def _repr_html_(self) -> str:
        """An `<img>`, since JupyterLab shows an image/png without its alternative text."""
        png = self.png()
        width, height = Image.open(BytesIO(png)).size
        size = f'width="{width}" height="{height}" style="max-width: 100%; height: auto"'
        return f'<img alt="{escape(self.alt)}" {size} src="data:image/png;base64,{b64encode(png).decode()}">'
