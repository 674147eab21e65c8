"""What is held stays held: whatever a task's own functions do to modes, flags and buffers."""

import copy
from dataclasses import replace

import pytest
import torch
from labtools import everything, run, same
from torch import nn

from jointopt import Controls, Task, Update
from jointopt.live.lab import LiveLab
from jointopt.live.lab.engine import Engine


def disturbed(task, disturb):
    """The task, whose losses disturb the model first."""

    def losses(model, batch):
        disturb(model)
        return task.losses(model, batch)

    return replace(task, losses=losses)


DISTURB = {
    "train": lambda model: model.train(),
    "flags": lambda model: model.requires_grad_(True),
    "both, in the middle": lambda model: model.encoder.register_forward_pre_hook(
        lambda module, inputs: (module.train(), module.requires_grad_(True), None)[-1]
    ),
}


@pytest.mark.parametrize("how", [{"controls": Controls(frozen=["encoder"])}, {"plan": [Update(["neck", "head"])] * 20}])
@pytest.mark.parametrize("disturb", DISTURB)
def test_a_held_module_stands_still_whatever_the_losses_do(disturb, how, make):
    disturbing, plain = disturbed(make(), DISTURB[disturb]), make()
    before = everything(plain.model.encoder)
    options = {"controls": Controls(frozen=["encoder"])} if "controls" in how else how
    steps = run(disturbing, **options)
    options = {"controls": Controls(frozen=["encoder"])} if "controls" in how else how
    quiet = run(plain, **options)
    assert same(before, everything(disturbing.model.encoder))
    assert same(everything(plain.model), everything(disturbing.model))  # nor is there any other trace of it
    assert [step.moved for step in steps] == [step.moved for step in quiet] and "encoder" not in steps[0].moved
    assert all(module.training for module in disturbing.model.modules())
    assert all(p.requires_grad and (p.grad is None) for p in disturbing.model.encoder.parameters())


def test_what_the_author_fixed_stays_fixed_while_it_is_held(task):
    task.model.encoder[0].weight.requires_grad_(False)
    run(disturbed(task, DISTURB["flags"]), 3, Controls(frozen=["encoder"]))
    assert not task.model.encoder[0].weight.requires_grad and task.model.encoder[0].weight.grad is None


class Counting(nn.Module):
    """Counts its calls in a buffer, averages its inputs in another that no state_dict has, and replaces a third."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("mean", torch.zeros(4), persistent=False)
        self.register_buffer("last", torch.zeros(4))

    def forward(self, x):
        self.calls += 1
        self.mean.lerp_(x.mean(0), 0.1)
        self.last = x.mean(0).detach()
        return self.linear(x)


def counting(seed=0):
    torch.manual_seed(seed)
    model = nn.Sequential()
    model.body, model.head = Counting(), nn.Linear(4, 1)
    batches = lambda n: torch.randn(8, 4, generator=torch.Generator().manual_seed(n))  # noqa: E731
    return Task(model, lambda model, x: {"task": model(x).square().mean()}, batches)


@pytest.mark.parametrize("how", ["frozen", "not in the update"])
def test_every_buffer_of_a_held_module_is_as_it_was(how):
    task = counting()
    run(task, 3)
    before, last = everything(task.model.body), task.model.body.last
    assert before["calls"] == 3
    run(task, 3, Controls(frozen=["body"] if how == "frozen" else ()), plan=[Update("head")] * 3)
    assert same(before, everything(task.model.body)) and task.model.body.last is last
    run(task, 1)
    assert task.model.body.calls == 4


def test_a_reset_puts_every_buffer_back():
    engine = Engine(counting())
    before = everything(engine.task.model)
    totals = [engine.step().total for _ in range(3)]
    engine.reset()
    assert same(before, everything(engine.task.model))
    assert [engine.step().total for _ in range(3)] == totals


def test_a_reset_puts_back_a_buffer_that_has_changed_its_shape():
    task = counting()
    engine = Engine(disturbed(task, lambda model: setattr(model.body, "last", torch.zeros(2))))
    engine.task.model.body.forward = engine.task.model.body.linear.forward  # it does not set it again
    engine.step()
    assert engine.task.model.body.last.shape == (2,)
    engine.reset()
    assert engine.task.model.body.last.shape == (4,)


def test_a_step_that_fails_leaves_every_buffer_as_it_was():
    task, scale = counting(), [1.0]
    engine = Engine(replace(task, losses=lambda model, x: {"task": model(x).square().mean() * scale[0]}))
    engine.step()
    before, last = everything(task.model), task.model.body.last
    scale[0] = float("nan")
    with pytest.raises(FloatingPointError, match="the loss 'task' is nan"):
        engine.step()
    assert same(before, everything(task.model)) and task.model.body.last is last


@pytest.mark.parametrize("function", ["evaluate", "picture"])
def test_a_function_that_forgets_train_does_not_leave_the_lab_in_eval_mode(function, make, no_lab_is_left):
    def forgets(model):
        model.eval()
        model(torch.randn(4, 6))
        model.train(function == "picture")  # and what it does in train mode moves running statistics
        model(torch.randn(4, 6))
        model.eval()
        return {"figure": 1.0} if function == "evaluate" else torch.zeros(4, 4, 3, dtype=torch.uint8).numpy()

    plain, forgetful = make(), replace(make(), **{function: forgets})
    labs = [LiveLab(task, name=str(number)) for number, task in enumerate((plain, forgetful))]
    for lab in labs:
        lab.run(5)
        lab.run(5)
    assert list(labs[0].history["total"]) == list(labs[1].history["total"])
    assert all(module.training for module in forgetful.model.modules())


def test_a_value_that_the_losses_write_into_a_held_module_is_put_back(make):
    """A teacher that follows its student within the losses, or a clamp of weights."""
    task = make()

    def follow(model):
        with torch.no_grad():
            model.encoder[0].weight.lerp_(torch.ones_like(model.encoder[0].weight), 0.1)
            model.encoder[4].bias.data.clamp_(-0.01, 0.01)

    before = everything(task.model.encoder)
    (step,) = run(disturbed(task, follow), 1, Controls(frozen="encoder"))
    assert same(before, everything(task.model.encoder)) and step.change["encoder"] == 0
    run(disturbed(task, follow), 1)
    assert not same(before, everything(task.model.encoder))


class Building(nn.Module):
    """Registers a buffer in its first forward pass, and remembers that in an attribute of its own."""

    def __init__(self):
        super().__init__()
        self.linear, self.ready = nn.Linear(4, 4), False
        self.register_buffer("spread", torch.zeros(1).expand(4), persistent=False)

    def forward(self, x):
        if not self.ready:
            self.register_buffer("mean", x.mean(0))
            self.ready = True
        return self.linear(x - self.mean + self.spread)


def test_what_a_forward_pass_has_built_stays():
    task = counting()
    task.model.body = Building()
    run(task, 3, Controls(frozen=["body"]))
    built = task.model.body.mean
    run(task, 1)
    assert task.model.body.ready and task.model.body.mean is built


def test_a_table_that_grows_in_evaluate_stays(no_lab_is_left):
    task = counting()

    def evaluate(model):
        model.body.last = torch.zeros(8)
        return {"figure": 1.0}

    lab = LiveLab(replace(task, evaluate=evaluate), name="grows")
    task.model.body.forward = task.model.body.linear.forward
    lab.run(1)
    assert task.model.body.last.shape == (8,)


def test_a_model_that_was_moved_stays_where_it_is_in_a_reset():
    task = counting()
    engine = Engine(replace(task, losses=lambda model, x: task.losses(model, x.to(model.head.weight.dtype))))
    engine.task.model.double()
    engine.step()
    engine.reset()
    assert {tensor.dtype for tensor in everything(task.model).values()} == {torch.float64}
    assert task.model.body.calls == 0
    engine.step()


def test_a_flag_that_evaluate_leaves_behind_is_put_back(make, no_lab_is_left):
    def saliency(model):
        model.head.requires_grad_(False)
        return {"figure": 1.0}

    lab = LiveLab(replace(make(), evaluate=saliency), name="saliency")
    assert lab.run(2).moved == ("encoder", "neck", "head")


def test_a_step_that_fails_leaves_modes_and_flags_as_they_were(make):
    def fails(model):
        model.eval().requires_grad_(False)
        raise ValueError("no")

    engine = Engine(disturbed(make(), fails))
    with pytest.raises(ValueError, match="no"):
        engine.step()
    assert all(module.training for module in engine.task.model.modules())
    assert all(p.requires_grad for p in engine.task.model.parameters())


def test_influence_is_over_what_moves_whatever_the_losses_do(make):
    engines = [
        Engine(task, controls=Controls(frozen="encoder.0")) for task in (make(), disturbed(make(), DISTURB["flags"]))
    ]
    for engine in engines:
        engine.step(measure=lambda update: True)
    assert engines[0].influence() == engines[1].influence()


def test_a_copy_that_is_made_within_the_losses_is_free(task):
    copies = []
    run(disturbed(task, lambda model: copies.append(copy.deepcopy(model))), 1, Controls(frozen="encoder"))
    copies[0].train()
    copies[0](torch.randn(4, 6))
    assert copies[0].encoder[1].training and copies[0].encoder[1].num_batches_tracked == 1


def test_spectral_norm_of_the_old_form_is_held_before_it_looks_at_the_mode():
    """It is a hook itself: one that runs before ours would take a step of its iteration, for this forward pass."""

    def spectral():
        torch.manual_seed(0)
        model = nn.ModuleDict({"body": nn.utils.spectral_norm(nn.Linear(4, 4)), "head": nn.Linear(4, 1)})
        return Task(model, lambda m, x: {"task": m["head"](m["body"](x)).square().mean()}, lambda n: torch.ones(2, 4))

    tasks = spectral(), disturbed(spectral(), lambda model: model.train())
    totals = [[step.total for step in run(task, 3, Controls(frozen="body"))] for task in tasks]
    assert totals[0] == totals[1]
