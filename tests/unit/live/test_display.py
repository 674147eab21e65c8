"""The lab's link to a browser: its messages, the state of the controls, and frames."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from labtools import Browser, until

from jointopt import plans
from jointopt.live import LiveLab
from jointopt.live.lab.display import FRAMES, POINTS, Display, thinned
from jointopt.live.lab.engine import Engine

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


def test_messages_from_the_browser(task):
    lab = LiveLab(task)
    browser = Browser(lab)
    assert browser("weight", name="reg", value=0.5) == "" and lab.controls.weights == {"reg": 0.5}
    assert browser("frozen", name="head", value=True) == "" and lab.controls.frozen == {"head"}
    assert browser("lr", value=0.01) == "" and lab.controls.lr == 0.01
    assert browser("optimizer", value="SGD") == ""
    assert browser("step") == ""
    until(lambda: lab.engine.number == 1)
    assert browser("play") == "" and lab.playing
    assert browser("pause") == "" and not lab.playing
    assert browser("reset") == ""
    until(lambda: lab.engine.number == 0)
    state = lab.display.controls.state
    assert state["weights"] == {"task": 1.0, "reg": 0.5} and state["frozen"] == ["head"] and state["optimizer"] == "SGD"


def test_a_second_reset_sets_the_settings_back(task):
    lab = LiveLab(task, {"a": plans.joint(), "b": plans.joint()})
    browser = Browser(lab)

    def reset(**details):
        assert browser("reset", **details) == ""
        lab.pause()  # returns when it is done
        return lab.display.controls.state["kept"], lab.display.curves.info["status"]

    browser("weight", name="reg", value=0.5)
    assert lab.display.controls.state["kept"] == []  # nothing was reset yet
    browser("frozen", name="head", value=True)
    browser("plan", value="b")
    browser("optimizer", value="SGD")
    lab.run(2)
    kept, words = reset(value="settings")  # pressed while the page still showed step 0
    assert kept == ["λ", "freezing", "plan", "optimizer"] and lab.controls.frozen == {"head"}
    assert words.startswith("λ, freezing, plan and optimizer stay as they are set; Reset again")
    lab.reset()  # from a cell, at step 0
    assert lab.controls.frozen == {"head"}
    assert reset(value="settings") == ([], "")
    assert (lab.controls.weights, lab.controls.frozen, lab.engine.optimizer_name) == ({}, set(), "Adam")
    assert lab.engine.menu.chosen == "a"
    browser("weight", name="reg", value=0.5)
    browser("weight", name="reg", value=0.01)  # back by hand
    browser("optimizer", value="SGD")
    browser("optimizer", value="Adam")
    assert lab.display.controls.state["kept"] == []


def test_a_fresh_lab_shows_its_axes_and_the_picture_once_somebody_looks(task):
    pictured = replace(task, picture=lambda model: np.zeros((2, 2, 3), np.uint8))
    lab = LiveLab(pictured)
    lab.pause()
    assert lab.display.frames_sent == 0 and lab.display.curves.info == {}
    for _ in range(3):
        Browser(lab)("beat")
    until(lambda: lab.display.curves.picture)
    lab.pause()
    assert lab.display.frames_sent == 1 and lab.display.curves.info["number"] == 0
    assert lab.display.curves.info["held_out"]["points"] == [] and not lab.display.curves.spec["evaluates"]


def test_what_waits_for_the_next_step_is_shown(make):
    lab = LiveLab(make(), {"a": plans.joint(), "b": plans.joint()})

    def state():
        return lab.display.controls.state["next"]

    lab.controls.freeze("head")
    assert state() == []  # how a run begins is no change
    lab.run(1)
    lab.controls.thaw("head")
    lab.controls.set(weight={"reg": 0.3}, lr=0.02)
    lab.use_plan("b")
    assert state() == ["plan b", "thaw head", "λ reg 0.3", "lr 0.02"]
    lab.run(1)
    assert state() == []


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (dict(kind="weight", name="reg", value=-1), "finite number ≥ 0, got -1"),
        (dict(kind="weight", name="reg", value="much"), "got 'much'"),
        (dict(kind="weight", name="regg", value=1), "'regg'"),
        (dict(kind="weight", value=1), "None"),
        (dict(kind="frozen", name="hed", value=True), "'hed'"),
        (dict(kind="lr", value="fast"), "got 'fast'"),
        (dict(kind="optimizer", value="Adamm"), "'Adamm'"),
        (dict(kind="plan", value="joint"), "no plan is named 'joint'"),
        (dict(kind="exec", value="1"), "no control is named 'exec'"),
        ({}, "no control is named None"),
    ],
)
def test_a_wrong_message_is_answered_in_words_and_changes_nothing(message, error, task):
    lab = LiveLab(task)
    before = (lab.controls.weights, lab.controls.frozen, lab.engine.lr)
    assert error in Browser(lab)(**{"kind": None, **message})
    assert (lab.controls.weights, lab.controls.frozen, lab.engine.lr) == before
    lab.run(1)


def test_with_nobody_looking_no_frames_are_sent(task):
    lab = LiveLab(task)
    lab.play()
    until(lambda: lab.display.frames_sent == 1)  # the first step is always shown
    until(lambda: lab.engine.number > 50)
    time.sleep(0.3)
    assert lab.display.frames_sent == 1
    browser = Browser(lab)
    until(lambda: browser("beat") or lab.display.frames_sent > 2)


@pytest.mark.parametrize(("step", "frames"), [(0.001, 10 * FRAMES), (0.027, 10 * FRAMES), (0.25, 40)])
def test_frames_come_as_often_as_they_may_whatever_a_step_takes(task, monkeypatch, step, frames):
    """In ten seconds, of a clock that goes on at the ends of steps alone."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    display = Display(Engine(task), "display under test", obey=lambda message: None, playing=lambda: True)
    for _ in range(100):
        display.send("")  # as while a person presses "One step": none of these delays the ten seconds' own
    before = display.frames_sent
    while now[0] < 10:
        now[0] += step
        display._notice({})
        if display.due():
            display.send("")
    display.close()
    assert abs(display.frames_sent - before - frames) <= 2


def test_a_long_drag_is_marked_where_it_began(make):
    """A slider that is dragged while the lab trains is a change at each step: more of them than there are marks."""
    lab = LiveLab(make())
    lab.run(3)
    for step in range(60):
        lab.controls.set(weight={"reg": 0.01 * (step + 1)})
        lab.run(1)
    assert lab.display.curves.info["marks"] == [(3, "λ reg 0.6 by step 62")]


def test_running_the_cell_again_leaks_no_widget(make):
    from ipywidgets.widgets.widget import _instances

    counts = []
    for _ in range(4):
        LiveLab(make())._repr_mimebundle_()
        counts.append(len(_instances))
    assert counts[1:] == counts[:1] * 3


def test_what_a_browser_has_missed_is_sent_again(task, monkeypatch):
    lab, sent = LiveLab(task), []
    browser = Browser(lab)
    lab.run(1)  # a lab that nobody has looked at yet has more to send
    monkeypatch.setattr(lab.display.controls, "send_state", lambda key: sent.append(key))
    monkeypatch.setattr(lab.display.curves, "send_state", lambda key: sent.append(key))
    number = lab.display.controls.state["number"]
    browser("beat", shown=number)
    assert sent == []
    browser("beat", shown=number - 1)
    assert sent == ["state", ["info", "frame", "others", "picture"]]


def test_each_state_has_a_number_of_its_own(task):
    lab = LiveLab(task)
    first = lab.display.controls.state["number"]
    lab.controls.freeze("head")
    assert lab.display.controls.state["number"] == first + 1


def test_an_older_state_never_replaces_a_newer_one(task):
    """One thread has read how things stand, and another publishes a change before the first one does."""
    reading, go_on = threading.Event(), threading.Event()

    def playing():
        if threading.current_thread() is not first:
            return True
        reading.set()
        go_on.wait()
        return False

    first = second = None
    display = Display(Engine(task), "display under test", obey=lambda message: None, playing=playing)
    first, second = (threading.Thread(target=display.publish) for _ in range(2))
    first.start()
    reading.wait()
    second.start()
    second.join(0.2)
    go_on.set()
    for thread in (first, second):
        thread.join()
    assert display.controls.state["playing"] and display.controls.state["number"] == 1
    display.close()


def test_held_out_values_are_thinned_and_end_with_the_last():
    assert thinned([]) == {"name": "", "points": []}
    held_out = [(25 * i, {"accuracy (%)": float(i), "other": 0.0}) for i in range(1000)]
    sent = thinned(held_out)
    assert sent["name"] == "accuracy (%)" and POINTS / 2 < len(sent["points"]) <= POINTS
    assert sent["points"][-1] == [25 * 999, 999.0] and sent["points"] == sorted(sent["points"])
