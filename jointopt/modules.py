"""The modules of a model by name, and how to hold some of them still for one step."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm

# Layers whose buffers move in a forward pass in train mode, whatever requires_grad says.
NORMALIZATION = (_NormBase, _SpectralNorm)


def module_names(model: nn.Module) -> list[str]:
    """The names that can be moved or frozen: children with parameters, then parameters that the model owns itself."""
    children = [name for name, child in model.named_children() if next(child.parameters(), None) is not None]
    return children + [name for name, _ in model.named_parameters(recurse=False)]


def check_names(names: Collection[str], model: nn.Module) -> None:
    """ValueError unless every name (dotted ones too) covers at least one parameter of the model."""
    if not names:
        return
    paths = [path for path, _ in model.named_parameters(remove_duplicate=False)]
    for name in sorted(names):
        if not any(covers(name, path) for path in paths):
            raise ValueError(
                f"no module with parameters is named {name!r}; this model has {listed(module_names(model))}"
                " (a dotted name reaches deeper)"
            )


def covers(name: str, path: str) -> bool:
    """Whether the module `name` is, or contains, what lies at the dotted path."""
    return path == name or path.startswith(f"{name}.")


def parameters_of(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Module name -> its parameters. One that two modules share is in both lists."""
    children = {name: list(child.parameters()) for name, child in model.named_children()}
    own = {name: [p] for name, p in model.named_parameters(recurse=False)}
    return {name: parameters for name, parameters in (children | own).items() if parameters}


def moves_buffers(layer: nn.Module) -> bool:
    """Whether a forward pass in train mode moves its buffers: normalization, and spectral norm in both its forms."""
    return isinstance(layer, NORMALIZATION) or any(
        isinstance(hook, SpectralNorm) for hook in layer._forward_pre_hooks.values()
    )


@contextmanager
def held_still(model: nn.Module, moving: Collection[str] | None, frozen: Collection[str]) -> Iterator[None]:
    """Hold still all that is not in `moving` (None: everything moves), and all that is `frozen`.

    A parameter that is held keeps no gradient of its own, but gradient still passes through its module; where nothing
    below needs a gradient, no backward pass runs at all. Normalization layers that are held use and keep their running
    statistics (eval mode, as in Keras); dropout is left as it was. What two modules share is held if either is.
    On leaving, everything is as its author left it, so what was fixed on purpose is never thawed.
    """

    if moving is None and not frozen:
        yield
        return

    def moves(path: str) -> bool:
        named = moving is None or any(covers(name, path) for name in moving)
        return named and not any(covers(name, path) for name in frozen)

    parameters = {
        p for path, p in model.named_parameters(remove_duplicate=False) if p.requires_grad and not moves(path)
    }
    layers = {
        layer
        for path, layer in model.named_modules(remove_duplicate=False)
        if layer.training and not moves(path) and moves_buffers(layer)
    }
    try:
        for p in parameters:
            p.requires_grad_(False)
        for layer in layers:
            layer.training = False
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)
        for layer in layers:
            layer.training = True


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Eval mode inside, and afterwards every module in the mode that it had, which `model.train()` would forget."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def listed(names: Collection[str]) -> str:
    """Names for an error message."""
    return ", ".join(repr(name) for name in sorted(names)) or "none"


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over the names and contents: of `model.state_dict()`, say."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
