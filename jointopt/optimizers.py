"""Optimizers by their names, with the defaults that the chapters use."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

from jointopt.checks import listed

# Name -> (class, arguments besides the parameters). Fused: one kernel for all parameters, on CPU as well. Not for SGD:
# fused SGD (torch 2.14) fails when a module that was frozen from the first step is thawed.
OPTIMIZERS = {
    "Adam": (torch.optim.Adam, {"lr": 1e-3, "fused": True}),
    "AdamW": (torch.optim.AdamW, {"lr": 1e-3, "fused": True}),
    "SGD": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "RMSprop": (torch.optim.RMSprop, {"lr": 1e-3}),
}


def make_optimizer(model: nn.Module, name: str = "Adam", **options) -> torch.optim.Optimizer:
    """One of OPTIMIZERS over all parameters of the model; options (lr, weight_decay, …) replace the defaults."""
    check_optimizer(name, options)
    optimizer, defaults = OPTIMIZERS[name]
    return optimizer(model.parameters(), **defaults | options)


def optimizer_of(task, name: str | None = None, **options) -> torch.optim.Optimizer:
    """One of OPTIMIZERS over the model of a Task, by its name; None: the task's own, whose options these replace."""
    if name is None:
        name, options = task.optimizer, {**task.optimizer_options, **options}
    return make_optimizer(task.model, name, **options)


def named_optimizer(task, name: str) -> torch.optim.Optimizer:
    """As a lab's log names it: the task's own with the task's options, any other of OPTIMIZERS with its defaults."""
    return optimizer_of(task, None if name == task.optimizer else name)


@contextmanager
def own_rates(optimizer: torch.optim.Optimizer, rates: Mapping[nn.Parameter, float]) -> Iterator[None]:
    """Within it, these parameters have these learning rates; the others have that of their group.

    The groups are split for as long, which the optimizer's hooks see. What it remembers of a parameter stays with that;
    what it counts in a group goes on in the whole one.
    """
    if not rates:
        yield
        return
    groups = list(optimizer.param_groups)
    parts = [_split(group, rates) for group in groups]
    optimizer.param_groups[:] = chain.from_iterable(parts)  # in place: an optimizer around another shares the list
    try:
        yield
    finally:
        optimizer.param_groups[:] = groups
        for group, split in zip(groups, parts, strict=True):
            group.update(split[0] | {"params": group["params"]})


def _split(group: dict, rates: Mapping[nn.Parameter, float]) -> list[dict]:
    """A group of an optimizer as groups of one learning rate each; the first one has that of the group."""
    split = defaultdict(list)
    for p in group["params"]:
        split[rates.get(p)].append(p)
    rest = {**group, "params": split.pop(None, [])}
    return [rest, *({**group, "params": ps, "lr": lr} for lr, ps in split.items())]


def check_optimizer(name: object, options: Mapping[str, object] | None = None) -> None:
    """ValueError unless it is the name of one of OPTIMIZERS, which takes these options."""
    if not isinstance(name, str) or name not in OPTIMIZERS:
        raise ValueError(_refusal(name))
    optimizer, defaults = OPTIMIZERS[name]
    if isinstance(options, Mapping) and isinstance(options.get("lr"), Mapping):
        own = "one of each module is set in the controls, Controls(lr={module: rate})"
        raise ValueError(f"the lr of an optimizer must be one number for all modules, got {options['lr']!r}; {own}")
    try:
        optimizer([torch.zeros(1, requires_grad=True)], **defaults | dict(options or {}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} refuses the options {options}: {error}") from error


def check_own(optimizer: object, model: nn.Module) -> None:
    """ValueError unless it is an optimizer that steps without a closure, and holds a parameter of the model."""
    if isinstance(optimizer, torch.optim.LBFGS):
        raise ValueError(_refusal(optimizer))
    if not hasattr(optimizer, "param_groups"):
        made = "as jointopt.make_optimizer(task.model, 'Adam') makes it"
        raise ValueError(f"train takes an optimizer, {made}, got {optimizer!r}")
    ours = set(model.parameters())
    if not any(p in ours for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("the optimizer holds no parameter of this task's model: make it from task.model.parameters()")


def _refusal(optimizer: object) -> str:
    """Why this is no optimizer that is known by its name, and which are."""
    kind, there = optimizer if isinstance(optimizer, type) else type(optimizer), f"there are {listed(OPTIMIZERS)}"
    if optimizer == "LBFGS" or issubclass(kind, torch.optim.LBFGS):
        return f"LBFGS needs a closure, which computes the loss several times a step: a plan's steps have none; {there}"
    if issubclass(kind, torch.optim.Optimizer):
        given = f"the class {kind.__name__}" if kind is optimizer else f"an object of {kind.__name__}"
        own = "one of your own is given to jointopt.train(task, plan, optimizer=…)"
        return f"an optimizer is asked for by its name, got {given}; {there}; {own}"
    return f"no optimizer is named {optimizer!r}; {there}"
