"""One run of a comparison: the loop by hand, its clock, and how it ends."""

import contextlib
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from comparetools import load, noisy, quiet

from jointopt import Controls, plans, train
from jointopt.compare import Arm, Budget, compare, run
from jointopt.compare.arms import run_alone
from jointopt.optimizers import make_optimizer


def test_equals_the_loop_by_hand():
    arm = Arm(partial(plans.joint, losses="task"), {"task": 0.5}, "SGD", {"lr": 0.02})
    result = compare(load, {"arm": arm}, Budget(steps=10), [3, 4], **quiet)
    task = load(3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        for _ in train(
            task, plans.joint(10, losses="task"), Controls({"task": 0.5}), make_optimizer(task.model, "SGD", lr=0.02)
        ):
            pass
    assert result.values("arm")[0] == task.evaluate(task.model)["accuracy (%)"]


def test_a_task_or_a_baseline_that_seeds_torch_leaves_the_readers_random_numbers():
    def seeding(seed):
        torch.manual_seed(seed)
        return noisy(seed)

    def baseline(seed):
        torch.manual_seed(seed)
        return {"metric (1)": 0.0}

    before = torch.get_rng_state()
    compare(seeding, {"a": Arm(plans.joint), "b": baseline}, Budget(steps=1), [0, 1], **quiet)
    assert torch.equal(before, torch.get_rng_state())


def test_a_run_that_diverges_ends_there_and_says_so():
    arms = {"wild": Arm(plans.joint, optimizer="SGD", optimizer_options={"lr": 1e30}), "calm": Arm(plans.joint)}
    runs = run(noisy, arms["wild"], Budget(steps=50), 0)
    assert runs["diverged"] and 0 < runs["steps"] < 50
    result = compare(noisy, arms, Budget(steps=50), range(2), **quiet)
    assert np.isfinite(result.values("wild")).all()
    assert [row[2] for row in result.table().rows] == ["2 (2 diverged)", "2"]


def test_seconds_are_those_of_the_steps(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def slow(seed):
        now[0] += 0.5
        task = noisy(seed)

        def losses(model, batch):
            now[0] += 2.0
            return task.losses(model, batch)

        return replace(task, losses=losses)

    assert run(slow, Arm(plans.joint), Budget(steps=2), 0)["seconds"] == now[0] - 0.5


@pytest.mark.parametrize("error", [None, KeyError])
def test_a_run_has_one_thread_and_the_reader_as_many_as_before(error):
    def baseline(seed):
        seen.append(torch.get_num_threads())
        if error:
            raise error
        return {"metric (1)": 0.0}

    seen, before = [], torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with contextlib.suppress(KeyError):
            run_alone(None, "b", baseline, Budget(steps=1), 0)
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((plans.joint(),), "a function that gives a plan"),
        ((plans.joint, {"task": -1.0}), "finite number"),
        ((plans.joint, None, "Adom"), "no optimizer is named 'Adom'"),
        ((plans.joint, None, "Adam", {"lR": 1}), "Adam refuses the options {'lR': 1}"),
        ((plans.joint, None, "Adam", {"lr": -1}), "Adam refuses the options {'lr': -1}"),
    ],
)
def test_a_wrong_arm_is_refused_when_it_is_made(arguments, message):
    with pytest.raises(ValueError, match=message):
        Arm(*arguments)


def test_a_change_that_the_budget_does_not_reach_is_refused():
    """Without it the arm would come out as another one, and nobody would be the wiser."""
    arms = {"plain": Arm(plans.joint), "late": Arm(plans.joint, changes=[(2, "lr", 0.1), (4, "lr", 0.2)])}
    expected = "'late' changes lr at step 4, which a budget of 4 steps does not reach: Budget\\(steps=5\\) or more"
    with pytest.raises(ValueError, match=expected):
        compare(load, arms, Budget(steps=4), range(2), **quiet)
    assert set(compare(load, arms, Budget(steps=5), range(2), **quiet).arms) == set(arms)
