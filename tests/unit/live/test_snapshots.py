"""Snapshots of a run: how large they are, and which are kept in a bounded memory."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Task
from jointopt.live.lab.branches import MOST_BYTES, TENSOR, Branch, thin
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.history import History


class Fake:
    def __init__(self, size):
        self.bytes = size


def branch_of(steps, snapshots, name="A"):
    return Branch(name, None, 0, [None] * steps, History([], []), snapshots=snapshots)


def test_snapshots_are_thinned_where_they_lie_closest():
    snapshots = {number: Fake(10) for number in (0, 10, 20, 25, 30, 60, 100)}
    branch = branch_of(100, dict(snapshots))
    thin([branch], snapshots[100], most=40)
    assert sorted(branch.snapshots) == [0, 30, 60, 100]


@pytest.mark.parametrize(("steps", "recent", "all_gaps"), [(500, 60, 60), (1000, 105, 105), (5000, 210, 1700)])
def test_ways_back_are_short_where_they_are_likely(steps, recent, all_gaps):
    """As many snapshots as the document's model has in 64 MB, made every 50 steps: the longest gap in the last 500."""
    branch = branch_of(0, {0: Fake(1)})
    for number in range(1, steps + 1):
        branch.updates.append(None)
        if number % 50 == 0:
            branch.snapshots[number] = held = Fake(1)
            thin([branch], held, most=12)
    numbers = np.array(sorted(branch.snapshots))
    gaps = np.diff(numbers)
    assert len(numbers) <= 12 and gaps[numbers[1:] > steps - 500].max() <= recent and gaps.max() <= all_gaps


def test_a_snapshot_that_branches_share_counts_once_and_goes_from_all():
    shared = {0: Fake(10), 10: Fake(10), 50: Fake(10)}
    a, b = branch_of(90, {**shared, 90: Fake(10)}), branch_of(60, {**shared, 60: Fake(10)}, "B")
    thin([a, b], b.snapshots[60], most=50)
    assert len(a.snapshots) == len(b.snapshots) == 4
    thin([a, b], b.snapshots[60], most=40)
    assert sorted(a.snapshots) == [0, 50, 90] and sorted(b.snapshots) == [0, 50, 60]
    thin([a, b], b.snapshots[60], most=20)
    assert sorted(a.snapshots) == [0] and sorted(b.snapshots) == [0, 60]
    thin([a, b], b.snapshots[60], most=5)
    assert sorted(a.snapshots) == [0] and sorted(b.snapshots) == [0, 60]


def task_of(model, width):
    return Task(model, lambda model, x: {"task": F.mse_loss(model(x), x)}, lambda n: torch.ones(4, width) * (n + 1))


def test_a_snapshot_knows_its_size():
    """Weights, and Adam's two moments and count for each parameter; buffers twice; the state of a random generator."""
    engine = Engine(task_of(nn.Sequential(nn.Linear(10, 10), nn.BatchNorm1d(10)), 10))
    parameters, buffers = 4 * (110 + 20), 4 * 20 + 8
    generator = torch.Generator().get_state().nbytes
    assert engine.current.snapshots[0].bytes == parameters + 2 * buffers + generator + (4 + 6 + 1) * TENSOR
    engine.step()
    engine.branch(1)
    assert engine.current.snapshots[1].bytes == (
        3 * parameters + 4 * 4 + 2 * buffers + generator + (4 + 12 + 6 + 1) * TENSOR
    )


class Replaces(nn.Module):
    """A buffer whose place another tensor takes in each forward pass."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.register_buffer("mean", torch.zeros(3_000_000))

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * x.mean()
        return self.linear(x) - self.mean[:3]


@pytest.mark.parametrize(("model", "width"), [(lambda: nn.Linear(2100, 2100), 2100), (Replaces, 3)])
def test_snapshots_take_no_more_than_they_may(model, width, monkeypatch):
    """A model of which the first and the last snapshot do not fit together, and one that replaces its buffers."""
    monkeypatch.setattr("jointopt.live.lab.engine.Throttle", lambda share: SimpleNamespace(do=lambda job: job()))
    engine = Engine(task_of(model(), width))
    for _ in range(5):
        engine.step()
    held = {}  # address -> size
    for snapshot in engine.current.snapshots.values():
        tensors = [value for _, value in snapshot._weights]
        tensors += [tensor for *_, old, copy in snapshot._kept._buffers._kept for tensor in (old, copy)]
        tensors += [value for state in snapshot._optimizer["state"].values() for value in state.values()]
        held |= {tensor.data_ptr(): tensor.nbytes for tensor in tensors}
    assert sum(held.values()) <= MOST_BYTES
    total = engine.history["total"].tolist()
    engine.branch(2)
    while engine.number < 5:
        engine.step()
    assert engine.history["total"].tolist() == total


class Begins(nn.Module):
    """A buffer that the first forward pass begins."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.register_buffer("mean", None)

    def forward(self, x):
        y = self.linear(x)
        self.mean = y.detach().mean(0) if self.mean is None else 0.9 * self.mean + 0.1 * y.detach().mean(0)
        return y - self.mean


@pytest.mark.parametrize("again", [lambda engine: engine.branch(0), lambda engine: engine.reset()])
def test_a_buffer_that_was_none_is_none_again(again):
    engine = Engine(task_of(Begins(), 3))
    for _ in range(4):
        engine.step()
    total = engine.history["total"].tolist()
    again(engine)
    assert engine.task.model.mean is None
    for _ in range(4):
        engine.step()
    assert engine.history["total"].tolist() == total
