"""The modules of a model: their names, those of a wrapped model too, and what holds or restores them for a while."""

import contextlib
from dataclasses import replace

import pytest
import torch
from labtools import run
from torch import nn

from jointopt import Controls, Task, Update
from jointopt.modules import (
    covers,
    eval_mode,
    fingerprint,
    held_still,
    left_as_it_was,
    module_names,
    overlap,
    parameters_of,
)


def wrapped(task, wrap):
    model = wrap(task.model)
    return replace(task, model=model)


class Adapter(nn.Module):
    """Two layers of wrapping, as adapters have."""

    def __init__(self, model):
        super().__init__()
        self.base_model = nn.Module()
        self.base_model.model = model

    def forward(self, x):
        return self.base_model.model(x)


WRAPPERS = {
    "compile": lambda model: torch.compile(model, backend="eager"),
    "DataParallel": nn.DataParallel,
    "an adapter": Adapter,
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapped_model_has_the_names_that_its_author_gave(wrapper, make):
    plain, other = make(), wrapped(make(), WRAPPERS[wrapper])
    assert module_names(other.model) == module_names(plain.model) == ["encoder", "neck", "head"]
    options = {"plan": [Update("head"), Update(["encoder", "neck.0"]), Update()]}
    steps = [run(task, controls=Controls(frozen="encoder.4"), **options) for task in (plain, other)]
    for one, two in zip(*steps, strict=True):
        assert (one.moved, one.total) == (two.moved, two.total) and one.grad_norm == two.grad_norm
    with pytest.raises(ValueError, match="no module with parameters is named 'hed'; this model has 'encoder', 'head'"):
        run(other, controls=Controls(frozen="hed"))


def test_the_path_through_the_wrapper_is_no_name(make):
    """One name for one thing: what the lab's switches show is what freezes and thaws."""
    with pytest.raises(ValueError, match="no module with parameters is named 'module.encoder'; this model has 'enc"):
        run(wrapped(make(), nn.DataParallel), 1, Controls(frozen="module.encoder"))


def square(model, x):
    return {"task": model(x).square().mean()}


def batch(number):
    return torch.ones(2, 4)


def test_a_name_that_the_wrapper_has_as_well_is_that_of_the_module_within():
    task = Task(nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))), square, batch)
    assert module_names(task.model) == ["0", "2"]
    (step,) = run(task, plan=[Update("0")])
    assert step.moved == ("0",)
    (step,) = run(task, 1, Controls(frozen="0"))
    assert step.moved == ("2",)


class CountingCalls(nn.Module):
    """A model with a counter of its own beside its modules."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(4, 3), nn.Linear(3, 1)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        return self.head(self.body(x))


@pytest.mark.parametrize("wrap", [lambda model: model, nn.DataParallel])
def test_what_belongs_to_no_module_is_not_held(wrap):
    model = CountingCalls()
    run(Task(wrap(model), square, batch), plan=[Update("head")] * 3)
    assert model.calls == 3


@pytest.mark.parametrize(
    "layer", [nn.Linear(2, 2), nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)), nn.MultiheadAttention(4, 2)]
)
def test_a_single_layer_is_not_looked_through(layer):
    assert module_names(nn.Sequential(layer)) == ["0"]


def test_a_shared_parameter_is_in_the_lists_of_both_modules(task):
    parameters = parameters_of(task.model)
    assert list(parameters) == module_names(task.model)
    assert [name for name, listed in parameters.items() if any(p is task.model.head[0].weight for p in listed)] == [
        "neck",
        "head",
    ]


def test_a_name_covers_what_lies_within_it():
    assert covers("body", "body") and covers("body", "body.0.weight")
    assert not covers("body", "body2.weight") and not covers("body.0", "body")
    assert overlap("body.0", "body") and overlap("body", "body.0") and not overlap("body.0", "body.1")


def disturb(model):
    model.train(not model.training)
    model.head[1].train(not model.head[1].training)
    model.head.requires_grad_(False)
    model.encoder[1].running_mean.add_(1)


@pytest.mark.parametrize("error", [None, KeyError])
def test_left_as_it_was_restores_modes_flags_and_buffers(error, task):
    def seen():
        modes = [module.training for module in task.model.modules()]
        return modes, [p.requires_grad for p in task.model.parameters()], fingerprint(task.model.state_dict())

    task.model.neck.eval()
    task.model.neck.requires_grad_(False)
    before = seen()
    with contextlib.suppress(KeyError), left_as_it_was(task.model):
        disturb(task.model)
        assert all(now != then for now, then in zip(seen(), before, strict=True))
        if error:
            raise error
    assert seen() == before


def test_eval_mode_gives_each_module_its_own_mode_back(task):
    task.model.neck.eval()
    before = [module.training for module in task.model.modules()]
    with pytest.raises(KeyError), eval_mode(task.model):
        assert not any(module.training for module in task.model.modules())
        raise KeyError
    assert [module.training for module in task.model.modules()] == before


def test_a_fingerprint_sees_names_and_contents():
    one = {"a": torch.zeros(2), "b": torch.ones(2)}
    assert fingerprint(one) == fingerprint({name: tensor.clone() for name, tensor in one.items()})
    assert fingerprint(one) != fingerprint({"a": torch.zeros(2), "c": torch.ones(2)})
    assert fingerprint(one) != fingerprint({"a": torch.zeros(2), "b": torch.tensor([1.0, 1 + 1e-7])})


def test_holding_within_the_losses_leaves_the_graph_whole(make):
    """A loss that is to reach one player alone holds the other one while its graph is made."""
    task = make()

    def losses(model, batch):
        with held_still(model, None, ["neck"]):
            return task.losses(model, batch)

    assert [step.moved for step in run(replace(task, losses=losses), 3)] == [("encoder", "head")] * 3
