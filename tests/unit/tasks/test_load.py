"""Applications by name."""

import numpy as np
import pytest
import torch

from jointopt import tasks
from jointopt.tasks import classification


def test_a_task_is_found_by_its_file():
    assert "classification" in tasks.names()
    with pytest.raises(ValueError, match="no task is named 'clasification'; there are 'captions', 'classification'"):
        tasks.load("clasification")
    options = "'data', 'held_out', 'labels', 'network', 'reg', 'size', 'weights'"
    with pytest.raises(ValueError, match=f"has no option 'sise'; it has {options}"):
        tasks.load("classification", sise=3)
    with pytest.raises(ValueError, match="no data set is named 'digit'"):
        tasks.load("classification", data="digit")


def test_a_seed_of_numpy_is_a_seed():
    task, same = tasks.load("classification", seed=np.int64(3)), tasks.load("classification", seed=3)
    assert all(map(torch.equal, task.model.parameters(), same.model.parameters()))
    assert type(task.recipe["seed"]) is int


@pytest.mark.parametrize("device", ["gpu", None, "cuda:99"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_made(device, monkeypatch):
    monkeypatch.setattr(classification, "make", lambda seed=0: pytest.fail("it was made"))
    with pytest.raises(ValueError, match="device must be one that torch has here"):
        tasks.load("classification", device=device)


def test_the_first_weights_are_drawn_on_the_cpu_whatever_the_default_device():
    with torch.device("meta"):
        task = tasks.load("classification")
    same = tasks.load("classification")
    assert all(map(torch.equal, task.model.parameters(), same.model.parameters()))


def test_classes_of_scenes_in_any_form():
    few = dict(scenes=12, held_out_scenes=4)
    one, same = (tasks.load("detection", classes=classes, **few) for classes in ("24", ["2", "4"]))
    assert torch.equal(one.batches(0)[0][0], same.batches(0)[0][0])
    with pytest.raises(ValueError, match="classes must be one or more of the digits"):
        tasks.load("detection", classes=[["2"]], **few)
