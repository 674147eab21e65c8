"""What a step costs, by hand arithmetic, and where a budget ends a plan."""

from itertools import islice

import pytest
import torch
from torch import nn

from jointopt import Task, Update, plans, tasks, train
from jointopt.compare.budget import Budget, Spent, cost, described, within

BATCH = 64
# The document's model: multiply-adds a sample, forward. A convolution: pixels out × channels out × channels in × 3 × 3.
CONV1 = 28 * 28 * 32 * 3 * 9
CONV2 = 14 * 14 * 64 * 32 * 9
FC1, FC2 = 64 * 7 * 7 * 128, 128 * 10
FORWARD = CONV1 + CONV2 + FC1 + FC2


@pytest.fixture
def classification():
    return tasks.load("classification", size=BATCH)


@pytest.mark.parametrize(
    ("modules", "backward"),
    [
        # Every layer's weights, and the input of every layer but the first, whose input is the image.
        (None, CONV1 + 2 * (CONV2 + FC1 + FC2)),
        # θ frozen: nothing below fc1's weights is gone through.
        ("classifier", FC1 + 2 * FC2),
        # φ frozen: gradient passes through both of its layers, but not to their weights.
        ("feature_extractor", CONV1 + 2 * CONV2 + FC1 + FC2),
        # One layer in the middle: down to it, and no further.
        ("feature_extractor.conv2", CONV2 + FC1 + FC2),
    ],
)
def test_flops_of_a_step_agree_with_hand_arithmetic(classification, modules, backward):
    flops, moved = cost(classification, Update(modules, "task"))
    assert flops == 2 * BATCH * (FORWARD + backward)
    expected = ("feature_extractor", "classifier") if modules is None else (modules.partition(".")[0],)
    assert moved == expected


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize(("layer", "positions"), [(nn.Conv2d, 12 * 10), (nn.ConvTranspose2d, 14 * 12)])
def test_flops_of_a_grouped_convolution_are_those_of_its_groups(groups, layer, positions):
    """Positions of the convolution: of its output, 12×10, or, transposed, of its input, 14×12."""
    model = nn.Sequential(layer(8, 8, 3, groups=groups), nn.Conv2d(8, 16, 1))
    images = torch.zeros(4, 8, 14, 12)
    task = Task(model, lambda model, batch: {"task": model(batch).square().mean()}, lambda number: images)
    last = 16 * 8 * (12 * 10 if layer is nn.Conv2d else 16 * 14)
    forward = positions * 8 * (8 // groups) * 9
    assert cost(task, Update())[0] == 2 * 4 * (2 * forward + 3 * last)


def test_counting_changes_nothing(task, state):
    before, random = state(task.model), torch.get_rng_state()
    cost(task, Update())
    assert state.same(before, state(task.model)) and torch.equal(random, torch.get_rng_state())
    assert all(p.grad is None for p in task.model.parameters())


def test_a_loss_that_is_not_counted_is_not_paid_for():
    task = tasks.load("pretext", labels=10)
    alone, both = cost(task, Update(losses="task"))[0], cost(task, Update(losses=["task", "rotation"]))[0]
    assert alone < 0.7 * both


def taken(budget, plan, task):
    return [update for update, _ in within(budget, islice(plan, 1000), task)]


A, B = Update("encoder"), Update("head")


def test_steps_and_updates_per_module(task):
    assert len(taken(Budget(steps=7), plans.joint(), task)) == 7
    assert len(taken(Budget(updates=7), plans.joint(), task)) == 7
    assert taken(Budget(updates=3), plans.alternating(A, B), task) == [A, B] * 3
    assert taken(Budget(updates=3), plans.staged((A, 3), (B, None)), task) == [A] * 3 + [B] * 3
    assert taken(Budget(steps=5), plans.staged((A, 3), (B, None)), task) == [A] * 3 + [B] * 2


def test_compute_is_never_exceeded_and_used_up(task):
    dear, cheap = cost(task, Update())[0], cost(task, B)[0]
    assert cheap < dear
    plan = [Update(), B, B, Update()]
    assert taken(Budget(flops=dear + 2 * cheap), plan, task) == plan[:3]
    assert taken(Budget(flops=dear + 2 * cheap - 1), plan, task) == plan[:2]


def test_what_was_spent_is_what_the_steps_did(task):
    *_, (_, spent) = within(Budget(steps=5), plans.staged((A, 3), (Update(), None)), task)
    steps = list(train(task, plans.staged((A, 3), (Update(), 2))))
    assert spent.steps == len(steps)
    assert spent.updates == {name: sum(name in step.moved for step in steps) for name in ("encoder", "neck", "head")}
    assert spent.flops == 3 * cost(task, A)[0] + 2 * cost(task, Update())[0]


@pytest.mark.parametrize(
    "wrong", [{}, {"steps": 1, "flops": 2}, {"steps": 0}, {"flops": float("inf")}, {"updates": True}]
)
def test_a_budget_is_one_number(wrong):
    with pytest.raises(ValueError, match="budget"):
        Budget(**wrong)


def test_nothing_spent_is_always_allowed():
    assert all(budget.allows(Spent()) for budget in (Budget(steps=1), Budget(updates=1), Budget(flops=1)))


def test_a_plan_as_plain_data():
    plan = plans.staged((Update("a", "x"), 2), (Update(["b", "a"]), 3), (Update(), None))
    assert described(plan, longest=10) == [[["a"], ["x"], 2], [["a", "b"], None, 3], [None, None, 5]]
    assert described(plans.joint(), longest=10) == [[None, None, None]]  # ten or more
    assert described(plans.alternating(A, B), most=2) == [[["encoder"], None, 1], [["head"], None, 1], "…"]
