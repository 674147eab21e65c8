"""Random numbers of one's own, so that a lab's dropout and a reader's `torch.rand` do not disturb each other."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


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
        if torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None:
            if any(argument.name == "generator" for argument in func._schema.arguments):
                kwargs = {**kwargs, "generator": self.generator}
            elif hasattr(func.overloadpacket, "generator"):
                func, kwargs = func.overloadpacket.generator, {**kwargs, "generator": self.generator}
        return func(*args, **kwargs)
