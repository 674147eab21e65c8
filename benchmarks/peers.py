"""The same loop in Lightning and in skorch, where they are installed; the project does not require them."""

import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.measure import ratios, short
from jointopt import Task, plans, train
from jointopt.objective import l2
from jointopt.optimizers import make_optimizer

STEPS, REPEATS = 40, 8  # steps a repeat; its first ones, in which a trainer starts, do not count
WARM_UP = 8


class Batches:
    """The task's batches; notes the CPU time at which each was asked for, so that every loop is timed alike."""

    def __init__(self, task: Task):
        self.task, self.times = task, []

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for number in range(STEPS):
            yield self(number)

    def __call__(self, number: int) -> tuple[Tensor, Tensor]:
        self.times.append(time.thread_time())
        return self.task.batches(number)

    def seconds(self) -> float:
        """Median CPU seconds of a step, from one request to the next."""
        times = self.times[WARM_UP:]
        return statistics.median(b - a for a, b in zip(times, times[1:], strict=False))


def notes(make_task: Callable[[], Task]) -> list[str]:
    """A line for train() and for each peer: its step against the bare loop's."""
    loops = {"train()": _ours, "Lightning": _lightning, "skorch": _skorch}
    missing = [name for name in ("Lightning", "skorch") if find_spec(name.lower()) is None]
    lines = [f"Peer {name}: not installed, so not measured (pip install {name.lower()})." for name in missing]
    if len(missing) == 2:
        return lines
    present = {name: loop for name, loop in loops.items() if name not in missing}
    times = {"bare": [], **{name: [] for name in present}}
    for _ in range(REPEATS):
        for name, loop in [("bare", _bare), *present.items()]:
            batches = Batches(make_task())
            loop(batches)
            times[name].append(batches.seconds())
    for name in present:
        ratio = ratios(times[name], times["bare"])
        low, middle, high = statistics.quantiles(ratio, n=4)
        line = f"{name} / bare, CPU per step: {short(middle)} ({short(low)} … {short(high)}, {REPEATS} repeats)"
        lines.append(f"Peers, {line}.")
    return lines


def _objective(task: Task, scores: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(scores, labels) + task.weights["reg"] * l2(task.model)


def _bare(batches: Batches) -> None:
    task = batches.task
    optimizer = make_optimizer(task.model)
    for inputs, labels in batches:
        optimizer.zero_grad()
        loss = _objective(task, task.model(inputs), labels)
        loss.backward()
        optimizer.step()
        loss.item()


def _ours(batches: Batches) -> None:
    task = batches.task
    timed = Task(task.model, task.losses, batches, weights=task.weights)
    for _ in train(timed, plans.joint(STEPS)):
        pass


def _lightning(batches: Batches) -> None:
    import lightning

    task = batches.task

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = task.model

        def training_step(self, batch, index):
            inputs, labels = batch
            return _objective(task, self.model(inputs), labels)

        def configure_optimizers(self):
            return make_optimizer(self.model)

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_steps=STEPS,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Module(), batches)


def _skorch(batches: Batches) -> None:
    import skorch

    task = batches.task

    class Net(skorch.NeuralNetClassifier):
        def get_loss(self, scores, labels, *args, **kwargs):
            return _objective(task, scores, labels)

    net = Net(
        task.model,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=1e-3,
        max_epochs=1,
        verbose=0,
        train_split=None,
        iterator_train=lambda data, **options: batches,
    )
    inputs, labels = task.batches(0)
    net.partial_fit(inputs, labels)  # these go unused: the iterator has the batches
