"""The rules by which a record judges a claim: on invented records, and on those that are there."""

import numpy as np
import pytest

from evidence import claims, closing
from evidence.experiments import coadaptation, curriculum, depth, four_steps, multitask, optimizers, shift, task_weights
from evidence.record import experiment_of
from jointopt.compare import Comparison, interval, records

MADE = records.names()
YES, NO, OPEN = claims.WORDS


@pytest.mark.parametrize("name", MADE)
def test_the_verdict_on_record_is_that_of_the_rule(name):
    rule = getattr(experiment_of(name), "RULE", None)
    if rule is None:
        with pytest.raises(ValueError, match=f"the record '{name}' decides nothing"):
            records.verdict(name)
    else:
        answer = rule(records.load(name))
        assert records.verdict(name) == answer
        assert records.read(name).get("powers", {}) == getattr(answer, "powers", {})


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
        "LP-FT, ImageNet's features",
        "Belilovsky et al., greedy layer-wise",
        # The rules of these three have tests of their own.
        *(claim for name in ("trust", "interpretability", "stability") for claim in records.verdict(name)),
        "joint training is better",
        "rests on",
    }


def word(verdict, claim):
    """Of a claim: one of three, without what seeds see."""
    return str(verdict[claim]).split(" (")[0]


SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # the seeds of an arm, around its mean
HALF, WIDER = (interval(SPREAD, level)[1] for level in (0.95, 0.9875))


def record(part, means, metric="accuracy (%)", flops=None, wide=1):
    """A record of one part: a mean for each arm; against the first arm, the paired differences have SPREAD · wide."""
    first, flops = next(iter(means)), flops or {}
    seeds = {
        seed: {
            arm: {metric: mean + (0 if arm == first else wide * spread), "flops": flops.get(arm, 100)}
            for arm, mean in means.items()
        }
        for seed, spread in enumerate(SPREAD)
    }
    return {part: Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, seeds)}


def frozen(six=-10.0, eight=-16.0, flops=50, wide=1):
    arms = {"0 frozen": 80.0} | {f"{k} frozen": 60.0 for k in range(1, 9)}
    arms |= {"6 frozen": 80 + six, "8 frozen": 80 + eight}
    return record("test", arms, flops=dict.fromkeys([f"{k} frozen" for k in range(1, 9)], flops), wide=wide)


@pytest.mark.parametrize(
    ("invented", "cheap", "shown"),
    [
        (frozen(six=HALF - 1.9), [6], YES),  # the interval ends at −1.9
        (frozen(six=HALF - 2.1), [], OPEN),
        (frozen(six=-HALF - 1.9), [], OPEN),
        (frozen(six=-HALF - 2.1), [], NO),  # it begins at −2.1
        (frozen(six=HALF - 1.9, flops=100), [], NO),  # nothing is saved
        (frozen(six=5, eight=-0.1 - HALF), [6], YES),
        (frozen(six=5, eight=0.1 - HALF), [6, 8], NO),  # all eight frozen: 0 to −1.9, the paper's share would be −6.6
        (frozen(six=HALF - 1.9, eight=5), [6, 8], NO),
        (frozen(six=50, eight=10 * HALF - 6.5, wide=10), [6], NO),  # down to −6.5
        (frozen(six=50, eight=10 * HALF - 6.6, wide=10), [6], OPEN),
    ],
)
def test_fast_rcnn_table_5(invented, cheap, shown):
    verdict = depth.RULE(invented)
    assert verdict["rests on"]["layers frozen for less than two points"] == cheap
    assert word(verdict, "Fast R-CNN, table 5") == shown


@pytest.mark.parametrize(
    ("momentum", "adam", "shown"),
    [
        (HALF - 1.9, 20.0, YES),  # two points below SGD, at the worst: the interval ends at −1.9
        (HALF - 2.1, 20.0, OPEN),
        (-HALF - 1.9, 20.0, OPEN),
        (-HALF - 2.1, 20.0, NO),
        (20.0, 18.1, YES),  # seed by seed 1.9 below momentum: these two have the same spread
        (20.0, 17.9, NO),
    ],
)
def test_choi(momentum, adam, shown):
    tried = {f"{name}, lr {lr:g}": 10.0 for name in optimizers.OPTIMIZERS for lr in optimizers.rates(name)}
    grid = record("grid", tried | {"Adam, lr 0.003": 80.0})
    invented = grid | record("test", {"SGD": 60.0, "momentum": 60 + momentum, "Adam": 60 + adam})
    verdict = optimizers.RULE(invented)
    assert word(verdict, "Choi et al., §3") == shown
    assert verdict["rests on"]["learning rate of Adam"] == 0.003


def test_a_verdict_says_what_it_rests_on():
    difference = record("test", {"0 frozen": 80.0, "8 frozen": 64.0})["test"].difference("8 frozen", "0 frozen")
    assert depth.RULE(frozen())["rests on"]["8 frozen minus 0 frozen"] == f"{difference:+}" == "-16.0 ± 1.0"


def kept_layers(others):
    """All others are level with the base."""
    return record("test", {"base": 80.0} | {f"kept {k}": 80.0 for k in range(1, 9)} | others)


def level(mean):
    """All that keep some layers."""
    return {f"kept {k}": mean for k in range(1, 9)}


def all_again(kept, mean):
    """What is lost while the first k layers stay, and won back where they move."""
    return {kept: mean, f"{kept}, all": 80.0}


@pytest.mark.parametrize(
    ("others", "drops", "shown"),
    [
        ({}, [], NO),  # ± 1.5; the paper's share would be −2.56
        (level(82.0), [], NO),
        (level(77.45 + WIDER), [], NO),  # down to 2.55 below
        (level(77.43 + WIDER), [], OPEN),  # down to 2.57 below
        (all_again("kept 4", 70.0), [4], YES),  # a dip
        (level(82.0) | {"kept 4": 70.0, "kept 4, all": 70.0}, [], NO),  # that all moving does not win back
        ({"kept 5": 70.0, "kept 3": 60.0}, [3, 5], YES),  # all moving was not run
        (level(82.0) | {"kept 1": 70.0, "kept 8": 60.0}, [], NO),  # the first and the last do not count
        ({"kept 4": 80 - 1.2 * HALF}, [], OPEN),  # below by the 95 % interval, not by that of 98.75 %
        ({"kept 4": 80 - 1.1 * WIDER}, [4], YES),
    ],
)
def test_yosinski(others, drops, shown):
    verdict = coadaptation.RULE(kept_layers(others))
    assert verdict["rests on"] == {"layers kept at which accuracy drops": drops}
    assert word(verdict, "Yosinski et al., figure 2") == shown


@pytest.mark.parametrize(
    ("head", "all_at_once", "both", "wide", "shown"),
    [
        (60, 50, 59, 1, YES),
        (60, 70, 75, 1, NO),  # nothing is distorted
        (60, 50, 45, 1, NO),  # nothing is rescued
        (50 + 1.1 * HALF, 50, 75, 1, YES),
        (50 + 0.9 * HALF, 50, 75, 1, NO),  # up to 1.9 better: the paper's share would be 5.3
        (60, 50, 50 + 0.9 * HALF, 1, NO),  # and here 11.8
        (34.0, 50, 75, 20, OPEN),  # up to 3.64 better, and the paper's share is 3.54
        (33.8, 50, 75, 20, NO),  # up to 3.44, and 3.52
        (75, 50, 61.9 - 20 * HALF, 20, OPEN),
        (75, 50, 61.7 - 20 * HALF, 20, NO),
    ],
)
def test_lp_ft(head, all_at_once, both, wide, shown):
    means = {"all at once": all_at_once, "head only": head, "head first, then all": both}
    verdict = shift.RULE(record("test", means, "accuracy over clutter (%)", wide=wide))
    assert word(verdict, "LP-FT") == shown


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
        (HALF - 4.9, 62, YES),  # the interval ends at −4.9
        (HALF - 5.1, 62, OPEN),
        (-HALF - 4.9, 62, OPEN),
        (-HALF - 5.1, 62, NO),
        (10.0, 62, YES),  # better is close, too
        (HALF - 4.9, 75, YES),
        (HALF - 4.9, 76, NO),  # too little is saved
    ],
)
def test_approximate_joint_training(less, flops, shown):
    verdict = four_steps.RULE(record("test", {"four steps": 70.0, "joint": 70 + less}, "mAP@0.5 (%)", {"joint": flops}))
    assert word(verdict, "Faster R-CNN, §3.2") == shown
    assert verdict["rests on"]["share of the FLOPs"] == flops / 100


@pytest.mark.parametrize(
    ("more", "shown"),
    [(1.1 * HALF, YES), (0.9 * HALF, OPEN), (0.8 * HALF, NO), (-10, NO)],  # up to 1.9, 1.77; the paper's share: 1.80
)
def test_fast_rcnn_table_6(more, shown):
    verdict = multitask.RULE(record("test", {"stage-wise": 70.0, "joint": 70 + more}, "mAP@0.5 (%)"))
    assert word(verdict, "Fast R-CNN, table 6") == shown


def weighted(equal=0.0, learned=0.0, boxes=0.0, wide=1):
    means = {"alone": 50.0, "equal": 50 + equal, "searched": 60.0, "learned": 50 + learned}
    invented = record("test", means | {"boxes alone": 1.0}, "foreground IoU (%)", wide=wide)
    boxes = record("test", {"boxes alone": 40.0, "equal": 40 + boxes}, "box IoU (%)")
    for seed, runs in invented["test"].runs.items():
        for arm, metrics in boxes["test"].runs[seed].items():
            runs[arm] |= {"box IoU (%)": metrics["box IoU (%)"]}
    return invented


@pytest.mark.parametrize(
    ("equal", "learned", "wide", "shown"),
    [
        (-1.1 * HALF, 1.1 * HALF, 1, YES),
        (-0.9 * HALF, 1.1 * HALF, 1, NO),  # down to −1.9: the paper's share would be −7.8
        (-1.1 * HALF, 0.9 * HALF, 1, NO),  # up to 1.87: the paper's share would be 1.97
        (1.1 * HALF, 1.1 * HALF, 1, NO),  # equal weights help as well
        (-1.1 * HALF, -1.1 * HALF, 1, NO),
        (-7.8 + 20 * HALF, 21 * HALF, 20, NO),
        (-7.9 + 20 * HALF, 21 * HALF, 20, OPEN),  # equal weights may cost as much as in the paper
        (-21 * HALF, 1.9 - 20 * HALF, 20, NO),
        (-21 * HALF, 2.0 - 20 * HALF, 20, OPEN),  # learned weights may be worth as much
    ],
)
def test_kendall_table_1(equal, learned, wide, shown):
    verdict = task_weights.RULE(weighted(equal, learned, boxes=-9, wide=wide))
    assert word(verdict, "Kendall, Gal and Cipolla, table 1") == shown


@pytest.mark.parametrize(
    ("boxes", "shown"), [(1.1 * HALF, YES), (0.9 * HALF, OPEN), (0.86 - HALF, NO), (0.87 - HALF, OPEN)]
)
def test_mask_r_cnn_table_3(boxes, shown):
    """The paper's share of what is missing would be 0.86 points."""
    assert word(task_weights.RULE(weighted(-9, -9, boxes)), "Mask R-CNN, table 3") == shown


def test_a_table_of_joint_alone_decides_nothing():
    alone = {sense: record(sense, {"joint": 80.0})[sense] for sense in ("updates", "flops")}
    with pytest.raises(ValueError, match="has joint and other arms, got 'joint'"):
        closing.claim(alone)


def test_better_is_more_or_less():
    with pytest.raises(ValueError, match='better is "more" or "less", got \'lower\''):
        closing.claim(closing_table((70, 70, 70), (70, 70, 70)), better="lower")
