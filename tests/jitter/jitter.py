"""Another processor, imitated: relative noise on each gradient, just before an optimizer uses it.

Sums differ in their last digits from one processor to the next, and training amplifies that. With JITTER=<seed> in the
environment a run on this machine differs from one without as a run on another machine would, and always in the
same way. JITTER_SIZE is how large the noise is at most, 1e-5 unless set: some ten times what processors do.

The noise of a number is drawn from its own bits and the seed, and from nothing else. So two loops that are equal to the
last bit stay equal, however many optimizers they have and wherever they run. float64 is left alone: there the last
digits reach no figure that is printed.

`conftest.py` at the root of the repository switches it on in pytest's own process and, through `sitecustomize.py`
beside this file, in each Python that is started from there: kernels, workers, scripts.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from math import isfinite
from pathlib import Path

SIZE = 1e-5
SMALLEST = 1e-7  # below it, 1 + noise is 1 in float32
_noise: tuple[int, float] | None = None  # (seed, size) in force in this process


def asked() -> tuple[int, float] | None:
    """(seed, size) as the environment asks for them; None without JITTER. ValueError for anything else."""
    seed, size = os.environ.get("JITTER", ""), os.environ.get("JITTER_SIZE", "") or str(SIZE)
    if not seed:
        return None
    if not (seed.isascii() and seed.isdigit()):
        raise ValueError(f"JITTER is the seed of the noise, a whole number ≥ 0, got {seed!r}")
    try:
        number = float(size)
    except ValueError:
        number = float("nan")
    if not (number == 0 or (isfinite(number) and SMALLEST <= number < 1)):
        raise ValueError(f"JITTER_SIZE is the size of the noise, 0 or from {SMALLEST:g} to below 1, got {size!r}")
    return int(seed), number


def install() -> None:
    """Follow the environment, in this process and in each Python that it starts. ValueError as for `asked`."""
    global _noise
    _noise = asked()
    if _noise is not None:
        here = str(Path(__file__).parent)
        paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if here not in paths:
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, *paths]))
        _hook()


@contextmanager
def noise(seed: int, size: float = SIZE) -> Iterator[None]:
    """Within the block, noise of this seed in this process, whatever the environment says."""
    global _noise
    before = _noise
    _noise = (seed, size)
    _hook()
    try:
        yield
    finally:
        _noise = before


def _hook() -> None:
    """Before each step of each optimizer, once. Torch is not imported for it: most processes never do."""
    if "torch.optim.optimizer" in sys.modules:
        _register(sys.modules["torch.optim.optimizer"])
    elif _Torch not in sys.meta_path:
        sys.meta_path.insert(0, _Torch)


class _Torch:
    """A finder that waits until torch's optimizers are imported."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "torch.optim.optimizer":
            return None
        sys.meta_path.remove(_Torch)
        spec = find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            _register(module)

        spec.loader.exec_module = exec_module
        return spec


def _register(optimizers) -> None:
    if not getattr(optimizers, "jittered", False):
        optimizers.jittered = True
        optimizers.register_optimizer_step_pre_hook(_last)


def _last(optimizer, args, kwargs) -> None:
    """Torch calls the hooks of all optimizers first. The noise comes after the optimizer's own: after clipping, say."""
    hooks = optimizer._optimizer_step_pre_hooks
    hooks.pop("jitter", None)
    hooks["jitter"] = _jitter


def _jitter(optimizer, args, kwargs) -> None:
    import torch

    if _noise is None:
        return
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None and p.grad.dtype == torch.float32 and not p.grad.is_sparse:
                p.grad.copy_(jittered(p.grad, *_noise))


def jittered(numbers, seed: int, size: float):
    """float32 numbers, each times 1 + size·u, with u in [−1, 1) drawn from the number's bits and the seed."""
    import torch

    bits = numbers.detach().contiguous().view(torch.int32).clone()
    for multiplier in (0x7FEB352D, 0x2C1B3C6D, 0x297A2D39):  # xor, shift, multiply: each bit reaches all others
        bits += (seed + 1) * 0x1E3779B1 & 0x3FFFFFFF
        bits ^= bits >> 16
        bits *= multiplier
        bits ^= bits >> 13
    # The last line leaves no sign: a shift repeats it.
    return numbers * (1 + size * (bits.to(torch.float32) / 2**30 - 1))  # bits: 0 … 2**31 − 1
