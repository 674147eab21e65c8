"""The controls: what a person may change while training runs, from any thread, at any moment."""

import json
from collections.abc import Collection, Iterable, Mapping
from threading import Lock
from typing import NamedTuple

import torch
from torch import nn

from jointopt.checks import check_count, check_name, check_type
from jointopt.modules import check_names, covers
from jointopt.schedules import AskedOnce, Schedule, Value, check_value, check_value_at


class Change(NamedTuple):
    """One change, at the step where it took effect.

    `name` is "lr", "lr.<module>", whose value None means that of all, "weight.<loss>" or "frozen.<module>". A lab's log
    has "optimizer" and "plan" too, whose values are names.
    """

    step: int
    name: str
    value: Value | bool | str | None


class Settings(NamedTuple):
    """The controls at one moment."""

    weights: dict[str, Value]  # loss -> λ; what is not named has the task's own
    frozen: frozenset[str]
    lr: Value | None  # of what is not named in lrs; None: the optimizer's own
    lrs: dict[str, Value]  # module -> a learning rate of its own

    def at(self, number: int) -> "Settings":
        """The same in numbers, at this step."""
        weights = {name: check_value_at(f"the weight λ of {name!r}", x, number) for name, x in self.weights.items()}
        lrs = {name: check_value_at(f"the learning rate of {name!r}", x, number) for name, x in self.lrs.items()}
        lr = None if self.lr is None else check_value_at("the learning rate", self.lr, number)
        return Settings(weights, self.frozen, lr, lrs)

    @property
    def functions(self) -> dict[str, Schedule | AskedOnce]:
        """Those that change with the step, by their names in the log."""
        lrs = {"lr": self.lr} | {f"lr.{name}": x for name, x in self.lrs.items()}
        named = lrs | {f"weight.{name}": x for name, x in self.weights.items()}
        return {name: x for name, x in named.items() if callable(x)}


NOTHING = Settings({}, frozenset(), None, {})


class _Rates(NamedTuple):
    """The learning rates that were set last, of an optimizer's groups, and their ratios to that of the first."""

    optimizer: object
    rates: list[float]
    ratios: list[float]


class Controls:
    """The weights λ_k, the frozen modules and the learning rates of a running loop.

    A λ or a rate is a number, or a function of the step (see `jointopt.schedules`): the same step, the same number.
    `lr` is one for all modules, or {module: rate}: the rate that this module has of its own, whatever `lr` is later set
    for all.

    A change waits until the loop takes its one snapshot, at the start of a step; `log` says which step that was, and
    `settings` how all of it is set now. A wrong name or value raises ValueError and changes nothing.
    """

    def __init__(
        self,
        weights: Mapping[str, Value] | None = None,
        frozen: Iterable[str] = (),
        lr: Value | Mapping[str, Value] | None = None,
    ):
        self.log: list[Change] = []
        self._lock = Lock()
        self._pending: list[tuple[str, object]] = []
        self._scheduled: dict[int, list[tuple[str, object]]] = {}
        self.settings = NOTHING
        self._rates: _Rates | None = None
        self._model: nn.Module | None = None
        self._losses: frozenset[str] | None = None
        self.on_change = lambda: None  # called after each change, in the thread that made it
        self.set(weight=weights, lr=lr)
        self.freeze(*([frozen] if isinstance(frozen, str) else frozen))

    def __repr__(self):
        weights, frozen, lr, lrs = self.settings
        return f"Controls(weights={weights}, frozen={sorted(frozen)}, lr={lr}" + (f", lrs={lrs})" if lrs else ")")

    @property
    def weights(self) -> dict[str, Value]:
        """The λ_k that were set here."""
        return dict(self.settings.weights)

    @property
    def frozen(self) -> frozenset[str]:
        """Names of the frozen modules."""
        return self.settings.frozen

    @property
    def lr(self) -> Value | None:
        """The learning rate; None means the optimizer's own."""
        return self.settings.lr

    @property
    def lrs(self) -> dict[str, Value]:
        """Module -> the learning rate of its own that was set here."""
        return dict(self.settings.lrs)

    def set(
        self, weight: Mapping[str, Value] | None = None, lr: Value | Mapping[str, Value | None] | None = None
    ) -> None:
        """Set weights λ_k and learning rates, each a finite number ≥ 0 or a function of the step.

        lr={module: None} gives a module back the rate of all.
        """
        given = (weight or {}).items()
        changes = [(f"weight.{name}", check_value(f"the weight λ of {name!r}", x)) for name, x in given]
        if isinstance(lr, Mapping):
            for name, x in lr.items():
                changes.append((f"lr.{name}", None if x is None else check_value(f"the learning rate of {name!r}", x)))
        elif lr is not None:
            changes.append(("lr", check_value("the learning rate", lr)))
        self._change(changes)

    def freeze(self, *names: str) -> None:
        """Hold these modules still, whatever the plan says."""
        self._change([(f"frozen.{name}", True) for name in names])

    def thaw(self, *names: str) -> None:
        """Let these modules move again, where the plan moves them."""
        self._change([(f"frozen.{name}", False) for name in names])

    def take(self, number: int) -> Settings:
        """The snapshot for step `number`, in numbers; what has changed since the last one is logged as of here."""
        for name, value in self._scheduled.pop(number, ()):
            self._change([(name, value)], recorded=True)
        with self._lock:
            settings, waiting = self.settings, list(self._pending)
        numbers = settings.at(number)  # not under the lock: a function of the step may use the controls
        with self._lock:
            self.log += _at(number, waiting)
            del self._pending[: len(waiting)]
        return numbers

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
        return _at(number, list(self._pending))

    def make(self, changes: Iterable[Iterable]) -> None:
        """Make logged changes now, whatever their step: they take effect at the next one."""
        self._change([check_change(entry)[1:] for entry in changes], recorded=True)

    def restart(self, settings: Settings | None = None) -> None:
        """Begin a new run with these settings, or those now in force: the log starts again, they are its step 0."""
        with self._lock:
            self.settings = weights, frozen, lr, lrs = self.settings if settings is None else settings
            self.log.clear()
            self._rates = None
            self._pending = [(f"weight.{name}", value) for name, value in weights.items()]
            self._pending += [(f"frozen.{name}", True) for name in sorted(frozen)]
            self._pending += [("lr", lr)] if lr is not None else []
            self._pending += [(f"lr.{name}", value) for name, value in lrs.items()]

    def bind(self, model: nn.Module, losses: Collection[str] | None) -> None:
        """Check the names used so far, and from now on each new one at once. `losses` None: not known yet."""
        if model is self._model and (losses is None or self._losses == frozenset(losses)):
            return
        weights, frozen, _, lrs = self.settings
        check_names([*frozen, *lrs], model)
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

    def put_aside(self) -> list[tuple[str, object]]:
        """What waits for the next step, which it does no longer: see `resume`."""
        with self._lock:
            waiting, self._pending = list(dict(self._pending).items()), []
        return waiting

    def resume(self, log: Iterable[Change], waiting: Iterable[tuple[str, object]] = ()) -> None:
        """Go on with a run of this log, and with what waited in it. What was set since `put_aside` waits as well."""
        with self._lock:
            self.log, self._rates = list(log), None
            self._pending = [*waiting, *self._pending]
            past = [(name, value) for _, name, value in self.log]
            self.settings = _changed(NOTHING, past + self._pending)
        self.on_change()

    def _change(self, changes: list[tuple[str, object]], recorded: bool = False) -> None:
        """Make these changes. recorded: from a log, which has where each control came to rest, not in which order."""
        with self._lock:
            for name, _ in changes:
                kind, _, target = name.partition(".")
                if kind == "weight":
                    check_losses([target], self._losses)
                elif name != "lr" and self._model is not None:
                    check_names([target], self._model)
            settings = _changed(self.settings, changes)
            for name, value in () if recorded else changes:
                target = name.partition(".")[2]
                if value is False and (around := next((f for f in settings.frozen if covers(f, target)), None)):
                    raise ValueError(f"{target!r} stays frozen while {around!r} is: thaw that")
            self.settings = settings  # one store: a reader sees all of it or nothing
            self._pending += changes
        self.on_change()


def _at(number: int, changes: Collection[tuple[str, object]]) -> list[Change]:
    """The changes as logged at this step: each control where it came to rest."""
    return [Change(number, name, value) for name, value in dict(changes).items()]


def _changed(settings: Settings, changes: Iterable[tuple[str, object]]) -> Settings:
    """The settings with these changes made one after the other."""
    weights, frozen, lr, lrs = dict(settings.weights), set(settings.frozen), settings.lr, dict(settings.lrs)
    for name, value in changes:
        kind, _, target = name.partition(".")
        if name == "lr":
            lr = value
        elif kind == "lr" and value is None:
            lrs.pop(target, None)
        elif kind == "lr":
            lrs[target] = value
        elif kind == "weight":
            weights[target] = value
        else:
            (frozen.add if value else frozen.discard)(target)
    return Settings(weights, frozenset(frozen), lr, lrs)


def check_losses(names: Collection[str], known: Collection[str] | None) -> None:
    """ValueError unless every name is one of the known losses. None: they are not known yet."""
    for name in names if known is not None else ():
        check_name("loss", name, known)


def check_change(entry: object) -> Change:
    """A log entry from outside, as a Change; ValueError unless it is one."""
    try:
        step, name, value = entry
        kind, _, target = name.partition(".")
        known = (kind in ("weight", "frozen", "lr") and target) or name == "lr"
        step = check_count("the step", step)
        if not known:
            raise ValueError("an unknown kind of change")
        if kind == "frozen":
            check_type(name, value, bool, "True or False")
        elif value is not None or kind != "lr" or not target:
            value = check_value(name, Schedule(value) if isinstance(value, list) else value)
    except (TypeError, ValueError, AttributeError) as error:
        what = json.dumps(entry, default=repr)
        raise ValueError(
            f'a logged change is [step ≥ 0, "lr" | "lr.<module>" | "weight.<loss>" | "frozen.<module>", value],'
            f" got {what[:200]}: {error}"
        ) from error
    return Change(step, name, value)
