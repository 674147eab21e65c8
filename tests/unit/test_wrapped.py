"""A model that something has wrapped has its author's names."""

from dataclasses import replace

import pytest
import torch
from labtools import run
from torch import nn

from jointopt import Controls, Task, Update
from jointopt.modules import module_names


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
