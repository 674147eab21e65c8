"""The applications. Each file has one function, `make(seed=0, ...) -> Task`; a new file is a new application."""

import inspect
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

import torch

from jointopt.checks import check_count, check_name, check_type, listed
from jointopt.data import LAST_SEED
from jointopt.data.own import moved
from jointopt.training import Task


def names() -> list[str]:
    """The applications that can be loaded by name."""
    return sorted(module.name for module in iter_modules(__path__))


def load(name: str, seed: int = 0, device: str | torch.device = "cpu", **options) -> Task:
    """The application with its model initialized from the seed. The options are those of its `make`.

    device: "cuda", say: the model and every batch are moved there; held-out data follow the model as they are used.
    The first weights, which the CPU draws, are the same on every device.
    """
    check_name("task", name, names())
    device = _device(device)
    module = import_module(f"{__name__}.{name}")
    make = getattr(module, "make", None)
    parameters = inspect.signature(make).parameters.keys() if callable(make) else ()
    if "seed" not in parameters:
        raise ValueError(f"{module.__file__} must have a function make(seed=0, ...) that answers a jointopt.Task")
    seed = check_count("seed", seed, most=LAST_SEED)
    known = parameters - {"seed"}
    if unknown := options.keys() - known:
        raise ValueError(f"the task {name!r} has no option {listed(unknown)}; it has {listed(known)}")
    task = make(seed=seed, **options)
    check_type(f"the answer of make in {module.__file__}", task, Task, "a jointopt.Task")
    if device.type != "cpu":
        batches, options = task.batches, options | {"device": str(device)}
        task.model.to(device)
        task = replace(task, batches=lambda number: moved(batches(number), device))
    return replace(task, recipe={"name": name, "seed": seed, "options": options})


def _device(device: object) -> torch.device:
    """The device, which is there; ValueError otherwise, before anything is made."""
    try:
        device = torch.device(device)
        torch.empty(0, device=device)
    except (TypeError, RuntimeError, AssertionError) as error:  # torch asserts that it was compiled for CUDA
        raise ValueError(f"device must be one that torch has here, as 'cpu' or 'cuda', got {device!r}") from error
    return device
