"""Random numbers of one's own, so that a lab's dropout and a reader's `torch.rand` do not disturb each other."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# What is called often and never draws. It only saves time: looking into one of them costs ten times as much.
FUNCTIONS = "cat stack flatten where tensor as_tensor empty zeros_like full_like arange min max log exp clamp"
METHODS = (
    "__add__ __radd__ __sub__ __mul__ __rmul__ __truediv__ __eq__ __and__ __or__ __bool__ __getitem__ __setitem__"
    " __len__ add sub mul div square sum mean max amax ge gt le lt all clamp aminmax tolist item size dim numel"
    " is_floating_point flatten view reshape unsqueeze unbind split permute to clone copy_ detach"
)
ATTRIBUTES = "shape ndim dtype device requires_grad is_quantized"
NEVER_RANDOM = {
    *(F.conv2d, F.linear, F.relu, F.max_pool2d, F.batch_norm, F.group_norm, F.layer_norm, F.cross_entropy, F.mse_loss),
    *(F.interpolate, torch.linalg.vector_norm, torch._assert),
    *(getattr(torch, name) for name in FUNCTIONS.split()),
    *(getattr(Tensor, name) for name in METHODS.split()),
    *(getattr(Tensor, name).__get__ for name in ATTRIBUTES.split()),
}


class OwnRandomness(TorchFunctionMode):
    """Inside, every random operation of this thread draws from `generator` instead of torch's global one.

    It stays what torch does under a seed: with a generator seeded like the global one, the numbers are equal. Python's
    and NumPy's generators are not torch's: what draws from them is not redirected.
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
        if kwargs.get("generator") is None and (twin := _with_generator(func)):
            func, kwargs = twin, {**kwargs, "generator": self.generator}
        return func(*args, **kwargs)

    def _dropout(self, x: torch.Tensor, p: float, train: bool | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Dropout on a GPU is one kernel that takes no generator: the same in three steps, (output, mask)."""
        if train is False or p == 0:
            return x.clone(), torch.ones_like(x, dtype=torch.bool)
        mask = torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - p, generator=self.generator)
        return x * mask / (1 - p) if p < 1 else torch.zeros_like(x), mask


@cache
def _with_generator(func: torch._ops.OpOverload) -> torch._ops.OpOverload | None:
    """Of an operation that draws, the overload with the same arguments and a generator; None of one that does not."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return None
    arguments = _arguments(func) | {("generator", "Optional[Generator]")}
    twins = (getattr(func.overloadpacket, name) for name in func.overloadpacket.overloads())
    return next((twin for twin in twins if _arguments(twin) == arguments), None)


def _arguments(func: torch._ops.OpOverload) -> set[tuple[str, str]]:
    return {(argument.name, str(argument.type)) for argument in func._schema.arguments}
