"""The lab's engine driven at random: whatever a person does, and in whatever order, some things always hold.

SEQUENCES=100 for fewer of them.
"""

import os
import tempfile
from pathlib import Path

import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from torch import nn
from torch.nn import functional as F

from jointopt import Task, Update, plans, schedules
from jointopt.live.lab import saved_run
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.run import PlanEnded
from jointopt.optimizers import OPTIMIZERS

SEQUENCES = int(os.environ.get("SEQUENCES", 2000))
MODULES, LOSSES = ("encoder", "head"), ("task", "reg")


class Small(nn.Module):
    """What freezing and going back may forget: running statistics, dropout's random numbers."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.encoder(x))


def losses(model, batch):
    return {"task": F.cross_entropy(model(batch), batch.argmax(1) % 2), "reg": lambda: model.head.weight.square().sum()}


def make_task():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Small()
    batches = [torch.randn(4, 3, generator=torch.Generator().manual_seed(n)) for n in range(7)]
    return Task(model, losses, lambda n: batches[n % 7], weights={"task": 1.0, "reg": 0.1})


def make_menu():
    return {
        "joint": plans.joint(),
        "short": plans.staged((Update("encoder", "task"), 3), (Update("head"), 2)),
        "turns": plans.alternating(Update("encoder", "task"), Update("head", hold_normalization=False)),
    }


def module_state(engine, module):
    return {name: value.clone() for name, value in getattr(engine.task.model, module).state_dict().items()}


def rows(history, number):
    return {name: history[name][:number].tobytes() for name in history.columns}


def in_numbers(run):
    """A log, with functions of the step as what they answered first."""
    return [(*c[:2], c.value(c.step) if callable(c.value) else c.value) for c in run.log]


class Person(RuleBasedStateMachine):
    """Somebody at the controls of a lab."""

    def __init__(self):
        super().__init__()
        self.engine = Engine(make_task(), make_menu())
        self.seen = {}  # branch -> how many steps it had, and its history

    @rule(loss=st.sampled_from(LOSSES), weight=st.sampled_from([0.0, 0.01, 0.3, 1.0, 3.0]))
    def set_weight(self, loss, weight):
        self.engine.controls.set(weight={loss: weight})

    @rule(lr=st.sampled_from([0.0, 1e-4, 1e-2]))
    def set_lr(self, lr):
        self.engine.controls.set(lr=lr)

    @rule(module=st.sampled_from(MODULES), lr=st.sampled_from([None, 0.0, 1e-3]))
    def set_lr_of_a_module(self, module, lr):
        self.engine.controls.set(lr={module: lr})

    @rule(steps=st.integers(1, 9), rising=st.booleans())
    def set_schedules(self, steps, rising):
        """Of the collection, which a file has as it is, or a function of one's own, which it has in numbers."""
        rise = schedules.linear((0, 0.0), (steps, 1e-2)) if rising else lambda step: 1e-2 / (step % steps + 1)
        self.engine.controls.set(weight={"reg": rise}, lr=rise)

    @rule(module=st.sampled_from(MODULES), frozen=st.booleans())
    def freeze_or_thaw(self, module, frozen):
        (self.engine.controls.freeze if frozen else self.engine.controls.thaw)(module)

    @rule(name=st.sampled_from(list(OPTIMIZERS)))
    def use_optimizer(self, name):
        self.engine.use_optimizer(name)

    @rule(name=st.sampled_from(["joint", "short", "turns"]))
    def use_plan(self, name):
        self.engine.menu.choose(name)

    @rule(n=st.integers(1, 6))
    def step(self, n):
        for _ in range(n):
            frozen = self.engine.controls.frozen
            before = {module: module_state(self.engine, module) for module in frozen}
            try:
                self.engine.step()
            except PlanEnded:
                break
            for module, state in before.items():
                after = module_state(self.engine, module)
                assert all(torch.equal(state[name], after[name]) for name in state), f"{module} is frozen, and moved"

    @rule(share=st.floats(0, 1))
    def branch(self, share):
        engine, number = self.engine, round(share * self.engine.number)
        branch = engine.branch(number)
        assert branch.repeats and engine.current is branch and engine.number == number

    @rule(data=st.data())
    def use_branch(self, data):
        self.engine.use_branch(data.draw(st.sampled_from([branch.name for branch in self.engine.branches])))

    @rule()
    def reset(self):
        self.engine.reset()
        self.seen.clear()

    @invariant()
    def history_only_grows_along_a_branch(self):
        for branch in self.engine.branches:
            number, before = self.seen.get(branch.name, (0, rows(branch.history, 0)))
            assert len(branch.history) == len(branch.updates) >= number
            assert rows(branch.history, number) == before
            self.seen[branch.name] = len(branch.updates), rows(branch.history, len(branch.updates))

    @invariant()
    def the_log_is_in_order_and_of_steps_that_were_taken(self):
        for branch in self.engine.branches:
            steps = [change.step for change in branch.log]
            assert steps == sorted(steps) and all(step < max(len(branch.updates), 1) for step in steps)

    def teardown(self):
        """Each branch from its file, in a lab in which nobody goes back, gives the same numbers."""
        with tempfile.TemporaryDirectory() as folder:
            saved_run.save(self.engine, path := Path(folder) / "run.json")
            run = saved_run.load(path)
        logs = []
        for number, (branch, saved) in enumerate(zip(self.engine.branches, run["branches"], strict=True)):
            before = [] if saved["parent"] is None else logs[saved["parent"]]
            logs.append([c for c in before if c.step < saved["fork"]] + saved_run.log_of(saved))
            alone = Engine(make_task(), saved_run.RecordedPlan(run, number))
            alone.schedule(logs[-1])
            for _ in branch.updates:
                alone.step()
            assert rows(alone.history, len(branch.updates)) == rows(branch.history, len(branch.updates))
            assert in_numbers(alone) == in_numbers(branch) or not branch.updates


settings.register_profile("person", max_examples=SEQUENCES, stateful_step_count=12, deadline=None, derandomize=True)
Person.TestCase.settings = settings(
    settings.get_profile("person"), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TestPerson = Person.TestCase
