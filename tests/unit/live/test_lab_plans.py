"""The lab's menu of plans, from a cell and from the browser, while it plays; and how far it plays."""

import threading

import pytest
from labtools import Browser, until

from jointopt import Update, plans
from jointopt.live import LiveLab

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


def staged_and_short():
    return {"joint": plans.joint(), "staged": plans.staged((Update("head"), None)), "short": plans.joint(2)}


def test_a_plan_from_the_menu_while_it_plays(task, state):
    lab = LiveLab(task, staged_and_short())
    assert lab.display.controls.spec["plans"] == ["joint", "staged", "short"]
    assert lab.display.controls.state["plan"] == "joint"
    lab.play()
    until(lambda: lab.engine.number > 5)
    lab.use_plan("staged")
    assert lab.display.controls.state["plan"] == "staged" and lab.playing
    until(lambda: len(lab.engine.log) == 2)
    at = lab.engine.log[1].step
    until(lambda: lab.engine.number > at + 1)
    before = state(task.model.encoder)
    until(lambda: lab.engine.number > at + 20)
    lab.pause()
    assert state.same(before, state(task.model.encoder))
    assert [tuple(change) for change in lab.engine.log] == [(0, "plan", "joint"), (at, "plan", "staged")]
    assert set(lab.engine.updates[:at]) == {Update()} and set(lab.engine.updates[at:]) == {Update("head")}
    lab.run(1)
    assert (at, "plan staged") in [tuple(mark) for mark in lab.display.curves.info["marks"]]
    assert f"1 (step {at}): plan staged" in lab.figure().alt
    lab.reset()
    assert lab.display.controls.state["plan"] == "staged" and lab.run(1).update == Update("head")
    lab.controls.freeze("encoder")
    lab.reset(settings=True)
    shown = lab.display.controls.state
    assert shown["plan"] == "joint" and shown["frozen"] == [] and lab.run(1).update == Update()


def test_a_plan_by_a_message_from_the_browser(task):
    lab = LiveLab(task, staged_and_short())
    browser = Browser(lab)
    assert browser("plan", value="short") == "" and lab.display.controls.state["plan"] == "short"
    lab.run(2)
    assert not lab.display.controls.state["ended"]
    browser("play")
    until(lambda: lab.display.controls.state["ended"] and lab.note)
    assert "paused: the plan 'short' ended after 2 steps" in lab.note
    for name in ("short", "joint"):
        assert browser("plan", value=name) == "" and not lab.display.controls.state["ended"]
        lab.run(2)
    assert lab.engine.number == 6
    assert "no plan is named 'jont'; there are 'joint', 'short', 'staged'" in browser("plan", value="jont")
    assert "no plan is named None" in browser("plan") and lab.engine.menu.chosen == "joint"


def test_an_unknown_plan_and_a_menu_of_none_are_refused(make):
    lab = LiveLab(make(), staged_and_short())
    with pytest.raises(ValueError, match="no plan is named 'x'; there are 'joint', 'short', 'staged'"):
        lab.use_plan("x")
    with pytest.raises(ValueError, match="at least one"):
        LiveLab(make(), {})
    assert lab.run(1).number == 0  # the lab of that name is at work
    single = LiveLab(make())
    with pytest.raises(ValueError, match="one plan, without a name"):
        single.use_plan("joint")
    assert single.display.controls.spec["plans"] == []


def test_a_plan_that_names_no_module_pauses_the_lab_and_another_goes_on(task):
    lab = LiveLab(task, {"joint": plans.joint(), "wrong": [Update("hed")]})
    lab.run(2)
    lab.use_plan("wrong")
    lab.play()
    until(lambda: not lab.playing)
    assert "'hed'" in lab.note and lab.engine.number == 2 and len(lab.engine.log) == 1
    lab.use_plan("joint")
    assert lab.run(1).number == 2 and len(lab.engine.log) == 1


def test_the_browser_plays_on_to_a_step_or_goes_back_to_it(make):
    lab = LiveLab(make())
    browser, state = Browser(lab), lambda: lab.display.controls.state
    lab.run(5)
    assert browser("go_to", value=25) == ""
    until(lambda: lab.engine.number == 25 and not state()["playing"])
    assert lab.engine.status_line.text == "from step 5 on to step 25, then a pause"
    assert browser("go_to", value=10**9) == ""
    until(lambda: lab.engine.number > 30)
    assert lab.playing and state()["playing"] and browser("pause") == ""
    lab.pause()
    assert not lab.playing and not state()["playing"] and len(lab.branches) == 1
    assert browser("go_to", value=lab.engine.number) == "" and len(lab.branches) == 1  # it is there
    assert browser("go_to", value=7) == ""
    until(lambda: lab.display.curves.info["branch"] == "B")
    assert lab.engine.number == 7


def test_a_step_that_passes_before_it_is_asked_for(make):
    lab, asked = LiveLab(make()), threading.Event()

    def slow():
        asked.wait(60)
        lab.engine.step(lambda update: False)
        lab.engine.step(lambda update: False)

    lab.run(5)
    lab._trainer.worker.do(slow, wait=False)
    assert Browser(lab)("go_to", value=6) == ""
    asked.set()
    until(lambda: lab.display.curves.info["number"] == 7)
    assert lab.display.curves.info["status"] == "paused: step 6 is behind"
    assert lab.engine.number == 7 and len(lab.branches) == 1
