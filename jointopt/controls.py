"""The controls: what a person may change while training runs, from any thread, at any moment."""

import json
from collections.abc import Collection, Iterable, Mapping
from threading import Lock
from typing import NamedTuple

import torch
from torch import nn

from jointopt.checks import check_count, check_name, check_number, check_rate, check_type
from jointopt.modules import check_names, covers


class Change(NamedTuple):
    """One change, at the step where it took effect. `name` is "lr", "weight.<loss>" or "frozen.<module>".

    A lab's log has "optimizer" and "plan" too, whose values are names.
    """

    step: int
    name: str
    value: float | bool | str


class Settings(NamedTuple):
    """The controls at one moment."""

    weights: dict[str, float]  # loss -> λ; what is not named has the task's own
    frozen: frozenset[str]
    lr: float | None  # None: the optimizer's own


class _Rates(NamedTuple):
    """The learning rates that were set last, of an optimizer's groups, and their ratios to that of the first."""

    optimizer: object
    rates: list[float]
    ratios: list[float]


class Controls:
    """The weights λ_k, the frozen modules and the learning rate of a running loop.

    A change waits until the loop takes its one snapshot, at the start of a step; `log` says which step that was, and
    `settings` how all of it is set now. A wrong name or value raises ValueError and changes nothing.
    """

    def __init__(self, weights: Mapping[str, float] | None = None, frozen: Iterable[str] = (), lr: float | None = None):
        self.log: list[Change] = []
        self._lock = Lock()
        self._pending: list[tuple[str, float | bool]] = []
        self._scheduled: dict[int, list[tuple[str, float | bool]]] = {}
        self.settings = Settings({}, frozenset(), None)
        self._rates: _Rates | None = None
        self._model: nn.Module | None = None
        self._losses: frozenset[str] | None = None
        self.on_change = lambda: None  # called after each change, in the thread that made it
        self.set(weight=weights, lr=lr)
        self.freeze(*([frozen] if isinstance(frozen, str) else frozen))

    def __repr__(self):
        weights, frozen, lr = self.settings
        return f"Controls(weights={weights}, frozen={sorted(frozen)}, lr={lr})"

    @property
    def weights(self) -> dict[str, float]:
        """The λ_k that were set here."""
        return dict(self.settings.weights)

    @property
    def frozen(self) -> frozenset[str]:
        """Names of the frozen modules."""
        return self.settings.frozen

    @property
    def lr(self) -> float | None:
        """The learning rate; None means the optimizer's own."""
        return self.settings.lr

    def set(self, weight: Mapping[str, float] | None = None, lr: float | None = None) -> None:
        """Set weights λ_k and the learning rate, each a finite number ≥ 0."""
        changes = [
            (f"weight.{name}", check_number(f"the weight λ of {name!r}", x)) for name, x in (weight or {}).items()
        ]
        if lr is not None:
            changes.append(("lr", check_rate(lr)))
        self._change(changes)

    def freeze(self, *names: str) -> None:
        """Hold these modules still, whatever the plan says."""
        self._change([(f"frozen.{name}", True) for name in names])

    def thaw(self, *names: str) -> None:
        """Let these modules move again, where the plan moves them."""
        self._change([(f"frozen.{name}", False) for name in names])

    def take(self, number: int) -> Settings:
        """The snapshot for step `number`; what has changed since the last one is logged as taking effect here."""
        for name, value in self._scheduled.pop(number, ()):
            self._change([(name, value)], recorded=True)
        with self._lock:
            self.log += self.pending(number)
            self._pending.clear()
            return self.settings

    def apply_lr(self, lr: float | None, optimizer: torch.optim.Optimizer) -> None:
        """Set the learning rate of the first group, whose ratio to those of the others stays. None: leave them all.

        ValueError where something else has changed a rate since it was last set here, as a scheduler does, or where the
        others have no ratio to the first.
        """
        if lr is None:
            self._rates = None
            return
        rates = [group["lr"] for group in optimizer.param_groups]
        last = self._rates if self._rates is not None and self._rates.optimizer is optimizer else None
        if last is None and len(rates) > 1 and not rates[0]:
            raise ValueError(
                "the first group's learning rate is 0: those of the other groups have no ratio to it."
                " Put a group with a rate first, or leave the controls' lr at None"
            )
        if last is not None and last.rates != rates:
            raise ValueError(
                f"the learning rate was set to {last.rates[0]:g} in the controls, and something else has changed the"
                f" rates of the groups since, from {last.rates} to {rates}: a scheduler, or a line of your own. Drop"
                " that, or begin with Controls that have no lr: one that was set stays set"
            )
        ratios = last.ratios if last is not None else [1.0, *(rate / rates[0] for rate in rates[1:])]
        if lr != rates[0]:
            rates = [lr * ratio for ratio in ratios]
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate
        self._rates = _Rates(optimizer, rates, ratios)

    def pending(self, number: int) -> list[Change]:
        """What waits for the next step, `number`, as it will be logged there: each control where it came to rest."""
        return [Change(number, name, value) for name, value in dict(list(self._pending)).items()]

    def make(self, changes: Iterable[Iterable]) -> None:
        """Make logged changes now, whatever their step: they take effect at the next one."""
        self._change([check_change(entry)[1:] for entry in changes], recorded=True)

    def restart(self, settings: Settings | None = None) -> None:
        """Begin a new run with these settings, or those now in force: the log starts again, they are its step 0."""
        with self._lock:
            self.settings = weights, frozen, lr = self.settings if settings is None else settings
            self.log.clear()
            self._rates = None
            self._pending = [(f"weight.{name}", value) for name, value in weights.items()]
            self._pending += [(f"frozen.{name}", True) for name in sorted(frozen)]
            self._pending += [("lr", lr)] if lr is not None else []

    def bind(self, model: nn.Module, losses: Collection[str] | None) -> None:
        """Check the names used so far, and from now on each new one at once. `losses` None: not known yet."""
        if model is self._model and (losses is None or self._losses == frozenset(losses)):
            return
        weights, frozen, _ = self.settings
        check_names(frozen, model)
        check_losses(weights, losses)
        if losses is not None:
            self._losses = frozenset(losses)
        self._model = model

    @classmethod
    def replay(cls, log: Iterable[Iterable]) -> "Controls":
        """New controls that make the changes of a `.log` again, each at its step: the same numbers on an equal task."""
        controls = cls()
        for step, name, value in map(check_change, log):
            controls._scheduled.setdefault(step, []).append((name, value))
        return controls

    def put_aside(self) -> list[tuple[str, float | bool]]:
        """What waits for the next step, which it does no longer: see `resume`."""
        with self._lock:
            waiting, self._pending = list(dict(self._pending).items()), []
        return waiting

    def resume(self, log: Iterable[Change], waiting: Iterable[tuple[str, float | bool]] = ()) -> None:
        """Go on with a run of this log, and with what waited in it. What was set since `put_aside` waits as well."""
        with self._lock:
            self.log, self._rates = list(log), None
            self._pending = [*waiting, *self._pending]
            past = [(name, value) for _, name, value in self.log]
            self.settings = _changed(Settings({}, frozenset(), None), past + self._pending)
        self.on_change()

    def _change(self, changes: list[tuple[str, float | bool]], recorded: bool = False) -> None:
        """Make these changes. recorded: from a log, which has where each control came to rest, not in which order."""
        with self._lock:
            for name, _ in changes:
                kind, _, target = name.partition(".")
                if kind == "weight":
                    check_losses([target], self._losses)
                elif kind == "frozen" and self._model is not None:
                    check_names([target], self._model)
            settings = _changed(self.settings, changes)
            for name, value in () if recorded else changes:
                target = name.partition(".")[2]
                if value is False and (around := next((f for f in settings.frozen if covers(f, target)), None)):
                    raise ValueError(f"{target!r} stays frozen while {around!r} is: thaw that")
            self.settings = settings  # one store: a reader sees all of it or nothing
            self._pending += changes
        self.on_change()


def _changed(settings: Settings, changes: Iterable[tuple[str, float | bool]]) -> Settings:
    """The settings with these changes made one after the other."""
    weights, frozen, lr = dict(settings.weights), set(settings.frozen), settings.lr
    for name, value in changes:
        kind, _, target = name.partition(".")
        if kind == "lr":
            lr = value
        elif kind == "weight":
            weights[target] = value
        else:
            (frozen.add if value else frozen.discard)(target)
    return Settings(weights, frozenset(frozen), lr)


def check_losses(names: Collection[str], known: Collection[str] | None) -> None:
    """ValueError unless every name is one of the known losses. None: they are not known yet."""
    for name in names if known is not None else ():
        check_name("loss", name, known)


def check_change(entry: object) -> Change:
    """A log entry from outside, as a Change; ValueError unless it is one."""
    try:
        step, name, value = entry
        kind, _, target = name.partition(".")
        known = (kind in ("weight", "frozen") and target) or name == "lr"
        step = check_count("the step", step)
        if not known:
            raise ValueError("an unknown kind of change")
        if kind == "frozen":
            check_type(name, value, bool, "True or False")
        else:
            value = check_number(name, value)
    except (TypeError, ValueError, AttributeError) as error:
        what = json.dumps(entry, default=repr)
        raise ValueError(
            f'a logged change is [step ≥ 0, "lr" | "weight.<loss>" | "frozen.<module>", value], got {what[:200]}'
        ) from error
    return Change(step, name, value)
