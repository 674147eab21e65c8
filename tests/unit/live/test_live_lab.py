"""The lab from a reader's cells, without a browser: run, play, pause, interrupt, replace, close."""

import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from labtools import until

from jointopt import Controls, plans, train
from jointopt.live import LiveLab
from jointopt.live.lab.trainer import _trainers

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


def test_run_takes_the_steps_of_train(make):
    lab = LiveLab(make())
    torch.manual_seed(0)
    expected = list(train(make(), plans.joint(12)))
    assert lab.run(7) == expected[6] and lab.run(5) == expected[11]
    assert list(lab.history["total"]) == [step.total for step in expected]


def test_repr_and_bundle_are_the_same_each_time(task):
    lab = LiveLab(task, name="x")
    assert repr(lab) == "LiveLab('x': losses task, reg; modules encoder, neck, head)"
    first = lab._repr_mimebundle_()
    lab.run(3)
    assert lab._repr_mimebundle_() == first and first["text/plain"] == repr(lab)
    assert "application/vnd.jupyter.widget-view+json" in first


def test_the_view_of_a_slide(make):
    for view in ("slide", None):
        display = LiveLab(make(), view=view).display
        assert display.controls.spec["view"] == display.curves.spec["view"] == view
    with pytest.raises(ValueError, match="view must be one of None, 'slide', got 'wide'"):
        LiveLab(make(), view="wide")


def test_play_returns_at_once_and_pause_at_a_step_boundary(task):
    lab = LiveLab(task)
    lab.play()
    until(lambda: lab.engine.number > 20)
    lab.pause()
    number = lab.engine.number
    time.sleep(0.05)
    assert lab.engine.number == number == len(lab.history) and not lab.playing


def test_controls_work_while_it_plays(task, state):
    lab = LiveLab(task)
    lab.play()
    until(lambda: lab.engine.number > 5)
    lab.controls.freeze("encoder")
    until(lambda: lab.controls.log)
    at = lab.engine.number
    until(lambda: lab.engine.number > at + 1)
    before = state(task.model.encoder)
    until(lambda: lab.engine.number > at + 20)
    assert state.same(before, state(task.model.encoder))


def test_a_second_lab_of_a_name_replaces_the_first(make):
    first = LiveLab(make(), name="same")
    first.play()
    second = LiveLab(make(), name="same")
    assert list(_trainers) == ["same"] and not first.playing
    with pytest.raises(RuntimeError, match="newer one may have taken its name, 'same'"):
        first.play()
    second.run(2)
    other = LiveLab(make(), name="other")
    other.run(1)
    assert second.run(1).number == 2  # two names, two labs


def test_a_lab_that_cannot_be_made_leaves_the_old_one_usable(make):
    lab = LiveLab(make())
    with pytest.raises(ValueError, match="needs a Task, got str"):
        LiveLab("classification")
    with pytest.raises(ValueError, match="'encodr'"):
        LiveLab(make(), controls=Controls(frozen="encodr"))
    assert lab.run(2).number == 1


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", None, True])
def test_run_wants_a_number_of_steps(n, task):
    with pytest.raises(ValueError, match="the number of steps must be a whole number ≥ 1, got"):
        LiveLab(task).run(n)


def test_an_interrupt_stops_run_at_a_step_boundary(task):
    """What Kernel > Interrupt does: a KeyboardInterrupt in the main thread. A shell's background job ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    lab = LiveLab(task)

    def interrupt():
        until(lambda: lab.engine.number > 0)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        threading.Thread(target=interrupt).start()
        lab.run(1_000_000)
    number = lab.engine.number
    signal.signal(signal.SIGINT, before)
    assert number == len(lab.history) > 0 and not lab.playing
    assert lab.run(1).number == number


def test_a_figure_of_the_run(task):
    lab = LiveLab(task)
    lab.run(5)
    lab.controls.freeze("encoder")
    lab.run(5)
    figure = lab.figure()
    assert figure.png().startswith(b"\x89PNG") and "1 (step 5): freeze encoder" in figure.alt


def test_two_labs_of_different_names_cannot_train_one_model(task):
    lab = LiveLab(task, name="a")
    with pytest.raises(ValueError, match="the lab 'a' trains this very model"):
        LiveLab(task, name="b")
    assert lab.run(1).number == 0


def test_a_figure_while_it_plays_and_when_nothing_moves(task):
    lab = LiveLab(task, controls=Controls(frozen=["encoder", "neck", "head"]))
    lab.run(6)
    assert lab.figure().png()
    lab.controls.thaw("encoder", "neck", "head")
    lab.play()
    figures = [lab.figure() for _ in range(5)]
    assert lab.playing and all("weight change of encoder, neck, head" in figure.alt for figure in figures)


def test_a_script_may_end_while_a_lab_plays():
    script = (
        "from jointopt import tasks; from jointopt.live import LiveLab\n"
        "lab = LiveLab(tasks.load('classification')); lab.play()\n"
        "while lab.engine.number < 3: pass"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


def test_a_closed_lab_says_so_where_it_is_shown(task, no_lab_is_left):
    lab = LiveLab(task, name="shown")
    lab.close()
    assert lab._repr_mimebundle_() == {"text/plain": f"{lab!r}, closed"}


def test_a_closed_lab_does_not_branch(task):
    lab = LiveLab(task)
    lab.run(2)
    lab.close()
    for ask in (lambda: lab.branch(1), lambda: lab.use_branch("A"), lab.arms):
        with pytest.raises(RuntimeError, match="this lab is closed"):
            ask()
