"""Learning rates of single modules: those of groups in an optimizer written by hand, bit for bit."""

import re

import pytest
import torch
from labtools import run

from jointopt import Controls, plans, train
from jointopt.controls import Change
from jointopt.optimizers import OPTIMIZERS, make_optimizer


def by_hand(task, name, rates):
    """The optimizer with a group for each module; a weight that two modules share has the lower rate."""
    kind, options = OPTIMIZERS[name]
    named = sorted(rates, key=rates.get)
    taken, groups = set(), []
    for module in named:
        own = [p for p in task.model.get_submodule(module).parameters() if p not in taken]
        taken |= set(own)
        groups.append({"params": own, "lr": rates[module]})
    rest = [p for p in task.model.parameters() if p not in taken]
    return kind([*groups, *([{"params": rest}] if rest else [])], **options)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("rates", [{"head": 1e-2}, {"encoder": 1e-4, "neck": 3e-3, "head": 1e-2}], ids=["one", "all"])
def test_a_rate_per_module_is_a_group_per_module(name, rates, make, state):
    live, groups = make(), make()
    run(live, 20, Controls(lr=rates), make_optimizer(live.model, name))
    run(groups, 20, None, by_hand(groups, name, rates))
    assert state.same(state(live.model), state(groups.model))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_set_and_taken_back_while_it_trains_the_memory_stays(name, make, state):
    live, groups, controls = make(), make(), Controls()
    optimizer, other = make_optimizer(live.model, name), by_hand(groups, name, {"encoder": OPTIMIZERS[name][1]["lr"]})
    own, common = 1e-4, OPTIMIZERS[name][1]["lr"]
    torch.manual_seed(3)
    for step in train(live, plans.joint(15), controls, optimizer):
        if step.number == 4:
            controls.set(lr={"encoder": own})
        elif step.number == 9:
            controls.set(lr={"encoder": None})
    torch.manual_seed(3)
    for step in train(groups, plans.joint(15), None, other):
        if step.number in (4, 9):
            other.param_groups[0]["lr"] = own if step.number == 4 else common
    assert state.same(state(live.model), state(groups.model))
    assert controls.log == [(5, "lr.encoder", own), (10, "lr.encoder", None)]
    assert len(optimizer.param_groups) == 1 and controls.lrs == {}


def test_of_two_names_the_deeper_one_counts_and_of_two_modules_the_lower_rate(make):
    task = make()
    controls = Controls(lr={"encoder": 0.0, "encoder.4": 1e-2, "neck": 0.0, "head": 1e-2})
    before = {name: p.detach().clone() for name, p in task.model.named_parameters()}
    run(task, 3, controls)
    moved = {name for name, p in task.model.named_parameters() if not torch.equal(before[name], p)}
    assert moved == {"encoder.4.weight", "encoder.4.bias", "head.0.bias", "head.3.weight", "head.3.bias"}


def test_a_shared_weight_has_the_least_rate_however_deep_the_names(make):
    for rates in ({"neck.0": 1e-2, "head": 0.0}, {"neck": 1e-2, "head.0": 0.0}, {"neck": 0.0, "head": 1e-2}):
        task = make()
        before = task.model.neck[0].weight.detach().clone()
        run(task, 2, Controls(lr=rates))
        assert torch.equal(before, task.model.neck[0].weight)


def test_an_optimizer_around_another_has_the_rates_too(make):
    class Around(torch.optim.SGD):
        """It shares its groups with the one that steps."""

        def __init__(self, parameters):
            super().__init__(parameters, lr=0.1)
            self.inner = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
            self.inner.param_groups = self.param_groups

        def step(self, closure=None):
            return self.inner.step(closure)

    task = make()
    before = task.model.encoder[0].weight.detach().clone()
    steps = run(task, 2, Controls(lr={"encoder": 0.0}), Around(task.model.parameters()))
    assert torch.equal(before, task.model.encoder[0].weight) and steps[-1].change["head"] > 0


def test_a_rate_for_all_leaves_a_module_its_own_and_the_groups_their_ratio(make):
    task = make()
    encoder = list(task.model.encoder.parameters())
    rest = [p for p in task.model.parameters() if not any(p is q for q in encoder)]
    optimizer = torch.optim.SGD([{"params": encoder}, {"params": rest, "lr": 0.02}], lr=0.01)
    seen = []
    optimizer.register_step_pre_hook(
        lambda opt, *_: seen.append([(g["lr"], len(g["params"])) for g in opt.param_groups])
    )
    controls = Controls(lr={"encoder.0": 0.5})
    for step in train(task, plans.joint(2), controls, optimizer):
        if step.number == 0:
            controls.set(lr=0.1)
    own, others = 2, len(encoder) - 2
    assert seen[0] == [(0.01, others), (0.5, own), (0.02, len(rest))]
    assert seen[1] == [(0.1, others), (0.5, own), (0.2, len(rest))]
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.2]


class Counting(torch.optim.SGD):
    """It counts in its groups, as some do that need no schedule."""

    def step(self, closure=None):
        for group in self.param_groups:
            group["k"] = group.get("k", 0) + 1
        return super().step(closure)


def test_what_an_optimizer_counts_in_its_groups_goes_on(make):
    task = make()
    optimizer = Counting(task.model.parameters(), lr=0.01)
    run(task, 3, Controls(lr={"head": 0.1}), optimizer)
    run(task, 2, None, optimizer)
    (group,) = optimizer.param_groups
    assert group["k"] == 5 and group["lr"] == 0.01 and len(group["params"]) == len(list(task.model.parameters()))


def test_a_step_that_fails_leaves_the_groups_whole(make):
    task = make()
    optimizer = make_optimizer(task.model, "SGD")
    optimizer.register_step_pre_hook(lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        run(task, 1, Controls(lr={"head": 0.1}), optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [0.05]


def test_a_replay_makes_the_same_changes(make, state):
    task, again, controls = make(), make(), Controls(lr={"neck": 1e-4, "head": 1e-2})
    torch.manual_seed(3)
    for step in train(task, plans.joint(9), controls):
        if step.number == 3:
            controls.set(lr={"head": 1e-3, "neck": None})
            controls.set(lr={"head": 2e-3})
    replayed = Controls.replay([list(change) for change in controls.log])
    run(again, 9, replayed)
    assert state.same(state(task.model), state(again.model)) and replayed.log == controls.log
    assert controls.log[2:] == [Change(4, "lr.head", 2e-3), Change(4, "lr.neck", None)]


def test_another_run_begins_with_the_rates_that_are_set(make):
    controls = Controls(lr={"head": 1e-2})
    run(make(), 2, controls)
    run(make(), 1, controls)
    assert controls.log == [(0, "lr.head", 1e-2)] and repr(controls).endswith("lr=None, lrs={'head': 0.01})")


def test_what_is_wrong_changes_nothing(make):
    task, controls = make(), Controls()
    next(train(task, plans.joint(2), controls))
    for lr, words in (
        ({"head": 0.1, "tail": 0.1}, "no module with parameters is named 'tail'"),
        ({"head": -1}, "the learning rate of 'head' must be a finite number ≥ 0, got -1"),
        ({"": 0.1}, "no module with parameters is named ''"),
        ({"head": "fast"}, "the learning rate of 'head' must be a finite number ≥ 0, got 'fast'"),
    ):
        with pytest.raises(ValueError, match=re.escape(words)):
            controls.set(lr=lr)
    assert controls.lrs == {} and controls.pending(1) == []
    with pytest.raises(ValueError, match="no module with parameters is named 'tail'"):
        next(train(make(), plans.joint(1), Controls(lr={"tail": 0.1})))
