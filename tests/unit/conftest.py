"""Small models and tasks that the unit tests share."""

import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Task, objective


class Branchy(nn.Module):
    """All that makes freezing hard: BatchNorm, Dropout, and one weight that two modules share."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 8))
        self.neck = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        self.head[0].weight = self.neck[0].weight

    def forward(self, x):
        return self.head(self.neck(self.encoder(x)))


def branchy_losses(model, batch):
    inputs, labels = batch
    return {"task": F.cross_entropy(model(inputs), labels), "reg": objective.l2(model)}


def branchy_batches(number):
    generator = torch.Generator().manual_seed(number)
    return torch.randn(16, 6, generator=generator), torch.randint(3, (16,), generator=generator)


@pytest.fixture
def task():
    """A fresh task each time, from the same seed."""
    return make_task()


def make_task():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Branchy()
    return Task(model, branchy_losses, branchy_batches, weights={"task": 1.0, "reg": 0.01})


@pytest.fixture
def make():
    """Call it for as many equal tasks as a test compares."""
    return make_task


def copy_of(module):
    """All parameters and buffers of a module, copied."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(a, b):
    """Bit-identical state_dicts."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def state():
    """state(module) copies its state; state.same(a, b) compares two copies bit for bit."""
    copy_of.same = same
    return copy_of


@pytest.fixture
def no_lab_is_left():
    """Close the labs of a test, and see that their threads have ended."""
    from jointopt.live.lab.trainer import _trainers

    yield
    for trainer in list(_trainers.values()):
        trainer.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("jointopt-lab")]


@pytest.fixture(scope="session")
def grid():
    """A sweep over two λ's, three seeds each."""
    from comparetools import GRID, swept

    return swept(GRID)


@pytest.fixture(scope="session")
def line():
    """A sweep over one λ, out of order, with 0."""
    from comparetools import swept

    return swept([{"up": weight} for weight in (1.0, 0.0, 30.0, 0.02)])
