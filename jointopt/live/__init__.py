"""Live views: training that can be watched and steered while it runs."""

from jointopt.live.game import GamePlane
from jointopt.live.lab import LiveLab
from jointopt.live.landscape import Landscape

__all__ = ["GamePlane", "Landscape", "LiveLab"]
