"""The live lab: a run that a person steers while it trains, with its controls and curves in the browser."""

from jointopt.live.lab.live_lab import LiveLab

__all__ = ["LiveLab"]
