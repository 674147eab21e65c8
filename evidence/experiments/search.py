"""Does a search find better architectures than random search does, for the same price? 64 architectures (chapter 10).

All 64 are trained alone: on two seeds, whose validation accuracy is what a search may look at, and on four others,
whose test accuracy scores what it found. So nothing is scored by the numbers that chose it. A *query* is one training
of 100 steps and its validation accuracy on one of the two seeds.

DARTS searches in the mixture, with λ of the cost 0 and 0.1. REINFORCE learns from its queries which operations to try
next; random search tries any. Against DARTS random search may spend as many FLOPs, against REINFORCE as many queries;
against DARTS with λ 0.1 it may try only what costs no more than what DARTS found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter

import numpy as np
import torch

from evidence import claims
from evidence.record import Comparisons, Part, verdict
from jointopt import Task, Update, plans, tasks
from jointopt.compare import Arm, Budget, Comparison, Interval
from jointopt.models.search_space import ARCHITECTURES, OPERATIONS, SearchNetwork, cost_of

STEPS = 100  # of an architecture alone; DARTS takes as many of the weights, and as many of α between them
COSTS = (0.0, 0.1)  # λ
RATE = 0.05  # of α
LOOKED_AT, SCORED, SEARCHES = range(2), range(10, 14), range(30, 42)  # seeds
QUERIES = (8, 16)
DRAWS = 400  # random searches per seed of DARTS; searches per number of queries
CLOSE = 2.0  # points
SLICE = ("test", ["conv1-conv3-skip"], [10])
WEIGHTS = Update(["feature_extractor", "classifier"], "task", hold_normalization=False)
ALPHA = Update("architecture", ["validation", "cost"], hold_normalization=False)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """Every architecture alone, to look at and to score; then DARTS."""
    alone = {name: Arm(plans.joint, task_options={"architecture": name}) for name in ARCHITECTURES}
    make, budget = partial(tasks.load, "search"), Budget(steps=STEPS)
    yield "validation", Part(partial(make, held_out="validation"), alone, budget, LOOKED_AT)
    yield "test", Part(make, alone, budget, SCORED)
    in_turn, rate = partial(plans.alternating, WEIGHTS, ALPHA), [(0, "lr.architecture", RATE)]
    searches = {f"DARTS, λ {cost:g}": Arm(in_turn, {"cost": cost}, changes=rate) for cost in COSTS}
    yield "search", Part(partial(searching, held_out="validation"), searches, Budget(steps=2 * STEPS), SEARCHES)


def searching(seed: int, **options) -> Task:
    """The task, whose metrics are the probabilities that α gives."""
    return replace(tasks.load("search", seed, **options), evaluate=probabilities)


@torch.no_grad()
def probabilities(model: SearchNetwork) -> dict[str, float]:
    """Of each operation in each cell, in percent."""
    rows = enumerate(model.probabilities().tolist(), 1)
    return {
        f"{name} in cell {cell} (%)": 100 * p for cell, row in rows for name, p in zip(OPERATIONS, row, strict=True)
    }


def found(searched: Comparison, arm: str) -> list[str]:
    """The most probable architecture of each seed."""
    rows = np.stack([searched.values(arm, metric) for metric in searched.metrics], axis=1)  # (seeds, 12)
    choices = rows.reshape(len(rows), -1, len(OPERATIONS)).argmax(2)  # (seeds, 3)
    return ["-".join(OPERATIONS[i] for i in row) for row in choices]


class Space:
    """The table of the 64: what may be looked at, and what scores.

    looked_at   (64, 2) validation accuracy, one per seed          score   (64,) mean test accuracy
    flops       (64,) of a query                                   cost    (64,) in 100,000 multiply-adds per image
    """

    def __init__(self, comparisons: Comparisons):
        validation, test = comparisons["validation"], comparisons["test"]
        self.looked_at = np.stack([validation.values(name) for name in ARCHITECTURES])
        self.score = np.array([test.values(name).mean() for name in ARCHITECTURES])
        self.flops = np.array([validation.values(name, "flops").mean() for name in ARCHITECTURES])
        self.cost = np.array([cost_of(name) for name in ARCHITECTURES])

    def query(self, architecture: int, rng: np.random.RandomState) -> float:
        """Validation accuracy of one training."""
        return self.looked_at[architecture, rng.randint(len(LOOKED_AT))]

    def of(self, names: Sequence[str]) -> np.ndarray:
        """Scores by name."""
        return self.score[[ARCHITECTURES.index(name) for name in names]]


def random_search(
    space: Space, rng: np.random.RandomState, queries: int | None = None, flops: float = np.inf, cost: float = np.inf
) -> int:
    """The best of architectures drawn without replacement, as many as the queries or FLOPs pay for, one at least.

    cost: the most that an architecture may cost, in the unit of `costs`.
    """
    order = rng.permutation(np.flatnonzero(space.cost <= cost))[:queries]
    paid = order[: max(1, int((space.flops[order].cumsum() <= flops).sum()))]
    return max(paid, key=lambda architecture: space.query(architecture, rng))


def reinforce(space: Space, rng: np.random.RandomState, queries: int, rate: float = 0.3, size: int = 4) -> int:
    """The best that was seen by a policy of 3 × 4 logits, which learns from batches of `size` queries.

    Williams 1992, with Adam and a moving mean as its baseline, as in Zoph and Le 2017, §3.2.
    """
    logits = torch.zeros(3, len(OPERATIONS), dtype=torch.float64, requires_grad=True)
    optimizer, baseline, best = torch.optim.Adam([logits], rate), None, (-np.inf, 0)
    for _ in range(queries // size):
        p = logits.softmax(1).detach().numpy()
        drawn = np.array([[rng.choice(len(row), p=row / row.sum()) for row in p] for _ in range(size)])  # (size, 3)
        numbers = drawn @ [len(OPERATIONS) ** 2, len(OPERATIONS), 1]
        rewards = np.array([space.query(number, rng) for number in numbers])
        best = max(best, *zip(rewards, numbers, strict=True), key=itemgetter(0))  # the first of equals
        advantages = torch.tensor(rewards - (rewards.mean() if baseline is None else baseline)) / 10
        chosen = logits.log_softmax(1)[torch.arange(3), torch.from_numpy(drawn)].sum(1)  # (size,)
        loss = -(advantages * chosen).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        baseline = rewards.mean() if baseline is None else 0.8 * baseline + 0.2 * rewards.mean()
    return int(best[1])


def li_and_talwalkar(comparisons: Comparisons) -> dict:
    """Random search is competitive: at the same price no search is two points or more ahead of it."""
    space = Space(comparisons)
    free, priced = (darts(space, comparisons["search"], f"DARTS, λ {cost:g}", cost > 0) for cost in COSTS)
    ahead = {"DARTS minus random search, equal FLOPs": free["ahead"]}
    for queries in QUERIES:
        tried = [(reinforce(space, rng(i, 0), queries), random_search(space, rng(i, 1), queries)) for i in range(DRAWS)]
        differences = [space.score[a] - space.score[b] for a, b in tried]
        ahead[f"REINFORCE minus random search, {queries} queries"] = np.array(differences)
    competitive = claims.all_of(claims.decide(-values, border=-CLOSE) for values in ahead.values())
    others = {
        "DARTS minus the largest architecture": Interval.of(free["score"] - space.of(["conv3-conv3-conv3"])),
        "DARTS, λ 0.1, minus random search, equal FLOPs, no higher cost": Interval.of(priced["ahead"]),
        "mean cost found by DARTS, in 100,000 multiply-adds": round(float(free["cost"].mean()), 2),
        "mean cost found by DARTS, λ 0.1": round(float(priced["cost"].mean()), 2),
        "mean accuracy of all 64 (%)": round(float(space.score.mean()), 1),
    }
    rests = {name: Interval.of(values) for name, values in ahead.items()}
    return verdict({"Li and Talwalkar": competitive}, rests | others)


def darts(space: Space, searched: Comparison, arm: str, capped: bool) -> dict:
    """Of what each seed found: its score and cost, and how far it is ahead of random searches at the same price.

    capped: random search may try only what costs no more.
    """
    names, flops = found(searched, arm), searched.values(arm, "flops")
    score, cost = space.of(names), np.array([cost_of(name) for name in names])
    at_random = [
        np.mean([space.score[random_search(space, rng(seed, i), None, f, c)] for i in range(DRAWS)])
        for seed, f, c in zip(searched.runs, flops, cost if capped else np.full(len(cost), np.inf), strict=True)
    ]
    return {"score": score, "cost": cost, "ahead": score - at_random}


def rng(*seed: int) -> np.random.RandomState:
    """Its stream is the same in every version of NumPy."""
    return np.random.RandomState(seed)


RULE = li_and_talwalkar
