"""The loop equals one written by hand, and its errors come before anything changes."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Controls, Task, Update, objective, plans, train
from jointopt.checks import NonFiniteError
from jointopt.optimizers import make_optimizer

OPTIMIZERS = {
    "SGD with momentum": lambda ps: torch.optim.SGD(ps, lr=0.05, momentum=0.9),
    "SGD with weight decay": lambda ps: torch.optim.SGD(ps, lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True),
    "Adam": lambda ps: torch.optim.Adam(ps, lr=1e-2),
    "fused Adam": lambda ps: torch.optim.Adam(ps, lr=1e-2, fused=True),
    "AdamW": lambda ps: torch.optim.AdamW(ps, lr=1e-2),
    "RMSprop": lambda ps: torch.optim.RMSprop(ps, lr=1e-3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_the_loop_by_hand_bit_for_bit(name, make, state):
    ours, theirs = make(), make()

    torch.manual_seed(7)
    optimizer = OPTIMIZERS[name](theirs.model.parameters())
    by_hand = []
    for number in range(30):
        inputs, labels = theirs.batches(number)
        optimizer.zero_grad()
        loss = F.cross_entropy(theirs.model(inputs), labels) + 0.01 * objective.l2(theirs.model)
        loss.backward()
        optimizer.step()
        by_hand.append(loss.item())

    torch.manual_seed(7)
    steps = list(train(ours, plans.joint(30), optimizer=OPTIMIZERS[name](ours.model.parameters())))

    assert [step.total for step in steps] == by_hand
    assert state.same(state(ours.model), state(theirs.model))


def test_draws_no_random_numbers_of_its_own():
    model = nn.Sequential(nn.Linear(2, 2))
    task = Task(model, lambda m, x: {"task": m(x).square().sum()}, lambda n: torch.ones(1, 2))
    before = torch.random.get_rng_state()
    list(train(task, plans.joint(3)))
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_step_reports_what_happened(task):
    parameters = dict(task.model.named_parameters())
    before = {name: p.detach().clone() for name, p in parameters.items()}
    (step,) = train(task, [Update()])
    assert (step.number, step.update) == (0, Update())
    assert step.moved == ("encoder", "neck", "head")
    assert step.total == pytest.approx(step.losses["task"] + 0.01 * step.losses["reg"], rel=1e-6)
    for name in step.moved:
        inside = {id(p): p for p in getattr(task.model, name).parameters()}
        grad = torch.cat([p.grad.flatten() for p in inside.values()])
        moved = torch.cat([(p.detach() - before[k]).flatten() for k, p in parameters.items() if id(p) in inside])
        assert step.grad_norm[name] == pytest.approx(float(grad.norm()), rel=1e-5)
        if name != "head":  # its shared weight is listed under the neck's name
            assert step.change[name] == pytest.approx(float(moved.norm()), rel=1e-5)


def test_losses_of_an_update_are_the_only_ones_counted(task):
    (step,) = train(task, [Update(losses="task")])
    assert step.total == pytest.approx(step.losses["task"])
    assert set(step.losses) == {"task", "reg"}


def test_without_weights_every_weight_is_one(task):
    plain = Task(task.model, task.losses, task.batches)
    (step,) = train(plain, plans.joint(1))
    assert step.total == pytest.approx(step.losses["task"] + step.losses["reg"])


def test_any_module_can_be_a_model_parameters_of_its_own_included():
    class Scalars(nn.Module):
        def __init__(self):
            super().__init__()
            self.theta, self.phi = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(0.25))

    task = Task(Scalars(), lambda m, x: {"task": (m.phi * m.theta - 1).square()}, lambda n: None)
    start = task.model.theta.item()
    steps = list(train(task, plans.joint(5), Controls(frozen="theta")))
    assert steps[0].moved == ("phi",)
    assert task.model.theta.item() == start and task.model.phi.item() != 0.25


# Bad input


WRONG = {
    "frozen module": (dict(controls=Controls(frozen=["encodr"])), "'encodr'.*'encoder', 'head', 'neck'"),
    "weight of a loss": (dict(controls=Controls(weights={"regg": 1})), "'regg'.*'reg', 'task'"),
    "module of an update": (dict(plan=[Update("encodr")]), "'encodr'.*'encoder', 'head', 'neck'"),
    "dotted module": (dict(plan=[Update("encoder.9")]), "'encoder.9'"),
    "module without parameters": (dict(plan=[Update("encoder.2")]), "'encoder.2'"),
    "loss of an update": (dict(plan=[Update(losses="regg")]), "'regg'.*'reg', 'task'"),
    "plan of another kind": (dict(plan="joint"), "what a plan yields must be an Update, got 'j'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_unknown_name_changes_nothing(case, task, state):
    arguments, message = WRONG[case]
    before, random = state(task.model), torch.random.get_rng_state()
    with pytest.raises(ValueError, match=message):
        next(train(task, **({"plan": plans.joint(1)} | arguments)))
    assert state.same(before, state(task.model))
    assert torch.equal(random, torch.random.get_rng_state())


@pytest.mark.parametrize("field", ["modules", "losses"])
def test_an_update_of_nothing_is_refused(field):
    with pytest.raises(ValueError, match="name at least one"):
        Update(**{field: []})


def test_an_update_whose_losses_reach_none_of_its_modules_is_refused(task, state):
    losses = lambda model, batch: {"encoder only": objective.l2(model.encoder)}  # noqa: E731
    before = state(task.model)
    with pytest.raises(ValueError, match="moves nothing"):
        next(train(Task(task.model, losses, task.batches), [Update("head")]))
    with pytest.raises(ValueError, match="moves nothing"):  # the neck is frozen, but that is not why
        next(train(Task(task.model, losses, task.batches), [Update("head")], Controls(frozen="neck")))
    assert state.same(before, state(task.model))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (torch.tensor(1.0), "dict of name -> scalar tensor, got Tensor"),
        ({}, "dict of name"),
        ({"task": torch.ones(3)}, r"'task' must be a scalar tensor, got shape \(3,\)"),
        ({"task": 1.0}, "'task' must be a scalar tensor, got float"),
    ],
)
def test_losses_of_another_form_are_refused(answer, message, task):
    with pytest.raises(ValueError, match=message):
        next(train(Task(task.model, lambda m, b: answer, task.batches), plans.joint(1)))


def test_weights_must_name_every_loss(task):
    with pytest.raises(ValueError, match="names 'task', the losses are 'reg', 'task'"):
        next(train(Task(task.model, task.losses, task.batches, weights={"task": 1.0}), plans.joint(1)))


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_what_is_not_finite_is_named_before_a_weight_moves(where, task):
    def losses(model, batch):
        answer = task.losses(model, batch)
        if batch is bad:
            if where == "loss":
                answer["reg"] = answer["reg"] * float("nan")
            else:
                answer["reg"] = answer["reg"] + (model.neck[0].bias * 0).sqrt().sum()  # 0, with an infinite slope
        return answer

    bad = task.batches(2)
    faulty = Task(task.model, losses, lambda n: bad if n == 2 else task.batches(n), weights=task.weights)
    weights = lambda: [p.detach().clone() for p in task.model.parameters()]  # noqa: E731
    run = train(faulty, plans.joint(5))
    next(run), next(run)
    before = weights()
    with pytest.raises(
        NonFiniteError, match="step 2: the loss 'reg' is nan" if where == "loss" else "gradient of 'neck'"
    ):
        next(run)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(), strict=True))


def test_losses_of_another_model_are_refused(task, make):
    other = make()
    with pytest.raises(ValueError, match="do they use the model that they are given"):
        next(train(Task(task.model, lambda m, b: other.losses(other.model, b), task.batches), plans.joint(1)))


def test_a_loader_in_place_of_a_function_is_refused(task):
    with pytest.raises(ValueError, match="batches must be a function, step number -> batch, got list"):
        Task(task.model, task.losses, [1, 2])


def test_weights_that_name_no_loss_are_refused(task):
    with pytest.raises(ValueError, match="weights must be a dict, loss -> λ, or None, got list"):
        Task(task.model, task.losses, task.batches, weights=[1.0])


@pytest.mark.parametrize("plan", [100, plans.joint, None])
def test_what_is_no_plan_is_refused(plan, task):
    with pytest.raises(ValueError, match="a plan must be a stream of Updates, got"):
        next(train(task, plan))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (lambda task: (task.model, plans.joint(1)), "train()'s task must be a Task, got Branchy"),
        (lambda task: (make_optimizer, plans.joint(1)), "train()'s task must be a Task, got function; a function that"),
        (
            lambda task: (task, plans.joint(1), make_optimizer(task.model)),
            "train()'s controls must be Controls, got Adam",
        ),
    ],
)
def test_arguments_in_the_wrong_position_are_named(arguments, said, task):
    with pytest.raises(ValueError, match=re.escape(said)):
        list(train(*arguments(task)))
