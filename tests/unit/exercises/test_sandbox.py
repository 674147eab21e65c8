"""What a check ends, beyond a loop in the notebook; and a lab that plays meanwhile."""

import sys
from dataclasses import replace

import pytest
import torch
from labtools import everything, same, until

from jointopt.exercises import sandbox
from jointopt.exercises.sandbox import Endless, careful
from jointopt.live import LiveLab

needs_a_limit = pytest.mark.skipif(sys.platform != "linux" or torch.cuda.is_available(), reason="has none")
SETUP = """
import itertools, time
import torch
from jointopt import Task, Update, plans, train
def task():
    model = torch.nn.Linear(2, 1)
    return Task(model, lambda model, batch: {"task": model(batch).square().mean()}, lambda number: torch.ones(1, 2))
"""


def answer(expression):
    """A reader's function that computes this, as if written in a notebook."""
    names = {"__name__": "__main__"}
    exec(f"{SETUP}\ndef answer():\n  return {expression}", names)
    return names["answer"]


@pytest.mark.parametrize(
    "expression",
    [
        "list(plans.joint())",
        "list(plans.alternating(Update('a'), Update('b')))",
        "list(plans.staged((Update('a'), 3), (Update(), None)))",
        "list(plans.lp_ft('a', 3))",
        "list(plans.unfreeze(['a', 'b'], 10))",
        "sum(1 for step in train(task(), plans.joint()))",
        "list(train(task(), itertools.repeat(Update())))",
    ],
)
def test_a_plan_without_end_is_ended(expression, monkeypatch):
    monkeypatch.setattr(sandbox, "PATIENCE", 0.3)
    with pytest.raises(Endless, match=r"still running after 0\.3 s of work"), careful(None):
        answer(expression)()


def test_what_waits_is_ended(monkeypatch):
    monkeypatch.setattr(sandbox, "SLEEP", 0.1)
    with pytest.raises(Endless, match=r"still running after 0\.1 s\. Does it wait"), careful(None):
        answer("[time.sleep(0.01) for _ in itertools.count()]")()


@needs_a_limit
@pytest.mark.parametrize("expression", ["list(itertools.count())", "list(itertools.repeat(Update()))", "'a' * 10**10"])
def test_what_fills_the_memory_is_ended(expression, monkeypatch):
    import resource

    monkeypatch.setattr(sandbox, "ROOM", 1 << 28)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(Endless, match=r"more than 0\.25 GB of memory\. Does something grow without end"), careful(None):
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] != before[0]
        answer(expression)()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@needs_a_limit
def test_a_lower_limit_stays(monkeypatch):
    import resource

    monkeypatch.setattr(sandbox, "ROOM", 1 << 60)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 50, before[1]))
    try:
        with careful(None):
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 1 << 50
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def test_where_there_is_no_limit_a_check_goes_without(monkeypatch):
    monkeypatch.setattr(sandbox, "resource", None)
    with careful(3) as copied:
        assert copied == 3


def test_a_lab_that_plays_and_a_check_draw_apart(make, no_lab_is_left):
    """Bit for bit: the lab, with its dropout, as without the check, and the check as without the lab."""
    alone, lab = make(), LiveLab(replace(make(), evaluate=None), name="beside")

    def drawn(enough=lambda: True):
        with careful(None):
            numbers = []
            while len(numbers) < 500 or not enough():
                numbers.append(torch.rand(1).item())
        return numbers[:500]

    torch.manual_seed(7)
    expected, state = drawn(), torch.get_rng_state()
    lab.play()
    until(lambda: lab.engine.number > 5)
    first = lab.engine.number
    assert drawn(lambda: lab.engine.number > first + 5) == expected and torch.equal(torch.get_rng_state(), state)
    lab.pause()
    other = LiveLab(alone, name="alone")
    other.run(lab.engine.number)
    assert same(everything(lab.engine.task.model), everything(alone.model))
