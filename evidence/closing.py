"""The closing table of an application: joint, alternating, staged and frozen, at equal updates and at equal compute.

Each arm has the learning rate that is best for it on validation images, of the same three for all: constant, or the
peak of one that rises and falls, in each stage of the staged arm anew. A staged arm spends an equal share of the budget
in each stage; of updates per module, the whole of it where no module moves in two stages.
`claim` says whether joint training is better.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from evidence import grid
from evidence.record import Comparisons, Part
from jointopt import Task, Update, plans
from jointopt.checks import listed
from jointopt.compare import Budget, Comparison, cost

SEEDS, GRID_SEEDS = range(10, 15), range(2)


@dataclass(frozen=True)
class Arms:
    """The updates of each arm: one, those in turn, those one after the other, one."""

    joint: Update
    alternating: tuple[Update, ...]
    staged: tuple[Update, ...]
    frozen: Update

    def plans(self, measure: str, size: int, costs: Mapping[Update, int]) -> dict[str, tuple[grid.Plan, dict]]:
        """(plan, options of the task) by name. The last stage has no end: the budget ends it."""
        *before, last = self.staged
        stages = [*((update, self._share(measure, size, costs, update)) for update in before), (last, None)]
        return {
            "joint": (partial(plans.alternating, self.joint), {}),
            "alternating": (partial(plans.alternating, *self.alternating), {}),
            "staged": (partial(plans.staged, *stages), {}),
            "frozen": (partial(plans.alternating, self.frozen), {}),
        }

    def _share(self, measure: str, size: int, costs: Mapping[Update, int], update: Update) -> int:
        """How many steps a stage gets."""
        if measure == "flops":
            return round(size * costs[self.joint] / len(self.staged) / costs[update])
        moves = Counter(module for stage in self.staged for module in stage.modules)
        return size // max(moves.values())


def parts(
    make: Callable[..., Task],
    arms: Arms,
    size: int,
    lrs: tuple[float, ...] = grid.LRS,
    optimizer: str = "Adam",
    choose: Callable = max,
    falls: bool = False,
) -> Callable[[Comparisons], Iterator[tuple[str, Part]]]:
    """The `parts` of an experiment: the grid of learning rates, then "updates" and "flops".

    size: updates of each module. Compute is what as many joint steps cost. Stages name their modules.
    choose: max, or min where less of the first held-out metric is better.
    falls: whether each rate rises and falls (`grid.falling`), or is constant.
    """

    def all_parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
        task = make(0)
        costs = {update: cost(task, update)[0] for update in {arms.joint, *arms.staged}}
        budgets = {"updates": Budget(updates=size), "flops": Budget(flops=size * costs[arms.joint])}
        arms_of = {measure: arms.plans(measure, size, costs) for measure in budgets}
        stages = {measure: _stages(arms_of[measure], task, budgets[measure]) if falls else None for measure in budgets}
        searched, budget = arms_of["updates"], budgets["updates"]
        yield "grid", grid.search(make, searched, budget, lrs, optimizer, GRID_SEEDS, stages["updates"])
        best = partial(grid.best_lr, comparisons["grid"], lrs=lrs, choose=choose)
        for measure, budget in budgets.items():
            chosen = grid.at(best, arms_of[measure], optimizer, stages[measure])
            known = {"joint": comparisons["updates"]} if measure == "flops" else {}  # the same steps in both
            yield measure, Part(make, chosen, budget, SEEDS, known)

    return all_parts


def _stages(arms: grid.Arms, task: Task, budget: Budget) -> grid.Stages:
    """The steps of each stage; all but "staged" have one, also where two updates take turns."""
    spans = {name: grid.spans(plan, task, budget) for name, (plan, _) in arms.items()}
    return {name: steps if name == "staged" else [sum(steps)] for name, steps in spans.items()}


def claim(comparisons: Comparisons, better: str = "more") -> dict:
    """Whether joint training beats training in parts, by the rule of README.md: a RULE.

    "holds" if joint wins against each other arm in both senses of equal; "holds in part" if it wins somewhere and
    loses nowhere; "does not hold" otherwise. It rests on `joint_against`, in each sense.
    better: "more", or "less" where the held-out metric is a distance.
    """
    against = {sense: joint_against(comparisons[sense], better) for sense in ("updates", "flops")}
    results = [result for arms in against.values() for result in arms.values()]
    in_part = "holds in part" if "wins" in results and "loses" not in results else "does not hold"
    word = "holds" if set(results) == {"wins"} else in_part
    return {"joint training is better": word, "rests on": against}


def joint_against(table: Comparison, better: str = "more") -> dict[str, str]:
    """Other arm -> "wins", "loses" or "undecided", for joint.

    Joint wins where the 95 % interval of joint minus the other, seed by seed, excludes 0 on the better side.
    ValueError if better is neither "more" nor "less".
    """
    if better not in ("more", "less"):
        raise ValueError(f'better is "more" or "less", got {better!r}')
    words = {better: "wins", "undecided": "undecided"}
    others = [arm for arm in table.arms if arm != "joint"]
    if not others or len(others) == len(table.arms):
        raise ValueError(f"a closing table has joint and other arms, got {listed(table.arms)}")
    return {arm: words.get(table.difference("joint", arm).verdict, "loses") for arm in others}
