"""What is kept of a run: every step for the reader, a bounded view of it for the browser."""

import json
from dataclasses import replace

import numpy as np
import pytest

from jointopt import Update, figures, plans
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.history import VIEW_BYTES, History
from jointopt.live.lab.status_line import marks


def steps(engine, n, **options):
    return [engine.step(**options) for _ in range(n)]


def test_history_has_every_step_and_a_frame_that_stays_small(task):
    engine = Engine(task)
    run = steps(engine, 5)
    history = engine.history
    assert list(history["total"]) == [step.total for step in run]
    assert list(history["grad_norm.head"]) == [step.grad_norm["head"] for step in run]
    assert history["part.reg"] == pytest.approx(history["weight.reg"] * history["loss.reg"])
    with pytest.raises(KeyError, match="'totl'"):
        history["totl"]

    long = History(["task", "reg"], ["encoder", "neck", "head"])
    for number in range(5000):
        long.append(replace(run[0], number=number))
    frame = np.frombuffer(long.frame(), np.float32).reshape(-1, len(long.shown))
    assert len(long.frame()) <= VIEW_BYTES and len(long) == 5000
    assert np.all(np.diff(frame[:, 0]) > 0) and frame[-1, 0] > 4950 and frame[:, 1] == pytest.approx(run[0].total)
    assert frame[:, 0].mean() == pytest.approx(2500, rel=0.02)  # buckets of equal width


def test_a_loss_that_was_not_computed_is_nan_and_breaks_nothing(task):
    def losses(model, batch):
        answer = task.losses(model, batch)
        return {name: lambda name=name: answer[name] for name in answer}

    turns = plans.alternating(Update(losses="task"), Update("encoder", "reg"))
    engine = Engine(replace(task, losses=losses), turns)
    run = steps(engine, 40, measure=lambda update: True)
    history = engine.history
    for i, name in enumerate(("task", "reg")):
        counted = np.arange(40) % 2 == i
        assert list(np.isnan(history[f"loss.{name}"])) == list(~counted)
        assert list(history[f"loss.{name}"][counted]) == [step.losses[name] for step in run[i::2]]
        assert list(history[f"part.{name}"][~counted]) == [0.0] * 20 and np.all(history[f"part.{name}"][counted] > 0)
        assert np.all(np.isfinite(history[f"weight.{name}"]))
    frame = np.frombuffer(history.frame(), np.float32)
    assert np.all(np.isfinite(frame))
    engine.controls.set(weight={"reg": 0.5})
    steps(engine, 1)
    assert engine.status_line.text == "step 40: λ of reg 0.01 → 0.5, which this step does not count"
    engine.controls.set(weight={"task": 0.5})
    steps(engine, 1)
    assert engine.status_line.text == "step 41: λ of task 1 → 0.5, which this step does not count"
    steps(engine, 25)  # a new gesture
    engine.controls.set(weight={"reg": 0.1})
    steps(engine, 1)  # step 67 counts reg alone, as step 65 did; step 66 did not
    assert engine.status_line.text == "step 67: λ of reg 0.5 → 0.1"  # 100 % of J, as there
    json.dumps([[*pair, norm] for pair, norm in engine.influence().items()], allow_nan=False)
    lines = figures.run(history, marks(engine.log)).figure.axes[0].get_lines()
    assert {line.get_label() for line in lines} >= {"J", "λ·task", "λ·reg"}
