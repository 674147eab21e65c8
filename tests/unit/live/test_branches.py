"""Going back: a branch on which nothing is changed gives the same numbers, and the old future stays as it was."""

from dataclasses import replace

import pytest
import torch
from labtools import breakable, everything, same

from jointopt import Update, plans
from jointopt.live.lab.branches import letter
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.run import PlanEnded

EVERY = 7  # steps between two snapshots


@pytest.fixture(autouse=True, params=["from step 0", "from the nearest snapshot"])
def snapshots(request, monkeypatch):
    """A test takes less than the second after which the engine makes another snapshot: here they go by steps."""

    class BySteps:
        def __init__(self, share):
            self.calls = -1

        def do(self, job):
            self.calls += 1
            if self.calls % EVERY == 0 and (self.calls == 0 or request.param != "from step 0"):
                job()

    monkeypatch.setattr("jointopt.live.lab.engine.Throttle", BySteps)


def go(engine, number):
    """To step `number`, with what is held out measured at every tenth."""
    while engine.number < number:
        if engine.number % 10 == 0:
            engine.evaluate()
        engine.step()


def state(engine):
    """All that a run is, as plain data."""
    history = engine.history
    columns = {name: history[name].tobytes() for name in history.columns}
    moments = [value for each in engine.optimizer.state.values() for value in each.values()]
    weights = {**everything(engine.task.model), **{str(i): torch.as_tensor(m) for i, m in enumerate(moments)}}
    return columns, history.held_out, history.frame(), engine.log, engine.updates, engine.last, weights


def assert_equal(a, b):
    assert a[:-1] == b[:-1]
    assert same(a[-1], b[-1])


def measured(task):
    return replace(task, evaluate=lambda model: {"norm": float(sum(p.detach().norm() for p in model.parameters()))})


def callable_losses(task):
    losses = task.losses

    def lazily(model, batch):
        computed = losses(model, batch)
        return {"task": computed["task"], "reg": lambda: computed["reg"]}

    return replace(task, losses=lazily)


def on_and_off(task):
    """Losses that change the modes of what they train, as a task's own functions may."""

    def losses(model, batch):
        model.neck.train(int(batch[1].sum()) % 2 == 0)
        return task.losses(model, batch)

    return replace(task, losses=losses)


MENU = {
    "joint": lambda: plans.joint(),
    "staged": lambda: plans.staged((Update("encoder"), 8), (Update("head"), 9), (Update(), 40)),
    "turns": lambda: plans.alternating(Update("encoder", "task"), Update(["neck", "head"])),
}


@pytest.mark.parametrize("plan", MENU)
@pytest.mark.parametrize("change", [measured, callable_losses, on_and_off])
@pytest.mark.parametrize("fork", [0, 20, 30])
def test_a_branch_on_which_nothing_is_changed_gives_the_same_numbers(make, change, plan, fork):
    engine = Engine(measured(change(make())), MENU[plan]())
    go(engine, 30)
    expected = state(engine)
    branch = engine.branch(fork)
    assert engine.number == fork and branch.repeats
    go(engine, 30)
    assert_equal(state(engine), expected)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD", "RMSprop"])
def test_what_the_optimizer_remembers_is_that_of_the_fork(make, name):
    engine = Engine(make())
    engine.use_optimizer(name)
    go(engine, 25)
    expected = state(engine)
    for _ in range(2):  # once more: a snapshot is as it was when it has been used
        engine.branch(12)
        go(engine, 25)
        assert_equal(state(engine), expected)


def change_much(engine):
    """A run of 40 steps with a change of each kind."""
    go(engine, 10)
    engine.controls.set(weight={"reg": 0.5}, lr=2e-3)
    go(engine, 2 * EVERY)  # where there is a snapshot
    engine.controls.freeze("neck")
    go(engine, 20)
    engine.use_optimizer("SGD")
    engine.menu.choose("turns")
    go(engine, 30)
    engine.controls.thaw("neck")
    engine.menu.choose("staged")
    go(engine, 40)
    engine.evaluate()


def lab(make):
    return Engine(measured(make()), {name: make_plan() for name, make_plan in MENU.items()})


def until(make, number, log):
    """The same run, in which nobody has gone back, up to a step: a change at that step is not made."""
    engine = lab(make)
    engine.schedule([change for change in log if change.step < number and change.name != "plan"])
    chosen = {change.step: change.value for change in log if change.name == "plan"}
    for step in range(number):
        if step in chosen:
            engine.menu.choose(chosen[step])
        go(engine, step + 1)
    if number % 10 == 0:
        engine.evaluate()
    return engine


@pytest.mark.parametrize("fork", [0, 9, 10, 11, 16, 20, 25, 31, 40])
def test_the_run_stands_where_it_stood_before_the_fork(make, fork):
    engine = lab(make)
    change_much(engine)
    log = engine.log
    engine.branch(fork)
    reference = until(make, fork, log)
    assert_equal(state(engine), state(reference))
    assert engine.controls.weights == reference.controls.weights
    assert (engine.controls.frozen, engine.lr) == (reference.controls.frozen, reference.lr)
    assert (engine.menu.chosen, engine.optimizer_name) == (reference.menu.chosen, reference.optimizer_name)
    assert engine.status_line.text == reference.status_line.text
    for each in (engine, reference):  # and so does what follows, with a change of its own
        each.controls.set(weight={"task": 0.3})
        go(each, fork + 15)
    assert_equal(state(engine), state(reference))
    assert engine.status_line.text == reference.status_line.text


def test_the_old_future_stays_and_goes_on_as_if_it_had_not_been_left(make):
    engine = lab(make)
    change_much(engine)
    left = state(engine)
    engine.branch(16)
    engine.controls.freeze("encoder")
    go(engine, 35)
    other = state(engine)
    engine.branch(5)
    go(engine, 8)
    engine.use_branch("A")
    assert_equal(state(engine), left)
    go(engine, 60)
    engine.use_branch("B")
    assert_equal(state(engine), other)
    reference = lab(make)
    change_much(reference)
    go(reference, 60)
    engine.use_branch("A")
    assert_equal(state(engine), state(reference))


def test_branches_say_where_they_began_and_what_was_changed_since(make):
    engine = lab(make)
    change_much(engine)
    engine.branch(16)
    engine.controls.freeze("encoder")
    go(engine, 18)
    a, b = engine.branches
    assert (a.name, a.parent, a.fork, len(a.updates)) == ("A", None, 0, 40)
    assert (b.name, b.parent, b.fork, len(b.updates)) == ("B", "A", 16, 18)
    assert [tuple(change) for change in b.changes] == [(16, "frozen.encoder", True)]
    assert [change.name for change in b.log] == ["plan", "weight.reg", "lr", "frozen.neck", "frozen.encoder"]
    assert engine.current is b


def test_what_waits_is_kept_with_its_branch(make):
    engine = lab(make)
    go(engine, 10)
    engine.controls.set(weight={"reg": 0.25})
    engine.controls.freeze("neck")
    engine.use_optimizer("SGD")
    engine.menu.choose("turns")
    waiting = engine.pending
    engine.branch(4)
    assert not engine.pending and engine.controls.weights == {} and not engine.controls.frozen
    assert (engine.next_optimizer, engine.menu.chosen) == ("Adam", "joint")
    engine.use_branch("A")
    assert engine.pending == waiting and engine.controls.frozen == {"neck"}
    assert (engine.next_optimizer, engine.menu.chosen) == ("SGD", "turns")
    assert engine.branches[1].waiting == []


def test_a_plan_that_has_ended_has_ended_there_as_well(make):
    engine = Engine(make(), {"short": plans.joint(10), "long": plans.joint()})
    go(engine, 10)
    with pytest.raises(PlanEnded):
        engine.step()
    engine.branch(8)
    go(engine, 10)
    with pytest.raises(PlanEnded):
        engine.step()
    engine.menu.choose("short")  # begins again
    engine.use_branch("A")
    with pytest.raises(PlanEnded):
        engine.step()
    engine.use_branch("B")
    go(engine, 20)


def test_what_is_set_while_steps_are_taken_again_waits_for_the_next(make):
    """Another thread may set something at any moment; here the loss does, in the middle of the way back."""
    task, engine = make(), None
    going_back = []

    def losses(model, batch):
        if going_back:
            going_back.clear()
            engine.controls.set(weight={"reg": 0.75})
            engine.use_optimizer("SGD")
            engine.menu.choose("turns")
        return task.losses(model, batch)

    engine = Engine(replace(task, losses=losses), {name: make_plan() for name, make_plan in MENU.items()})
    go(engine, 10)
    going_back.append(True)
    engine.branch(6)
    assert not going_back
    assert ("weight.reg", 0.75) in [change[1:] for change in engine.pending]
    assert (engine.next_optimizer, engine.menu.chosen) == ("SGD", "turns")
    history = engine.history["weight.reg"]
    assert (history == 0.01).all()
    engine.step()
    assert engine.history["weight.reg"][-1] == 0.75


def test_a_way_back_that_fails_leaves_the_run_where_it_was(make):
    task, broken = breakable(make())
    engine = Engine(task, {name: make_plan() for name, make_plan in MENU.items()})
    go(engine, 20)
    engine.controls.freeze("neck")
    before, waiting = state(engine), engine.pending
    broken.append(True)
    with pytest.raises(OSError, match="the disk is gone"):
        engine.branch(13)
    broken.clear()
    assert_equal(state(engine), before)
    assert engine.pending == waiting and [branch.name for branch in engine.branches] == ["A"]
    go(engine, 30)
    assert engine.branch(13).name == "B"


@pytest.mark.parametrize("step", [-1, 21, 2.5, "3", None, True])
def test_a_step_that_was_not_taken_is_refused(make, step):
    engine = Engine(make())
    go(engine, 20)
    before = state(engine)
    with pytest.raises(ValueError, match="step to branch at"):
        engine.branch(step)
    assert_equal(state(engine), before)


def test_an_unknown_branch_is_refused(make):
    engine = Engine(make())
    with pytest.raises(ValueError, match="no branch is named 'B'"):
        engine.use_branch("B")


def test_names_do_not_end():
    assert [letter(n) for n in (0, 1, 25, 26, 27, 52)] == ["A", "B", "Z", "A1", "B1", "A2"]
