"""What came out of a comparison: intervals against scipy, tables, choices of λ, and the names that it refuses."""

import json
from functools import partial

import numpy as np
import pytest
from comparetools import ARMS, decay, decay_arm, load, quiet, swept
from scipy import stats

from jointopt import Update, plans
from jointopt.compare import Arm, Budget, Comparison, compare


def test_paired_interval_agrees_with_scipy():
    result = compare(load, ARMS, Budget(steps=15), range(5), **quiet)
    paired = result.difference("joint", "frozen")
    theirs = stats.ttest_rel(result.values("joint"), result.values("frozen")).confidence_interval(0.95)
    assert (paired.mean - paired.half, paired.mean + paired.half) == pytest.approx((theirs.low, theirs.high))
    assert paired == result.differences("frozen")["joint"]
    one = stats.ttest_1samp(result.values("joint"), 0).confidence_interval(0.95)
    mean = result.mean("joint")
    assert (mean.mean - mean.half, mean.mean + mean.half) == pytest.approx((one.low, one.high))


def test_table_and_figure_say_what_was_found():
    result = compare(load, ARMS, Budget(steps=4), range(3), **quiet)
    text = repr(result.table())
    assert repr(result) == text and result._repr_html_() == result.table()._repr_html_()  # a cell's last line
    assert "4 steps" in text and str(result.mean("frozen")) in text
    assert result.difference("frozen", "joint").verdict in text
    assert '<th scope="row">frozen</th>' in result.table()._repr_html_()
    assert "'frozen', 'joint'" in repr(result.figure()) and result.figure().png().startswith(b"\x89PNG")
    assert Comparison.from_json(json.loads(json.dumps(result.as_json()))) == result


@pytest.mark.parametrize(
    ("flops", "words"),
    [
        ((1026.4e9, 1026.4e9), "1026"),
        ((0.51e9, 12.34e9), "0.51 to 12.3"),
        ((443.8e9, 1000e9), "444 to 1000"),
        ((0, 0), ""),
    ],
)
def test_what_was_spent_in_a_table(flops, words):
    """No power of ten for what is in the thousands."""
    seeds = {seed: {"a": {"x (%)": 1.0, "steps": 7, "flops": each}} for seed, each in enumerate(flops)}
    ((*_, steps, spent, _),) = Comparison({"budget": "7 steps", "arms": {"a": {}}}, seeds).table().rows
    assert (steps, spent) == ("7", words)


def test_unknown_arms_and_metrics_are_named():
    result = compare(load, ARMS, Budget(steps=1), [0, 1], **quiet)
    with pytest.raises(ValueError, match="no arm is named 'jaint'; there are 'frozen', 'joint'"):
        result.values("jaint")
    for unknown in ("accuracy", "updates", "began"):
        with pytest.raises(ValueError, match=f"no metric is named '{unknown}'; there are 'accuracy"):
            result.values("joint", unknown)


# Sweeps


def test_over_gives_the_values_by_hand_from_the_smallest_on(line):
    over = line.over("up")
    assert list(over) == [0.0, 0.02, 1.0, 30.0]
    for weight, values in over.items():
        assert values == pytest.approx(np.array([1, 2, 3]) * (1 - 0.01 * weight), rel=1e-5)
    assert line.over("up", "w (%)")[1.0] == pytest.approx([99, 198, 297], rel=1e-5)


def test_over_takes_an_option_of_the_optimizer():
    arms = {f"{decay}": decay_arm({"up": 1.0}, weight_decay=decay) for decay in (0.0, 2.0)}
    result = compare(decay, arms, Budget(steps=1), range(2), **quiet)
    assert result.over("weight_decay")[2.0] == pytest.approx([0.97, 1.94], rel=1e-5)
    assert "λ" in repr(result.curve("weight_decay"))


def no_sweep():
    return compare(decay, {"joint": Arm(plans.joint), "b": Arm(plans.joint)}, Budget(steps=1), range(2), **quiet)


def with_baseline():
    arms = {"up 1": decay_arm({"up": 1.0}), "none": lambda seed: {"w (1)": 0.0, "w (%)": 0.0}}
    return compare(decay, arms, Budget(steps=1), range(2), **quiet)


def two_plans():
    arms = {"a": decay_arm({"up": 0.0}), "b": Arm(partial(plans.alternating, Update("w", "task")), {"up": 1.0}, "SGD")}
    return compare(decay, arms, Budget(steps=1), range(2), **quiet)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda: swept([{"up": 0.0}, {"up": 1.0}]), "no λ of the arm .* is named 'reg'; it has 'lr', 'up'"),
        (no_sweep, "the arm 'joint' is not of a sweep"),
        (with_baseline, "the arm 'none' is not of a sweep"),
    ],
)
def test_what_has_no_such_weight_is_refused(result, message):
    with pytest.raises(ValueError, match=message):
        result().curve("reg" if "reg" in message else "up")


def test_arms_that_differ_in_more_are_no_sweep(grid):
    with pytest.raises(ValueError, match="no sweep over 'up': the arms differ in 'along' as well"):
        grid.curve("up")
    with pytest.raises(ValueError, match="the arms differ in 'lr', 'plan' as well"):
        two_plans().curve("up")
    extra = [{"up": 0.0, "along": 1.0}, {"up": 1.0}]  # the second arm lacks what the first one has
    with pytest.raises(ValueError, match="the arms differ in 'along' as well"):
        swept(extra).curve("up")


def test_a_comparison_of_another_format_is_refused():
    with pytest.raises(ValueError, match="has the format 'jointopt comparison 1', got 'jointopt comparison 0'"):
        Comparison.from_json({"format": "jointopt comparison 0", "spec": {}, "seeds": {}})
