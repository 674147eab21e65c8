"""The learning rate of each arm, from the same grid for all, chosen on validation images with seeds of its own.

It is constant, or `falling`: a person would let it fall, too.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import product

from evidence.record import Part
from jointopt import Task, Update
from jointopt.compare import Arm, Budget, Comparison
from jointopt.compare.budget import within
from jointopt.schedules import warmup_cosine

LRS = (3e-4, 1e-3, 3e-3)
RISES = 0.15  # of an arm's steps
SEEDS = range(3)
Plan = Callable[[], Iterable[Update]]
Arms = Mapping[str, tuple[Plan, dict]]  # (plan, options of the task) by name


def search(
    make: Callable[..., Task],
    arms: Arms,
    budget: Budget,
    lrs: Iterable[float] = LRS,
    optimizer: str = "Adam",
    seeds: Iterable[int] = SEEDS,
) -> Part:
    """Every arm with every learning rate."""
    grid = {
        f"{name}, lr {lr:g}": Arm(plan, None, optimizer, {"lr": lr}, options | {"held_out": "validation"})
        for (name, (plan, options)), lr in product(arms.items(), lrs)
    }
    return Part(make, grid, budget, seeds)


def falling(part: Part) -> Part:
    """The part with rates that rise to those of its arms, and fall to 0 along a cosine, over the steps that each takes.

    A control of the run, set at its step 0: the core knows nothing of it.
    """
    made: dict[str, Task] = {}  # for the costs of a step; by the options

    def with_schedule(arm: Arm) -> Arm:
        task = made.setdefault(str(arm.task_options), part.make(0, **arm.task_options))
        steps = sum(1 for _ in within(part.budget, arm.plan(), task))
        schedule = warmup_cosine(arm.optimizer_options["lr"], round(RISES * steps), steps)
        return replace(arm, changes=[(0, "lr", schedule)])

    return replace(part, arms={name: with_schedule(arm) for name, arm in part.arms.items()})


def best(searched: Comparison, arms: Arms) -> dict[str, Arm]:
    """The arms, each with its best learning rate."""
    return at(partial(best_lr, searched), arms)


def best_lr(searched: Comparison, name: str, lrs: Iterable[float] = LRS, choose: Callable = max) -> float:
    """The learning rate of an arm with the best mean on validation images; the smaller of equals.

    choose: max, or min where less is better.
    """
    return choose(lrs, key=lambda lr: searched.values(f"{name}, lr {lr:g}").mean())


def at(lr_of: Callable[[str], float], arms: Arms, optimizer: str = "Adam") -> dict[str, Arm]:
    """The arms, each with the learning rate that is given for its name."""
    return {name: Arm(plan, None, optimizer, {"lr": lr_of(name)}, options) for name, (plan, options) in arms.items()}
