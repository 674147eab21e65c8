"""The lab without a browser: run, play, replay, replace, and files from elsewhere."""

import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from labtools import Browser, until

from jointopt import Controls, Task, Update, plans, train
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


def test_what_waits_for_the_next_step_is_shown(make):
    lab = LiveLab(make(), {"a": plans.joint(), "b": plans.joint()})
    state = lambda: lab.display.controls.state["next"]  # noqa: E731
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
    Browser(lab)("beat")
    until(lambda: lab.display.frames_sent > 2)


def test_a_second_lab_of_a_name_replaces_the_first(make):
    first = LiveLab(make(), name="same")
    first.play()
    second = LiveLab(make(), name="same")
    assert _trainers["same"] is second._trainer and not first._trainer.thread.is_alive()
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
    with pytest.raises(ValueError, match="whole number of steps ≥ 1, got"):
        LiveLab(task).run(n)


def test_an_interrupt_stops_run_at_a_step_boundary(task):
    """What Kernel > Interrupt does: a KeyboardInterrupt in the main thread. A shell's background job ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    lab = LiveLab(task)
    threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        lab.run(1_000_000)
    number = lab.engine.number
    signal.signal(signal.SIGINT, before)
    assert number == len(lab.history) > 0 and not lab.playing
    assert lab.run(1).number == number


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
    until(lambda: lab.note)
    assert "paused: step 5: the loss 'reg' is nan" in lab.note and not lab.playing
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
    assert lab.engine.number > 0 and lab._trainer.thread.is_alive()


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


def test_a_figure_of_the_run(task):
    lab = LiveLab(task)
    lab.run(5)
    lab.controls.freeze("encoder")
    lab.run(5)
    figure = lab.figure()
    assert figure.png().startswith(b"\x89PNG") and "1 (step 5): freeze encoder" in figure.alt


# What two threads, a browser and a reader's own code can do to each other


def test_two_labs_of_different_names_cannot_train_one_model(task):
    lab = LiveLab(task, name="a")
    with pytest.raises(ValueError, match="the lab 'a' trains this very model"):
        LiveLab(task, name="b")
    assert lab.run(1).number == 0


@pytest.mark.parametrize("button", ["play", "step", "reset"])
def test_a_button_pressed_while_a_cell_runs_the_lab_is_refused(button, task):
    lab, answers = LiveLab(task), []
    browser = Browser(lab)
    pressed = threading.Thread(target=lambda: (until(lambda: lab.engine.number > 5), answers.append(browser(button))))
    pressed.start()
    assert lab.run(300).number == 299
    pressed.join()
    assert "a cell runs this lab" in answers[0]


def test_each_press_of_one_step_is_a_step(task):
    lab = LiveLab(task)
    browser = Browser(lab)
    for _ in range(4):
        browser("step")
    until(lambda: lab.engine.number == 4)


@pytest.mark.parametrize("answers", [[{}], [{"a": 1.0}, {"b": 1.0}], [{"a": "high"}]])
def test_an_evaluate_that_answers_wrongly_pauses_the_lab(answers, task):
    later = iter(answers + answers[-1:] * 50)
    lab = LiveLab(Task(task.model, task.losses, task.batches, evaluate=lambda m: next(later), weights=task.weights))
    with pytest.raises(ValueError):  # noqa: PT011 - whatever float() says of "high"
        lab.run(30)
    assert lab.note.startswith("paused: ") and lab._trainer.thread.is_alive()


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


def test_a_figure_while_it_plays_and_when_nothing_moves(task):
    lab = LiveLab(task, controls=Controls(frozen=["encoder", "neck", "head"]))
    lab.run(6)
    assert lab.figure().png()
    lab.controls.thaw("encoder", "neck", "head")
    lab.play()
    for _ in range(5):
        lab.figure()
    lab.pause()


def test_running_the_cell_again_leaks_no_widget(make):
    from ipywidgets.widgets.widget import _instances

    counts = []
    for _ in range(4):
        LiveLab(make())._repr_mimebundle_()
        counts.append(len(_instances))
    assert counts[1:] == counts[:1] * 3


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
