"""The learning rate of each arm, from the same grid for all, chosen on validation images with seeds of its own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, product

from evidence.record import Part
from jointopt import Task, Update
from jointopt.compare import Arm, Budget, Comparison
from jointopt.compare.budget import within
from jointopt.schedules import Schedule, warmup_cosine

LRS = (3e-4, 1e-3, 3e-3)
SEEDS, PILOT_SEEDS = range(3), range(100, 105)
RISES, ENDS = 0.15, 0.02  # the share of a stage's steps in which a rate rises; where it ends, as a share of its peak
Plan = Callable[[], Iterable[Update]]
Arms = Mapping[str, tuple[Plan, dict]]  # (plan, options of the task) by name
Stages = Mapping[str, Sequence[int]]  # the steps of each stage of an arm, whose rate rises and falls in each


def search(
    make: Callable[..., Task],
    arms: Arms,
    budget: Budget,
    lrs: Iterable[float] = LRS,
    optimizer: str = "Adam",
    seeds: Iterable[int] = SEEDS,
    stages: Stages | None = None,
) -> Part:
    """Every arm with every learning rate: constant, or the peak of one that rises and falls in each of its stages."""
    grid = {}
    for name, lr in product(arms, lrs):
        (grid[f"{name}, lr {lr:g}"],) = at({name: lr}.get, {name: arms[name]}, optimizer, stages).values()
    return Part(make, on_validation(grid), budget, seeds)


def best(searched: Comparison, arms: Arms) -> dict[str, Arm]:
    """The arms, each with its best learning rate."""
    return at(partial(best_lr, searched), arms)


def best_lr(searched: Comparison, name: str, lrs: Iterable[float] = LRS, choose: Callable = max) -> float:
    """The learning rate of an arm with the best mean on validation images; the smaller of equals.

    choose: max, or min where less is better.
    """
    return choose(lrs, key=lambda lr: searched.values(f"{name}, lr {lr:g}").mean())


def at(
    lr_of: Callable[[str], float], arms: Arms, optimizer: str = "Adam", stages: Stages | None = None
) -> dict[str, Arm]:
    """The arms, each with the learning rate that is given for its name, as in `search`."""
    chosen = {name: Arm(plan, None, optimizer, {"lr": lr_of(name)}, options) for name, (plan, options) in arms.items()}
    return {name: falling(arm, *stages[name]) for name, arm in chosen.items()} if stages else chosen


def falling(arm: Arm, *stages: int, rises: float = RISES) -> Arm:
    """The arm at a rate that rises to its own and falls along a cosine, once in each stage of so many steps."""
    peak, begins, points = arm.optimizer_options["lr"], 0, []
    for steps in stages:
        cycle = warmup_cosine(peak, round(rises * steps), steps - 1, ENDS * peak)
        points += [(begins + step, *rest) for step, *rest in cycle.points]
        begins += steps
    return replace(arm, changes=((0, "lr", Schedule(tuple(points))),))


def spans(plan: Plan, task: Task, budget: Budget) -> list[int]:
    """How often each update of a plan is taken in turn, within the budget: the steps of its stages, if it has some."""
    updates = (update for update, _ in within(budget, plan(), task))
    return [len(list(same)) for _, same in groupby(updates)]


def on_validation(arms: Mapping[str, Arm]) -> dict[str, Arm]:
    """The arms, measured on validation images: for a pilot."""
    return {
        name: replace(arm, task_options={**arm.task_options, "held_out": "validation"}) for name, arm in arms.items()
    }
