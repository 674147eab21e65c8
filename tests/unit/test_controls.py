"""The controls: what is changed acts at the next step, is logged there, and keeps the ratio of the learning rates."""

import pytest
import torch
from labtools import run

from jointopt import Controls, Task, plans, train
from jointopt.controls import Change
from jointopt.optimizers import make_optimizer


def test_weights_and_lr_act_at_the_next_step(task):
    controls, totals = Controls(), []
    for step in train(task, plans.joint(4), controls):
        totals.append(step)
        if step.number == 1:
            controls.set(weight={"reg": 5.0}, lr=0.0)
    assert [s.weights["reg"] for s in totals] == [0.01, 0.01, 5.0, 5.0]
    assert totals[2].total == pytest.approx(totals[2].losses["task"] + 5 * totals[2].losses["reg"], rel=1e-6)
    assert totals[1].change["head"] > 0 and totals[2].change["head"] == 0  # lr 0
    assert controls.log == [(2, "weight.reg", 5.0), (2, "lr", 0.0)]


def test_a_change_during_a_step_waits_for_the_next_one(make, state):
    """The boundary: what is frozen between backward() and step(), or in the forward pass, still moves in this step."""
    task, controls = make(), Controls()
    frozen_at, moved = 3, []

    def losses(model, batch):
        if len(moved) == frozen_at:
            controls.freeze("encoder")
            controls.set(weight={"reg": 100.0})
        return make().losses(model, batch)

    noisy = Task(task.model, losses, task.batches, weights=task.weights)
    for step in train(noisy, plans.joint(6), controls):
        moved.append(step.change["encoder"] > 0)
        assert step.weights["reg"] == (0.01 if step.number <= frozen_at else 100.0)
    assert moved == [True, True, True, True, False, False]
    assert {change.step for change in controls.log} == {4}


def test_replaying_the_log_gives_the_same_numbers(make):
    first, controls = [], Controls(frozen=["neck"])
    torch.manual_seed(3)
    for step in train(make(), plans.joint(12), controls):
        first.append(step)
        if step.number == 4:
            controls.thaw("neck")
            controls.set(weight={"reg": 0.5}, lr=0.01)
        if step.number == 8:
            controls.freeze("encoder")
    torch.manual_seed(3)
    again = list(train(make(), plans.joint(12), Controls.replay(controls.log)))
    assert again == first


def test_controls_of_an_earlier_run_begin_a_new_log(make):
    controls = Controls(weights={"reg": 0.3})
    list(train(make(), plans.joint(3), controls))
    list(train(make(), plans.joint(2), controls))
    assert controls.log == [(0, "weight.reg", 0.3)]


def test_what_waits_is_where_each_control_came_to_rest():
    controls = Controls()
    for weight in (0.1, 0.2, 0.3):
        controls.set(weight={"reg": weight})
    controls.freeze("head")
    waiting = [Change(7, "weight.reg", 0.3), Change(7, "frozen.head", True)]
    assert controls.pending(7) == waiting and controls.log == []
    assert controls.take(7) == ({"reg": 0.3}, {"head"}, None, {})
    assert controls.log == waiting and controls.pending(8) == []


def test_each_change_is_announced_and_shown():
    controls, heard = Controls(lr=0.1), []
    controls.on_change = lambda: heard.append(repr(controls))
    controls.freeze("head")
    controls.thaw("head")
    assert heard == [f"Controls(weights={{}}, frozen={frozen}, lr=0.1)" for frozen in (["head"], [])]


def test_a_part_cannot_be_thawed_while_the_whole_is_frozen(task):
    controls = Controls(frozen="encoder")
    next(train(task, plans.joint(2), controls))
    with pytest.raises(ValueError, match="'encoder.0' stays frozen while 'encoder' is"):
        controls.thaw("encoder.0")
    assert controls.frozen == {"encoder"}


def test_a_part_that_was_thawed_before_the_whole_was_frozen_again_is_so_in_a_replay(make):
    """A log has what each control came to in a step, not in which order."""
    controls = Controls(frozen="encoder")
    for step in train(make(), plans.joint(4), controls):
        if step.number == 1:
            controls.thaw("encoder")
            controls.thaw("encoder.0")
            controls.freeze("encoder")
    replayed = Controls.replay(controls.log)
    assert len(list(train(make(), plans.joint(4), replayed))) == 4
    assert replayed.log == controls.log and replayed.frozen == {"encoder"}


# Learning rates


def groups(task, *rates, kind=torch.optim.SGD):
    modules = [task.model.encoder, task.model.neck, task.model.head]
    shared, parameters = set(), []
    for module, rate in zip(modules, rates, strict=True):
        own = [p for p in module.parameters() if p not in shared]
        shared |= set(own)
        parameters.append({"params": own, "lr": rate})
    return kind(parameters)


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def test_a_rate_that_is_set_keeps_the_ratio_of_the_groups(make):
    task, optimizer, controls = make(), None, Controls()
    optimizer = groups(task, 1e-3, 1e-4, 5e-3)
    for step in train(task, plans.joint(4), controls, optimizer):
        if step.number == 0:
            assert rates(optimizer) == [1e-3, 1e-4, 5e-3]
            controls.set(lr=2e-3)
        elif step.number == 1:
            assert rates(optimizer) == pytest.approx([2e-3, 2e-4, 1e-2])
            controls.set(lr=0)
        elif step.number == 2:
            assert rates(optimizer) == [0, 0, 0] and sum(step.change.values()) == 0
            controls.set(lr=1e-3)
    assert rates(optimizer) == pytest.approx([1e-3, 1e-4, 5e-3])


def test_a_first_group_without_a_rate_has_no_ratio(make):
    task = make()
    optimizer = groups(task, 0.0, 1e-4, 1e-3)
    with pytest.raises(ValueError, match="the first group's learning rate is 0"):
        run(task, 1, Controls(lr=1e-3), optimizer)
    assert rates(optimizer) == [0.0, 1e-4, 1e-3]


@pytest.mark.parametrize("kind", [torch.optim.lr_scheduler.ExponentialLR, torch.optim.lr_scheduler.StepLR])
def test_a_scheduler_beside_a_rate_that_is_set_is_an_error(kind, make, state):
    task, controls = make(), Controls()
    optimizer = make_optimizer(task.model, "SGD")
    scheduler = kind(optimizer, **({"gamma": 0.5} if "Exp" in kind.__name__ else {"step_size": 1, "gamma": 0.5}))
    steps = train(task, plans.joint(9), controls, optimizer)
    next(steps), scheduler.step(), next(steps)  # alone, it may
    controls.set(lr=0.01)
    next(steps), scheduler.step()
    before = state(task.model)
    with pytest.raises(
        ValueError,
        match=r"was set to 0.01 in the controls, and something else .* from \[0.01\] to \[0.005\]: a scheduler",
    ):
        next(steps)
    assert state.same(before, state(task.model))


def test_a_scheduler_of_another_group_is_noticed_as_well(make):
    task, controls = make(), Controls(lr=1e-3)
    optimizer = groups(task, 1e-3, 1e-4, 5e-3)
    steps = train(task, plans.joint(9), controls, optimizer)
    next(steps)
    optimizer.param_groups[2]["lr"] *= 0.5
    with pytest.raises(ValueError, match="something else has changed the rates of the groups"):
        next(steps)


def test_a_rate_that_is_in_force_already_changes_no_bit(make):
    task = make()
    optimizer = groups(task, 0.07, 0.0123, 0.3)
    run(task, 2, Controls(lr=0.07), optimizer)
    assert rates(optimizer) == [0.07, 0.0123, 0.3]


def test_another_run_with_the_optimizer_knows_nothing_of_this_one(make):
    task = make()
    optimizer = make_optimizer(task.model, "SGD")
    run(task, 1, Controls(lr=0.01), optimizer)
    optimizer.param_groups[0]["lr"] = 0.02  # in between, by hand
    run(task, 1, Controls(lr=0.03), optimizer)
    assert rates(optimizer) == [0.03]


# Bad input


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), 10**400, "0.1", None, True])
def test_a_bad_weight_names_what_was_given(value, task):
    controls = Controls()
    for wrong in (
        lambda: Controls(weights={"reg": value}),
        lambda: controls.set(weight={"task": 2.0, "reg": value}),
        lambda: Task(task.model, task.losses, task.batches, weights={"task": value, "reg": 1.0}),
    ):
        with pytest.raises(ValueError, match="finite number ≥ 0, got"):
            wrong()
    assert controls.weights == {}  # "task" was not set either


@pytest.mark.parametrize("value", [-1, float("nan"), "fast"])
def test_a_bad_learning_rate_names_what_was_given(value):
    with pytest.raises(ValueError, match="learning rate must be a finite number ≥ 0, got"):
        Controls(lr=value)


def test_while_a_loop_runs_a_wrong_name_is_refused_at_once(task):
    controls = Controls()
    next(train(task, plans.joint(2), controls))
    with pytest.raises(ValueError, match="'encodr'"):
        controls.freeze("head", "encodr")
    with pytest.raises(ValueError, match="'regg'"):
        controls.set(weight={"regg": 1.0}, lr=0.5)
    assert controls.frozen == frozenset() and controls.lr is None and controls.log == []
