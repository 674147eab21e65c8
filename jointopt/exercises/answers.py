"""What checks ask of an answer, whatever the exercise: a number, a function, a plan. Each says what is wrong."""

import inspect
from collections.abc import Callable
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from jointopt.checks import is_finite
from jointopt.training import Update


class Wrong(Exception):
    """What is wrong with an answer, for its author to read: a sentence or two."""


class Blank(Exception):
    """There is no answer yet, or None in place of it. For a program with a bug: what the bug does, while it is in.

    `exercises.check` says "not answered yet" of what is still the stub as it was given, and "not yet" of anything else.
    """


def given(value: object) -> object:
    """The value; Blank where a stub still stands: None, or an ellipsis."""
    if value is None or value is ...:
        raise Blank
    return value


def number(value: object) -> float:
    """The value as a float. A tensor or an array of one number is one, too."""
    given(value)
    if isinstance(value, Tensor | np.ndarray | np.generic):
        size = value.numel() if isinstance(value, Tensor) else value.size
        if size != 1:
            raise Wrong(f"a single number is asked for, not {size} of them.")
        value = value.detach().cpu().item() if isinstance(value, Tensor) else value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"a number is asked for, not {kind(value)}.")
    if not is_finite(value):
        raise Wrong(f"a finite number is asked for, not {value!r}.")
    return float(value)


def pair(value: object, names: str) -> tuple[object, object]:
    """The two parts of the value. names: what they are, as in "(theta, phi)"."""
    given(value)
    try:
        parts = list(islice(value, 3))
    except TypeError:
        parts = None
    if parts is None or isinstance(value, dict | set | str):  # of these, keys or letters would be the parts
        raise Wrong(f"a pair {names} is asked for, not {kind(value)}.")
    if len(parts) != 2:
        raise Wrong(f"a pair {names} is asked for, two values; yours has {('0', '1', '', 'more than 2')[len(parts)]}.")
    return parts[0], parts[1]


def function(value: object, *parameters: str) -> Callable:
    """The value, if it can be called with these, by position."""
    given(value)
    wanted = f"a function of ({', '.join(parameters)})"
    if not callable(value):
        raise Wrong(f"{wanted} is asked for, not {kind(value)}.")
    try:
        inspect.signature(value).bind(*parameters)
    except TypeError:
        raise Wrong(f"{wanted} is asked for; yours is of {inspect.signature(value)}.") from None
    except ValueError:  # a function in C without a signature
        pass
    return value


def updates(plan: object, most: int) -> list[Update]:
    """What a plan yields. Wrong if it is none, if it goes on after `most` updates, or if it yields something else."""
    given(plan)
    try:
        steps = iter(plan)
    except TypeError:
        raise Wrong(f"a plan is a stream of Updates; yours is {kind(plan)}.") from None
    taken = list(islice(steps, most + 1))
    for update in taken:
        if not isinstance(update, Update):
            raise Wrong(f"a plan yields Updates; yours yields {kind(update)}.")
    if len(taken) > most:
        raise Wrong(f"the plan goes on after {most} updates.")
    return taken


def tensor(value: object, *shape: int) -> Tensor:
    """The value, detached, if it is a tensor of this shape and finite."""
    given(value)
    if not isinstance(value, Tensor):
        raise Wrong(f"a tensor is asked for, not {kind(value)}.")
    if tuple(value.shape) != shape:
        raise Wrong(f"a tensor of shape {shape} is asked for; yours has {tuple(value.shape)}.")
    if not torch.isfinite(value).all():
        raise Wrong("there are nan or infinite numbers in the tensor.")
    return value.detach()


def kind(value: object) -> str:
    """What a value is, with its article: "a str", "an int"."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
