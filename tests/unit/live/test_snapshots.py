"""Snapshots of a run: how large they are, and which are kept in a bounded memory."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Task
from jointopt.live.lab.branches import Branch, thin
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


def test_a_snapshot_knows_its_size():
    """Weights, and Adam's two moments and count for each parameter; buffers once."""
    model = nn.Sequential(nn.Linear(10, 10), nn.BatchNorm1d(10))
    task = Task(model, lambda model, x: {"task": F.mse_loss(model(x), x)}, lambda n: torch.ones(4, 10) * (n + 1))
    engine = Engine(task)
    parameters, buffers = 4 * (110 + 20), 4 * 20 + 8
    assert engine.current.snapshots[0].bytes == parameters + buffers
    engine.step()
    engine.branch(1)
    assert engine.current.snapshots[1].bytes == 3 * parameters + 4 * 4 + buffers
