"""Random numbers of one's own, so that a lab's dropout and a reader's `torch.rand` do not disturb each other."""

from collections import defaultdict

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# Overload -> its twins that take a generator.
WITH_GENERATOR = defaultdict(
    tuple, default=["generator"], low=["low_generator"], low_dtype=["low_generator_dtype"], Tensor=["Tensor_generator"]
)
# What is called often and never draws. It only saves time: looking into one of them costs ten times as much.
NEVER_RANDOM = {
    *(F.conv2d, F.linear, F.relu, F.max_pool2d, F.batch_norm, F.group_norm, F.layer_norm, F.cross_entropy, F.mse_loss),
    *(torch.flatten, Tensor.flatten, Tensor.view, Tensor.reshape, torch.cat, torch.stack, Tensor.__getitem__),
    *(Tensor.__add__, Tensor.__radd__, Tensor.__sub__, Tensor.__mul__, Tensor.__rmul__, Tensor.__truediv__),
    *(Tensor.add, Tensor.mul, Tensor.square, Tensor.sum, Tensor.mean, Tensor.aminmax, Tensor.tolist),
    *(Tensor.is_floating_point, Tensor.__len__, Tensor.size, Tensor.dim, torch.linalg.vector_norm),
    *(getattr(Tensor, name).__get__ for name in ("shape", "ndim", "dtype", "device", "requires_grad")),
}


class OwnRandomness(TorchFunctionMode):
    """Inside, every random operation of this thread draws from `generator` instead of torch's global one.

    It stays what torch does under a seed: with a generator seeded like the global one, the numbers are equal.
    """

    def __init__(self, generator: torch.Generator):
        super().__init__()
        self.redirect = _Redirect(generator)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in NEVER_RANDOM:
            return func(*args, **kwargs)
        if func is F.dropout and args[0].device.type == "cpu":
            return self._dropout(*args, **kwargs)
        with self.redirect:
            return func(*args, **kwargs)

    def _dropout(self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        """Bit for bit what torch does on a CPU, without looking into each of its operations."""
        if not training or not 0 < p < 1 or inplace:
            with self.redirect:
                return F.dropout(x, p, training, inplace)
        noise = torch.empty_like(x).bernoulli_(1 - p, generator=self.redirect.generator).div_(1 - p)
        return x * noise


class _Redirect(TorchDispatchMode):
    """Looks into every operation, whether it draws. Dropout on a CPU is `bernoulli_`, which takes a generator."""

    def __init__(self, generator: torch.Generator):
        super().__init__()
        self.generator = generator

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.ops.aten.native_dropout.default:
            return self._dropout(*args)
        if torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None:
            if any(argument.name == "generator" for argument in func._schema.arguments):
                kwargs = {**kwargs, "generator": self.generator}
            elif name := next(
                (name for name in WITH_GENERATOR[func._overloadname] if hasattr(func.overloadpacket, name)), None
            ):
                func, kwargs = getattr(func.overloadpacket, name), {**kwargs, "generator": self.generator}
        return func(*args, **kwargs)

    def _dropout(self, x: torch.Tensor, p: float, train: bool | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Dropout on a GPU is one kernel that takes no generator: the same in three steps, (output, mask)."""
        if train is False or p == 0:
            return x.clone(), torch.ones_like(x, dtype=torch.bool)
        mask = torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - p, generator=self.generator)
        return x * mask / (1 - p) if p < 1 else torch.zeros_like(x), mask
