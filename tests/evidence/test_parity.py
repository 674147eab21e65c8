"""The rules of `parity` and `curriculum`, on invented records."""

import pytest
from test_rules import HALF, WORDS, record

from evidence.experiments import curriculum, parity


def sums(end_to_end=50.0, joint=90.0, gain=5.0):
    """A record of `parity`."""
    parts = {}
    for k in parity.KS:
        parts |= record(parity.digits(k), {"joint": joint, "end to end": end_to_end, "staged": 90.0}, parity.SUM)
    for run in (run for part in parts.values() for of_seed in part.runs.values() for run in of_seed.values()):
        run[parity.CORRECTED] = run[parity.SUM] + gain
    return parts


@pytest.mark.parametrize(
    ("changed", "fails", "corrected"),
    [
        ({}, True, True),
        ({"end_to_end": 55 - HALF - 0.01}, True, True),
        ({"end_to_end": 55 - HALF + 0.01}, False, True),  # it may have learned something
        ({"joint": 70 + HALF + 0.01}, True, True),
        ({"joint": 70 + HALF - 0.01}, False, True),  # so joint training is not much better
        ({"gain": 0.0}, True, False),
    ],
)
def test_end_to_end_fails_at_chance_and_far_below_joint_training(changed, fails, corrected):
    answer = parity.RULE(sums(**changed))
    assert answer["Shalev-Shwartz, Shamir and Shammah, §3"] == WORDS[fails]
    assert answer["Koh et al., test-time intervention"] == WORDS[corrected]


@pytest.mark.parametrize(
    ("once", "first", "word"),
    [(50, 90, "holds"), (54.9, 90, "does not hold"), (50, 69.9, "does not hold"), (50, 70.1, "holds")],
)
def test_a_curriculum_is_lost_where_everything_moves_at_its_end(once, first, word):
    means = dict.fromkeys(curriculum.PLANS, 60.0) | {"all at once": once, "head first, then all": first}
    answer = curriculum.RULE(record("test", means, parity.SUM))
    assert answer[curriculum.CLAIM] == word
