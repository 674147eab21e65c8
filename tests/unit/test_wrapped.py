"""A model that something has wrapped has its author's names."""

from dataclasses import replace

import pytest
import torch
from labtools import everything, run, same
from torch import nn

from jointopt import Controls, Update
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


def test_the_path_of_a_wrapped_module_is_a_name_as_well(make):
    task = wrapped(make(), nn.DataParallel)
    before = everything(task.model.module.encoder)
    run(task, 2, Controls(frozen="module.encoder"))
    assert same(before, everything(task.model.module.encoder))


def test_a_single_layer_is_not_looked_through():
    assert module_names(nn.Sequential(nn.Linear(2, 2))) == ["0"]
