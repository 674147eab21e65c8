"""What the training thread does around a step: held-out metrics, pauses, and whatever goes wrong."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from labtools import Browser, until

from jointopt import Task, Update, plans
from jointopt.live import LiveLab

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


def test_a_loss_that_turns_nan_at_step_n_pauses_and_says_which(make, state):
    task, sick = make(), [False]

    def losses(model, batch):
        answer = task.losses(model, batch)
        return {**answer, "reg": answer["reg"] / (0.0 if sick[0] else 1.0) * (0.0 if sick[0] else 1.0)}

    lab = LiveLab(Task(task.model, losses, task.batches, weights=task.weights))
    lab.run(5)
    before, sick[0] = state(task.model), True
    with pytest.raises(FloatingPointError, match="step 5: the loss 'reg' is nan"):
        lab.run(3)
    lab.play()
    until(lambda: lab.note and not lab.playing)
    assert "paused: step 5: the loss 'reg' is nan" in lab.note
    assert state.same(before, state(task.model))
    sick[0] = False
    assert lab.run(1).number == 5 and lab.note == ""


def test_an_error_in_the_readers_own_code_pauses_the_lab(task):
    def picture(model):
        raise RuntimeError("no picture today")

    lab = LiveLab(Task(task.model, task.losses, task.batches, picture=picture, weights=task.weights))
    with pytest.raises(RuntimeError, match="no picture today"):
        lab.run(1)
    assert "no picture today" in lab.note
    with pytest.raises(RuntimeError, match="no picture today"):
        lab.reset()
    Browser(lab)("reset")
    lab.play()
    until(lambda: not lab.playing)
    assert lab.engine.number > 0 and lab._trainer.worker.thread.is_alive()


@pytest.mark.parametrize("work", ["in a step", "between steps"])
def test_an_error_without_a_text_is_named_by_its_type(work, task):
    def fail(*args):
        raise AssertionError  # without a text

    where = {"in a step": "evaluate", "between steps": "picture"}[work]
    lab = LiveLab(Task(task.model, task.losses, task.batches, weights=task.weights, **{where: fail}))
    with pytest.raises(AssertionError):
        lab.reset() if where == "picture" else lab.run(1)
    assert lab.note == "paused: AssertionError"


def test_a_plan_that_ends_pauses_the_lab(task):
    lab = LiveLab(task, plans.joint(3))
    assert lab.run(10).number == 2 and "the plan ended after 3 steps" in lab.note
    lab.play()
    until(lambda: not lab.playing)


def test_held_out_figures_at_fixed_steps(task):
    counted = Task(task.model, task.losses, task.batches, evaluate=lambda m: {"figure (%)": 1.0}, weights=task.weights)
    lab = LiveLab(counted)
    lab.run(30)
    lab.run(25)
    assert [step for step, _ in lab.history.held_out] == [0, 25, 30, 50, 55]


def test_held_out_figures_wherever_the_browser_stops_it(task):
    counted = Task(task.model, task.losses, task.batches, evaluate=lambda m: {"figure (%)": 1.0}, weights=task.weights)
    lab = LiveLab(counted)
    for number in range(1, 5):
        Browser(lab)("step")
        until(lambda number=number: not lab.playing and lab.engine.number == number)
        lab.pause()  # returns when the step is done
        assert lab.history.held_out[-1][0] == number


@pytest.mark.parametrize(
    ("late", "first"), [("losses", 5), ("evaluate", 5), ("picture", 1), ("picture", 6), ("between steps", 7)]
)
def test_a_pause_shows_the_last_step_whenever_it_comes(late, first, task):
    """The last frame says that it is paused, and what is held out was measured there."""

    def press(where):
        if where == late and lab.engine.number >= first and not answers:
            answers.append(browser("pause"))

    def losses(model, batch):
        press("losses")
        return task.losses(model, batch)

    def evaluate(model):
        press("evaluate")
        return {"figure (%)": 1.0}

    def picture(model):
        press("picture")
        return np.zeros((2, 2, 3), dtype=np.uint8)

    answers = []
    lab = LiveLab(replace(task, losses=losses, evaluate=evaluate, picture=picture))
    lab._trainer.display.due = lambda: not answers  # no frame is due after it
    lab._trainer._picture.due = lambda cost=0.0: True
    browser = Browser(lab)
    browser("play")
    if late == "between steps":
        until(lambda: lab.engine.number >= first)
        lab._trainer.worker.do(lambda: press(late))
    until(lambda: answers and not lab.playing)
    lab._trainer.worker.do(lambda: None)  # all is done, then; pause() might show it itself
    shown = lab.display.curves.info
    assert answers == [""] and (shown["number"], shown["playing"]) == (lab.engine.number, False)
    assert lab.history.held_out[-1][0] == lab.engine.number


@pytest.mark.parametrize("button", ["play", "step", "reset", "go_to"])
def test_a_button_pressed_while_a_cell_runs_the_lab_is_refused(button, task):
    answers = []

    def losses(model, batch):
        if lab.engine.number == 5:
            pressed = threading.Thread(target=lambda: answers.append(browser(button)))
            pressed.start()
            pressed.join(600)
        return task.losses(model, batch)

    lab = LiveLab(replace(task, losses=losses))
    browser = Browser(lab)
    assert lab.run(10).number == 9
    assert len(answers) == 1 and "a cell runs this lab" in answers[0]


def test_each_press_of_one_step_is_a_step(task):
    lab = LiveLab(task)
    browser = Browser(lab)
    for _ in range(4):
        browser("step")
    until(lambda: lab.engine.number >= 4)
    lab.pause()  # returns when the step is done
    assert lab.engine.number == len(lab.history) == 4


@pytest.mark.parametrize("answers", [[{}], [{"a": 1.0}, {"b": 1.0}], [{"a": "high"}]])
def test_an_evaluate_that_answers_wrongly_pauses_the_lab(answers, task):
    later = iter(answers + answers[-1:] * 50)
    lab = LiveLab(Task(task.model, task.losses, task.batches, evaluate=lambda m: next(later), weights=task.weights))
    with pytest.raises(ValueError):  # noqa: PT011 - whatever float() says of "high"
        lab.run(30)
    assert lab.note.startswith("paused: ") and lab._trainer.worker.thread.is_alive()


def test_held_out_figures_may_be_tensors_and_nan(task):
    answer = iter([torch.tensor(1.0), float("nan"), 3.0])
    lab = LiveLab(
        Task(task.model, task.losses, task.batches, evaluate=lambda m: {"f": next(answer)}, weights=task.weights)
    )
    lab.run(26)
    assert lab.display.curves.info["held_out"] == {"name": "f", "points": [[0, 1.0], [26, 3.0]]}  # JSON has no nan


def test_a_plan_may_pause_the_lab_from_inside_a_step(task, tmp_path):
    def plan():
        for number in range(100):
            if number == 3:
                lab.pause()
                with pytest.raises(RuntimeError, match="wait for itself"):
                    lab.run(1)
            yield Update()

    lab = LiveLab(task, plan())
    lab.play()
    until(lambda: lab.engine.number == 4 and not lab.playing)
    assert lab.run(1).number == 4
