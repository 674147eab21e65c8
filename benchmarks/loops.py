"""The loop: train() against the same loop written bare, against the document's own, and with a module frozen."""

import resource
import statistics
from collections.abc import Iterator
from itertools import count

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks import peers, split
from benchmarks.measure import Row, interleaved, ratios
from jointopt import Controls, EndToEndModel, FeatureExtractor, Task, plans, tasks, train
from jointopt.data import load
from jointopt.objective import l2
from jointopt.optimizers import make_optimizer

REPEATS = 150  # of two steps a side


class AsWritten(FeatureExtractor):
    """The document's, which has ReLU before pooling."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.conv1(x)))
        return self.pool(self.relu(self.conv2(x)))


def run() -> tuple[list[Row], list[str]]:
    """The rows of the table, and notes beneath it."""
    torch.set_num_threads(1)
    ours, bare = interleaved(_default(), _bare(), repeats=REPEATS)
    default, document = interleaved(_default(), _document(), repeats=REPEATS)
    frozen, joint = interleaved(_default(frozen=("feature_extractor",)), _default(), repeats=REPEATS // 2)
    rows = [
        Row("train() / the same loop written bare, CPU per step", ratios(ours, bare), 1.02),
        Row("default path / document's loop with DataLoader, CPU per step", ratios(default, document), 0.7),
        Row("feature_extractor frozen / joint, CPU per step", ratios(frozen, joint), 0.48),
    ]
    faults = f"Page faults a step: default path {_faults(_default())}, document's loop {_faults(_document())}."
    parts = split.note(statistics.median(default), statistics.median(document))
    return rows, [parts, faults, *peers.notes(_task)]


def _faults(loop: Iterator, steps: int = 30) -> int:
    """How often a step waits for the system to hand out a page of memory; each time costs one or two microseconds."""
    for _ in range(steps):
        next(loop)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        next(loop)
    return round((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / steps)


def _task() -> Task:
    return tasks.load("classification")


def _default(frozen: tuple[str, ...] = ()) -> Iterator:
    return train(_task(), plans.joint(), Controls(frozen=frozen))


def _bare() -> Iterator[float]:
    """What train() does, without train(): the same model, batches, losses and optimizer."""
    task = _task()
    model, reg = task.model, task.weights["reg"]
    optimizer = make_optimizer(model)
    for number in count():
        inputs, labels = task.batches(number)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels) + reg * l2(model)
        loss.backward()
        optimizer.step()
        yield loss.item()


def _document() -> Iterator[float]:
    """The document's loop (§4) as it stands, with its batches from torch's DataLoader."""
    model = EndToEndModel(num_classes=10)
    model.feature_extractor = AsWritten()
    optimizer = optim.Adam(model.parameters(), lr=0.001)
    criterion = nn.CrossEntropyLoss()
    for inputs, labels in _loaded():
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        yield loss.item()


def _loaded() -> Iterator[tuple[Tensor, Tensor]]:
    images = load("digits")
    loader = DataLoader(TensorDataset(images.images, images.labels), batch_size=64, shuffle=True)
    while True:
        yield from loader
