"""compare(): against scipy, against a known truth, and whatever the number of processes."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from comparetools import ARMS, LABELS, load, noisy, quiet
from scipy import stats

from jointopt import plans
from jointopt.compare import Arm, Budget, compare, name_of, sweep

ONE_STREAM = plans.joint(9)


def test_of_two_equal_plans_the_interval_covers_zero_in_95_percent_of_repeats():
    noise = np.random.default_rng(7)
    arms = {"a": Arm(plans.joint), "b": Arm(plans.joint)}
    repeats, covered = 600, 0
    for _ in range(repeats):
        repeat = compare(lambda seed: noisy(seed, noise), arms, Budget(steps=1), range(4), **quiet)
        paired = repeat.difference("a", "b")
        covered += paired.verdict == "undecided"
    assert stats.binomtest(covered, repeats, 0.95).pvalue > 0.001, covered / repeats


def test_arms_begin_with_equal_weights_and_batches_and_equal_plans_end_equal():
    result = compare(load, {"one": ARMS["joint"], "two": ARMS["joint"]}, Budget(steps=5), range(2), **quiet)
    assert (result.values("one") == result.values("two")).all()
    assert len(set(result.values("one"))) == 2  # seeds differ
    unequal = iter(range(100))
    with pytest.raises(ValueError, match="the arms 'one' and 'two' began with other weights"):
        compare(
            lambda seed: load(next(unequal)), {"one": ARMS["joint"], "two": ARMS["joint"]}, Budget(steps=1), **quiet
        )


def test_the_number_of_processes_changes_nothing():
    one = compare(load, ARMS, Budget(updates=10), range(3), **quiet)
    two = compare(load, ARMS, Budget(updates=10), range(3), processes=2, **quiet)
    for arm in ARMS:
        for metric in ("accuracy (%)", "steps", "flops"):
            assert (one.values(arm, metric) == two.values(arm, metric)).all()


def test_the_readers_random_numbers_are_left_alone():
    before = torch.get_rng_state()
    compare(load, ARMS, Budget(steps=2), [0, 1], **quiet)
    assert torch.equal(before, torch.get_rng_state())


def test_seeds_that_are_one_seed_are_refused():
    with pytest.raises(ValueError, match="the seeds 0 and 1 began with the same weights and batches"):
        compare(lambda seed: load(7), ARMS, Budget(steps=1), range(3), **quiet)


def test_a_plan_that_ends_before_the_budget_is_reported():
    arms = {"short": Arm(partial(plans.joint, 2)), "exact": Arm(partial(plans.joint, 4)), "endless": Arm(plans.joint)}
    for budget in (Budget(steps=4), Budget(updates=4)):
        table = compare(noisy, arms, budget, range(2), **quiet).table()
        assert [row[2] for row in table.rows] == ["2 (2 ended early)", "2", "2"]


def test_a_baseline_is_a_function_of_the_seed():
    arms = {**ARMS, "none": lambda seed: {"accuracy (%)": 10.0 + seed}}
    result = compare(load, arms, Budget(steps=2), range(3), **quiet)
    assert list(result.values("none")) == [10, 11, 12] and set(result.values("none", "steps")) == {0}


def test_pairs_are_compared_in_whatever_form_the_batches_have():
    calls = iter(range(100))

    def nested(seed):
        number = float(next(calls))
        task = noisy(seed)
        batch = [{"boxes": torch.tensor(number)}]
        return replace(task, losses=lambda model, batch: {"task": model.w.square()}, batches=lambda n: batch)

    with pytest.raises(ValueError, match="began with other weights or batches"):
        compare(nested, {"a": Arm(plans.joint), "b": Arm(plans.joint)}, Budget(steps=1), [0], **quiet)


def test_what_was_chosen_is_on_record():
    baseline = partial(lambda seed, cell: {"accuracy (%)": 1.0}, cell=4)
    arms = {"joint": Arm(plans.joint, optimizer_options={"lr": np.float32(0.5)}), "HOG": baseline}
    spec = compare(load, arms, Budget(flops=1e9), [0], **quiet).spec
    assert spec["make"]["options"] == {"labels": LABELS} and spec["limit"] == {"flops": 1e9}
    assert spec["arms"]["joint"]["optimizer_options"] == {"lr": 0.5}
    assert spec["arms"]["HOG"]["function"]["options"] == {"cell": 4}
    assert {"torch", "scikit-learn"} <= set(spec["versions"])


def test_sweep_trains_each_choice_of_weights():
    choices = [{"task": 1.0, "rotation": weight} for weight in (0.0, 1.0)]
    plan = partial(plans.joint, losses=["task", "rotation"])
    result = sweep(load, choices, plan, Budget(steps=5), seeds=range(2), **quiet)
    assert result.arms == ["task 1, rotation 0", "task 1, rotation 1"] == [name_of(choice) for choice in choices]
    by_hand = compare(load, {"x": Arm(plan, choices[1])}, Budget(steps=5), range(2), **quiet)
    assert (result.values("task 1, rotation 1") == by_hand.values("x")).all()


def test_two_choices_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two choices of a sweep are named 'task 1'"):
        sweep(load, [{"task": 1.0}, {"task": 1.00000001}], plans.joint, Budget(steps=1), **quiet)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(arms={}), "at least one arm"),
        (dict(arms={"joint": plans.joint(5)}), "an Arm or a function of the seed, got generator"),
        (dict(seeds=[]), "seeds are different whole numbers"),
        (dict(seeds=[1, 1]), "seeds are different whole numbers"),
        (dict(seeds=3), "seeds are different whole numbers"),
        (dict(processes=0), "processes must be a whole number ≥ 1, got 0"),
        (dict(budget=10), "a budget must be a Budget, got 10"),
        (dict(budget=Budget(flops=1)), "no step was taken"),
        (dict(arms={"a": Arm(lambda: iter(()))}), "the plan of 'a' gives Updates, one at least; its first is None"),
        (dict(arms={"a": Arm(lambda: ["classifier"])}), "its first is 'classifier'"),
        (dict(arms={"a": plans.joint}), r"the arm 'a', seed 0: .* a plan is given as Arm\(plan\)"),
        (dict(make=load(0)), "make must be a function, seed -> Task, got Task"),
        (dict(make=lambda seed: replace(load(seed), evaluate=lambda model: 1.0)), "a dict {metric: value}, got float"),
        (dict(arms={"a": Arm(lambda: None)}), "a function that gives Updates, it gave NoneType"),
        (dict(arms={"a": Arm(lambda: ONE_STREAM)}), "the same stream at each call"),
        (dict(make=partial(load, held_out=object())), "plain data or functions, got object"),
        (dict(make=lambda seed: replace(load(seed), evaluate=None)), "needs its `evaluate`"),
        (dict(arms={"a": Arm(plans.joint, {"tusk": 1.0})}), "no loss is named 'tusk'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare(**(dict(make=load, arms=ARMS, budget=Budget(steps=1), seeds=[0, 1], **quiet) | arguments))
