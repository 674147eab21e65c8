"""The rules by which a published result counts as replicated, on invented records."""

import numpy as np
import pytest

from evidence.record import comparisons
from jointopt.compare import replications
from jointopt.compare.result import Comparison
from jointopt.statistics import interval

SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # the seeds of an arm, around its mean
_, HALF = interval(SPREAD)


def record(part, means, figure="accuracy (%)", flops=None):
    """A record of one part: a mean for each arm; against the first arm, the paired differences have SPREAD."""
    first, flops = next(iter(means)), flops or {}
    seeds = {
        seed: {
            arm: {figure: mean + (0 if arm == first else spread), "flops": flops.get(arm, 100)}
            for arm, mean in means.items()
        }
        for seed, spread in enumerate(SPREAD)
    }
    return {part: Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, seeds)}


def depth(six=-10.0, eight=-16.0, flops=50):
    arms = {"0 frozen": 80.0} | {f"{k} frozen": 60.0 for k in range(1, 9)}
    arms |= {"6 frozen": 80 + six, "8 frozen": 80 + eight}
    return record("test", arms, flops=dict.fromkeys([f"{k} frozen" for k in range(1, 9)], flops))


@pytest.mark.parametrize(
    ("found", "cheap", "told"),
    [
        (depth(six=HALF - 1.9), [6], True),  # the interval ends at −1.9
        (depth(six=HALF - 2.1), [], False),
        (depth(six=HALF - 1.9, flops=100), [], False),  # nothing is saved
        (depth(six=HALF - 1.9, eight=0.1 - HALF), [6, 8], False),  # all eight frozen: 0 is in the interval
        (depth(six=HALF - 1.9, eight=5), [6, 8], False),
        (depth(six=5, eight=-0.1 - HALF), [6], True),
    ],
)
def test_fast_rcnn_table_5(found, cheap, told):
    assert replications.cheap(found) == cheap
    assert replications.fast_rcnn_table_5(found) is told


def coadaptation(others):
    """All others are level with the base."""
    return record("test", {"base": 80.0} | {f"kept {k}": 80.0 for k in range(1, 9)} | others)


def all_again(kept, mean):
    """What is lost while the first k layers stay, and won back where they move."""
    return {kept: mean, f"{kept}, all": 80.0}


@pytest.mark.parametrize(
    ("others", "drops"),
    [
        ({}, []),
        (all_again("kept 4", 70.0), [4]),  # a dip
        ({"kept 4": 70.0, "kept 4, all": 70.0}, []),  # that all moving does not win back
        ({"kept 5": 70.0, "kept 3": 60.0}, [3, 5]),  # all moving was not run
        ({"kept 1": 70.0, "kept 8": 60.0}, []),  # the first and the last do not count
        ({"kept 4": 80 - 1.1 * HALF}, []),  # below by the 95 % interval, not by that of 98.75 %
        ({"kept 4": 80 - 1.1 * interval(SPREAD, 0.9875)[1]}, [4]),
        ({"kept 4": 90.0}, []),
    ],
)
def test_yosinski(others, drops):
    found = coadaptation(others)
    assert replications.drops(found) == drops
    assert replications.yosinski(found) is bool(drops)


@pytest.mark.parametrize(
    ("head", "all_at_once", "both", "told"),
    [
        (60, 50, 59, True),
        (60, 70, 75, False),  # nothing is distorted
        (60, 50, 45, False),  # nothing is rescued
        (60, 59.9, 75, False),  # undecided
        (60, 50, 50, False),
    ],
)
def test_lp_ft(head, all_at_once, both, told):
    means = {"all at once": all_at_once, "head only": head, "head first, then all": both}
    assert replications.lp_ft(record("test", means, "accuracy over clutter (%)")) is told


def test_lp_ft_looks_over_clutter_and_at_each_arm_s_own_learning_rate():
    distorted = {"all at once": 50, "head only": 60, "head first, then all": 60}
    found = record("test", dict.fromkeys(distorted, 60), "accuracy over clutter (%)")
    found |= record("one lr", distorted, "accuracy over clutter (%)")
    for seed, runs in found["test"].seeds.items():
        for arm, figures in list(runs.items()):
            runs[arm] = {"accuracy (%)": distorted[arm] + SPREAD[seed] * (arm != "all at once")} | figures
    assert replications.lp_ft(found) is False


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("depth", replications.fast_rcnn_table_5),
        ("coadaptation", replications.yosinski),
        ("shift", replications.lp_ft),
    ],
)
def test_the_rules_read_the_records(name, rule):
    assert isinstance(rule(comparisons(name)), bool)


OTHERS = ("alternating", "staged", "frozen")


def closing(updates, flops):
    """Joint at 80 in both senses; the others as given."""
    parts = (dict(zip(OTHERS, means, strict=True)) for means in (updates, flops))
    found = {}
    for sense, means in zip(("updates", "flops"), parts, strict=True):
        found |= record(sense, {"joint": 80.0} | means)
    return found


@pytest.mark.parametrize(
    ("updates", "flops", "told", "reversed_told"),
    [
        ((70, 70, 70), (70, 70, 70), "holds", "does not hold"),
        ((70, 70, 70), (70, 70, 80), "holds in part", "does not hold"),
        ((70, 70, 70), (70, 70, 90), "does not hold", "does not hold"),
        ((80, 80, 80), (80, 80, 80), "does not hold", "does not hold"),
        ((80, 80, 80), (80, 80, 90), "does not hold", "holds in part"),
        ((90, 90, 90), (90, 90, 90), "does not hold", "holds"),
    ],
)
def test_the_claim_of_a_closing_table(updates, flops, told, reversed_told):
    found = closing(updates, flops)
    assert replications.claim(found) == told
    assert replications.claim(found, better="less") == reversed_told


def test_joint_against_each_other_arm():
    found = closing((70, 80, 90), (80 + 0.9 * HALF, 80 - 1.1 * HALF, 80))
    assert replications.joint_against(found) == {
        "updates": {"alternating": "wins", "staged": "undecided", "frozen": "loses"},
        "flops": {"alternating": "undecided", "staged": "wins", "frozen": "undecided"},
    }


@pytest.mark.parametrize(
    ("less", "flops", "told"),
    [
        (HALF - 4.9, 62, True),  # the interval ends at −4.9
        (HALF - 5.1, 62, False),
        (10.0, 62, True),  # better is close, too
        (HALF - 4.9, 75, True),
        (HALF - 4.9, 76, False),  # too little is saved
    ],
)
def test_approximate_joint_training(less, flops, told):
    found = record("test", {"four steps": 70.0, "joint": 70 + less}, "mAP@0.5 (%)", {"joint": flops})
    assert replications.approximate_joint(found) is told


@pytest.mark.parametrize(("less", "told"), [(1.1 * HALF, True), (0.9 * HALF, False), (-10, False)])
def test_fast_rcnn_table_6(less, told):
    found = record("test", {"stage-wise": 70.0, "joint": 70 + less}, "mAP@0.5 (%)")
    assert replications.fast_rcnn_table_6(found) is told


def task_weights(equal=0.0, learned=0.0, boxes=0.0):
    means = {"alone": 50.0, "equal": 50 + equal, "searched": 60.0, "learned": 50 + learned}
    found = record("test", means | {"boxes alone": 1.0}, "foreground IoU (%)")
    theirs = record("test", {"boxes alone": 40.0, "equal": 40 + boxes}, "box IoU (%)")
    for seed, runs in found["test"].seeds.items():
        for arm, figures in theirs["test"].seeds[seed].items():
            runs[arm] |= {"box IoU (%)": figures["box IoU (%)"]}
    return found


@pytest.mark.parametrize(
    ("equal", "learned", "told"),
    [
        (-1.1 * HALF, 1.1 * HALF, True),
        (-0.9 * HALF, 1.1 * HALF, False),  # equal weights are undecided
        (-1.1 * HALF, 0.9 * HALF, False),
        (1.1 * HALF, 1.1 * HALF, False),  # equal weights help as well
        (-1.1 * HALF, -1.1 * HALF, False),
    ],
)
def test_kendall_table_1(equal, learned, told):
    assert replications.kendall_table_1(task_weights(equal, learned, boxes=-9)) is told


@pytest.mark.parametrize(("boxes", "told"), [(1.1 * HALF, True), (0.9 * HALF, False), (-9, False)])
def test_mask_r_cnn_table_3(boxes, told):
    assert replications.mask_r_cnn_table_3(task_weights(-9, -9, boxes)) is told


def test_a_closing_table_of_another_kind_is_refused():
    with pytest.raises(ValueError, match='better is "more" or "less", got \'lower\''):
        replications.claim(closing((70, 70, 70), (70, 70, 70)), better="lower")
    alone = {sense: record(sense, {"joint": 80.0})[sense] for sense in ("updates", "flops")}
    with pytest.raises(ValueError, match="has joint and other arms, got 'joint'"):
        replications.claim(alone)
