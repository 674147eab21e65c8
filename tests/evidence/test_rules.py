"""The rules by which a record judges a claim: on invented records, and on those that are there."""

import numpy as np
import pytest

from evidence import closing
from evidence.experiments import coadaptation, curriculum, depth, four_steps, multitask, optimizers, shift, task_weights
from evidence.record import experiment_of
from jointopt.compare import Comparison, interval, records

MADE = records.names()
WORDS = {True: "replicated", False: "not replicated"}


@pytest.mark.parametrize("name", MADE)
def test_the_verdict_on_record_is_that_of_the_rule(name):
    rule = getattr(experiment_of(name), "RULE", None)
    if rule is None:
        with pytest.raises(ValueError, match=f"the record '{name}' decides nothing"):
            records.verdict(name)
    else:
        assert records.verdict(name) == rule(records.load(name))


def test_each_claim_of_the_readme_is_judged():
    claims = [claim for name in MADE if "verdict" in records.read(name) for claim in records.verdict(name)]
    assert claims.count("joint training is better") == 4
    assert set(claims) == {"Fast R-CNN, table 5", "Yosinski et al., figure 2", "LP-FT", "Faster R-CNN, §3.2"} | {
        "Fast R-CNN, table 6",
        "Kendall, Gal and Cipolla, table 1",
        "Mask R-CNN, table 3",
        "Choi et al., §3",
        "Li and Talwalkar",
        "both encoders have to learn",
        "Shalev-Shwartz, Shamir and Shammah, §3",
        "Koh et al., test-time intervention",
        curriculum.CLAIM,
        "joint training is better",
        "rests on",
    }


SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # the seeds of an arm, around its mean
_, HALF = interval(SPREAD)


def record(part, means, metric="accuracy (%)", flops=None):
    """A record of one part: a mean for each arm; against the first arm, the paired differences have SPREAD."""
    first, flops = next(iter(means)), flops or {}
    seeds = {
        seed: {
            arm: {metric: mean + (0 if arm == first else spread), "flops": flops.get(arm, 100)}
            for arm, mean in means.items()
        }
        for seed, spread in enumerate(SPREAD)
    }
    return {part: Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, seeds)}


def frozen(six=-10.0, eight=-16.0, flops=50):
    arms = {"0 frozen": 80.0} | {f"{k} frozen": 60.0 for k in range(1, 9)}
    arms |= {"6 frozen": 80 + six, "8 frozen": 80 + eight}
    return record("test", arms, flops=dict.fromkeys([f"{k} frozen" for k in range(1, 9)], flops))


@pytest.mark.parametrize(
    ("invented", "cheap", "shown"),
    [
        (frozen(six=HALF - 1.9), [6], True),  # the interval ends at −1.9
        (frozen(six=HALF - 2.1), [], False),
        (frozen(six=HALF - 1.9, flops=100), [], False),  # nothing is saved
        (frozen(six=HALF - 1.9, eight=0.1 - HALF), [6, 8], False),  # all eight frozen: 0 is in the interval
        (frozen(six=HALF - 1.9, eight=5), [6, 8], False),
        (frozen(six=5, eight=-0.1 - HALF), [6], True),
    ],
)
def test_fast_rcnn_table_5(invented, cheap, shown):
    verdict = depth.RULE(invented)
    assert verdict["rests on"]["layers frozen for less than two points"] == cheap
    assert verdict["Fast R-CNN, table 5"] == WORDS[shown]


@pytest.mark.parametrize(
    ("momentum", "adam", "shown"),
    [
        (HALF - 1.9, 20.0, True),  # two points below SGD, at the worst: the interval ends at −1.9
        (HALF - 2.1, 20.0, False),
        (20.0, 18.1, True),  # seed by seed 1.9 below momentum: these two have the same spread
        (20.0, 17.9, False),
    ],
)
def test_choi(momentum, adam, shown):
    tried = {f"{name}, lr {lr:g}": 10.0 for name in optimizers.OPTIMIZERS for lr in optimizers.rates(name)}
    grid = record("grid", tried | {"Adam, lr 0.003": 80.0})
    invented = grid | record("test", {"SGD": 60.0, "momentum": 60 + momentum, "Adam": 60 + adam})
    verdict = optimizers.RULE(invented)
    assert verdict["Choi et al., §3"] == WORDS[shown]
    assert verdict["rests on"]["learning rate of Adam"] == 0.003


def test_a_verdict_says_what_it_rests_on():
    difference = record("test", {"0 frozen": 80.0, "8 frozen": 64.0})["test"].difference("8 frozen", "0 frozen")
    assert depth.RULE(frozen())["rests on"]["8 frozen minus 0 frozen"] == f"{difference:+}" == "-16.0 ± 1.0"


def kept_layers(others):
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
    verdict = coadaptation.RULE(kept_layers(others))
    assert verdict["rests on"] == {"layers kept at which accuracy drops": drops}
    assert verdict["Yosinski et al., figure 2"] == WORDS[bool(drops)]


@pytest.mark.parametrize(
    ("head", "all_at_once", "both", "shown"),
    [
        (60, 50, 59, True),
        (60, 70, 75, False),  # nothing is distorted
        (60, 50, 45, False),  # nothing is rescued
        (60, 59.9, 75, False),  # undecided
        (60, 50, 50, False),
    ],
)
def test_lp_ft(head, all_at_once, both, shown):
    means = {"all at once": all_at_once, "head only": head, "head first, then all": both}
    verdict = shift.RULE(record("test", means, "accuracy over clutter (%)"))
    assert verdict["LP-FT"] == WORDS[shown]


def test_lp_ft_looks_over_clutter_and_at_each_arm_s_own_learning_rate():
    distorted = {"all at once": 50, "head only": 60, "head first, then all": 60}
    invented = record("test", dict.fromkeys(distorted, 60), "accuracy over clutter (%)")
    invented |= record("one lr", distorted, "accuracy over clutter (%)")
    for seed, runs in invented["test"].runs.items():
        for arm, metrics in list(runs.items()):
            runs[arm] = {"accuracy (%)": distorted[arm] + SPREAD[seed] * (arm != "all at once")} | metrics
    assert shift.RULE(invented)["LP-FT"] == "not replicated"


OTHERS = ("alternating", "staged", "frozen")


def closing_table(updates, flops):
    """Joint at 80 in both senses; the others as given."""
    updates, flops = ({"joint": 80.0} | dict(zip(OTHERS, means, strict=True)) for means in (updates, flops))
    return record("updates", updates) | record("flops", flops)


@pytest.mark.parametrize(
    ("updates", "flops", "shown", "reversed_shown"),
    [
        ((70, 70, 70), (70, 70, 70), "holds", "does not hold"),
        ((70, 70, 70), (70, 70, 80), "holds in part", "does not hold"),
        ((70, 70, 70), (70, 70, 90), "does not hold", "does not hold"),
        ((80, 80, 80), (80, 80, 80), "does not hold", "does not hold"),
        ((80, 80, 80), (80, 80, 90), "does not hold", "holds in part"),
        ((90, 90, 90), (90, 90, 90), "does not hold", "holds"),
    ],
)
def test_the_claim_of_a_closing_table(updates, flops, shown, reversed_shown):
    table = closing_table(updates, flops)
    assert closing.claim(table)["joint training is better"] == shown
    assert closing.claim(table, better="less")["joint training is better"] == reversed_shown


def test_joint_against_each_other_arm():
    table = closing_table((70, 80, 90), (80 + 0.9 * HALF, 80 - 1.1 * HALF, 80))
    assert closing.claim(table)["rests on"] == {
        "updates": {"alternating": "wins", "staged": "undecided", "frozen": "loses"},
        "flops": {"alternating": "undecided", "staged": "wins", "frozen": "undecided"},
    }


@pytest.mark.parametrize(
    ("less", "flops", "shown"),
    [
        (HALF - 4.9, 62, True),  # the interval ends at −4.9
        (HALF - 5.1, 62, False),
        (10.0, 62, True),  # better is close, too
        (HALF - 4.9, 75, True),
        (HALF - 4.9, 76, False),  # too little is saved
    ],
)
def test_approximate_joint_training(less, flops, shown):
    verdict = four_steps.RULE(record("test", {"four steps": 70.0, "joint": 70 + less}, "mAP@0.5 (%)", {"joint": flops}))
    assert verdict["Faster R-CNN, §3.2"] == WORDS[shown]
    assert verdict["rests on"]["share of the FLOPs"] == flops / 100


@pytest.mark.parametrize(("less", "shown"), [(1.1 * HALF, True), (0.9 * HALF, False), (-10, False)])
def test_fast_rcnn_table_6(less, shown):
    verdict = multitask.RULE(record("test", {"stage-wise": 70.0, "joint": 70 + less}, "mAP@0.5 (%)"))
    assert verdict["Fast R-CNN, table 6"] == WORDS[shown]


def weighted(equal=0.0, learned=0.0, boxes=0.0):
    means = {"alone": 50.0, "equal": 50 + equal, "searched": 60.0, "learned": 50 + learned}
    invented = record("test", means | {"boxes alone": 1.0}, "foreground IoU (%)")
    boxes = record("test", {"boxes alone": 40.0, "equal": 40 + boxes}, "box IoU (%)")
    for seed, runs in invented["test"].runs.items():
        for arm, metrics in boxes["test"].runs[seed].items():
            runs[arm] |= {"box IoU (%)": metrics["box IoU (%)"]}
    return invented


@pytest.mark.parametrize(
    ("equal", "learned", "shown"),
    [
        (-1.1 * HALF, 1.1 * HALF, True),
        (-0.9 * HALF, 1.1 * HALF, False),  # equal weights are undecided
        (-1.1 * HALF, 0.9 * HALF, False),
        (1.1 * HALF, 1.1 * HALF, False),  # equal weights help as well
        (-1.1 * HALF, -1.1 * HALF, False),
    ],
)
def test_kendall_table_1(equal, learned, shown):
    verdict = task_weights.RULE(weighted(equal, learned, boxes=-9))
    assert verdict["Kendall, Gal and Cipolla, table 1"] == WORDS[shown]


@pytest.mark.parametrize(("boxes", "shown"), [(1.1 * HALF, True), (0.9 * HALF, False), (-9, False)])
def test_mask_r_cnn_table_3(boxes, shown):
    assert task_weights.RULE(weighted(-9, -9, boxes))["Mask R-CNN, table 3"] == WORDS[shown]


def test_a_table_of_joint_alone_decides_nothing():
    alone = {sense: record(sense, {"joint": 80.0})[sense] for sense in ("updates", "flops")}
    with pytest.raises(ValueError, match="has joint and other arms, got 'joint'"):
        closing.claim(alone)


def test_better_is_more_or_less():
    with pytest.raises(ValueError, match='better is "more" or "less", got \'lower\''):
        closing.claim(closing_table((70, 70, 70), (70, 70, 70)), better="lower")
