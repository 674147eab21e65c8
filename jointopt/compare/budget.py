"""What a run may spend, so that plans can be compared: equal steps, equal updates per module, or equal compute.

Compute is counted by torch's FlopCounterMode: the floating-point operations of convolutions and matrix products,
forward and backward, two for each multiplication with its addition. What freezing saves is so counted as saved.
"""

import copy
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import groupby, islice

import torch
from torch.utils.flop_counter import FlopCounterMode, conv_backward_flop

from jointopt.checks import check_count, check_positive
from jointopt.controls import Controls
from jointopt.training import Task, Update, take_step


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The most that a run may spend; one of the three is given.

    steps    steps of any kind
    updates  steps in which one and the same module moved: a staged plan may take as many for each of its modules
    flops    floating-point operations, forward and backward
    """

    steps: int | None = None
    updates: int | None = None
    flops: float | None = None

    def __post_init__(self):
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        if len(given) != 1:
            raise ValueError(f"a budget names one of steps, updates and flops, got {given or 'none'}")
        ((name, value),) = given.items()
        (check_positive if name == "flops" else partial(check_count, least=1))(f"a budget of {name}", value)

    def __str__(self) -> str:
        if self.flops is not None:
            return f"{self.flops / 1e9:.4g} GFLOP"
        return f"{self.steps} steps" if self.steps is not None else f"up to {self.updates} updates per module"

    def allows(self, spent: "Spent") -> bool:
        """True if a run may spend this."""
        if self.steps is not None:
            return spent.steps <= self.steps
        if self.updates is not None:
            return max(spent.updates.values(), default=0) <= self.updates
        return spent.flops <= self.flops


@dataclass
class Spent:
    """What a run has spent; `updates`: module -> steps in which it moved."""

    steps: int = 0
    flops: int = 0
    updates: Counter = field(default_factory=Counter)

    def with_step(self, flops: int, moved: Iterable[str]) -> "Spent":
        """And one step more."""
        return Spent(self.steps + 1, self.flops + flops, self.updates + Counter(moved))


def cost(task: Task, update: Update, frozen: Collection[str] = ()) -> tuple[int, tuple[str, ...]]:
    """(FLOPs, modules that move) of one such step, measured on a copy of the model: nothing of the task changes."""
    trial = replace(task, model=copy.deepcopy(task.model))
    optimizer = torch.optim.SGD(trial.model.parameters(), lr=0.0)
    with torch.random.fork_rng(devices=[]), FlopCounterMode(display=False, custom_mapping=COUNTED) as counter:
        step = take_step(trial, 0, update, Controls(frozen=frozen), optimizer)
    return counter.get_total_flops(), step.moved


def _convolution_backward(*arguments, out_shape, **_) -> int:
    """As torch counts it, which takes a grouped convolution for a dense one when it comes to the weights' gradient."""
    *others, groups, (of_input, of_weight, _) = arguments
    count = partial(conv_backward_flop, *others, groups, out_val=out_shape)
    return count(output_mask=(of_input, False)) + count(output_mask=(False, of_weight)) // groups


COUNTED = {torch.ops.aten.convolution_backward: _convolution_backward}


def within(
    budget: Budget,
    plan: Iterable[Update],
    task: Task,
    frozen: Callable[[int], frozenset[str]] = lambda number: frozenset(),
) -> Iterator[tuple[Update, Spent]]:
    """The plan's updates, each with what is spent after it, up to the one that would exceed the budget.

    frozen  step number -> the modules that are frozen besides
    """
    costs, spent = {}, Spent()
    for number, update in enumerate(plan):
        step = update, frozen(number)
        if step not in costs:
            costs[step] = cost(task, *step)
            if budget.flops is not None and not costs[step][0]:
                raise ValueError(f"no budget of FLOPs: {update} has no matrix product or convolution that is counted")
        spent = spent.with_step(*costs[step])
        if not budget.allows(spent):
            return
        yield update, spent


def described(plan: Iterable[Update], most: int = 20, longest: int = 20_000) -> list:
    """A plan as plain data, [[modules, losses, how many in turn], …]; see `Update` for a fourth entry, False.

    At most `most` entries, and then "…" if there are more; None for how many means `longest` or more.
    """
    described: list = []
    for update, same in groupby(islice(plan, longest)):
        if len(described) == most:
            return [*described, "…"]
        count = sum(1 for _ in same)
        names = [None if part is None else sorted(part) for part in (update.modules, update.losses)]
        turns = [] if update.hold_normalization else [False]
        described.append([*names, count if count < longest else None, *turns])
    return described
