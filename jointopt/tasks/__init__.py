"""The applications. Each file has one function, `make(seed=0, ...) -> Task`; a new file is a new application."""

import inspect
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

from jointopt.modules import listed
from jointopt.training import Task


def names() -> list[str]:
    """The applications that can be loaded by name."""
    return sorted(module.name for module in iter_modules(__path__))


def load(name: str, seed: int = 0, **options) -> Task:
    """The application with its model initialized from the seed. The options are those of its `make`."""
    if name not in names():
        raise ValueError(f"no task is named {name!r}; there are {listed(names())}")
    make = import_module(f"{__name__}.{name}").make
    known = inspect.signature(make).parameters.keys() - {"seed"}
    if unknown := options.keys() - known:
        raise ValueError(f"the task {name!r} has no option {listed(unknown)}; it has {listed(known)}")
    return replace(make(seed=seed, **options), recipe={"name": name, "seed": seed, "options": options})
