"""The rule of the record `greedy`, on invented records, and its plan: one layer after the other, at equal compute."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch

from evidence import claims
from evidence.experiments import greedy
from jointopt.compare import Comparison, cost, interval
from jointopt.training import train

YES, NO, OPEN = claims.WORDS
SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
_, HALF = interval(SPREAD)
CLAIM = "Belilovsky et al., greedy layer-wise"


def comparison(means):
    seeds = {
        seed: {arm: {"accuracy (%)": mean + (spread if arm == "greedy" else 0)} for arm, mean in means.items()}
        for seed, spread in enumerate(SPREAD)
    }
    return Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, seeds)


@pytest.mark.parametrize(
    ("once", "twice", "word"),
    [
        (0.0, 0.0, YES),
        (HALF - 1.9, HALF - 1.9, YES),
        (HALF - 2.1, 5.0, OPEN),
        (5.0, -HALF - 2.1, NO),
        (-9.0, 5.0, NO),
    ],
)
def test_the_rule(once, twice, word):
    tried = {f"{arm}, lr {lr:g}": 50.0 + (lr == 3e-3) for arm in ("greedy", "end to end") for lr in greedy.LRS}
    apart = dict(zip(greedy.PARTS, (once, twice), strict=True))
    parts = {part: comparison({"end to end": 80.0, "greedy": 80 + points}) for part, points in apart.items()}
    verdict = greedy.RULE({"grid": comparison(tried)} | parts)
    assert verdict[CLAIM].split(" (")[0] == word
    assert verdict["rests on"]["learning rate of greedy"] == 3e-3


def test_compute_is_equal_and_each_layer_has_equal_steps():
    budget, arms = greedy.compute(30)
    task = greedy.make(0)
    plan = list(arms["greedy"][0]())
    steps = Counter(plan)
    assert list(steps) == greedy.UPDATES and len(set(steps.values())) == 1
    spent = sum(cost(task, update)[0] * count for update, count in steps.items())
    assert 0 <= budget.flops - spent < sum(cost(task, update)[0] for update in greedy.UPDATES)


def test_a_layer_that_has_learned_stands_still():
    task = greedy.make(0)
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    for step in islice(train(task, [greedy.UPDATES[1]] * 2), 2):
        assert step.moved == ("conv2", "head2") and list(step.losses) == ["2"]
    after = task.model.state_dict()
    moved = {name.split(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
    assert moved == {"conv2", "head2"}
