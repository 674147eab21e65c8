"""The modules of a model by name, and how to hold some of them still for one step."""

import hashlib
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.spectral_norm import SpectralNorm

from jointopt.checks import listed

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
    while len(names := _children(model)) == 1 and not _owns(model):
        child = model.get_submodule(names[0])
        if _owns(child) or not _children(child) or _is_layer(child):
            break
        prefix, model = f"{prefix}{names[0]}.", child
    return prefix, model


def _children(model: nn.Module) -> list[str]:
    return [name for name, child in model.named_children() if next(child.parameters(), None) is not None]


def _owns(module: nn.Module) -> bool:
    return next(module.parameters(recurse=False), None) is not None


def _is_layer(module: nn.Module) -> bool:
    """True for a layer of torch, whatever lies in it: a linear one in attention, the parts of a parametrization."""
    container = type(module) is nn.Module or isinstance(module, (nn.Sequential, nn.ModuleDict, nn.ModuleList))
    return is_parametrized(module) or (type(module).__module__.startswith("torch.nn.modules.") and not container)


def check_names(names: Collection[str], model: nn.Module) -> None:
    """ValueError unless every name (dotted ones too) covers at least one parameter of the model."""
    if not names:
        return
    prefix = _unwrapped(model)[0]
    paths = [path for path, _ in model.named_parameters(remove_duplicate=False)]
    for name in sorted(names):
        if not any(covers(prefix + name, path) for path in paths):
            raise ValueError(
                f"no module with parameters is named {name!r}; this model has {listed(module_names(model))}"
                " (a dotted name reaches deeper)"
            )


def covers(name: str, path: str) -> bool:
    """True if the module `name` is, or contains, what lies at the dotted path."""
    return path == name or path.startswith(f"{name}.")


def overlap(name: str, other: str) -> bool:
    """True if one of two modules is, or contains, the other."""
    return covers(name, other) or covers(other, name)


def parameters_of(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Module name -> its parameters. One that two modules share is in both lists."""
    model = _unwrapped(model)[1]
    children = {name: list(child.parameters()) for name, child in model.named_children()}
    own = {name: [p] for name, p in model.named_parameters(recurse=False)}
    return {name: parameters for name, parameters in (children | own).items() if parameters}


def by_parameter(model: nn.Module, of: Mapping[str, float]) -> dict[nn.Parameter, float]:
    """What is said of modules by name, for each of their parameters: of two names that of the deeper module.

    Of a parameter that two named modules share, the least: it stands still, too, while either of them is frozen.
    """
    if not of:
        return {}
    prefix, values = _unwrapped(model)[0], {}
    for path, p in model.named_parameters(remove_duplicate=False):
        names = [name for name in of if covers(prefix + name, path)]
        if names:
            values[p] = min(of[max(names, key=len)], values.get(p, math.inf))
    return values


class Buffers:
    """The buffers of modules as they are now, those that no state_dict has included."""

    def __init__(self, modules: Iterable[nn.Module]):
        buffers = [(module, name, buffer) for module in modules for name, buffer in module._buffers.items()]
        self._kept = [(*each, each[2].detach().clone()) for each in buffers if each[2] is not None]
        self._none = [(module, name) for module, name, buffer in buffers if buffer is None]

    def restore(self, replaced: bool = True) -> None:
        """Put back what has changed; what has been registered since stays.

        replaced  also where another tensor has been put in a buffer's place. One that differs in dtype or device alone
                  stays there, with the values of before: the model was moved
        """
        for module, name in self._none if replaced else ():
            if name in module._buffers and module._buffers[name] is not None:
                module._buffers[name] = None
        for module, name, buffer, value in self._kept:
            now = module._buffers[name] if name in module._buffers else None
            if now is not None and _differ_in_kind(now, buffer):
                buffer = now
            elif now is not buffer and not isinstance(module, torch.jit.ScriptModule):
                if not replaced:
                    continue
                module._buffers[name] = buffer
            put_back(buffer, value)


def _differ_in_kind(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and (a.dtype, a.device) != (b.dtype, b.device)


def put_back(tensor: Tensor, value: Tensor) -> None:
    """In place, and only where it has changed: a graph may still need it as it is."""
    with torch.no_grad():
        value = value.to(tensor)
        if not torch.equal(tensor, value):
            tensor.copy_(value)


class Kept:
    """A model's modes, flags and buffers as they are now."""

    def __init__(self, model: nn.Module):
        self._modes = {module: module.training for module in model.modules()}
        self._flags = {p: p.requires_grad for p in model.parameters()}
        self._buffers = Buffers(model.modules())

    def restore(self, replaced: bool = True) -> None:
        """Put them back; for `replaced` see Buffers."""
        for module, mode in self._modes.items():
            module.training = mode
        for p, flag in self._flags.items():
            p.requires_grad_(flag)
        self._buffers.restore(replaced)


def moves_buffers(layer: nn.Module) -> bool:
    """True if a forward pass in train mode moves its buffers: normalization, and spectral norm in both its forms."""
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
    share is held if either is. Whatever happens inside, to modes, flags, buffers or values, what is held stays held.
    On leaving, it is as its author left it, so what was fixed on purpose is never thawed.

    hold_normalization  False: of what is not in `moving` only the parameters are held, but for what is frozen; see
                        `Update`
    """
    if moving is None and not frozen:
        yield
        return
    prefix = _unwrapped(model)[0]  # names begin within what has wrapped the model, paths with the model itself

    def named(path: str) -> bool:
        return moving is None or any(covers(prefix + name, path) for name in moving)

    def is_frozen(path: str) -> bool:
        return any(covers(prefix + name, path) for name in frozen)

    def whole(path: str) -> bool:  # buffers and normalization, too; but not what surrounds the modules
        return not prefix.startswith(f"{path}.") and (is_frozen(path) or (hold_normalization and not named(path)))

    parameters = {
        p: (p.requires_grad, p.grad, p.detach().clone())
        for path, p in model.named_parameters(remove_duplicate=False)
        if is_frozen(path) or not named(path)
    }
    modules = {module for path, module in model.named_modules(remove_duplicate=False) if path and whole(path)}
    modes = {layer: layer.training for layer in modules if moves_buffers(layer)}
    buffers = Buffers(modules)
    held = set(modes)

    def to_eval(layer: nn.Module, inputs: tuple) -> None:
        if layer in held:  # not a copy of it, which has this hook for ever
            layer.training = False

    # Where it is used, and not only here: the losses may call model.train(), as every training loop does.
    hooks = [layer.register_forward_pre_hook(to_eval, prepend=True) for layer in modes]
    try:
        for p in parameters:
            p.requires_grad_(False)
        for layer in modes:
            layer.training = False
        yield
    finally:
        held.clear()
        for hook in hooks:
            hook.remove()
        for p, (flag, gradient, value) in parameters.items():
            put_back(p, value)
            p.requires_grad_(flag)
            p.grad = gradient  # not one that it got all the same
        for layer, mode in modes.items():
            layer.training = mode
        buffers.restore()


@contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Afterwards every module has the mode, the flags and the buffers that it had, whatever was done to it inside."""
    kept = Kept(model)
    try:
        yield
    finally:
        kept.restore(replaced=False)  # a table that has grown may stay


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


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are, and its inputs have to be."""
    return next(model.parameters()).device


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over the names and contents: of `model.state_dict()`, say."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
