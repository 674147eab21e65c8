"""A loss may be a function, which is called only where it is counted: in the loop, and in the lab that looks at it."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from jointopt import Update, plans, train
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.influence import gradient_norms


def steps(engine, n, **options):
    return [engine.step(**options) for _ in range(n)]


def lazy(task, called=None):
    """The same task with each loss as a function; `called` gets the names of those that were called."""
    called = [] if called is None else called

    def loss(name, model, batch):
        called.append(name)
        return task.losses(model, batch)[name]

    def losses(model, batch):
        return {name: partial(loss, name, model, batch) for name in task.weights}

    return replace(task, losses=losses)


# In the loop


def test_losses_as_functions_give_the_same_numbers(make):
    eager, later = make(), lazy(make())
    torch.manual_seed(0)
    one = list(train(eager, [Update(losses="task")] * 3))
    torch.manual_seed(0)
    two = list(train(later, [Update(losses="task")] * 3))
    assert [step.total for step in one] == [step.total for step in two]


def test_a_function_is_called_only_where_its_loss_is_counted(task):
    called = []
    step = next(train(lazy(task, called), [Update(losses="reg")]))
    assert called == ["reg"] and set(step.losses) == {"reg"} and set(step.weights) == {"task", "reg"}


def test_a_function_that_answers_no_scalar_is_named(task):
    bad = replace(task, losses=lambda model, batch: {"task": lambda: torch.ones(2), "reg": lambda: 1})
    with pytest.raises(ValueError, match=r"the loss 'task' must be a scalar tensor, got shape \(2,\)"):
        next(train(bad, [Update(losses="task")]))
    with pytest.raises(ValueError, match="the loss 'reg' must be a scalar tensor, got int"):
        next(train(bad, [Update(losses="reg")]))


# In the lab


def test_dropout_in_a_loss_that_is_a_function_is_the_labs_own(make):
    """The numbers of train() under torch.manual_seed(0), whatever the reader draws meanwhile."""
    updates = [Update("head", "task"), Update(losses="reg"), Update()] * 4
    torch.manual_seed(0)
    expected = list(train(lazy(make()), updates))
    engine = Engine(lazy(make()), updates)
    torch.manual_seed(1)
    random = torch.random.get_rng_state()
    assert steps(engine, 12) == expected
    assert torch.equal(random, torch.random.get_rng_state())


def test_a_loss_that_is_not_counted_is_not_computed_nor_measured(make):
    called = []
    engine = Engine(lazy(make(), called), plans.alternating(Update(losses="reg"), Update("head", "task")))
    steps(engine, 4, measure=lambda update: True)
    assert called == ["reg", "task"] * 2
    assert set(engine.influence()) == {("reg", "encoder"), ("reg", "neck"), ("reg", "head"), ("task", "head")}


def test_measuring_losses_that_are_functions_does_not_touch_the_run(make):
    measured, plain = Engine(lazy(make())), Engine(lazy(make()))
    assert steps(measured, 10, measure=lambda update: True) == steps(plain, 10)
    eager = Engine(make())
    steps(eager, 10, measure=lambda update: True)
    assert set(measured.influence()) == set(eager.influence())


def test_the_names_of_losses_that_are_functions_are_found_without_a_call(task):
    called = []
    engine = Engine(replace(lazy(task, called), weights=None))
    assert engine.losses == ["task", "reg"] and called == []
    assert set(engine.step().losses) == {"task", "reg"}


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize(
    ("losses", "error"),
    [
        (
            lambda model, batch: {"task": lambda: torch.ones(2, requires_grad=True), "reg": 1.0},
            "'task' must be a scalar.*shape",
        ),
        (lambda model, batch: {"task": lambda: 1.0, "reg": 1.0}, "'task' must be a scalar.*float"),
        (lambda model, batch: [1.0], "dict of name -> scalar tensor, got list"),
    ],
)
def test_what_is_no_loss_is_refused_by_name_even_where_it_is_measured(losses, error, measured, task):
    engine = Engine(replace(task, losses=losses))
    with pytest.raises(ValueError, match=error):
        engine.step(measure=lambda update: measured)


def test_gradient_norms_leave_out_what_was_not_computed(task):
    losses = task.losses(task.model, task.batches(0))
    moving = list(task.model.parameters())
    both = gradient_norms(losses, task.model, moving)
    expected = {pair: norm for pair, norm in both.items() if pair[0] == "task"}
    assert gradient_norms({**losses, "reg": lambda: losses["reg"]}, task.model, moving) == expected
