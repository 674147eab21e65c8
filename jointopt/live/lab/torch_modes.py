"""Modes of torch that belong to a thread, carried over into the one that trains."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


class TorchModes:
    """Autocast and default device, as they are in the thread that makes this.

    Default dtype, number of threads and deterministic algorithms are of the whole process, and need no carrying.
    Gradients are always on in the thread that trains: no_grad is not taken over.
    """

    def __init__(self):
        self._autocast = [(d, torch.get_autocast_dtype(d)) for d in ("cpu", "cuda") if torch.is_autocast_enabled(d)]
        self._cached = torch.is_autocast_cache_enabled()
        self._device = torch.get_default_device()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """For one step, or one evaluation: until it is left, autocast keeps the weights that it has cast."""
        with ExitStack() as stack:
            for device, dtype in self._autocast:
                stack.enter_context(torch.autocast(device, dtype, cache_enabled=self._cached))
            if self._device.type != "cpu":
                stack.enter_context(self._device)
            if compiler := sys.modules.get("torch._functorch.config"):
                # A compiled backward pass may give its buffers away only where it runs once: `influence` runs more.
                stack.enter_context(compiler.patch(donated_buffer=False))
            yield
