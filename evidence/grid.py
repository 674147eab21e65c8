"""The learning rate of each arm, from the same grid for all, chosen on validation images with three seeds."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product

from evidence.record import Part
from jointopt import Task, Update
from jointopt.budget import Budget
from jointopt.compare import Arm, Comparison

LRS = (3e-4, 1e-3, 3e-3)
SEEDS = range(3)
Plan = Callable[[], Iterable[Update]]


def search(make: Callable[..., Task], arms: Mapping[str, tuple[Plan, dict]], budget: Budget) -> Part:
    """Every arm, (plan, options of the task), with every learning rate."""
    settings = {"held_out": "validation"}
    grid = {
        f"{name}, lr {lr:g}": Arm(plan, optimizer_options={"lr": lr}, task_options=options | settings)
        for (name, (plan, options)), lr in product(arms.items(), LRS)
    }
    return Part(make, grid, budget, SEEDS)


def best(searched: Comparison, arms: Mapping[str, tuple[Plan, dict]]) -> dict[str, Arm]:
    """The arms, each with its best learning rate."""
    return at(partial(best_lr, searched), arms)


def best_lr(searched: Comparison, name: str) -> float:
    """The learning rate of an arm with the best mean validation accuracy; the smaller of equals."""
    return max(LRS, key=lambda lr: searched.values(f"{name}, lr {lr:g}").mean())


def at(lr_of: Callable[[str], float], arms: Mapping[str, tuple[Plan, dict]]) -> dict[str, Arm]:
    """The arms, each with the learning rate that is given for its name."""
    return {
        name: Arm(plan, optimizer_options={"lr": lr_of(name)}, task_options=options)
        for name, (plan, options) in arms.items()
    }
