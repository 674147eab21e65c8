"""A learning rate that is set: the groups of an optimizer, and a scheduler beside it."""

import pytest
import torch
from labtools import run

from jointopt import Controls, plans, train
from jointopt.optimizers import make_optimizer


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
