"""LP-FT on ImageNet's features: the rule of `shift`, on plain digits and the shifts of a part of its own."""

from itertools import islice

import pytest

from evidence.experiments import imagenet, shift
from jointopt.compare import Comparison

METRIC = "accuracy over clutter (%)"
MEANS = {"head only": 70.0, "all at once": 50.0, "head first, then all": 75.0}


def invented(means):
    seeds = {seed: {arm: {METRIC: mean + seed / 10} for arm, mean in means.items()} for seed in range(10)}
    return Comparison({"budget": "60 steps", "arms": dict.fromkeys(means, {})}, seeds)


@pytest.mark.parametrize("once", [50.0, 69.9, 72.0, 90.0])
def test_it_judges_its_own_part_by_the_rule_of_shift(once):
    table = invented(MEANS | {"all at once": once})
    found, other = imagenet.RULE({"shift": table}), shift.RULE({"test": table})
    assert found.pop("LP-FT, ImageNet's features") == other.pop("LP-FT")
    assert found == other and list(found.powers.values()) == list(other.powers.values())


def test_its_arms_are_those_of_the_paper():
    """The head alone; all; the head for one half of the steps, and then all."""
    moved = {name: [update.modules for update in islice(plan(), 60)] for name, (plan, _) in imagenet.SHIFTED.items()}
    head = frozenset({"classifier"})
    assert moved == {
        "head only": [head] * 60,
        "all at once": [None] * 60,
        "head first, then all": [head] * 30 + [None] * 30,
    }
