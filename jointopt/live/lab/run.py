"""One replayable run of a task: no widget, no thread. A run is (task, plan, log)."""

import copy
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain, takewhile

import torch
from torch import nn

from jointopt.checks import check_repeats, listed
from jointopt.controls import Change, Controls
from jointopt.live.lab.history import History
from jointopt.live.lab.influence import gradient_norms
from jointopt.live.lab.plan_menu import Menu, Plans
from jointopt.live.lab.randomness import OwnRandomness
from jointopt.live.lab.status_line import StatusLine
from jointopt.live.lab.torch_modes import TorchModes
from jointopt.modules import Buffers, Kept, device_of, fingerprint, left_as_it_was, module_names
from jointopt.optimizers import named_optimizer
from jointopt.schedules import known_at
from jointopt.training import Loss, Step, Task, Update, computed, take_step

RECENT = 32  # steps within which an update belongs to what the plan is doing now


class PlanEnded(Exception):
    """The plan has no further update."""


class Run:
    """Steps through a plan, one update at a time, with its own random numbers.

    modules, losses  the names that can be frozen, and weighted
    updates          one for each step so far
    history          see History
    last             the last step
    start            SHA-256 of the first weights
    menu             the plans, see Menu
    status_line      what the last change did, in words
    measure_seconds  what the last measuring of gradients cost
    modes            those of torch where the engine is made, and under which it works
    """

    def __init__(self, task: Task, plan: Plans = None, controls: Controls | None = None):
        self.task, self.menu, self.modes = task, Menu(plan), TorchModes()
        self.controls = controls or Controls()
        check_repeats(task.batches)
        self.modules = module_names(task.model)
        self.losses = _loss_names(task)
        self.controls.bind(task.model, self.losses)
        if self.controls.log:  # they have steered another run
            self.controls.restart()
        self._first_settings = self.controls.settings
        self.optimizer_name = task.optimizer
        self._generator = torch.Generator(device_of(task.model))
        self._first = copy.deepcopy(task.model.state_dict())
        self._first_buffers = Buffers(task.model.modules())  # a state_dict lacks some, and knows others by name alone
        self.start = fingerprint(task.model.state_dict())
        self.measure_seconds = 0.0
        self._begin()

    def reset(self, settings: bool = False) -> None:
        """Back to the first weights and the start of the plan. What was set or chosen stays, but for settings=True."""
        self.optimizer_name = self.task.optimizer if settings else self.next_optimizer
        if settings and self.menu.names:
            self.menu.choose(self.menu.first)
        self._first_buffers.restore()
        self.task.model.load_state_dict(self._first)
        self.controls.restart(self._first_settings if settings else None)
        self._begin()

    def _begin(self) -> None:
        self.menu.restart()
        self._generator.manual_seed((self.task.recipe or {}).get("seed", 0))
        self.updates: list[Update] = []
        self.history = History(self.losses, self.modules)
        self._use(name := self.optimizer_name)
        self._optimizer_log = [] if name == self.task.optimizer else [Change(0, "optimizer", name)]
        self._next_optimizer: str | None = None
        self._scheduled: dict[int, list[Change]] = defaultdict(list)
        self._influence: dict[Update, dict[tuple[str, str], float]] = {}
        self.status_line = StatusLine()
        self.last: Step | None = None

    @property
    def number(self) -> int:
        """How many steps there were, which is the number of the next one."""
        return len(self.updates)

    @property
    def next_optimizer(self) -> str:
        """The optimizer of the next step."""
        return self._next_optimizer or self.optimizer_name

    @property
    def lr(self) -> float:
        """The learning rate of the next step, of the modules that have none of their own."""
        lr = known_at(self.controls.settings.lr, self.number)
        return self._default_lr if lr is None else lr

    @property
    def log(self) -> list[Change]:
        """Every change at the step where it took effect, those of plan and optimizer included."""
        return sorted(chain(self.menu.log, self._optimizer_log, self.controls.log), key=lambda change: change.step)

    def _changes_of(self, number: int) -> list[Change]:
        """The log's changes of the last step, which stand at its ends: it may be long."""
        logs = (self.menu.log, self._optimizer_log, self.controls.log)
        last = [list(takewhile(lambda change: change.step == number, reversed(log)))[::-1] for log in logs]
        return list(chain(*last))

    @property
    def pending(self) -> list[Change]:
        """What waits for the next step, as it will be logged there, but for another plan."""
        name = self._next_optimizer
        optimizer = [] if name is None else [Change(self.number, "optimizer", name)]
        return optimizer + self.controls.pending(self.number)

    @property
    def is_changed(self) -> bool:
        """True if the next step brings what was set or chosen since the last one."""
        return self.number > 0 and (bool(self.pending) or self.menu.waiting is not None)

    @property
    def begins_phase(self) -> bool:
        """True if the next update is none of the last few: from here on the plan does something else."""
        update = self.menu.next_update()
        return update is not None and update not in self.updates[-RECENT:]

    @property
    def kept(self) -> list[str]:
        """What a reset leaves otherwise than this run began at first, in words."""
        now, first = self.controls.settings, self._first_settings
        own = self.task.weights or dict.fromkeys(self.losses, 1.0)
        lrs = [(self._default_lr if each.lr is None else each.lr, each.lrs) for each in (now, first)]
        differs = {
            "λ": own | now.weights != own | first.weights,
            "freezing": now.frozen != first.frozen,
            "plan": self.menu.chosen != self.menu.first,
            "optimizer": self.next_optimizer != self.task.optimizer,
            "learning rate": lrs[0] != lrs[1],
        }
        return [name for name, differ in differs.items() if differ]

    def schedule(self, log: Iterable[Change]) -> None:
        """Make the logged changes again, each at its step. Call it before the first step."""
        for change in log:
            self._scheduled[change.step].append(change)

    def make_scheduled(self) -> None:
        """Make the changes that are scheduled for the next step."""
        for change in self._scheduled.pop(self.number, ()):
            if change.name == "plan":
                self.menu.recorded = change.value
            elif change.name == "optimizer":
                self._next_optimizer = change.value
            else:
                self.controls.make([change])

    def use_optimizer(self, name: str) -> None:
        """Another optimizer from the next step on, without memory, at its own default lr unless one is set by then.

        The modules, too, have that again: a rate that was right for the one is not for the other.
        """
        lr = named_optimizer(self.task, name).param_groups[0]["lr"]
        self._next_optimizer = name  # first: the new one at the old lr for a step does less harm than the reverse
        own = [(self.number, f"lr.{module}", None) for module in self.controls.lrs]
        self.controls.make([(self.number, "lr", lr), *own])

    def step(self, measure: Callable[[Update], bool] = lambda update: False) -> Step:
        """Take the plan's next update. If that fails, the run is where it was, and the same step can be tried again.

        `measure(update)` says whether to measure the gradient of each loss in each module in passing: see `influence`.
        """
        self.make_scheduled()
        update = self.menu.next_update()
        if update is None:
            plan = "the plan" if self.menu.chosen is None else f"the plan {self.menu.chosen!r}"
            raise PlanEnded(f"{plan} ended after {self.number} steps of this run")
        norms = {} if isinstance(update, Update) and measure(update) else None
        with self._undone_on_error():
            self._change_optimizer()
            step = self._take(self.number, update, self.controls, norms)
        self.menu.advance(step.number)
        self.updates.append(update)
        self.history.append(step)
        if norms is not None:
            self._influence[update] = {pair: step.weights[pair[0]] * norm for pair, norm in norms.items()}
        self._describe(self._changes_of(step.number), step, self.menu.followed)
        return step

    def _take(self, number: int, update: Update, controls: Controls, norms: dict | None = None) -> Step:
        task = replace(self.task, losses=partial(self._compute_losses, update, norms))
        with self.modes.in_force():
            return take_step(task, number, update, controls, self.optimizer)

    def _describe(self, changes: list[Change], step: Step, plan: str | None) -> None:
        lr = self.optimizer.param_groups[0]["lr"]
        self.status_line.update(changes, step, {"lr": lr, "optimizer": self.optimizer_name, "plan": plan})
        self.last = step

    def evaluate(self) -> None:
        """The held-out metrics at this point of the run, once, into the history."""
        held_out = self.history.held_out
        if self.task.evaluate is None or (held_out and held_out[-1][0] == self.number):
            return
        # Left as it was: with an `evaluate` that forgets train() the lab would train on in eval mode.
        with self.modes.in_force(), left_as_it_was(self.task.model):
            metrics = {name: float(value) for name, value in self.task.evaluate(self.task.model).items()}
        if not metrics or (held_out and metrics.keys() != held_out[0][1].keys()):
            expected = f"the metrics {list(held_out[0][1])}" if held_out else "at least one metric"
            raise ValueError(f"task.evaluate must answer {expected}, got {metrics}")
        held_out.append((self.number, metrics))

    def influence(self) -> dict[tuple[str, str], float]:
        """{(loss, module): ‖∇ λ_k·L_k‖} as last measured, for the updates of the last few steps.

        A pair is absent where the module was held still, or the loss was not counted, does not reach it, or has λ = 0.
        """
        recent = set(self.updates[-RECENT:])
        norms = chain.from_iterable(norms.items() for update, norms in self._influence.items() if update in recent)
        return {pair: norm for pair, norm in norms if norm > 0}

    def _compute_losses(self, update: Update, norms: dict | None, model: nn.Module, batch: object) -> dict[str, Loss]:
        """The task's losses, with the lab's own random numbers; here is the graph that gradients are measured in."""
        moving = [p for p in model.parameters() if p.requires_grad]  # now: the losses may set flags
        with OwnRandomness(self._generator):
            losses = self.task.losses(model, batch)
            if not isinstance(losses, Mapping):
                return losses  # the loop says what is wrong with it
            if set(losses) != set(self.losses):
                raise ValueError(f"the losses were {listed(self.losses)}, and now are {listed(losses)}")
            losses = computed(losses, update)
        if norms is not None:
            start = time.thread_time()
            counted = {name: loss for name, loss in losses.items() if update.counts(name)}
            norms |= gradient_norms(counted, model, moving)
            self.measure_seconds = time.thread_time() - start
        return losses

    def _use(self, name: str) -> None:
        self.optimizer, self.optimizer_name = named_optimizer(self.task, name), name
        self._default_lr = self.optimizer.param_groups[0]["lr"]  # its groups are others while it steps: see own_rates

    def _change_optimizer(self) -> None:
        name, self._next_optimizer = self._next_optimizer, None
        if name is not None:
            self._use(name)
            before = [change for change in self._optimizer_log if change.step < self.number]  # none of this very step
            self._optimizer_log = [*before, Change(self.number, "optimizer", name)]

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


def _loss_names(task: Task) -> list[str]:
    """The names of the losses; without weights, by one forward pass on a copy that leaves no trace."""
    if task.weights is not None:
        return list(task.weights)
    model = copy.deepcopy(task.model)
    with OwnRandomness(torch.Generator(device_of(model))):
        return list(task.losses(model, task.batches(0)))
