"""One replayable run of a task: no widget, no thread. A run is (task, plan, log)."""

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain, takewhile

import torch
from torch import Tensor, nn

from jointopt.checks import check_repeats, listed
from jointopt.controls import Change, Controls
from jointopt.live.lab.history import History
from jointopt.live.lab.plan_menu import Menu, Plans
from jointopt.live.lab.randomness import OwnRandomness
from jointopt.live.lab.status_line import Teller
from jointopt.modules import Buffers, Kept, fingerprint, module_names, parameters_of
from jointopt.optimizers import OPTIMIZERS, check_optimizer, make_optimizer
from jointopt.training import Loss, Step, Task, Update, computed, take_step

RECENT = 32  # steps within which an update belongs to what the plan is doing now


class PlanEnded(Exception):
    """The plan has no further update."""


class Engine:
    """Steps through a plan, one update at a time, with random numbers of its own.

    modules, losses  their names
    history          see History
    start            SHA-256 of the first weights
    menu             the plans, see Menu
    said             what the last change did, in words
    """

    def __init__(self, task: Task, plan: Plans = None, controls: Controls | None = None):
        self.task, self.menu = task, Menu(plan)
        self.controls = controls or Controls()
        check_repeats(task.batches)
        self.modules = module_names(task.model)
        self.losses = _loss_names(task)
        self.controls.bind(task.model, self.losses)
        if self.controls.log:  # they have steered another run
            self.controls.restart()
        self._settings = self.controls.settings
        self.optimizer_name = task.optimizer
        self._generator = torch.Generator(next(task.model.parameters()).device)
        self._first = copy.deepcopy(task.model.state_dict())
        self._first_buffers = Buffers(task.model.modules())  # a state_dict lacks some, and knows others by name alone
        self.start = fingerprint(task.model.state_dict())
        self.measure_seconds = 0.0  # what the last measuring of gradients cost
        self._begin()

    def reset(self, settings: bool = False) -> None:
        """Back to the first weights and the start of the plan. What was set or chosen stays, but for settings=True."""
        # The optimizer wanted may be one that no step has been taken with yet.
        self.optimizer_name = self.task.optimizer if settings else self.wanted_optimizer
        if settings and self.menu.names:
            self.menu.choose(self.menu.names[0])
        self._first_buffers.restore()
        self.task.model.load_state_dict(self._first)
        self.controls.restart(self._settings if settings else None)
        self._begin()

    def _begin(self) -> None:
        self.menu.restart()
        self._generator.manual_seed((self.task.recipe or {}).get("seed", 0))
        self.taken: list[Update] = []
        self.history = History(self.losses, self.modules)
        self.optimizer = self._make_optimizer(own := self.optimizer_name)
        self._optimizer_log = [] if own == self.task.optimizer else [Change(0, "optimizer", own)]
        self._next_optimizer: str | None = None
        self._scheduled: dict[int, str] = {}
        self._norms: dict | None = None  # what was measured in the step at hand
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
        """Every change at the step where it took effect, those of plan and optimizer included."""
        return sorted(chain(*self._logs), key=lambda change: change.step)

    @property
    def pending(self) -> list[Change]:
        """What waits for the next step, as it will be logged there, but for another plan."""
        name = self._next_optimizer
        optimizer = [] if name is None else [Change(self.number, "optimizer", name)]
        return optimizer + self.controls.pending(self.number)

    @property
    def _logs(self) -> tuple[list[Change], ...]:
        return self.menu.log, self._optimizer_log, self.controls.log

    def schedule(self, log: Iterable[Change]) -> None:
        """Make the logged changes again, each at its step. Call it before the first step."""
        log = list(log)
        self.menu.schedule(change for change in log if change.name == "plan")
        self._scheduled = {change.step: change.value for change in log if change.name == "optimizer"}
        self.controls.schedule(change for change in log if change.name not in ("plan", "optimizer"))

    def make(self, changes: Iterable[Change]) -> None:
        """Make the pending changes of another run now."""
        changes = list(changes)
        self._next_optimizer = next((change.value for change in changes if change.name == "optimizer"), None)
        self.controls.make(change for change in changes if change.name not in ("plan", "optimizer"))

    def use_optimizer(self, name: str) -> None:
        """Another optimizer from the next step on, without memory, at its own default lr unless one is set by then."""
        check_optimizer(name)
        self._next_optimizer = name  # first: the new one at the old lr for a step does less harm than the reverse
        self.controls.set(lr=self._options(name)["lr"])

    def _options(self, name: str) -> dict:
        """The task's for its own optimizer, else the defaults."""
        return OPTIMIZERS[name][1] | (dict(self.task.optimizer_options) if name == self.task.optimizer else {})

    def _make_optimizer(self, name: str) -> torch.optim.Optimizer:
        return make_optimizer(self.task.model, name, **self._options(name))

    def step(self, measure: Callable[[Update], bool] = lambda update: False) -> Step:
        """Take the plan's next update. If that fails, the run is where it was, and the same step can be tried again.

        `measure(update)` says whether to measure the gradient of each loss in each module in passing: see `influence`.
        """
        update = self.menu.look()
        if update is None:
            plan = "the plan" if self.menu.chosen is None else f"the plan {self.menu.chosen!r}"
            raise PlanEnded(f"{plan} ended after {self.number} steps of this run")
        with self._undone_on_error():
            watch = partial(self._watch, update, isinstance(update, Update) and measure(update))
            self._change_optimizer()
            step = take_step(replace(self.task, losses=watch), self.number, update, self.controls, self.optimizer)
        self.menu.take(step.number)
        self.taken.append(update)
        self.history.append(step)
        if self._norms is not None:
            self._gradients[update] = step.number, self._norms
        now = {"lr": self.optimizer.param_groups[0]["lr"], "optimizer": self.optimizer_name, "plan": self.menu.followed}
        self._teller.tell(self._changes_at(step.number), step, self.history, now)
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

    def _watch(self, update: Update, measuring: bool, model: nn.Module, batch: object) -> dict[str, Loss]:
        """The task's losses, with the lab's own random numbers; the graph is at hand here for measuring gradients."""
        self._norms = None
        moving = [p for p in model.parameters() if p.requires_grad]  # now: the losses may set flags
        with OwnRandomness(self._generator):
            losses = self.task.losses(model, batch)
            if not isinstance(losses, Mapping):
                return losses  # the loop says what is wrong with it
            if set(losses) != set(self.losses):
                raise ValueError(f"the losses were {listed(self.losses)}, and now are {listed(losses)}")
            losses = computed(losses, update)
        if measuring:
            start = time.thread_time()
            counted = {name: loss for name, loss in losses.items() if update.counts(name)}
            self._norms = gradient_norms(counted, model, moving)
            self.measure_seconds = time.thread_time() - start
        return losses

    def _changes_at(self, number: int) -> list[Change]:
        """What took effect at the last step, looked for from the logs' ends."""
        last = [list(takewhile(lambda change: change.step == number, reversed(log))) for log in self._logs]
        return [change for changes in last for change in reversed(changes)]

    def _change_optimizer(self) -> None:
        name = self._scheduled.pop(self.number, None)
        if name is None:
            name, self._next_optimizer = self._next_optimizer, None
        if name is not None:
            self.optimizer, self.optimizer_name = self._make_optimizer(name), name
            self._optimizer_log.append(Change(self.number, "optimizer", name))

    @contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        """No weight moves in a step that fails; put back buffers, modes, flags, and random numbers."""
        kept = Kept(self.task.model)
        random = self._generator.get_state()
        try:
            yield
        except Exception:
            kept.restore()
            self._generator.set_state(random)
            raise


def gradient_norms(
    losses: Mapping[str, Loss], model: nn.Module, moving: list[nn.Parameter]
) -> dict[tuple[str, str], float]:
    """{(loss, module): ‖∇ L_k‖} over the parameters that move, by one more backward pass a loss.

    The graph is kept, and no `.grad` touched. A loss that is still a function, and so has no graph, is left out.
    """
    modules = parameters_of(model)
    norms = {}
    for loss, value in losses.items():
        if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad or not moving:
            continue  # what is no scalar is refused by name in the step itself
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
