"""Live views: training that can be watched and steered while it runs."""

from jointopt.live.lab import LiveLab
from jointopt.live.landscape import Landscape

__all__ = ["Landscape", "LiveLab"]
