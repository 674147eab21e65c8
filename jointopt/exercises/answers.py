"""What checks ask of an answer, whatever the exercise: a number, a function, a plan. Each says what is wrong."""

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from numbers import Real

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
    if isinstance(value, bool) or not isinstance(value, Real):
        raise Wrong(f"a number is asked for, not {kind(value)}.")
    if not is_finite(value):
        raise Wrong(f"a finite number is asked for, not {value!r}.")
    return float(value)


def rounded(value: float, wanted: float) -> bool:
    """True for what is wanted with 0 to 3 decimals, if that is another number."""
    return abs(value - wanted) > 1e-4 and any(abs(value - round(wanted, digits)) < 1e-9 for digits in range(4))


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


def pure_function(value: object, *parameters: str) -> Callable:
    """As `function`; its calls raise Wrong if they change an argument in place, since others read it, too.

    Tensors, arrays, and lists and dicts of plain values are looked at. A stream or a model is there to be used.
    """
    call = function(value, *parameters)

    def called(*arguments):
        before = [_copied(argument) for argument in arguments]
        result = call(*arguments)
        for name, was, now in zip(parameters, before, arguments, strict=True):
            if not _same(was, now):
                raise Wrong(f"yours changes `{name}` in place. What is given has to stay as it was: work on a copy.")
        return result

    return called


def _copied(value: object) -> object:
    if isinstance(value, Tensor):
        return value.detach().clone()
    return copy.deepcopy(value) if isinstance(value, np.ndarray | list | dict) else value


def _same(was: object, now: object) -> bool:
    if isinstance(now, Tensor):
        return torch.equal(was, now.detach())
    return np.array_equal(was, now) if isinstance(now, np.ndarray) else was == now


def updates(plan: object, most: int, called: str = "") -> list[Update]:
    """What a plan yields. Wrong if it is none, if it goes on after `most` updates, or if it yields something else.

    called: the call that made it, as in "plan(4)", with which the words of Wrong then begin.
    """
    taken, where = first_of(plan, most + 1, called), f"{called}: " if called else ""
    if len(taken) > most:
        raise Wrong(f"{where}the plan goes on after {most} updates.")
    return taken


def first_of(plan: object, most: int, called: str = "") -> list[Update]:
    """Up to this number of what a plan yields, as `updates` has it."""
    given(plan)
    where = f"{called}: " if called else ""
    try:
        steps = iter(plan)
    except TypeError:
        raise Wrong(f"{where}a plan is a stream of Updates; yours is {kind(plan)}.") from None
    taken = list(islice(steps, most))
    for update in taken:
        if not isinstance(update, Update):
            raise Wrong(f"{where}a plan yields Updates; yours yields {kind(update)}.")
    return taken


def finite(plan: Iterable[Update], most: int = 3000) -> Iterator[Update]:
    """The plan; it complains to those who want all of a plan without end."""
    for step, update in enumerate(plan):
        if step == most:
            raise Wrong(f"yours was still asking for updates after {most}; such a plan may have no end.")
        yield update


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
