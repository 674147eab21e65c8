"""Random numbers of one's own, so that a lab's dropout and a reader's `torch.rand` do not disturb each other."""

from collections import defaultdict

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# Overload -> its twins that take a generator.
WITH_GENERATOR = defaultdict(
    tuple, default=["generator"], low=["low_generator"], low_dtype=["low_generator_dtype"], Tensor=["Tensor_generator"]
)


class OwnRandomness(TorchDispatchMode):
    """Inside, every random operation of this thread draws from `generator` instead of torch's global one.

    It stays what torch does under a seed: with a generator seeded like the global one, the numbers are equal.
    Dropout on a CPU is `bernoulli_`, which takes a generator; of `rand`, `randn`, `randperm` a second overload does.
    """

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
