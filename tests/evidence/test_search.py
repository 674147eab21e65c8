"""The rule of the record `search`, and the searches that it compares, on invented tables."""

import numpy as np
import pytest

from evidence.experiments import search
from jointopt.compare import Comparison
from jointopt.models.search_space import ARCHITECTURES, OPERATIONS, cost_of


def table(score, seeds, flops=100):
    """Each architecture alone: score(name, seed)."""
    runs = {
        seed: {name: {"accuracy (%)": score(name, seed), "flops": flops} for name in ARCHITECTURES} for seed in seeds
    }
    return Comparison({"budget": "100 steps", "arms": dict.fromkeys(ARCHITECTURES, {})}, runs)


def searched(names, flops=300):
    """DARTS found these, one per seed, with λ 0 and with λ 0.1 alike."""
    arms = [f"DARTS, λ {cost:g}" for cost in search.COSTS]
    runs = {}
    for seed, name in enumerate(names, 30):
        metrics = {
            f"{operation} in cell {cell} (%)": 70.0 if operation == chosen else 10.0
            for cell, chosen in enumerate(name.split("-"), 1)
            for operation in OPERATIONS
        }
        runs[seed] = {arm: metrics | {"flops": flops} for arm in arms}
    return Comparison({"budget": "200 steps", "arms": dict.fromkeys(arms, {})}, runs)


def by_cost(name, seed=0):
    """Accuracy that grows with the cost, from 60 to 90 %."""
    return 60 + 30 * cost_of(name) / cost_of("conv3-conv3-conv3")


def comparisons(names, looked_at=by_cost, score=by_cost, flops=300):
    return {
        "validation": table(looked_at, search.LOOKED_AT),
        "test": table(score, search.SCORED),
        "search": searched(names, flops),
    }


def test_what_was_found_is_read_from_the_probabilities():
    names = ["conv1-skip-pool", "conv3-conv3-skip"]
    assert search.found(searched(names), "DARTS, λ 0.1") == names


def test_a_search_that_is_far_ahead_refutes_the_claim():
    verdict = search.RULE(comparisons(["conv3-conv3-conv3", "conv3-conv3-conv1"] * 8))
    assert verdict["Li and Talwalkar"] == "not replicated"
    assert float(verdict["rests on"]["DARTS minus random search, equal FLOPs"].split()[0]) > 5
    assert verdict["rests on"]["DARTS minus the largest architecture"].startswith("-0.")


@pytest.mark.parametrize(("beyond", "word"), [(0.1, "replicated"), (-0.1, "not decided"), (-10, "not replicated")])
def test_what_is_competitive(monkeypatch, beyond, word):
    found = comparisons(["conv3-conv3-conv3", "conv3-conv3-conv1"] * 8)
    mean, half = map(float, search.RULE(found)["rests on"]["DARTS minus random search, equal FLOPs"].split(" ± "))
    monkeypatch.setattr(search, "CLOSE", max(mean - half - 0.1, mean + half + beyond))
    assert search.RULE(found)["Li and Talwalkar"].split(" (")[0] == word


def test_a_search_that_is_behind_supports_it_whatever_the_table_that_chose_says():
    verdict = search.RULE(comparisons(["skip-skip-skip", "skip-skip-pool"] * 8, looked_at=lambda *_: 50.0))
    assert verdict["Li and Talwalkar"] == "replicated"
    assert verdict["rests on"]["DARTS minus random search, equal FLOPs"].startswith("-")


def test_what_scores_is_not_what_chose():
    """Looked at, all have 90 %; on the seeds that score, 50 %."""
    space = search.Space(comparisons(["skip-skip-skip"], looked_at=lambda *_: 90.0, score=lambda *_: 50.0))
    assert set(space.score) == {50.0} and set(space.looked_at.ravel()) == {90.0}


@pytest.mark.parametrize(("price", "tried"), [(dict(queries=3), 3), (dict(flops=250), 2), (dict(flops=1), 1)])
def test_random_search_tries_what_it_can_pay_for_and_nothing_twice(price, tried):
    space, asked = search.Space(comparisons(["skip-skip-skip"])), []
    space.query = lambda architecture, rng: asked.append(architecture) or by_cost(ARCHITECTURES[architecture])
    best = search.random_search(space, search.rng(0), **price)
    assert len(set(asked)) == len(asked) == tried
    assert space.score[best] == max(space.score[asked])


def test_random_search_within_a_cost():
    space = search.Space(comparisons(["skip-skip-skip"]))
    found = [search.random_search(space, search.rng(i), queries=8, cost=0.5) for i in range(20)]
    assert max(space.cost[found]) <= 0.5 and len(set(found)) > 1


def test_reinforce_learns_where_queries_are_plenty():
    """The last of 400 queries are far above the mean of all."""
    space, asked = search.Space(comparisons(["skip-skip-skip"])), []
    query = space.query
    space.query = lambda architecture, rng: asked.append(query(architecture, rng)) or asked[-1]
    search.reinforce(space, search.rng(0), queries=400)
    assert len(asked) == 400 and np.mean(asked[-100:]) > space.score.mean() + 15
