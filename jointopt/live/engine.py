"""One replayable run of a task: no widget, no thread. A run is (task, plan, log)."""

import copy
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, takewhile, tee

import torch
from torch import Tensor, nn

from jointopt import plans
from jointopt.controls import Change, Controls
from jointopt.live.history import History
from jointopt.live.randomness import OwnRandomness
from jointopt.live.words import Teller
from jointopt.modules import listed, module_names, parameters_of
from jointopt.training import OPTIMIZERS, Step, Task, Update, make_optimizer, take_step

RECENT = 32  # steps within which an update belongs to what the plan is doing now


class PlanEnded(Exception):
    """The plan has no further update."""


class Engine:
    """Steps through a plan, one update at a time, with random numbers of its own.

    modules, losses  their names
    history          see History
    start            SHA-256 of the first weights
    said             what the last change did, in words
    """

    def __init__(self, task: Task, plan: Iterable[Update] | None = None, controls: Controls | None = None):
        self.task = task
        self.controls = controls or Controls()
        self.modules = module_names(task.model)
        self.losses = _loss_names(task)
        self.controls.bind(task.model, self.losses)
        if self.controls.log:  # they have steered another run
            self.controls.restart()
        self.optimizer_name = "Adam"
        self._watched = Task(task.model, self._watch, task.batches, weights=task.weights)
        self._plan = iter(plan if plan is not None else plans.joint())
        self._generator = torch.Generator(next(task.model.parameters()).device)
        self._first = copy.deepcopy(task.model.state_dict())
        self.start = fingerprint(task.model)
        self.measure_seconds = 0.0  # what the last measuring of gradients cost
        self._begin()

    def reset(self) -> None:
        """Back to the first weights and the plan's beginning; λ, frozen modules, lr and optimizer stay as they are."""
        self.optimizer_name = self.wanted_optimizer  # one that no step has been taken with yet, too
        self.task.model.load_state_dict(self._first)
        self.controls.restart()
        self._begin()

    def _begin(self) -> None:
        self._plan, self._rest = tee(self._plan)  # a generator can be gone through once only
        self._generator.manual_seed((self.task.recipe or {}).get("seed", 0))
        self.taken: list[Update] = []
        self.history = History(self.losses, self.modules)
        self.optimizer = make_optimizer(self.task.model, self.optimizer_name)
        self._optimizer_log = [] if self.optimizer_name == "Adam" else [Change(0, "optimizer", self.optimizer_name)]
        self._next_optimizer: str | None = None
        self._scheduled: dict[int, str] = {}
        self._measuring = False
        self._gradients: dict[Update, tuple[int, dict]] = {}
        self._teller = Teller()

    @property
    def number(self) -> int:
        """Steps taken so far, which is the number of the next one."""
        return len(self.taken)

    @property
    def said(self) -> str:
        return self._teller.said

    @property
    def wanted_optimizer(self) -> str:
        """The optimizer of the next step."""
        return self._next_optimizer or self.optimizer_name

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return self.controls.lr if self.controls.lr is not None else self.optimizer.param_groups[0]["lr"]

    @property
    def log(self) -> list[Change]:
        """Every change at the step where it took effect, the optimizer's included."""
        return sorted(self._optimizer_log + self.controls.log, key=lambda change: change.step)

    def schedule(self, log: Iterable[Change]) -> None:
        """Make the logged changes again, each at its step. Call it before the first step."""
        log = list(log)
        self._scheduled = {change.step: change.value for change in log if change.name == "optimizer"}
        self.controls.schedule(change for change in log if change.name != "optimizer")

    def use_optimizer(self, name: str) -> None:
        """Another optimizer from the next step on, without memory, at its own default lr unless one is set by then."""
        if name not in OPTIMIZERS:
            raise ValueError(f"no optimizer is named {name!r}; there are {', '.join(OPTIMIZERS)}")
        self._next_optimizer = name  # first: the new one at the old lr for a step does less harm than the reverse
        self.controls.set(lr=OPTIMIZERS[name][1]["lr"])

    def step(self, measure: Callable[[Update], bool] = lambda update: False) -> Step:
        """Take the plan's next update. If that fails, the run is where it was, and the same step can be tried again.

        `measure(update)` says whether to measure the gradient of each loss in each module in passing: see `influence`.
        """
        update = next(self._rest, None)
        if update is None:
            raise PlanEnded(f"the plan ended after {self.number} steps")
        with self._undone_on_error(update):
            self._measuring = isinstance(update, Update) and measure(update)
            old_lr, old_optimizer = self.optimizer.param_groups[0]["lr"], self.optimizer_name
            self._change_optimizer()
            step = take_step(self._watched, self.number, update, self.controls, self.optimizer)
        self.taken.append(update)
        self.history.append(step)
        if changes := self._changes_at(step.number):
            self._teller.tell(changes, step, self.history, old_lr, old_optimizer)
        return step

    def influence(self) -> dict[tuple[str, str], float]:
        """{(loss, module): ‖∇ λ_k·L_k‖} as last measured, for the updates of the last few steps.

        A pair is absent where the module was held still, or the loss was not counted, does not reach it, or has λ = 0.
        """
        recent = set(self.taken[-RECENT:])
        return {
            (loss, module): weight * norm
            for update, (number, norms) in self._gradients.items()
            if update in recent
            for (loss, module), norm in norms.items()
            if (weight := self.history.weight(loss, number)) * norm > 0
        }

    def _watch(self, model: nn.Module, batch: object) -> dict[str, Tensor]:
        """The task's losses, with the lab's own random numbers; the graph is at hand here for measuring gradients."""
        with OwnRandomness(self._generator):
            losses = self.task.losses(model, batch)
        if isinstance(losses, Mapping) and set(losses) != set(self.losses):
            raise ValueError(f"the losses were {listed(self.losses)}, and now are {listed(losses)}")
        if self._measuring:
            start = time.thread_time()
            self._norms = gradient_norms(losses, model)
            self.measure_seconds = time.thread_time() - start
        return losses

    def _changes_at(self, number: int) -> list[Change]:
        """What took effect at the last step, looked for from the logs' ends."""
        logs = (self._optimizer_log, self.controls.log)
        last = [list(takewhile(lambda change: change.step == number, reversed(log))) for log in logs]
        return [change for changes in last for change in reversed(changes)]

    def _change_optimizer(self) -> None:
        name = self._scheduled.pop(self.number, None)
        if name is None:
            name, self._next_optimizer = self._next_optimizer, None
        if name is not None:
            self.optimizer, self.optimizer_name = make_optimizer(self.task.model, name), name
            self._optimizer_log.append(Change(self.number, "optimizer", name))

    @contextmanager
    def _undone_on_error(self, update: Update) -> Iterator[None]:
        """No weight moves in a step that fails; put back what its forward pass changed: buffers and random numbers."""
        buffers = [(buffer, buffer.clone()) for buffer in self.task.model.buffers()]
        random = self._generator.get_state()
        try:
            yield
        except Exception:
            for buffer, was in buffers:
                buffer.copy_(was)
            self._generator.set_state(random)
            self._rest = chain([update], self._rest)
            raise
        if self._measuring:
            counted = {
                pair: norm for pair, norm in self._norms.items() if update.losses is None or pair[0] in update.losses
            }
            self._gradients[update] = (self.number, counted)


def gradient_norms(losses: dict[str, Tensor], model: nn.Module) -> dict[tuple[str, str], float]:
    """{(loss, module): ‖∇ L_k‖}, by one more backward pass a loss on a graph that is kept; touches no `.grad`."""
    modules = parameters_of(model)
    moving = [p for p in model.parameters() if p.requires_grad]
    norms = {}
    for loss, value in losses.items():
        if not value.requires_grad or not moving:
            continue
        gradients = torch.autograd.grad(value, moving, retain_graph=True, allow_unused=True)
        by_parameter = {p: g for p, g in zip(moving, gradients, strict=True) if g is not None}
        for module, parameters in modules.items():
            squares = [by_parameter[p].square().sum() for p in parameters if p in by_parameter]
            if squares:
                norms[loss, module] = float(sum(squares).sqrt())
    return norms


def _loss_names(task: Task) -> list[str]:
    """The names of the losses; without weights, by one forward pass on a copy that leaves no trace."""
    if task.weights is not None:
        return list(task.weights)
    model = copy.deepcopy(task.model)
    with OwnRandomness(torch.Generator(next(model.parameters()).device)):
        return list(task.losses(model, task.batches(0)))


def fingerprint(model: nn.Module) -> str:
    """SHA-256 over all parameters and buffers."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
