"""A lab that nobody looks at and no name refers to stops by itself; one that has a name, when its patience ends."""

import time

import pytest
from labtools import Browser, until

from jointopt.live import LiveLab
from jointopt.live.lab import trainer, worker

AWAY = 0.3
KERNEL = """
from jointopt import tasks
from jointopt.live import LiveLab
from jointopt.live.lab import trainer, worker
trainer.AWAY, worker.WATCH_EVERY = {away}, 0.05
lab = LiveLab(tasks.load("classification", size=8))
lab.play()
working = lab._trainer
lab
"""

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(trainer, "AWAY", AWAY)
    monkeypatch.setattr(worker, "WATCH_EVERY", 0.05)


def played(lab):
    """What trains for the lab, which plays."""
    lab.play()
    until(lambda: lab.engine.number > 2)
    return lab._trainer


def trains_on(working):
    """Whether it does, long after nobody is taken to be there."""
    time.sleep(4 * AWAY)
    number = working.engine.number
    until(lambda: working.engine.number > number + 3 or not working.playing)
    return working.playing


def test_a_lab_without_a_name_or_a_view_ends(task):
    working = played(LiveLab(task))
    until(lambda: not working.worker.thread.is_alive())
    assert not trainer._trainers and not working.playing


def test_a_lab_whose_view_was_shown_pauses_and_can_be_played_again(task, monkeypatch):
    lab = LiveLab(task)
    lab._repr_mimebundle_()
    working = played(lab)
    del lab
    until(lambda: not working.display.controls.state["playing"])
    assert working.display.curves.info["note"] == working.note == trainer.DESERTED and working.worker.thread.is_alive()
    monkeypatch.setattr(trainer, "AWAY", 600.0)  # a second during which this process stands still is no absence
    working.display.controls.hear({"kind": "beat"})  # the tab is there again
    working.display.controls.hear({"kind": "play", "id": "a.1"})
    number = working.engine.number
    until(lambda: working.engine.number > number + 3)


def test_a_lab_that_somebody_looks_at_trains_on(task, monkeypatch):
    lab = LiveLab(task)
    browser, working = Browser(lab), played(lab)
    monkeypatch.setattr(working.display, "_made", float("-inf"))
    assert working.display.unseen() == float("inf")
    browser("beat")
    assert working.display.unseen() < 600
    monkeypatch.setattr(working.display, "unseen", lambda: 0.0)
    del lab
    assert trains_on(working)
    monkeypatch.setattr(working.display, "unseen", lambda: 2 * AWAY)
    until(lambda: not working.playing)


@pytest.mark.parametrize(
    "hold", [lambda lab: lab, lambda lab: [lab], lambda lab: {"of mine": (lab,)}, lambda lab: lab.run]
)
def test_a_lab_with_a_name_trains_on(hold, task):
    held = hold(LiveLab(task))
    (working,) = trainer._trainers.values()
    working.set_budget(float("inf"))
    assert trains_on(working) and held is not None


def test_a_lab_that_a_cell_runs_goes_on(task):
    assert LiveLab(task).run(2000).number == 1999


def test_what_a_cell_displayed_is_no_name():
    """In a real kernel, whose Out, _ and more hold what a cell displayed."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(startup_timeout=600)

    def run(code):
        shown = []
        reply = client.execute_interactive(code, timeout=600, output_hook=shown.append)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(message["content"].get("text", "") for message in shown)

    try:
        run(KERNEL.format(away=AWAY))
        run("1")
        assert run(f"import time; time.sleep({4 * AWAY}); print(working.playing)") == "True\n"
        run("lab = None")
        assert run("print(any(isinstance(each, LiveLab) for each in Out.values()))") == "True\n"
        assert (
            run(
                "until = time.monotonic() + 60\nwhile working.playing and time.monotonic() < until:\n"
                "    time.sleep(0.05)\nprint(working.playing, working.note)"
            )
            == f"False {trainer.DESERTED}\n"
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_lab_that_nobody_looks_at_pauses_when_its_patience_ends(make):
    lab = LiveLab(make(), patience=1)
    for _ in range(2):  # to press Play is to look at it
        lab.play()
        assert lab.note == ""
        until(lambda: not lab.playing)
        assert lab.note == "paused: nobody has looked for 1 s; Play goes on" == lab.display.curves.info["note"]
        lab._trainer.worker.do(lambda: None)
        assert not lab.display.curves.info["playing"]
    number = lab.engine.number
    assert number > 0 and Browser(lab)("go_to", value=10**9) == ""
    until(lambda: lab.engine.number > number)
    until(lambda: "nobody has looked" in lab.note)
    lab.pause()
    assert lab.engine.number < 10**9


def test_a_lab_that_is_looked_at_plays_on(make, monkeypatch):
    lab = LiveLab(make(), patience=0.01)
    monkeypatch.setattr(lab.display, "unseen", lambda: 0.0)
    lab.play()
    assert trains_on(lab._trainer)
    monkeypatch.setattr(lab.display, "unseen", lambda: 5.0)
    until(lambda: not lab.playing)


def test_patience_never_ends_a_run(make):
    lab = LiveLab(make(), patience=1e-9)
    assert lab.run(40).number == 39 and lab.note == ""


def test_a_lab_may_have_no_end_of_patience(make):
    assert trains_on(played(lab := LiveLab(make(), patience=None)))
    assert lab.playing


@pytest.mark.parametrize("patience", [0, -1, "10", float("nan"), True])
def test_patience_is_a_number_of_seconds(patience, make):
    with pytest.raises(ValueError, match="a lab's patience must be a finite number > 0"):
        LiveLab(make(), patience=patience)
