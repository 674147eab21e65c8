"""Optimizers by name, and the one that a task begins with where nobody asks for another: in the loop and in the lab."""

import json
import re
from dataclasses import replace

import pytest
import torch
from labtools import Browser

from jointopt import Task, Update, plans, tasks, train
from jointopt.compare import Arm, run
from jointopt.compare.budget import Budget
from jointopt.live import LiveLab
from jointopt.optimizers import OPTIMIZERS, make_optimizer

pytestmark = pytest.mark.usefixtures("no_lab_is_left")
OWN = {"lr": 2e-3, "alpha": 0.9}


@pytest.fixture
def own(make):
    """Call it for as many equal tasks as a test compares, each of which begins with an RMSprop of its own."""
    return lambda: replace(make(), optimizer="RMSprop", optimizer_options=OWN)


def totals(task, optimizer=None, steps=6):
    torch.manual_seed(0)
    return [step.total for step in train(task, plans.joint(steps), optimizer=optimizer)]


# The loop


def test_the_loop_takes_the_tasks_optimizer_and_its_options(own, make):
    task, same = own(), own()
    assert totals(task) == totals(same, torch.optim.RMSprop(same.model.parameters(), lr=2e-3, alpha=0.9))
    for options in ({}, {"lr": 2e-3}):
        other = own()
        assert totals(other, make_optimizer(other.model, "RMSprop", **options)) != totals(own())
    assert totals(make()) != totals(own())


def test_a_task_that_says_nothing_begins_with_adam(make):
    task, same = make(), make()
    assert (task.optimizer, dict(task.optimizer_options)) == ("Adam", {})
    assert totals(task) == totals(same, torch.optim.Adam(same.model.parameters(), lr=1e-3, fused=True))


def test_an_optimizer_that_is_asked_for_comes_before_the_tasks(own, make):
    task, plain = own(), make()
    assert totals(task, make_optimizer(task.model)) == totals(plain)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"optimizer": "Adamm"}, "no optimizer is named 'Adamm'; there are 'Adam', 'AdamW', 'RMSprop', 'SGD'"),
        ({"optimizer": None}, "no optimizer is named None"),
        ({"optimizer": "RMSprop", "optimizer_options": {"lr": -1.0}}, "RMSprop refuses the options .*-1.0"),
        ({"optimizer": "RMSprop", "optimizer_options": {"betas": (0.5, 0.9)}}, "RMSprop refuses the options .*betas"),
        ({"optimizer_options": {"alpha": 0.9}}, "Adam refuses the options .*alpha"),
    ],
)
def test_a_task_with_an_unknown_optimizer_or_option_is_refused(make, chosen, message):
    with pytest.raises(ValueError, match=message):
        replace(make(), **chosen)
    task = make()
    with pytest.raises(ValueError, match=message):
        Task(task.model, task.losses, task.batches, **chosen)


PARAMETERS = [torch.zeros(1, requires_grad=True)]
THERE = "there are 'Adam', 'AdamW', 'RMSprop', 'SGD'"
CLOSURE = f"LBFGS needs a closure, which computes the loss several times a step: a plan's steps have none; {THERE}"
BY_NAME = "an optimizer is asked for by its name, got {}; " + THERE + "; one of your own is given to jointopt.train"
ONE_RATE = "the lr of an optimizer must be one number for all modules, got {'head': 0.1}; one of each module is set in"


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("LBFGS", CLOSURE),
        (torch.optim.LBFGS, CLOSURE),
        (torch.optim.LBFGS(PARAMETERS), CLOSURE),
        (torch.optim.Adam, BY_NAME.format("the class Adam")),
        (torch.optim.SGD(PARAMETERS), BY_NAME.format("an object of SGD")),
        ("Adamm", f"no optimizer is named 'Adamm'; {THERE}"),
        (["Adam"], f"no optimizer is named ['Adam']; {THERE}"),
    ],
)
def test_what_is_no_name_of_an_optimizer_is_refused_in_words(make, optimizer, message):
    for ask in (
        lambda: replace(make(), optimizer=optimizer),
        lambda: Arm(plans.joint, optimizer=optimizer),
        lambda: make_optimizer(make().model, optimizer),
        lambda: LiveLab(make()).engine.use_optimizer(optimizer),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            ask()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_per_module_is_refused_in_words(make, name):
    for ask in (
        lambda: replace(make(), optimizer=name, optimizer_options={"lr": {"head": 0.1}}),
        lambda: Arm(plans.joint, optimizer=name, optimizer_options={"lr": {"head": 0.1}}),
        lambda: make_optimizer(make().model, name, lr={"head": 0.1}),
    ):
        with pytest.raises(ValueError, match=re.escape(ONE_RATE)):
            ask()


def test_the_loop_takes_an_optimizer_and_neither_its_name_nor_lbfgs(make, state):
    task = make()
    before = state(task.model)
    for given in ("Adam", torch.optim.Adam):
        with pytest.raises(ValueError, match=r"train takes an optimizer, as .*make_optimizer\(.*, got .*Adam"):
            totals(task, given)
    with pytest.raises(ValueError, match=CLOSURE):
        totals(task, torch.optim.LBFGS(task.model.parameters()))
    assert state.same(before, state(task.model))


def test_an_optimizer_of_another_model_is_refused(task, make):
    with pytest.raises(ValueError, match="no parameter of this task's model"):
        next(train(task, plans.joint(1), optimizer=make_optimizer(make().model)))


# The lab


def test_the_lab_begins_with_it_and_shows_it(own):
    lab = LiveLab(own())
    state = lab.display.controls.state
    assert (state["optimizer"], state["lr"]) == ("RMSprop", 2e-3)
    lab.run(6)
    assert list(lab.history["total"]) == totals(own())
    assert isinstance(lab.engine.optimizer, torch.optim.RMSprop) and lab.engine.log == []


@pytest.mark.parametrize("other", [name for name in OPTIMIZERS if name != "RMSprop"])
def test_another_optimizer_has_its_own_rate_and_back_the_tasks(own, other):
    lab = LiveLab(own())
    browser = Browser(lab)
    lab.run(2)
    assert browser("optimizer", value=other) == ""
    lab.run(2)
    group = lab.engine.optimizer.param_groups[0]
    assert type(lab.engine.optimizer) is OPTIMIZERS[other][0] and group["lr"] == OPTIMIZERS[other][1]["lr"]
    assert browser("optimizer", value="RMSprop") == ""
    assert lab.display.controls.state["lr"] == 2e-3  # already shown, before the first step with it
    lab.run(2)
    group = lab.engine.optimizer.param_groups[0]
    assert (group["lr"], group["alpha"]) == (2e-3, 0.9)
    rate = OPTIMIZERS[other][1]["lr"]
    assert sorted(lab.engine.log, key=lambda change: change[:2]) == [
        (2, "lr", rate),
        (2, "optimizer", other),
        (4, "lr", 2e-3),
        (4, "optimizer", "RMSprop"),
    ]


def test_a_reset_gives_the_same_numbers_again(own):
    lab = LiveLab(own())
    lab.run(6)
    lab.reset()
    lab.run(6)
    assert list(lab.history["total"]) == totals(own()) and lab.engine.log == []


def test_a_reset_keeps_another_optimizer_and_says_so(own, make):
    lab = LiveLab(own())
    lab.run(2)
    Browser(lab)("optimizer", value="Adam")
    lab.reset()
    lab.run(6)
    assert sorted(lab.engine.log) == [(0, "lr", 1e-3), (0, "optimizer", "Adam")]
    assert list(lab.history["total"]) == totals(make())


@pytest.mark.parametrize("switch", [None, "Adam", "RMSprop"])
def test_a_saved_run_is_replayed_to_the_same_numbers(own, tmp_path, switch):
    lab = LiveLab(own())
    lab.run(3)
    if switch:
        Browser(lab)("optimizer", value=switch)  # "RMSprop" is a new one, without memory
    lab.run(3)
    lab.save(tmp_path / "run.json")
    expected = list(lab.history["total"])
    again = LiveLab.replay(tmp_path / "run.json", own(), name="again")
    assert list(again.history["total"]) == expected and "to the same numbers" in again.note
    assert (expected == totals(own())) is (switch is None)


def test_the_gan_begins_with_rmsprop_and_is_replayed_by_its_name(tmp_path):
    task = tasks.load("generation", size=4, width=2)
    assert (task.optimizer, dict(task.optimizer_options)) == ("RMSprop", {"lr": 2e-3})
    turns = Update("discriminator", ("discriminator", "penalty")), Update("generator", "generator")
    lab = LiveLab(task, {"alternating": plans.alternating(*turns), "joint": plans.joint()})
    assert (lab.engine.next_optimizer, lab.engine.lr) == ("RMSprop", 2e-3)
    lab.run(4)
    lab.save(tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_text())["task"]["name"] == "generation"
    again = LiveLab.replay(tmp_path / "run.json", name="again")
    assert list(again.history["total"]) == list(lab.history["total"]) and "to the same numbers" in again.note


# A comparison


def test_an_arm_that_names_no_optimizer_has_the_tasks(own):
    def weights_after(arm):
        def evaluate(model):
            return {"norm": float(sum(p.detach().square().sum() for p in model.parameters()))}

        return run(lambda seed: replace(own(), evaluate=evaluate), arm, Budget(steps=5), seed=0)["norm"]

    plain = weights_after(Arm(plans.joint))
    assert plain == weights_after(Arm(plans.joint, optimizer="RMSprop", optimizer_options=OWN))
    assert plain != weights_after(Arm(plans.joint, optimizer="Adam"))
    changed = weights_after(Arm(plans.joint, optimizer_options={"lr": 1e-2}))
    assert changed == weights_after(Arm(plans.joint, optimizer="RMSprop", optimizer_options=OWN | {"lr": 1e-2}))
    with pytest.raises(ValueError, match="RMSprop refuses the options"):
        weights_after(Arm(plans.joint, optimizer_options={"rate": 1e-2}))
