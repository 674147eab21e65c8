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

from jointopt.checks import (
    OF_OWN_DATA,
    check_answer,
    check_finite,
    check_function,
    check_number,
    check_scalars,
    check_type,
    some_names,
)
from jointopt.controls import Controls, check_losses
from jointopt.modules import by_parameter, check_names, held_still, overlap, parameters_of
from jointopt.objective import total
from jointopt.optimizers import check_optimizer, check_own, optimizer_of, own_rates

Loss = Tensor | Callable[[], Tensor]


@dataclass(frozen=True)
class Task:
    """An application: all that the loop needs to know.

    model     any nn.Module; its children (see `module_names`) can be moved or frozen by name
    losses    (model, batch) -> {name: scalar tensor}; must use the model that it is given. In place of a tensor a
              function without arguments may stand, which is called only where the loss is counted: see `computed`
    batches   step number -> batch; the same number gives the same batch, so that a run can be replayed
    evaluate  model -> {metric with its unit: float}, on held-out data; leaves model and random numbers as they were
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
        check_type("a task's model", self.model, nn.Module, "an nn.Module")
        check_function("a task's losses", self.losses, "(model, batch) -> dict")
        check_function("a task's batches", self.batches, "step number -> batch", OF_OWN_DATA)
        check_type("a task's weights", self.weights, Mapping | None, "a dict, loss -> λ, or None")
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
        check_type("hold_normalization", self.hold_normalization, bool, "True or False")
        for part, nothing in (("modules", "moves no module"), ("losses", "counts no loss")):
            if (names := getattr(self, part)) is not None:
                why = f"this Update {nothing}: name at least one, or leave {part}=None for all"
                object.__setattr__(self, part, some_names(names, why))

    def counts(self, loss: str) -> bool:
        """True if this loss is one of those that are summed."""
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


def train(
    task: Task, plan: Iterable[Update], controls: Controls | None = None, optimizer: torch.optim.Optimizer | None = None
) -> Iterator[Step]:
    """Take one step per update of the plan and yield what happened. The default optimizer is the task's own.

    What an update does not name, and what is frozen, is held still: its parameters and buffers are as they were, and
    torch's normalization layers in it are in eval mode. Dropout, and what else reads `self.training`, goes on.
    For players that take turns see `Update.hold_normalization`. Each step clears the gradients first, so an optimizer
    that steps at every fourth call only would throw three batches away: accumulate within the losses instead, over a
    batch of four parts. Clipping belongs in `optimizer.register_step_pre_hook`, autocast in the losses.

    A learning rate in the controls is that of the first group, whose ratio to the others stays, or a module's own.
    """
    check_type("train()'s task", task, Task, "a Task", "; a function that makes one is called")
    check_type("a plan", plan, Iterable, "a stream of Updates", "; jointopt.plans.joint(100) makes one")
    check_type("train()'s controls", controls, Controls | None, "Controls", "; optimizer=… names an optimizer")
    controls, optimizer = controls or Controls(), optimizer or optimizer_of(task)
    check_own(optimizer, task.model)
    if controls.log:  # they have steered another run
        controls.restart()
    for number, update in enumerate(plan):
        yield take_step(task, number, update, controls, optimizer)


def take_step(task: Task, number: int, update: Update, controls: Controls, optimizer: torch.optim.Optimizer) -> Step:
    """One step: read the controls, hold still what does not move, then forward, backward, move.

    It draws no random numbers of its own and equals the loop written by hand bit for bit. An unknown name
    (ValueError) or a number that is not finite (NonFiniteError) is raised before any weight moves.
    """
    model = task.model
    check_type("what a plan yields", update, Update, "an Update")
    check_names(update.modules or (), model)
    check_losses(update.losses or (), task.weights)
    controls.bind(model, task.weights)
    settings = controls.take(number)  # one snapshot a step: what changes from now on waits for the next
    controls.apply_lr(settings.lr, optimizer)

    # To None, not to zeros: momentum and Adam go on moving a weight whose gradient is zero.
    parameters = parameters_of(model)
    for p in chain(*parameters.values(), *(group["params"] for group in optimizer.param_groups)):
        p.grad = None
    with held_still(model, update.modules, settings.frozen, update.hold_normalization):
        answer = check_answer(task.losses(model, task.batches(number)), task.weights)
        check_losses(update.losses or (), answer)
        controls.bind(model, answer)
        weights = dict.fromkeys(answer, 1.0) | (task.weights or {}) | settings.weights
        losses = check_scalars(computed(answer, update))
        objective = total(losses, weights, update.losses)
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        check_finite({f"the loss {name!r}": value for name, value in values.items()}, number)
        if objective.requires_grad:
            objective.backward()

    moving = {name: [p for p in ps if p.grad is not None] for name, ps in parameters.items()}
    moved = tuple(name for name, ps in moving.items() if ps)
    if not moved and not any(overlap(f, m) for f in settings.frozen for m in update.modules or (f,)):
        raise ValueError(
            f"step {number}: {update} moves nothing: its losses depend on none of its modules"
            " (do they use the model that they are given?)"
        )
    grad_norm = {name: _norm(p.grad for p in ps) for name, ps in moving.items()}
    check_finite({f"the gradient of {name!r}": value for name, value in grad_norm.items()}, number)
    before = {name: [p.detach().clone() for p in ps] for name, ps in moving.items()}
    with own_rates(optimizer, by_parameter(model, settings.lrs)):
        optimizer.step()
    pairs = {name: zip(before[name], ps, strict=True) for name, ps in moving.items()}
    change = {name: _norm(old.sub_(p.detach()) for old, p in pairs[name]) for name in moving}  # the copy is not needed
    return Step(number, update, moved, values, weights, float(objective.detach()), grad_norm, change)


def computed(losses: Mapping[str, Loss], update: Update) -> dict[str, Loss]:
    """The losses, with the functions among those that the update counts replaced by what they answer.

    An expensive loss that only some updates count need not be paid for in the others.
    """
    return {name: loss() if callable(loss) and update.counts(name) else loss for name, loss in losses.items()}


def _norm(tensors: Iterable[Tensor]) -> float:
    return math.hypot(*(float(torch.linalg.vector_norm(tensor)) for tensor in tensors))
