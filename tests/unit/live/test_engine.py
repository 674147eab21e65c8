"""A run of the lab: its numbers are those of train(), nothing it looks at touches it, and it can be replayed."""

from dataclasses import replace

import pytest
import torch
from labtools import drawn_during
from torch import nn

from jointopt import Controls, Task, Update, plans, train
from jointopt.checks import NonFiniteError
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.influence import gradient_norms
from jointopt.live.lab.run import PlanEnded


def steps(engine, n, **options):
    return [engine.step(**options) for _ in range(n)]


# The same numbers


def test_a_run_and_the_readers_random_numbers_do_not_disturb_each_other(make):
    torch.manual_seed(1)
    numbers = torch.rand(200)
    expected = steps(Engine(make()), 30)
    engine, run = Engine(make()), []  # built here: seeding is for the whole process, whichever thread does it
    drawn = drawn_during(lambda: run.extend(steps(engine, 30)), most=200)
    assert run == expected
    assert len(drawn) > 5 and torch.equal(drawn, numbers[: len(drawn)])


def test_a_run_equals_train_with_the_same_seed(make):
    """Seed 0, since the task has no recipe: its dropout is the one of torch.manual_seed(0)."""
    torch.manual_seed(0)
    expected = list(train(make(), plans.joint(10)))
    assert steps(Engine(make()), 10) == expected


# Looking does not touch the run


def test_measuring_gradients_does_not_touch_the_run(make):
    measured, plain = Engine(make()), Engine(make())
    assert steps(measured, 20, measure=lambda update: True) == steps(plain, 20)
    assert measured.influence() and not plain.influence()


def test_influence_is_the_gradient_of_each_weighted_loss(make):
    engine, task = Engine(make(), controls=Controls(weights={"reg": 0.5})), make()
    engine.step(measure=lambda update: True)
    torch.manual_seed(0)
    losses = task.losses(task.model, task.batches(0))
    for name, weight in (("task", 1.0), ("reg", 0.5)):
        task.model.zero_grad()
        (weight * losses[name]).backward(retain_graph=True)
        for module in ("encoder", "neck", "head"):
            gradients = [p.grad.flatten() for p in getattr(task.model, module).parameters() if p.grad is not None]
            assert engine.influence()[name, module] == pytest.approx(float(torch.cat(gradients).norm()), rel=1e-5)


def test_influence_stays_as_it_was_last_measured(task):
    engine = Engine(task)
    steps(engine, 1, measure=lambda update: True)
    measured = engine.influence()
    engine.controls.set(weight={"reg": 0.5})
    steps(engine, 3)
    assert engine.influence() == measured


def test_influence_is_empty_where_there_is_none(task):
    engine = Engine(task, controls=Controls(frozen=["encoder"], weights={"reg": 0.0}))
    engine.step(measure=lambda update: True)
    assert set(engine.influence()) == {("task", "neck"), ("task", "head")}


def test_influence_of_a_game_has_a_block_for_each_player():
    model = nn.ModuleDict({"generator": nn.Linear(2, 2), "critic": nn.Linear(2, 1)})

    def losses(model, batch):
        score = model["critic"](model["generator"](batch)).mean()
        return {"fool": -score, "detect": score}

    game = plans.alternating(Update("critic", "detect"), Update("generator", "fool"))
    engine = Engine(Task(model, losses, lambda n: torch.ones(3, 2)), game)
    steps(engine, 4, measure=lambda update: True)
    assert set(engine.influence()) == {("detect", "critic"), ("fool", "generator")}


def test_gradient_norms_leave_no_gradient_behind(task):
    losses = task.losses(task.model, task.batches(0))
    gradient_norms(losses, task.model, list(task.model.parameters()))
    assert all(p.grad is None for p in task.model.parameters())


# Reset, plans, optimizers


@pytest.mark.parametrize("plan", [None, [Update("head")] * 9, "generator"])
def test_a_reset_gives_the_same_run_again(plan, make):
    plan = plans.alternating(Update("head"), Update("encoder"), steps=9) if plan == "generator" else plan
    engine = Engine(make(), plan)
    first = steps(engine, 9)
    engine.reset()
    assert steps(engine, 9) == first


def test_a_reset_keeps_what_is_set_and_logs_it_at_step_0(task):
    engine = Engine(task)
    steps(engine, 3)
    engine.controls.set(weight={"reg": 0.2})
    engine.controls.freeze("head")
    engine.use_optimizer("SGD")
    steps(engine, 2)
    engine.reset()
    (step,) = steps(engine, 1)
    assert step.weights["reg"] == 0.2 and "head" not in step.moved
    assert sorted(engine.log) == sorted(
        [(0, "optimizer", "SGD"), (0, "weight.reg", 0.2), (0, "frozen.head", True), (0, "lr", 0.05)]
    )


def test_a_reset_of_the_settings_gives_the_first_run_again(make):
    def engine():
        controls = Controls(weights={"reg": 0.2}, frozen="neck", lr=0.01)
        return Engine(make(), {"joint": plans.joint(), "head": plans.alternating(Update("head"))}, controls)

    changed, untouched = engine(), engine()
    steps(changed, 2)
    changed.controls.set(weight={"reg": 0.5, "task": 2.0}, lr=0.1)
    changed.controls.freeze("encoder")
    changed.controls.thaw("neck")
    changed.menu.choose("head")
    changed.use_optimizer("SGD")
    steps(changed, 2)
    changed.use_optimizer("RMSprop")  # waits for a step that does not come
    changed.reset(settings=True)
    assert changed.controls.settings == untouched.controls.settings
    assert steps(changed, 4) == steps(untouched, 4) and sorted(changed.log) == sorted(untouched.log)


def test_a_plan_that_ends_says_so(task):
    engine = Engine(task, plans.joint(2))
    steps(engine, 2)
    with pytest.raises(PlanEnded, match="ended after 2 steps"):
        engine.step()


def test_another_optimizer_starts_at_the_next_step_with_its_own_rate(task):
    engine = Engine(task)
    steps(engine, 3)
    engine.use_optimizer("SGD")
    assert (engine.next_optimizer, engine.lr, engine.optimizer_name) == ("SGD", 0.05, "Adam")
    steps(engine, 1)
    assert isinstance(engine.optimizer, torch.optim.SGD) and engine.optimizer.param_groups[0]["lr"] == 0.05
    engine.use_optimizer("RMSprop")
    engine.controls.set(lr=0.002)  # set meanwhile: it wins over the default
    steps(engine, 1)
    assert engine.optimizer.param_groups[0]["lr"] == 0.002
    with pytest.raises(ValueError, match="'Adamm'"):
        engine.use_optimizer("Adamm")


def test_an_optimizer_chosen_before_a_reset_is_kept_and_a_typed_rate_wins(task):
    engine = Engine(task, controls=Controls(lr=0.01))
    steps(engine, 1)
    engine.use_optimizer("SGD")
    engine.controls.set(lr=0.01)  # as it was before: typed, so meant
    engine.reset()
    steps(engine, 1)
    assert engine.optimizer_name == "SGD" and engine.optimizer.param_groups[0]["lr"] == 0.01


def test_what_is_moved_several_times_before_a_step_is_one_change(task):
    engine = Engine(task)
    steps(engine, 2)
    for weight in (0.1, 0.2, 0.3):
        engine.controls.set(weight={"reg": weight})
    engine.controls.freeze("head")
    engine.controls.thaw("head")
    steps(engine, 1)
    assert engine.log == [(2, "weight.reg", 0.3), (2, "frozen.head", False)]
    assert engine.status_line.text.count("λ of reg 0.01 → 0.3") == 1 and "absent" not in engine.status_line.text


def test_lambda_and_freezing_keep_the_optimizers_state(task):
    engine = Engine(task)
    steps(engine, 5)
    optimizer = engine.optimizer
    engine.controls.set(weight={"reg": 1.0}, lr=0.1)
    engine.controls.freeze("head")
    steps(engine, 5)
    assert engine.optimizer is optimizer
    assert optimizer.state[task.model.encoder[0].weight]["step"] == 10


# Held-out metrics


def test_a_point_of_the_run_is_evaluated_once_and_leaves_no_trace(task):
    def evaluate(model):
        model.eval()
        evaluated.append(model)
        return {"metric": 0.5, "other": torch.tensor(2.0)}

    evaluated = []
    engine = Engine(replace(task, evaluate=evaluate))
    for _ in range(2):
        engine.evaluate()
    steps(engine, 3)
    engine.evaluate()
    assert engine.history.held_out == [(n, {"metric": 0.5, "other": 2.0}) for n in (0, 3)] and len(evaluated) == 2
    assert all(module.training for module in task.model.modules())


# A step that fails


def test_a_step_that_fails_changes_nothing_and_can_be_tried_again(make, state):
    broken, good, failing = make(), Engine(make()), True

    def losses(model, batch):
        answer = good.task.losses(model, batch)
        return {**answer, "task": answer["task"] * (float("nan") if failing and engine.number == 3 else 1.0)}

    engine = Engine(Task(broken.model, losses, broken.batches, weights=broken.weights))
    steps(engine, 3)
    before = state(broken.model)
    for _ in range(2):
        with pytest.raises(NonFiniteError, match="step 3: the loss 'task' is nan"):
            engine.step()
        assert state.same(before, state(broken.model)) and engine.number == 3 and len(engine.history) == 3
    failing = False
    assert engine.step() == steps(good, 4)[-1]  # the numbers of a run that never failed, dropout included


def test_losses_that_change_their_names_are_refused_before_a_weight_moves(task, state):
    def losses(model, batch):
        answer = task.losses(model, batch)
        return answer if engine.number < 2 else {"task": answer["task"]}

    engine = None
    engine = Engine(Task(task.model, lambda m, b: losses(m, b) if engine else task.losses(m, b), task.batches))
    steps(engine, 2)
    before = state(task.model)
    with pytest.raises(ValueError, match="the losses were 'reg', 'task', and now are 'task'"):
        engine.step()
    assert state.same(before, state(task.model)) and len(engine.history) == engine.number == 2


def test_a_loss_may_take_a_gradient_itself(task):
    def losses(model, batch):
        inputs = batch[0].clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(inputs).sum(), inputs, create_graph=True)
        return {"penalty": slope.square().mean()}

    engine = Engine(Task(task.model, losses, task.batches))
    engine.controls.freeze("encoder", "neck", "head")
    assert [step.moved for step in steps(engine, 2, measure=lambda update: True)] == [(), ()]
    assert engine.influence() == {}
    engine.controls.thaw("head")
    assert engine.step(measure=lambda update: True).moved and {module for _, module in engine.influence()} == {"head"}


def test_the_names_of_losses_are_found_without_a_trace(task, state):
    plain = Task(task.model, task.losses, task.batches)
    before, random = state(task.model), torch.random.get_rng_state()
    assert Engine(plain).losses == ["task", "reg"]
    assert state.same(before, state(task.model)) and torch.equal(random, torch.random.get_rng_state())


def test_unknown_names_are_refused_when_the_run_is_made(task):
    with pytest.raises(ValueError, match="'encodr'"):
        Engine(task, controls=Controls(frozen=["encodr"]))
    with pytest.raises(ValueError, match="'regg'"):
        Engine(task, controls=Controls(weights={"regg": 1}))
