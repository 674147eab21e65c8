"""The learning rate of each arm, from the same grid for all, chosen on validation images with seeds of its own."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product

from evidence.record import Part
from jointopt import Task, Update
from jointopt.compare import Arm, Budget, Comparison

LRS = (3e-4, 1e-3, 3e-3)
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
