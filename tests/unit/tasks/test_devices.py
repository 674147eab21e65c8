"""Every application goes where it is asked to, and no part of it stays behind."""

from importlib import import_module

import pytest
import torch
from tasktools import each, fresh, load, loaded
from torch import nn
from torch._subclasses import fake_tensor
from torch.utils._pytree import tree_map_only
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from jointopt import Update, train
from jointopt.checks import tensors_of
from jointopt.modules import module_names
from jointopt.tasks import classification, detection

REACHED = {"detection": ["backbone", "rpn.head"], "one_stage": ["backbone", "head"]}  # before the boxes


@each
def test_model_and_batches_go_where_they_are_asked_to(name):
    """The meta device stands for any other than the CPU: all that is there says so."""
    task = load(name, device="meta")
    assert {p.device.type for p in (*task.model.parameters(), *task.model.buffers())} == {"meta"}
    assert {tensor.device.type for tensor in tensors_of(task.batches(0))} == {"meta"}
    assert task.recipe["options"]["device"] == "meta"
    assert "device" not in load(name, device="cpu").recipe["options"]


def walk(work):
    """What it answers, or None where it asks a fake tensor for numbers, which ends the walk."""
    try:
        return work()
    except (fake_tensor.DataDependentOutputException, fake_tensor.DynamicOutputShapeException):
        return None
    except RuntimeError as error:
        if not any(told in str(error) for told in (".numpy() is not supported", "hasPrimaryContext")):  # no backward
            raise


def fake(tensor):
    """One of the same form on a GPU that is not there, without numbers."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda")


@each
def test_no_tensor_of_another_device_is_met(name, monkeypatch):
    """Torch's fake tensors have a device, and two devices do not mix.

    Checks ask for numbers and are left out. A shape that hangs on numbers ends the walk: in detectors, the boxes'.
    """
    task, batch, ran = fresh(name), loaded(name).batches(0), set()
    for room in (import_module(f"jointopt.tasks.{name}"), classification, detection):
        for check in [key for key in vars(room) if key.startswith(("check_", "_check_"))]:
            monkeypatch.setattr(room, check, lambda *_, **__: None)
    monkeypatch.setattr(GeneralizedRCNNTransform, "torch_choice", lambda self, sizes: sizes[0])  # there is but one
    with fake_tensor.FakeTensorMode(allow_non_fake_inputs=True):
        for part, module in task.model.named_modules():
            module.register_forward_hook(lambda *_, part=part: ran.add(part))
            for tensors, kind in ((module._parameters, nn.Parameter), (module._buffers, torch.Tensor.detach)):
                tensors.update({key: kind(fake(t)) for key, t in tensors.items() if t is not None})
        losses = walk(lambda: task.losses(task.model, tree_map_only(torch.Tensor, fake, batch))) or {}
        values = [walk(loss) if callable(loss) else loss for loss in losses.values()]
        assert {value.device.type for value in values if value is not None} == ({"cuda"} if losses else set())
        for look in (task.evaluate, task.picture):
            assert look is None or walk(lambda look=look: look(task.model)) is None
    assert ran >= set(REACHED.get(name, module_names(task.model)))


@each
@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_it_trains_and_is_looked_at_on_another_device(name, device):
    available = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if not available:
        pytest.skip(f"this machine has no {device}")
    task = load(name, device=device)
    first, same = (next(train(one, [Update()])) for one in (task, fresh(name)))
    if name != "detection":  # its samplers draw from the device's generator
        assert first.total == pytest.approx(same.total, rel=1e-2)
    assert all(look is None or len(look(task.model)) for look in (task.evaluate, task.picture))
