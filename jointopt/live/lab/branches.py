"""Branches of a run: what happened in each, and snapshots from which their steps are taken again."""

import copy
from collections.abc import Collection
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from jointopt.controls import Change
from jointopt.live.lab.history import History
from jointopt.live.lab.plan_menu import Plan
from jointopt.modules import Kept, put_back
from jointopt.training import Update

SHORT_WAY = 500  # steps: within these, snapshots are thinned evenly
MOST_BYTES = 64 * 2**20  # that the snapshots of a run may take together
TENSOR = 1000  # bytes, about, that a tensor takes besides its numbers
MOST_BRANCHES = 100  # of a run: a saved run has no more


class Snapshot:
    """What the next steps hang on besides the log: weights, buffers, the optimizer's memory, random numbers.

    optimizer_name  which it was
    also            what else has to be found again
    bytes           its size. Buffers count twice: where a forward pass replaces one, that one is kept beside its copy
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, name: str, generator: torch.Generator, also: object
    ):
        self.optimizer_name, self.also = name, also
        self._weights = [(p, p.detach().clone()) for p in model.parameters()]
        self._kept = Kept(model)
        self._optimizer = copy.deepcopy(optimizer.state_dict())
        self._random = generator.get_state()
        moments = [value for state in self._optimizer["state"].values() for value in state.values()]
        buffers = [buffer for module in model.modules() for buffer in module._buffers.values()]
        parts = [self._random, *(value for _, value in self._weights), *moments, *buffers, *buffers]
        self.bytes = sum(part.nbytes + TENSOR for part in parts if isinstance(part, Tensor))

    def restore(self, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> None:
        """Put all of it back in place; the optimizer is one of that name."""
        self._kept.restore()
        for p, value in self._weights:
            put_back(p, value)
        optimizer.load_state_dict(copy.deepcopy(self._optimizer))
        generator.set_state(self._random)


@dataclass(eq=False)
class Branch:
    """One way that a run has gone, from its first step on; up to `fork` it is that of its parent.

    updates, history  see Run
    log               every change at the step where it took effect
    waiting           what was set and had not taken effect when the run left this branch
    snapshots         step -> the run before it; there is always one of step 0
    plan              in a replay, the updates of this branch; else those of the menu go on
    repeats           False where a step that was taken again gave another J: something in the task has a memory
    """

    name: str
    parent: str | None
    fork: int
    updates: list[Update]
    history: History
    log: list[Change] = field(default_factory=list)
    waiting: list[Change] = field(default_factory=list)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    plan: Plan | None = None
    repeats: bool = True

    def __repr__(self):
        changes = [tuple(change) for change in self.changes]
        return f"Branch({self.name!r}, parent={self.parent!r}, fork={self.fork}, steps={len(self.updates)}, {changes=})"

    @property
    def changes(self) -> list[Change]:
        """What was changed since the fork."""
        return [change for change in self.log if change.step >= self.fork]

    @property
    def first_change(self) -> int:
        """The first step at which something can be changed: how a run begins is no change, but how a branch does is."""
        return 0 if self.parent else 1

    def until(self, number: int, name: str, plan: Plan | None = None) -> "Branch":
        """A new branch, of the steps before this one, with a plan of its own if there is one.

        How the run began, or is to begin, waits again before step 0; but not in a replay, whose log says it as well.
        """
        log = [change for change in self.log if change.step < number]
        begun = [] if plan else [change for change in self.log + self.waiting if change.step == number == 0]
        snapshots = {n: snapshot for n, snapshot in self.snapshots.items() if n <= number}
        updates, history = self.updates[:number], self.history.until(number)
        return Branch(name, self.name, number, updates, history, log, begun, snapshots, plan or self.plan)


def letter(number: int) -> str:
    """A to Z, then A1 to Z1, and so on."""
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")


def by_kind(changes: Collection[Change]) -> tuple[list[Change], list[Change], list[Change]]:
    """(those of the plan, of the optimizer, of the controls), each in order."""
    plan, optimizer = ([change for change in changes if change.name == kind] for kind in ("plan", "optimizer"))
    return plan, optimizer, [change for change in changes if change.name not in ("plan", "optimizer")]


def thin(branches: Collection[Branch], held: Snapshot | None = None, most: int = MOST_BYTES) -> None:
    """Drop snapshots until they take `most` bytes at most, each where the gap that it leaves matters least.

    That is the gap as a share of the way back to it: most ways back are short. The last of a branch is dropped when no
    other is left to drop; that of step 0, and the one that is `held`, if any, never.
    """
    kept = {id(snapshot): snapshot for branch in branches for snapshot in branch.snapshots.values()}
    total = sum(snapshot.bytes for snapshot in kept.values())
    while total > most and (gaps := _gaps(branches, held)):
        dropped = min(gaps, key=gaps.__getitem__)
        total -= kept[dropped].bytes
        for branch in branches:
            branch.snapshots = {n: each for n, each in branch.snapshots.items() if id(each) != dropped}


def _gaps(branches: Collection[Branch], held: Snapshot | None) -> dict[int, tuple[bool, float]]:
    """id of a snapshot that can be dropped -> (is it the last of a branch?, the gap that matters), the most of each."""
    gaps: dict[int, tuple[bool, float]] = {}
    for branch in branches:
        numbers = sorted(branch.snapshots)
        for before, number, after in zip(numbers, numbers[1:], [*numbers[2:], None], strict=False):
            snapshot = branch.snapshots[number]
            if snapshot is not held:
                back = max(len(branch.updates) - number, SHORT_WAY)
                gap = after is None, ((after or number) - before) / back
                gaps[id(snapshot)] = max(gaps.get(id(snapshot), gap), gap)
    return gaps
