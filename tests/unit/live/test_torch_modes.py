"""The lab trains under the modes of torch that its maker's thread has."""

import threading
import warnings
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from labtools import everything, same
from torch import nn

from jointopt import Controls, Task
from jointopt.live.lab import LiveLab
from jointopt.live.lab.torch_modes import TorchModes


def seen_by(task, context, read):
    """What the losses see, in two steps of a lab that was made within this context."""
    seen = []

    def losses(model, batch):
        seen.append(read())
        return task.losses(model, batch)

    with context:
        lab = LiveLab(replace(task, losses=losses), name="seen")
    lab.run(2)
    return seen


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (nullcontext(), (False, True)),
        (torch.autocast("cpu", torch.bfloat16), (True, True)),
        (torch.no_grad(), (False, True)),
    ],
)
def test_a_lab_trains_under_the_modes_of_its_maker(context, expected, task, no_lab_is_left):
    assert seen_by(task, context, lambda: (torch.is_autocast_enabled("cpu"), torch.is_grad_enabled())) == [expected] * 2


def test_options_of_the_compiler_are_seen(task, no_lab_is_left):
    import torch._functorch.config as config

    options = config.patch(functionalize_rng_ops=not config.functionalize_rng_ops)
    expected = (not config.functionalize_rng_ops, False)
    assert seen_by(task, options, lambda: (config.functionalize_rng_ops, config.donated_buffer)) == [expected] * 2


def test_the_default_device_is_carried_over():
    devices = []

    def create():
        with modes.in_force():
            devices.append(torch.zeros(1).device.type)
        devices.append(torch.zeros(1).device.type)

    with torch.device("meta"):
        modes = TorchModes()
        thread = threading.Thread(target=create)
        thread.start()
        thread.join()
    assert devices == ["meta", "cpu"]


def test_autocast_does_not_keep_the_weights_of_the_step_before(task, no_lab_is_left):
    """Within one autocast block the weights that were cast are kept: over steps they would be old ones."""
    outputs = []

    def losses(model, batch):
        outputs.append(model.head[3](torch.ones(1, 8)).detach().clone())
        return task.losses(model, batch)

    with torch.autocast("cpu", torch.bfloat16):
        lab = LiveLab(replace(task, losses=losses), name="cast")
    lab.controls.set(lr=0.1)
    lab.run(3)
    assert not torch.equal(outputs[0], outputs[1]) and not torch.equal(outputs[1], outputs[2])


def test_held_out_figures_under_autocast_are_of_the_weights_after_the_step(task, no_lab_is_left):
    def evaluate(model):
        model.eval()
        return {"figure": model(torch.ones(4, 6)).float().sum().item()}

    with torch.autocast("cpu", torch.bfloat16):
        lab = LiveLab(replace(task, evaluate=evaluate), controls=Controls(lr=0.1), name="figures")
    for _ in range(3):
        lab.run(1)
        with torch.autocast("cpu", torch.bfloat16):
            assert evaluate(task.model) == lab.history.held_out[-1][1]
        task.model.train()


def compiled(compile):
    torch.manual_seed(0)
    model = nn.Sequential()
    model.encoder = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5))
    model.head = nn.Linear(4 * 36, 3)
    batches = lambda n: torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(n))  # noqa: E731
    inner = model
    if compile:
        model = torch.compile(model, backend="aot_eager")
    losses = lambda model, x: {"task": model(x).logsumexp(1).mean(), "size": model(x).square().mean()}  # noqa: E731
    return inner, Task(model, losses, batches)


def test_a_compiled_model_trains_in_a_lab_influence_included(no_lab_is_left):
    labs, models = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, on what it cannot compile
        for compile in (False, True):
            inner, task = compiled(compile)
            lab = LiveLab(task, controls=Controls(lr=1e-3), name=f"compiled {compile}")
            lab.run(3)
            lab.controls.freeze("encoder")
            before = everything(inner.encoder)
            lab.run(3)
            assert same(before, everything(inner.encoder))
            lab.controls.thaw("encoder")
            lab.run(2)
            labs.append(lab)
            models.append(inner)
    plain, other = labs
    assert other.engine.modules == ["encoder", "head"] and other.engine.influence().keys() == {
        (loss, module) for loss in ("task", "size") for module in ("encoder", "head")
    }
    assert plain.engine.influence() == pytest.approx(other.engine.influence(), rel=1e-3)
    for one, two in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)
