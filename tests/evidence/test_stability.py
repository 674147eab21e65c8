"""The rule of the record `stability`, on invented records, and its warm-ups."""

import numpy as np
import pytest

from evidence.experiments import stability
from jointopt.compare import Comparison


def record(collapsed):
    """Runs end at 90 %, or at 10 where collapsed(kind, lr, λ, seed) is True."""
    arms = dict(stability.parts({}))["test"].arms
    cells = {name: name.replace("lr ", "").replace("λ ", "").split(", ") for name in arms}
    cells = {name: (name.split(",")[0], float(cell[-2]), float(cell[-1])) for name, cell in cells.items()}
    seeds = {
        seed: {
            arm: {"accuracy (%)": 10.0 if collapsed(*cell, seed) else 90.0, "diverged": False}
            for arm, cell in cells.items()
        }
        for seed in range(5)
    }
    return {"test": Comparison({"budget": "1 steps", "arms": dict.fromkeys(arms, {})}, seeds)}


RATE, WEIGHT = stability.CLAIMS.values()
CASES = [
    (lambda kind, lr, weight, seed: kind == "nothing" and lr == 3e-2, ("holds", "holds")),
    (lambda kind, lr, weight, seed: kind != "λ" and lr == 3e-2, ("does not hold", "holds")),
    (lambda kind, lr, weight, seed: lr == 3e-2, ("does not hold", "does not hold")),
    (lambda kind, lr, weight, seed: kind == "nothing" and not weight, ("holds", "does not hold")),
    (lambda kind, lr, weight, seed: kind == "nothing" and seed == 0, ("does not hold", "does not hold")),
    (lambda kind, lr, weight, seed: kind == "rate", ("does not hold", "does not hold")),
]


@pytest.mark.parametrize(("collapsed", "words"), CASES)
def test_the_rule(collapsed, words):
    answer = stability.RULE(record(collapsed))
    assert (answer[RATE], answer[WEIGHT]) == words


def test_a_share_counts_runs_that_diverged():
    invented = record(lambda *_: False)
    invented["test"].runs[2]["nothing, lr 0.001, λ 0.1"]["diverged"] = True
    assert list(stability.share(invented["test"], "nothing", (0.1,))) == [0, 0, 25, 0, 0]


@pytest.mark.parametrize(("kind", "what"), [("rate", "lr"), ("λ", "weight.reg")])
def test_a_warm_up_rises_to_what_the_others_have_from_the_start(kind, what):
    ((step, changed, rising),) = stability.arm(kind, 3e-3, 0.1).changes
    end = {"lr": 3e-3, "weight.reg": 0.1}[what]
    values = np.array([rising(n) for n in range(stability.STEPS)])
    assert (step, changed) == (0, what) and np.allclose(values[:60], end * np.arange(1, 61) / 60)
    assert (values[60:] == end).all() and not stability.arm("nothing", 3e-3, 0.1).changes
