"""The modules of a model by name, and how to hold some of them still for one step."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm

# Layers whose buffers move in a forward pass in train mode, whatever requires_grad says.
NORMALIZATION = (_NormBase, _SpectralNorm)


def module_names(model: nn.Module) -> list[str]:
    """The names that can be moved or frozen: children with parameters, then parameters that the model owns itself.

    A sole child is looked through: what torch.compile, DataParallel or an adapter has wrapped has its author's names.
    """
    model = _unwrapped(model)[1]
    return _children(model) + [name for name, _ in model.named_parameters(recurse=False)]


def _unwrapped(model: nn.Module) -> tuple[str, nn.Module]:
    """(the path of what lies in a sole child, or in its sole child, "" or with a dot at its end; that module)."""
    prefix = ""
    while len(names := _children(model)) == 1 and next(model.parameters(recurse=False), None) is None:
        child = model.get_submodule(names[0])
        if not _children(child):
            break  # a single layer
        prefix, model = f"{prefix}{names[0]}.", child
    return prefix, model


def _children(model: nn.Module) -> list[str]:
    return [name for name, child in model.named_children() if next(child.parameters(), None) is not None]


def check_names(names: Collection[str], model: nn.Module) -> None:
    """ValueError unless every name (dotted ones too) covers at least one parameter of the model."""
    if not names:
        return
    paths = [path for path, _ in model.named_parameters(remove_duplicate=False)]
    for name in sorted(names):
        if not any(map(covered_by([name], model), paths)):
            raise ValueError(
                f"no module with parameters is named {name!r}; this model has {listed(module_names(model))}"
                " (a dotted name reaches deeper)"
            )


def covered_by(names: Collection[str], model: nn.Module) -> Callable[[str], bool]:
    """A function: True for the dotted path, from the model on, of what one of these names is or contains."""
    prefix = _unwrapped(model)[0]
    paths = {*names, *(prefix + name for name in names)}
    return lambda path: any(covers(name, path) for name in paths)


def covers(name: str, path: str) -> bool:
    """Whether the module `name` is, or contains, what lies at the dotted path."""
    return path == name or path.startswith(f"{name}.")


def parameters_of(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Module name -> its parameters. One that two modules share is in both lists."""
    model = _unwrapped(model)[1]
    children = {name: list(child.parameters()) for name, child in model.named_children()}
    own = {name: [p] for name, p in model.named_parameters(recurse=False)}
    return {name: parameters for name, parameters in (children | own).items() if parameters}


class Buffers:
    """The buffers of modules as they are now, those that no state_dict has included."""

    def __init__(self, modules: Iterable[nn.Module]):
        self._kept = [(module, dict(module._buffers)) for module in modules if module._buffers]
        self._values = [
            (buffer, buffer.detach().clone())
            for _, kept in self._kept
            for buffer in kept.values()
            if buffer is not None
        ]

    def restore(self) -> None:
        """Put them back, values as well as tensors: others may have been put in their place."""
        for module, buffers in self._kept:
            module._buffers.clear()
            module._buffers.update(buffers)
        with torch.no_grad():
            for buffer, value in self._values:
                buffer.copy_(value)


def moves_buffers(layer: nn.Module) -> bool:
    """Whether a forward pass in train mode moves its buffers: normalization, and spectral norm in both its forms."""
    return isinstance(layer, NORMALIZATION) or any(
        isinstance(hook, SpectralNorm) for hook in layer._forward_pre_hooks.values()
    )


@contextmanager
def held_still(
    model: nn.Module, moving: Collection[str] | None, frozen: Collection[str], hold_normalization: bool = True
) -> Iterator[None]:
    """Hold still all that is not in `moving` (None: everything moves), and all that is `frozen`.

    A parameter that is held keeps no gradient of its own, but gradient still passes through its module; where nothing
    below needs a gradient, no backward pass runs at all. Normalization layers that are held use and keep their running
    statistics (eval mode, as in Keras), and every other buffer is as it was; dropout is left alone. What two modules
    share is held if either is. Whatever happens to modes and flags inside, what is held stays held.
    On leaving, it is as its author left it, so what was fixed on purpose is never thawed.

    hold_normalization  False: of what is not in `moving` only the parameters are held, but for what is frozen; see
                        `Update`
    """
    if moving is None and not frozen:
        yield
        return
    named, is_frozen = (lambda path: True) if moving is None else covered_by(moving, model), covered_by(frozen, model)

    def whole(path: str) -> bool:  # buffers and normalization, too
        return is_frozen(path) or (hold_normalization and not named(path))

    parameters = {
        p: (p.requires_grad, p.grad)
        for path, p in model.named_parameters(remove_duplicate=False)
        if is_frozen(path) or not named(path)
    }
    modules = {module for path, module in model.named_modules(remove_duplicate=False) if path and whole(path)}
    modes = {layer: layer.training for layer in modules if moves_buffers(layer)}
    buffers = Buffers(modules)
    # Where it is used, and not only here: the losses may call model.train(), as every training loop does.
    hooks = [layer.register_forward_pre_hook(_to_eval, prepend=True) for layer in modes]
    try:
        for p in parameters:
            p.requires_grad_(False)
        for layer in modes:
            layer.training = False
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for p, (flag, gradient) in parameters.items():
            p.requires_grad_(flag)
            p.grad = gradient  # not one that it got all the same
        for layer, mode in modes.items():
            layer.training = mode
        buffers.restore()


def _to_eval(layer: nn.Module, inputs: tuple) -> None:
    layer.training = False


@contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Afterwards every module has the mode and the buffers that it had, whatever was done to it inside."""
    modes, buffers = {module: module.training for module in model.modules()}, Buffers(model.modules())
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        buffers.restore()


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Eval mode inside, and afterwards every module in the mode that it had, which `model.train()` would forget."""
    with left_as_it_was(model):
        model.eval()
        yield


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
