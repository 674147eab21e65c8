"""One file from outside the package is an application: loss sliders, freeze switches, picture, comparison, replay."""

import importlib
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from jointopt import Update, plans, tasks
from jointopt.compare import Arm, compare
from jointopt.compare.budget import Budget
from jointopt.live import LiveLab

OUTSIDE = Path(__file__).parents[2] / "outside"


@pytest.fixture(autouse=True)
def found(monkeypatch):
    """The folder is one of those in which applications are found, for as long as a test runs."""
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(OUTSIDE)])


@pytest.fixture
def lab():
    lab = LiveLab(tasks.load("autoencoder"), {"joint": plans.joint(), "decoder": plans.alternating(Update("decoder"))})
    yield lab
    lab.close()


def test_it_is_found_by_its_file():
    assert "autoencoder" in tasks.names()
    with pytest.raises(ValueError, match="has no option 'sise'; it has 'size'"):
        tasks.load("autoencoder", sise=3)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", r"wrong\.py must have a function make\(seed=0, \.\.\.\) that answers a jointopt\.Task"),
        ("make = 3", "must have a function make"),
        ("def make(size=1): ...", r"must have a function make\(seed=0"),
        ("def make(seed=0): ...", r"the answer of make in .*wrong\.py must be a jointopt.Task, got NoneType"),
    ],
)
def test_a_file_that_makes_no_task_is_told_what_it_lacks(code, message, tmp_path, monkeypatch):
    (tmp_path / "wrong.py").write_text(code)
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "jointopt.tasks.wrong", raising=False)
    importlib.invalidate_caches()
    with pytest.raises(ValueError, match=message):
        tasks.load("wrong")


def test_the_lab_has_a_slider_for_each_loss_and_a_switch_for_each_module(lab):
    spec = lab.display.controls.spec
    assert (list(spec["losses"]), list(spec["modules"])) == (["reconstruction", "code"], ["encoder", "decoder"])
    assert spec["plans"] == ["joint", "decoder"]


def test_the_lab_trains_it_freezes_it_and_shows_it(lab):
    model, first = lab.engine.task.model, lab.engine.task.picture(lab.engine.task.model)
    lab.run(30)
    lab.controls.set(weight={"code": 1.0})
    lab.controls.freeze("encoder")
    frozen = [p.clone() for p in model.encoder.parameters()]
    lab.run(10)
    assert all(torch.equal(a, b) for a, b in zip(frozen, model.encoder.parameters(), strict=True))
    assert lab.history["weight.code"][-1] == 1.0 and lab.history["change.decoder"][-1] > 0
    picture = lab.engine.task.picture(model)
    assert picture.dtype == np.uint8 and picture.shape == (56, 224, 3) and not np.array_equal(picture, first)
    assert lab.history.held_out[-1][1]["error (%)"] < lab.history.held_out[0][1]["error (%)"]
    assert ("reconstruction", "decoder") in lab.engine.influence()


def test_its_run_is_saved_and_replayed(lab, tmp_path):
    lab.run(12)
    lab.save(tmp_path / "run.json")
    again = LiveLab.replay(tmp_path / "run.json", name="again")
    assert again.note == "replayed 12 steps to the same numbers"
    again.close()


def test_its_plans_are_compared():
    arms = {"joint": Arm(plans.joint), "frozen": Arm(partial(plans.alternating, Update("decoder")))}
    found = compare(partial(tasks.load, "autoencoder"), arms, Budget(updates=40), seeds=range(3), progress=False)
    assert found.difference("frozen", "joint").verdict == "more" and "error (%)" in str(found.table())
