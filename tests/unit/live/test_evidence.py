"""The cell that asks more seeds runs as it is shown: pasted into a new cell of the notebook that has the lab."""

from dataclasses import replace

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jointopt import tasks
from jointopt.live import LiveLab
from jointopt.live.lab import evidence

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


@pytest.fixture
def shell(monkeypatch):
    """A kernel's namespace, in which cells run."""
    shell = InteractiveShell()
    monkeypatch.setattr(evidence, "get_ipython", lambda: shell)
    yield shell
    shell.reset()


def two_futures(task):
    lab = LiveLab(task)
    lab.run(3)
    lab.branch(2)
    assert lab.display.controls.state["branches"][1]["words"] == "B from step 2 of A"
    lab.controls.freeze("classifier")
    return lab


def test_the_cell_runs_as_it_is_shown(shell):
    lab = shell.user_ns["_1"] = shell.user_ns["first_lab"] = two_futures(tasks.load("classification", size=4))
    lab.controls.set(lr=0.002)
    cell = lab.display.controls.state["cell"]
    assert "first_lab.arms(), Budget(steps=3), seeds=range(1, 6))" in cell
    assert 'partial(tasks.load, "classification", size=4)' in cell
    shell.run_cell(cell.replace("range(1, 6)", "range(1, 3)")).raise_error()
    result = shell.user_ns["result"]
    assert list(result.arms) == ["A", "B: freeze classifier, lr 0.002 at 2"] and len(result.runs) == 2


def test_a_change_that_waits_is_within_the_budget(shell):
    lab = two_futures(tasks.load("classification", size=4))
    lab.branch(2)
    lab.run(3)
    lab.controls.freeze("classifier")
    assert "lab.arms(), Budget(steps=6)" in lab.display.controls.state["cell"]


def test_of_a_task_that_load_did_not_make_the_reader_makes_another(shell):
    lab = two_futures(replace(tasks.load("classification", size=4), recipe=None))
    lines = lab.display.controls.state["cell"].splitlines()
    assert any(line.startswith("# make(seed) is yours to write") for line in lines)
    assert "partial" not in lab.display.controls.state["cell"]


def test_without_another_future_there_is_no_cell(shell):
    assert LiveLab(tasks.load("classification", size=4)).display.controls.state["cell"] == ""
