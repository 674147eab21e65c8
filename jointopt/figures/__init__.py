"""Static pictures: one look for one idea, the same as in the live views. matplotlib's object API only, no pyplot.

figure, axes = panels(1, 2, height=260)
axes[0].plot(steps, losses, **look("classifier"))
Picture(figure, alt="The loss falls from 2.3 to 0.4 in 100 steps.")
"""

from jointopt.figures.comparisons import COLORS, across, draw_curve, ink, marker_of
from jointopt.figures.lab_run import positive, run
from jointopt.figures.pipeline import flow
from jointopt.figures.style import HELD_OUT, MARKERS, Picture, draw_seeds, label_ends, look, panels
from jointopt.figures.table import Table

__all__ = [
    "COLORS",
    "HELD_OUT",
    "MARKERS",
    "Picture",
    "Table",
    "across",
    "draw_curve",
    "draw_seeds",
    "flow",
    "ink",
    "label_ends",
    "look",
]
__all__ += ["marker_of", "panels", "positive", "run"]
