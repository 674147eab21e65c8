"""Live views: training that can be watched and steered while it runs."""

from jointopt.live.lab import LiveLab

__all__ = ["LiveLab"]
