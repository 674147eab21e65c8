"""The rules of `parity` and `curriculum`, on invented records."""

import numpy as np
import pytest

from evidence import claims
from evidence.experiments import curriculum, parity
from jointopt.compare import Comparison, interval

YES, NO, OPEN = claims.WORDS
SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # the seeds of an arm, around its mean; "joint" has none
_, HALF = interval(SPREAD)


def record(part, means, gain=0.0):
    """A record of one part, {arm: mean}; gain: by one correction, in points."""
    seeds = {}
    for seed, spread in enumerate(SPREAD):
        sums = {arm: mean + (0 if arm == "joint" else spread) for arm, mean in means.items()}
        seeds[seed] = {arm: {parity.SUM: value, parity.CORRECTED: value + gain} for arm, value in sums.items()}
    return {part: Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, seeds)}


def sums(end_to_end=50.0, joint=90.0, gain=5.0):
    """A record of `parity`."""
    parts = {}
    for k in parity.KS:
        parts |= record(parity.digits(k), {"joint": joint, "end to end": end_to_end, "staged": 90.0}, gain)
    return parts


@pytest.mark.parametrize(
    ("changed", "fails", "corrected"),
    [
        ({}, YES, YES),
        ({"end_to_end": 55 - HALF - 0.01}, YES, YES),
        ({"end_to_end": 55 - HALF + 0.01}, OPEN, YES),  # it may have learned something
        ({"end_to_end": 55 + HALF + 0.01}, NO, YES),  # it has
        ({"joint": 70 + HALF + 0.01}, YES, YES),
        ({"joint": 70 + HALF - 0.01}, OPEN, YES),  # joint training may not be much better
        ({"joint": 70 - HALF - 0.01}, NO, YES),  # it is not
        ({"gain": 0.0}, YES, NO),
    ],
)
def test_end_to_end_fails_at_chance_and_far_below_joint_training(changed, fails, corrected):
    answer = parity.RULE(sums(**changed))
    assert answer["Shalev-Shwartz, Shamir and Shammah, §3"].split(" (")[0] == fails
    assert answer["Koh et al., test-time intervention"] == corrected


@pytest.mark.parametrize(("gain", "word"), [(3 * HALF + 0.01, YES), (1.99 - 3 * HALF, NO), (2.01 - 3 * HALF, OPEN)])
def test_a_correction_helps(gain, word):
    invented = sums()
    for seed, runs in invented[parity.digits(parity.HARD)].runs.items():
        runs["joint"][parity.CORRECTED] += gain - 5.0 + 3 * SPREAD[seed]
    assert parity.RULE(invented)["Koh et al., test-time intervention"].split(" (")[0] == word


@pytest.mark.parametrize(
    ("once", "first", "word"),
    [(50, 90, "holds"), (54.9, 90, "does not hold"), (50, 69.9, "does not hold"), (50, 70.1, "holds")],
)
def test_a_curriculum_is_lost_where_everything_moves_at_its_end(once, first, word):
    means = dict.fromkeys(curriculum.PLANS, 60.0) | {"all at once": once, "head first, then all": first}
    answer = curriculum.RULE(record("test", means))
    assert answer[curriculum.CLAIM] == word
