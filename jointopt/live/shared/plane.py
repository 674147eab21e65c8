"""What the static pictures of planes share; plane.js draws the live ones."""

from matplotlib.patheffects import withStroke

HALO = {"path_effects": [withStroke(linewidth=3, foreground="white")], "zorder": 6, "fontsize": 12}  # of words
WHITE = {"color": "black", "markerfacecolor": "white", "zorder": 4}  # of marks
