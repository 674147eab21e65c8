"""Who moves, on which losses, and the loop. Read this file first: all else calls it.

A *task* has a model, whose children are the modules, and named losses.
A *plan* is a stream of `Update`s: which modules move, on which losses.
The *controls* are what a person may change while training runs.
`train` iterates over a plan, one step an update; whoever pulls it may change the controls between two pulls.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import Tensor, nn

from jointopt.controls import Controls, check_losses
from jointopt.modules import check_names, covers, held_still, listed, parameters_of
from jointopt.objective import check_number, check_rate, total

Loss = Tensor | Callable[[], Tensor]
OF_OWN_DATA = """. Of a DataLoader, a data set or a list of (input, label) it is made so:
    from jointopt import Task, data
    batches = data.batches(loader, seed=0)  # the data set, shuffled by the seed: same number, same batch
    task = Task(model, losses, batches)"""


@dataclass(frozen=True)
class Task:
    """An application: all that the loop needs to know.

    model     any nn.Module; its children (see `module_names`) can be moved or frozen by name
    losses    (model, batch) -> {name: scalar tensor}; must use the model that it is given. In place of a tensor a
              function without arguments may stand, which is called only where the loss is counted: see `computed`
    batches   step number -> batch; the same number gives the same batch, so that a run can be replayed
    evaluate  model -> {figure with its unit: float}, on held-out data; leaves model and random numbers as they were
    picture   model -> (H, W, 3) uint8 array: what a person would rather look at
    weights   {loss name: λ}; if given, it names every loss; None: every λ is 1
    recipe    how `jointopt.tasks.load` made the task, as plain data; a saved run carries it
    optimizer, optimizer_options   what a run begins with where no other is asked for: a name of OPTIMIZERS, and what
              replaces its defaults (lr, …)
    """

    model: nn.Module
    losses: Callable[[nn.Module, object], dict[str, Loss]]
    batches: Callable[[int], object]
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None
    picture: Callable[[nn.Module], object] | None = None
    weights: dict[str, float] | None = None
    recipe: dict | None = None
    optimizer: str = "Adam"
    optimizer_options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self):
        check_optimizer(self.optimizer, self.optimizer_options)
        if not isinstance(self.model, nn.Module):
            raise ValueError(f"a task's model must be an nn.Module, got {type(self.model).__name__}")
        for name, answers in (("losses", "(model, batch) -> dict"), ("batches", "step number -> batch")):
            if not callable(getattr(self, name)):
                got = type(getattr(self, name)).__name__
                hint = OF_OWN_DATA if name == "batches" else ""
                raise ValueError(f"a task's {name} must be a function, {answers}, got {got}{hint}")
        if not isinstance(self.weights, Mapping | None):
            raise ValueError(f"a task's weights must be a dict, loss -> λ, or None, got {type(self.weights).__name__}")
        for name, weight in (self.weights or {}).items():
            check_number(f"the weight λ of {name!r}", weight)


@dataclass(frozen=True)
class Update:
    """One step of a plan: the modules that move and the losses that are summed. None: all of them.

    A dotted name reaches deeper: `Update("feature_extractor.conv2")`. One name may stand alone, without a list.

    hold_normalization  what to do with the normalization layers of modules that do not move. True: they are frozen, and
                        use and keep their running statistics (eval mode). False: they wait for their turn, and keep
                        normalizing by the batch, as the players of a GAN do in its own loop; their running statistics
                        and other buffers move on. What the controls freeze is always held whole.
    """

    modules: frozenset[str] | None = None
    losses: frozenset[str] | None = None
    hold_normalization: bool = True

    def __post_init__(self):
        if not isinstance(self.hold_normalization, bool):
            raise ValueError(f"hold_normalization is True or False, got {self.hold_normalization!r}")
        for part, nothing in (("modules", "moves no module"), ("losses", "counts no loss")):
            names = getattr(self, part)
            if names is None:
                continue
            names = frozenset([names] if isinstance(names, str) else names)
            if not names:
                raise ValueError(f"this Update {nothing}: name at least one, or leave {part}=None for all")
            object.__setattr__(self, part, names)

    def counts(self, loss: str) -> bool:
        """Whether this loss is one of those that are summed."""
        return self.losses is None or loss in self.losses


@dataclass(frozen=True)
class Step:
    """What happened in one step, in plain numbers.

    moved      names of the modules that got a gradient to move by
    losses     every L_k that was computed, without its weight; weights: the λ_k in force;
    total      J, over the losses that were counted
    grad_norm  module -> 2-norm of the gradient of J; change: module -> 2-norm of the movement of its weights.
               Both are exactly 0 where a module stood still.
    """

    number: int
    update: Update
    moved: tuple[str, ...]
    losses: dict[str, float]
    weights: dict[str, float]
    total: float
    grad_norm: dict[str, float]
    change: dict[str, float]


class NonFiniteError(FloatingPointError):
    """A loss or a gradient is nan or infinite. Raised before any weight moves."""


def train(
    task: Task, plan: Iterable[Update], controls: Controls | None = None, optimizer: torch.optim.Optimizer | None = None
) -> Iterator[Step]:
    """Take one step per update of the plan and yield what happened. The default optimizer is the task's own.

    What an update does not name, and what is frozen, is held still: its parameters and buffers are as they were, and
    torch's normalization layers in it are in eval mode. Dropout, and what else reads `self.training`, goes on.
    For players that take turns see `Update.hold_normalization`. Each step clears the gradients first, so an optimizer
    that steps at every fourth call only would throw three batches away: accumulate within the losses instead, over a
    batch of four parts. Clipping belongs in `optimizer.register_step_pre_hook`, autocast in the losses.

    A learning rate in the controls is that of the optimizer's first group; the others keep their ratio to it.
    """
    if not isinstance(task, Task):
        raise ValueError(f"train() takes a Task first, got {type(task).__name__}; a function that makes one is called")
    if not isinstance(controls, Controls | None):
        raise ValueError(f"train() takes Controls third, got {type(controls).__name__}; optimizer=… names an optimizer")
    controls = controls or Controls()
    optimizer = optimizer or optimizer_of(task)
    if not isinstance(plan, Iterable):
        raise ValueError(f"a plan is a stream of Updates, as jointopt.plans.joint(100) makes it, got {plan!r}")
    if controls.log:  # they have steered another run
        controls.restart()
    if isinstance(optimizer, torch.optim.LBFGS):
        raise ValueError(_refusal(optimizer))
    if not hasattr(optimizer, "param_groups"):
        made = "as jointopt.training.make_optimizer(task.model, 'Adam') makes it"
        raise ValueError(f"train takes an optimizer, {made}, got {optimizer!r}")
    ours = set(task.model.parameters())
    if not any(p in ours for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("the optimizer holds no parameter of this task's model: make it from task.model.parameters()")
    for number, update in enumerate(plan):
        yield take_step(task, number, update, controls, optimizer)


def take_step(task: Task, number: int, update: Update, controls: Controls, optimizer: torch.optim.Optimizer) -> Step:
    """One step: read the controls, hold still what does not move, then forward, backward, move.

    It draws no random numbers of its own and equals the loop written by hand bit for bit. An unknown name
    (ValueError) or a number that is not finite (NonFiniteError) is raised before any weight moves.
    """
    model = task.model
    _check_update(update, task)
    controls.bind(model, task.weights)
    settings = controls.take(number)  # one snapshot a step: what changes from now on waits for the next
    controls.apply_lr(settings.lr, optimizer)

    # To None, not to zeros: momentum and Adam go on moving a weight whose gradient is zero.
    parameters = parameters_of(model)
    for p in chain(*parameters.values(), *(group["params"] for group in optimizer.param_groups)):
        p.grad = None
    with held_still(model, update.modules, settings.frozen, update.hold_normalization):
        answer = _check_answer(task.losses(model, task.batches(number)), task, update)
        controls.bind(model, answer)
        weights = dict.fromkeys(answer, 1.0) | (task.weights or {}) | settings.weights
        losses = _check_scalars(computed(answer, update))
        objective = total(losses, weights, update.losses)
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        _check_finite({f"the loss {name!r}": value for name, value in values.items()}, number)
        if objective.requires_grad:
            objective.backward()

    moving = {name: [p for p in ps if p.grad is not None] for name, ps in parameters.items()}
    moved = tuple(name for name, ps in moving.items() if ps)
    if not moved and not _explained_by(settings.frozen, update.modules):
        raise ValueError(
            f"step {number}: {update} moves nothing: its losses depend on none of its modules"
            " (do they use the model that they are given?)"
        )
    grad_norm = {name: _norm(p.grad for p in ps) for name, ps in moving.items()}
    _check_finite({f"the gradient of {name!r}": value for name, value in grad_norm.items()}, number)
    before = {name: [p.detach().clone() for p in ps] for name, ps in moving.items()}
    optimizer.step()
    change = {name: _norm(map(_minus, before[name], ps)) for name, ps in moving.items()}
    return Step(number, update, moved, values, weights, float(objective.detach()), grad_norm, change)


def computed(losses: Mapping[str, Loss], update: Update) -> dict[str, Loss]:
    """The losses, with the functions among those that the update counts replaced by what they answer.

    A loss that is dear, and that only some updates count, need not be paid for in the others.
    """
    return {name: loss() if callable(loss) and update.counts(name) else loss for name, loss in losses.items()}


# Name -> (class, arguments besides the parameters). Fused: one kernel for all parameters, on CPU as well. Not for SGD:
# fused SGD (torch 2.14) fails when a module that was frozen from the first step is thawed.
OPTIMIZERS = {
    "Adam": (torch.optim.Adam, {"lr": 1e-3, "fused": True}),
    "AdamW": (torch.optim.AdamW, {"lr": 1e-3, "fused": True}),
    "SGD": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "RMSprop": (torch.optim.RMSprop, {"lr": 1e-3}),
}


def make_optimizer(model: nn.Module, name: str = "Adam", **options) -> torch.optim.Optimizer:
    """One of OPTIMIZERS over all parameters of the model; options (lr, weight_decay, …) replace the defaults."""
    check_optimizer(name, options)
    optimizer, defaults = OPTIMIZERS[name]
    return optimizer(model.parameters(), **defaults | options)


def optimizer_of(task: Task, name: str | None = None, **options) -> torch.optim.Optimizer:
    """One of OPTIMIZERS over the task's model, by its name; None: the task's own, whose options these replace."""
    if name is None:
        name, options = task.optimizer, {**task.optimizer_options, **options}
    check_optimizer(name, options)
    return make_optimizer(task.model, name, **options)


def check_optimizer(name: object, options: Mapping[str, object] | None = None) -> None:
    """ValueError unless it is the name of one of OPTIMIZERS, which takes these options."""
    if not isinstance(name, str) or name not in OPTIMIZERS:
        raise ValueError(_refusal(name))
    optimizer, defaults = OPTIMIZERS[name]
    if isinstance(options, Mapping) and isinstance(options.get("lr"), Mapping):
        check_rate(options["lr"])
    try:
        optimizer([torch.zeros(1, requires_grad=True)], **defaults | dict(options or {}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} refuses the options {options}: {error}") from error


def _refusal(optimizer: object) -> str:
    """Why this is no optimizer that is known by its name, and which are."""
    kind, there = optimizer if isinstance(optimizer, type) else type(optimizer), f"there are {listed(OPTIMIZERS)}"
    if optimizer == "LBFGS" or issubclass(kind, torch.optim.LBFGS):
        return f"LBFGS needs a closure, which computes the loss several times a step: a plan's steps have none; {there}"
    if issubclass(kind, torch.optim.Optimizer):
        given = f"the class {kind.__name__}" if kind is optimizer else f"an object of {kind.__name__}"
        own = "one of your own is given to jointopt.train(task, plan, optimizer=…)"
        return f"an optimizer is asked for by its name, got {given}; {there}; {own}"
    return f"no optimizer is named {optimizer!r}; {there}"


def _explained_by(frozen: frozenset[str], modules: frozenset[str] | None) -> bool:
    """Whether some module of an update (None: all) is frozen, in whole or in part."""
    return any(modules is None or any(covers(f, m) or covers(m, f) for m in modules) for f in frozen)


def _check_update(update: object, task: Task) -> None:
    if not isinstance(update, Update):
        raise ValueError(f"a plan yields Update objects, got {update!r}")
    check_names(update.modules or (), task.model)
    if task.weights is not None:
        check_losses(update.losses or (), task.weights)


def _check_answer(losses: object, task: Task, update: Update) -> dict[str, Loss]:
    """What task.losses answered, if its names are those that the loop can use."""
    if not isinstance(losses, Mapping) or not losses:
        raise ValueError(f"a task's losses must answer a dict of name -> scalar tensor, got {type(losses).__name__}")
    if task.weights is not None and task.weights.keys() != losses.keys():
        raise ValueError(
            f"task.weights must name every loss: it names {listed(task.weights)}, the losses are {listed(losses)}"
        )
    check_losses(update.losses or (), losses)
    return dict(losses)


def _check_scalars(losses: dict[str, Loss]) -> dict[str, Tensor]:
    """The losses that were computed, if each is a scalar."""
    values = {name: loss for name, loss in losses.items() if not callable(loss)}
    for name, loss in values.items():
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            raise ValueError(f"the loss {name!r} must be a scalar tensor, got {got}")
    return values


def _check_finite(values: dict[str, float], number: int) -> None:
    for what, value in values.items():
        if not math.isfinite(value):
            raise NonFiniteError(f"step {number}: {what} is {value}; no weight was changed")


def _norm(tensors: Iterable[Tensor]) -> float:
    return math.hypot(*(float(torch.linalg.vector_norm(tensor)) for tensor in tensors))


def _minus(before: Tensor, p: nn.Parameter) -> Tensor:
    """In place of the copy, which is not needed after that."""
    return before.sub_(p.detach())
