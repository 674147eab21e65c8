"""Every line of what is certain about freezing, on a model with BatchNorm, Dropout and a shared weight."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Controls, Task, Update, plans, train
from jointopt.optimizers import OPTIMIZERS, make_optimizer


def run(task, steps, controls=None, optimizer=None, plan=None):
    return list(train(task, plan or plans.joint(steps), controls, optimizer))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["encoder", "neck", "head"])
def test_a_frozen_module_is_bit_identical_buffers_included(name, optimizer, task, state):
    """After 10 joint steps momentum and Adam's moments are warm: a gradient of zeros would go on moving it."""
    controls = Controls()
    optimizer = make_optimizer(task.model, optimizer)
    run(task, 10, controls, optimizer)
    before = {child: state(getattr(task.model, child)) for child in ("encoder", "neck", "head")}
    controls.freeze(name)
    steps = run(task, 20, controls, optimizer)
    for child, was in before.items():
        assert state.same(was, state(getattr(task.model, child))) == (child == name)
    assert all(step.change[name] == 0 and step.grad_norm[name] == 0 and name not in step.moved for step in steps)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_was_frozen_from_the_first_step_can_be_thawed(optimizer, task):
    """torch's fused SGD fails here: it wants a momentum buffer for all parameters or for none."""
    optimizer, controls = make_optimizer(task.model, optimizer), Controls(frozen=["encoder"])
    run(task, 2, controls, optimizer)
    controls.thaw("encoder")
    (step,) = run(task, 1, controls, optimizer)
    assert step.change["encoder"] > 0


def test_zeroed_gradients_would_have_moved_it(task):
    """The trap itself, so that the test above is known to guard against something."""
    optimizer = make_optimizer(task.model, "Adam")
    run(task, 10, optimizer=optimizer)
    before = task.model.encoder[0].weight.detach().clone()
    for _ in range(20):
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()
    assert not torch.equal(before, task.model.encoder[0].weight)


def test_freezing_is_taking_the_name_out_of_the_update(make, state):
    by_controls, by_plan = make(), make()
    torch.manual_seed(1)
    run(by_controls, 8, Controls(frozen=["encoder", "neck"]))
    torch.manual_seed(1)
    run(by_plan, 8, plan=[Update("head")] * 8)
    assert state.same(state(by_controls.model), state(by_plan.model))


def test_dropout_is_left_as_it_was(task):
    modes = []
    task.model.encoder[3].register_forward_hook(lambda m, i, o: modes.append(m.training))
    run(task, 2, Controls(frozen="encoder"))
    task.model.encoder[3].eval()
    run(task, 1, Controls(frozen="encoder"))
    assert modes == [True, True, False]


def test_a_frozen_head_still_passes_gradient_to_what_is_beneath(make):
    """The encoder's gradient is the one that torch itself gives when the head is only told to keep none of its own."""
    task, plain = make(), make().model
    plain.head.requires_grad_(False)  # the shared weight, too
    torch.manual_seed(2)
    (step,) = run(task, 1, Controls(frozen="head"))
    torch.manual_seed(2)
    inputs, labels = task.batches(0)
    loss = F.cross_entropy(plain(inputs), labels) + 0.01 * 0.5 * sum(p.square().sum() for p in plain.parameters())
    loss.backward()
    expected = torch.cat([p.grad.flatten() for p in plain.encoder.parameters()]).norm()
    assert step.grad_norm["encoder"] == pytest.approx(float(expected), rel=1e-5)
    assert step.grad_norm["head"] == 0


def test_a_frozen_module_at_the_bottom_costs_no_backward_pass(task):
    """No graph is recorded in it, so nothing runs backward: its output needs no gradient."""
    needs = []
    task.model.encoder.register_forward_hook(lambda m, i, o: needs.append(o.requires_grad))
    controls = Controls()
    for step in train(task, plans.joint(3), controls):
        (controls.freeze if step.number == 0 else controls.thaw)("encoder")
    assert needs == [True, False, True]


def test_adam_keeps_the_moments_of_a_frozen_module(task):
    optimizer, controls = make_optimizer(task.model), Controls()
    run(task, 10, controls, optimizer)
    moments = copy.deepcopy([optimizer.state[p] for p in task.model.encoder.parameters()])
    controls.freeze("encoder")
    run(task, 5, controls, optimizer)
    for before, p in zip(moments, task.model.encoder.parameters(), strict=True):
        assert all(torch.equal(before[key], optimizer.state[p][key]) for key in ("step", "exp_avg", "exp_avg_sq"))
    controls.thaw("encoder")
    (step,) = run(task, 1, controls, optimizer)
    assert step.change["encoder"] > 0


@pytest.mark.parametrize("name", ["neck", "head"])
def test_a_shared_parameter_stands_still_while_either_module_is_frozen(name, task):
    shared = task.model.neck[0].weight
    before = shared.detach().clone()
    run(task, 5, Controls(frozen=name))
    assert torch.equal(before, shared)
    run(task, 5, plan=[Update(name)] * 5)  # the other one is not in the update
    assert torch.equal(before, shared)
    run(task, 1)
    assert not torch.equal(before, shared)


def test_what_the_author_fixed_is_never_thawed(task, state):
    task.model.encoder[0].weight.requires_grad_(False)
    task.model.neck[1].eval()
    fixed, statistics = task.model.encoder[0].weight.detach().clone(), task.model.neck[1].running_mean.clone()
    controls = Controls(frozen=["encoder", "neck"])
    run(task, 3, controls)
    controls.thaw("encoder", "neck")
    run(task, 3, controls)
    assert torch.equal(fixed, task.model.encoder[0].weight) and not task.model.encoder[0].weight.requires_grad
    assert torch.equal(statistics, task.model.neck[1].running_mean) and not task.model.neck[1].training


def test_between_steps_the_model_is_as_its_author_left_it(task):
    """An abandoned loop must not leave a model that a second loop takes for fixed on purpose."""
    steps = train(task, plans.joint(3), Controls(frozen=["encoder", "neck", "head"]))
    next(steps)
    assert all(p.requires_grad for p in task.model.parameters())
    assert all(module.training for module in task.model.modules())


def test_with_everything_frozen_the_losses_are_still_reported(task, state):
    before = state(task.model)
    (step,) = run(task, 1, Controls(frozen=["encoder", "neck", "head"]))
    assert step.moved == () and step.total > 0
    assert state.same(before, state(task.model))


def test_a_dotted_name_reaches_one_layer(task):
    first, last = task.model.encoder[0].weight.detach().clone(), task.model.encoder[4].weight.detach().clone()
    run(task, 3, Controls(frozen="encoder.0"))
    assert torch.equal(first, task.model.encoder[0].weight)
    assert not torch.equal(last, task.model.encoder[4].weight)
    last = task.model.encoder[4].weight.detach().clone()
    (step,) = run(task, 1, plan=[Update("encoder.0")])
    assert not torch.equal(first, task.model.encoder[0].weight)
    assert torch.equal(last, task.model.encoder[4].weight) and step.moved == ("encoder",)


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm2d(3), nn.InstanceNorm2d(3, affine=True, track_running_stats=True), nn.SyncBatchNorm(3)]
)
def test_every_layer_with_running_statistics_is_held(layer, state):
    """SyncBatchNorm refuses to run on a CPU in train mode; in eval mode, held, it does."""
    model = nn.ModuleDict({"body": nn.Sequential(nn.Conv2d(3, 3, 1), layer), "head": nn.Conv2d(3, 1, 1)})
    losses = lambda m, x: {"task": m["head"](m["body"](x)).square().mean()}  # noqa: E731
    task = Task(model, losses, lambda n: torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(n)) + 3)
    before = state(model["body"])
    run(task, 4, Controls(frozen="body"))
    assert state.same(before, state(model["body"]))


@pytest.mark.parametrize("normalize", [nn.utils.parametrizations.spectral_norm, nn.utils.spectral_norm])
def test_spectral_norm_is_held_as_well(normalize, state):
    model = nn.ModuleDict({"body": normalize(nn.Linear(4, 4)), "head": nn.Linear(4, 1)})
    task = Task(model, lambda m, x: {"task": m["head"](m["body"](x)).square().mean()}, lambda n: torch.ones(2, 4))
    before = state(model["body"])
    run(task, 4, Controls(frozen="body"))
    assert state.same(before, state(model["body"]))
