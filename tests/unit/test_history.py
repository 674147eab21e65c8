"""What is kept of a run, what is said of it, and how often it is looked at."""

import json
from dataclasses import replace

import numpy as np
import pytest

from jointopt import Update, figures, plans
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.history import VIEW_BYTES, History
from jointopt.live.lab.status_line import marks
from jointopt.live.lab.throttle import Rhythm


def steps(engine, n, **options):
    return [engine.step(**options) for _ in range(n)]


def test_history_has_every_step_and_a_frame_that_stays_small(task):
    engine = Engine(task)
    taken = steps(engine, 5)
    history = engine.history
    assert list(history["total"]) == [step.total for step in taken]
    assert list(history["grad_norm.head"]) == [step.grad_norm["head"] for step in taken]
    assert history["part.reg"] == pytest.approx(history["weight.reg"] * history["loss.reg"])
    assert history.share("reg", 4) == pytest.approx(0.01 * taken[4].losses["reg"] / taken[4].total)
    with pytest.raises(KeyError, match="'totl'"):
        history["totl"]

    long = History(["task", "reg"], ["encoder", "neck", "head"])
    for number in range(5000):
        long.append(replace(taken[0], number=number))
    frame = np.frombuffer(long.frame(), np.float32).reshape(-1, len(long.shown))
    assert len(long.frame()) <= VIEW_BYTES and len(long) == 5000
    assert np.all(np.diff(frame[:, 0]) > 0) and frame[-1, 0] > 4950 and frame[:, 1] == pytest.approx(taken[0].total)
    assert frame[:, 0].mean() == pytest.approx(2500, rel=0.02)  # buckets of equal width


def test_a_loss_that_was_not_computed_is_nan_and_breaks_nothing(task):
    def losses(model, batch):
        answer = task.losses(model, batch)
        return {name: lambda name=name: answer[name] for name in answer}

    turns = plans.alternating(Update(losses="task"), Update("encoder", "reg"))
    engine = Engine(replace(task, losses=losses), turns)
    taken = steps(engine, 40, measure=lambda update: True)
    history = engine.history
    for i, name in enumerate(("task", "reg")):
        counted = np.arange(40) % 2 == i
        assert list(np.isnan(history[f"loss.{name}"])) == list(~counted)
        assert list(history[f"loss.{name}"][counted]) == [step.losses[name] for step in taken[i::2]]
        assert list(history[f"part.{name}"][~counted]) == [0.0] * 20 and np.all(history[f"part.{name}"][counted] > 0)
        assert np.all(np.isfinite(history[f"weight.{name}"])) and history.share(name, 39) == pytest.approx(i)
    frame = np.frombuffer(history.frame(), np.float32)
    assert np.all(np.isfinite(frame))
    engine.controls.set(weight={"reg": 0.5})
    steps(engine, 1)
    assert engine.said == "step 40: λ of reg 0.01 → 0.5, which this step does not count"
    engine.controls.set(weight={"task": 0.5})
    steps(engine, 1)
    assert engine.said == "step 41: λ of task 1 → 0.5, which this step does not count"
    steps(engine, 25)  # a new gesture
    engine.controls.set(weight={"reg": 0.1})
    steps(engine, 1)  # step 67 counts reg alone, as step 65 did; step 66 did not
    assert engine.said == "step 67: λ of reg 0.5 → 0.1, its share of J went from 100 % to 100 %"
    json.dumps([[*pair, norm] for pair, norm in engine.influence().items()], allow_nan=False)
    lines = figures.run(history, marks(engine.log)).figure.axes[0].get_lines()
    assert {line.get_label() for line in lines} >= {"J", "λ·task", "λ·reg"}


def test_the_status_line_says_what_the_last_change_did(task):
    engine = Engine(task)
    steps(engine, 4)
    engine.controls.set(weight={"reg": 0.1})
    steps(engine, 1)
    before, after = (round(100 * engine.history.share("reg", n), 1) for n in (3, 4))
    assert engine.said.startswith("step 4: λ of reg 0.01 → 0.1, its share of J went from ")
    said = [float(word) for word in engine.said.replace("%", "").split() if word.replace(".", "").isdigit()][-2:]
    assert said == pytest.approx([before, after], rel=0.06)
    engine.controls.freeze("encoder")
    steps(engine, 1)
    assert engine.said == "step 5: encoder frozen: its gradient is absent, its weights stand still"
    engine.controls.thaw("encoder")
    steps(engine, 1)
    assert engine.said.startswith("step 6: encoder thawed: its gradient is back, norm ")


def test_a_thawed_module_that_moves_in_other_steps_is_not_said_to_be_left_out_by_the_plan(task):
    engine = Engine(task, plans.alternating(Update("head"), Update("encoder")))
    engine.controls.freeze("encoder")
    steps(engine, 4)
    engine.controls.thaw("encoder")
    steps(engine, 1)
    assert engine.said == "step 4: encoder thawed; this step does not move it"


def test_a_dragged_slider_is_told_and_marked_as_one_change(task):
    engine = Engine(task)
    steps(engine, 4)
    for weight in (0.02, 0.05, 0.1):
        engine.controls.set(weight={"reg": weight})
        steps(engine, 2)
    assert "λ of reg 0.01 → 0.1," in engine.said
    assert marks(engine.log) == [(8, "λ reg 0.1")]
    steps(engine, 40)
    engine.controls.set(weight={"reg": 1.0})
    steps(engine, 1)
    assert marks(engine.log) == [(8, "λ reg 0.1"), (50, "λ reg 1")]


def test_plans_in_quick_succession_are_marked_each(task):
    engine = Engine(task, {"a": plans.joint(), "b": plans.joint()})
    for name in "abab":
        engine.menu.choose(name)
        steps(engine, 2)
    assert marks(engine.log) == [(2, "plan b"), (4, "plan a"), (6, "plan b")]
    assert "2 (step 4): plan a; 3 (step 6): plan b" in figures.run(engine.history, marks(engine.log)).alt


def test_a_rhythm_keeps_to_its_share(monkeypatch):
    now, used = [0.0], [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.thread_time", lambda: used[0])

    def job():
        used[0] += 0.1
        now[0] += 0.1

    rhythm = Rhythm(share=0.02)
    while now[0] < 100:
        rhythm.do(job)
        now[0] += 0.05
    assert 0.015 < used[0] / now[0] <= 0.021
    cheap, count = Rhythm(share=0.02), 0
    start = now[0]
    while now[0] < start + 10:
        count += cheap.due(cost=0.001)
        now[0] += 0.05
    assert 9 <= count <= 10  # about once a second
