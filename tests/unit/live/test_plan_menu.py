"""Plans chosen from a menu while a run goes on: each begins at its start, and the run is one stream of updates."""

import threading
import time
from dataclasses import replace

import pytest
import torch

from jointopt import Update, plans
from jointopt.checks import NonFiniteError
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.run import PlanEnded
from jointopt.live.lab.status_line import marks

HEAD, ENCODER, BOTH = Update("head", "task"), Update("encoder"), Update()


def menu():
    return {"joint": plans.joint(), "staged": plans.staged((HEAD, 3), (ENCODER, None)), "short": [HEAD, BOTH]}


def steps(engine, n):
    return [engine.step() for _ in range(n)]


def plan_log(engine):
    return [tuple(change) for change in engine.log if change.name == "plan"]


def switched(task):
    """An engine that went joint, staged, joint, staged, and the steps that it took."""
    engine, run = Engine(task, menu()), []
    for name, n in (("joint", 4), ("staged", 5), ("joint", 2), ("staged", 4)):
        engine.menu.choose(name)
        run += steps(engine, n)
    return engine, run


def test_a_switched_run_is_the_run_of_one_stream(make, state):
    engine, run = switched(make())
    by_hand = [BOTH] * 4 + [HEAD] * 3 + [ENCODER] * 2 + [BOTH] * 2 + [HEAD] * 3 + [ENCODER]
    other = Engine(make(), by_hand)
    assert run == steps(other, 15) and engine.updates == by_hand
    assert state.same(state(engine.task.model), state(other.task.model))


def test_a_switch_keeps_the_optimizer_and_its_memory(task):
    engine = Engine(task, menu())
    steps(engine, 5)
    optimizer, memory = engine.optimizer, engine.optimizer.state[task.model.head[3].weight]
    before = memory["exp_avg"].clone()
    engine.menu.choose("staged")
    assert torch.equal(memory["exp_avg"], before)
    steps(engine, 3)
    assert (
        engine.optimizer is optimizer
        and memory["step"] == 8
        and optimizer.state[task.model.neck[1].weight]["step"] == 5
    )


def test_a_switch_is_logged_marked_and_put_into_words(make):
    engine, _ = switched(make())
    assert plan_log(engine) == [
        (0, "plan", "joint"),
        (4, "plan", "staged"),
        (9, "plan", "joint"),
        (11, "plan", "staged"),
    ]
    assert marks(engine.log) == [(4, "plan staged"), (9, "plan joint"), (11, "plan staged")]
    assert engine.status_line.text == "step 11: plan joint → staged: this step moves head on task"
    engine.menu.choose("joint")
    engine.controls.freeze("encoder")
    steps(engine, 1)
    assert "plan staged → joint: this step moves neck, head on task, reg; encoder frozen" in engine.status_line.text


def test_the_plan_that_is_under_way_goes_on_when_it_is_chosen_again(make):
    engine = Engine(make(), menu())
    engine.menu.choose("staged")
    steps(engine, 2)
    for names in (["staged"], ["joint", "staged"]):  # and a choice that was taken back before the step
        for name in names:
            engine.menu.choose(name)
        steps(engine, 1)
    assert engine.updates == [HEAD, HEAD, HEAD, ENCODER] and plan_log(engine) == [(0, "plan", "staged")]


def test_a_plan_that_has_ended_begins_again_only_when_it_is_chosen(task):
    engine = Engine(task, menu())
    engine.menu.choose("short")
    steps(engine, 1)
    engine.menu.choose("short")  # while it is under way: no wish to begin it again at its end
    steps(engine, 1)
    for _ in range(2):
        with pytest.raises(PlanEnded, match="the plan 'short' ended after 2 steps"):
            engine.step()
    assert engine.menu.ended
    engine.menu.choose("short")
    assert not engine.menu.ended
    steps(engine, 1)
    assert engine.status_line.text == "step 2: plan short begins again: this step moves head on task"
    steps(engine, 1)
    with pytest.raises(PlanEnded):
        engine.step()
    engine.menu.choose("joint")
    steps(engine, 1)
    assert engine.updates == [HEAD, BOTH, HEAD, BOTH, BOTH]
    assert plan_log(engine) == [(0, "plan", "short"), (2, "plan", "short"), (4, "plan", "joint")]


def test_a_reset_goes_to_the_start_of_the_chosen_plan(make):
    engine = Engine(make(), menu())
    steps(engine, 2)
    engine.menu.choose("staged")
    expected = steps(engine, 5)
    engine.reset()
    assert plan_log(engine) == [] and engine.menu.chosen == "staged"
    steps(engine, 4)
    assert engine.updates == [step.update for step in expected[:4]] and plan_log(engine) == [(0, "plan", "staged")]
    engine.menu.choose("joint")  # chosen, and no step taken with it yet
    engine.reset()
    assert steps(engine, 3) == steps(Engine(make(), plans.joint()), 3) and plan_log(engine) == [(0, "plan", "joint")]


def test_a_choice_made_in_a_step_waits_for_the_next(make):
    def one():
        yield BOTH
        engine.menu.choose("two")  # from inside the plan itself
        yield BOTH

    def losses(model, batch):
        if len(engine.updates) == 3:
            engine.menu.choose("three")
        return task.losses(model, batch)

    task = make()
    engine = Engine(replace(task, losses=losses), {"one": one(), "two": [HEAD] * 2, "three": plans.joint()})
    assert [step.update for step in steps(engine, 5)] == [BOTH, BOTH, HEAD, HEAD, BOTH]
    assert plan_log(engine) == [(0, "plan", "one"), (2, "plan", "two"), (4, "plan", "three")]


def test_another_thread_may_choose_at_any_moment(task):
    """Whatever it chooses when, the updates are those of the plans in the log, each from its start."""
    lengths = {"a": 3, "b": 4, "c": 5}
    updates = {"a": HEAD, "b": ENCODER, "c": BOTH}
    engine = Engine(task, {n: plans.staged((updates[n], lengths[n]), (Update("neck"), None)) for n in lengths})
    done = threading.Event()

    def press():
        while not done.is_set():
            for name in ("a", "b", "b", "c", "a"):
                engine.menu.choose(name)
                time.sleep(1e-3)

    thread = threading.Thread(target=press)
    thread.start()
    while engine.number < 150 or len(plan_log(engine)) <= 10:
        engine.step()
    done.set()
    thread.join()
    log = plan_log(engine)
    assert len({step for step, _, _ in log}) == len(log)
    by_hand = []
    for (start, _, name), end in zip(log, [step for step, _, _ in log[1:]] + [engine.number], strict=True):
        by_hand += ([updates[name]] * lengths[name] + [Update("neck")] * engine.number)[: end - start]
    assert engine.updates == by_hand


# A step that fails


def test_a_plan_that_cannot_be_taken_leaves_the_run_on_the_old_one(make, state):
    plan = {"staged": plans.staged((HEAD, 3), (BOTH, None)), "wrong": [Update("hed")], "empty": [], "no": ["Update"]}
    engine = Engine(make(), plan)
    first = steps(engine, 2)
    before, log = state(engine.task.model), engine.log
    for name, error in (("wrong", "'hed'"), ("empty", "the plan 'empty' ended after 2"), ("no", "must be an Update")):
        engine.menu.choose(name)
        for _ in range(2):
            with pytest.raises((ValueError, PlanEnded), match=error):
                engine.step()
        assert state.same(before, state(engine.task.model)) and engine.log == log and engine.number == 2
    engine.menu.choose("staged")
    assert first + steps(engine, 3) == steps(Engine(make(), [HEAD] * 3 + [BOTH] * 2), 5) and engine.log == log


def test_a_switch_whose_first_step_fails_can_be_tried_again(make):
    broken, failing = make(), False

    def losses(model, batch):
        return {name: loss * (float("nan") if failing else 1.0) for name, loss in broken.losses(model, batch).items()}

    engine = Engine(replace(broken, losses=losses), menu())
    run = steps(engine, 2)
    engine.menu.choose("staged")
    engine.use_optimizer("SGD")
    failing = True
    for _ in range(2):
        with pytest.raises(NonFiniteError):
            engine.step()
        assert engine.menu.chosen == "staged" and plan_log(engine) == [(0, "plan", "joint")]
    failing = False
    run += steps(engine, 4)
    other = Engine(make(), [BOTH] * 2 + [HEAD] * 3 + [ENCODER])
    expected = steps(other, 2)
    other.use_optimizer("SGD")
    assert run == expected + steps(other, 4)
    assert "plan joint → staged: " in engine.status_line.text and "optimizer Adam → SGD" in engine.status_line.text


# What is refused


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        ({}, r"at least one, .* got \{\}"),
        ({"": [BOTH]}, "1 to 199 characters, got ''"),
        ({"x" * 200: [BOTH]}, "1 to 199 characters"),
        ({"a": [BOTH], None: [BOTH]}, "got None"),
        ({None: [BOTH]}, "got None"),
        ({1: [BOTH]}, "got 1"),
        ({"a": [BOTH], "b": BOTH}, r"the plan 'b' must be a stream of Updates.*got Update\("),
        ({"a": plans.joint}, "the plan 'a' must be a stream of Updates"),
        ({"a": "joint"}, "the plan 'a' must be a stream of Updates.*got 'joint'"),
        ({"a": {"b": [BOTH]}}, "the plan 'a' must be a stream"),
        ("joint", "a plan must be a stream of Updates.*got 'joint'"),
        (BOTH, "a plan must be a stream of Updates"),
        (3, "a plan must be a stream of Updates.*got 3"),
        (dict.fromkeys(("a", "b"), plans.joint()), "'a', 'b' are one and the same generator"),
    ],
)
def test_what_is_no_menu_of_plans_is_refused(plan, error, task):
    with pytest.raises(ValueError, match=error):
        Engine(task, plan)


@pytest.mark.parametrize("name", ["stagedd", None, 1, ["staged"], {}])
def test_an_unknown_plan_is_refused_and_the_known_ones_are_named(name, task):
    engine = Engine(task, menu())
    with pytest.raises(ValueError, match="no plan is named .*; there are 'joint', 'short', 'staged'"):
        engine.menu.choose(name)
    assert engine.menu.chosen == "joint"
    with pytest.raises(ValueError, match="no plan is named .*; there is one plan, without a name"):
        Engine(task).menu.choose(name)


def test_one_list_may_be_two_plans(task):
    both = [BOTH] * 2
    engine = Engine(task, {"a": both, "b": both})
    steps(engine, 2)
    engine.menu.choose("b")
    steps(engine, 2)
    assert engine.updates == both * 2 and plan_log(engine) == [(0, "plan", "a"), (2, "plan", "b")]


def test_a_single_plan_is_in_no_log(task):
    engine = Engine(task)
    steps(engine, 2)
    assert engine.log == [] and engine.menu.names == []
