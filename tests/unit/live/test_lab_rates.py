"""Learning rates of modules, and what changes with the step, in the lab: shown, logged, branched, saved, compared."""

import json
import re

import pytest
from labtools import Browser

from jointopt import Controls, schedules
from jointopt.live import LiveLab

pytestmark = pytest.mark.usefixtures("no_lab_is_left")
RISE = schedules.linear((0, 0.0), (10, 0.1))


def state_of(lab):
    return lab.display.controls.state


def equal(lab, other):
    return all(list(lab.history[column]) == list(other.history[column]) for column in lab.history.columns)


def test_the_browser_sets_a_rate_and_gives_it_back(make):
    lab = LiveLab(make(), controls=Controls(lr=1e-3))
    browser = Browser(lab)
    lab.run(2)
    assert not browser("lr", name="head", value=1e-2) and state_of(lab)["lrs"] == {"head": 1e-2}
    assert state_of(lab)["next"] == ["lr head 0.01"]
    lab.run(2)
    assert lab.engine.status_line.text == "step 2: learning rate of head 0.001 → 0.01"
    assert not browser("lr", name="head", value=None) and not browser("lr", value=2e-3)
    lab.run(1)
    assert "learning rate 0.001 → 0.002" in lab.engine.status_line.text
    assert "learning rate of head 0.01 → as all" in lab.engine.status_line.text and state_of(lab)["lrs"] == {}
    assert "must be a finite number ≥ 0, got -1" in browser("lr", name="head", value=-1)
    assert "decimal notation" in browser("lr", name="head", value="fast")
    assert "no module with parameters is named 'tail'" in browser("lr", name="tail", value=0.1)


def test_another_optimizer_begins_with_one_rate_for_all(make):
    lab = LiveLab(make(), controls=Controls(lr={"head": 1e-2}))
    lab.run(2)
    lab.engine.use_optimizer("SGD")
    lab.run(1)
    assert (state_of(lab)["lr"], state_of(lab)["lrs"]) == (0.05, {})
    assert lab.engine.log[1:] == [(2, "optimizer", "SGD"), (2, "lr", 0.05), (2, "lr.head", None)]


def test_what_changes_with_the_step_is_shown_as_it_stands_and_as_it_goes_on(make):
    lab = LiveLab(make(), controls=Controls({"reg": RISE}, lr={"head": lambda step: 1e-3 / (step + 1)}))
    lab.run(5)
    state = state_of(lab)
    assert state["weights"]["reg"] == 0.05 and state["lrs"] == {"head": 1e-3 / 5} and state["step"] == 5
    reg, head = state["courses"]["weight.reg"], state["courses"]["lr.head"]
    assert reg["words"] == "a schedule: 0 → 0.1 (step 10)" and head["words"] == "a function of the step"
    assert reg["steps"] == list(range(12)) and reg["values"] == [RISE(n) for n in range(12)]
    assert head["steps"] == list(range(5)) and head["values"][:3] == [1e-3, 1e-3 / 2, 1e-3 / 3]
    lab.controls.set(weight={"reg": 0.3})
    assert list(state_of(lab)["courses"]) == ["lr.head"]
    json.dumps(state)


def test_a_function_that_fails_pauses_the_lab_and_says_where(make):
    lab = LiveLab(make(), controls=Controls(lr=[0.01, 0.02, -1].__getitem__))
    with pytest.raises(ValueError, match="the learning rate at step 2 must be a finite number ≥ 0, got -1"):
        lab.run(5)
    assert lab.engine.number == 2 and "the learning rate at step 2" in lab.note and state_of(lab)["lr"] == 0.02
    lab.controls.set(lr=0.01)
    assert lab.run(1).number == 2


def test_a_function_that_uses_the_controls_is_asked_once_for_each_step(make, tmp_path):
    asked, file = [], tmp_path / "run.json"
    lab = LiveLab(make())

    def rate(step):
        asked.append(step)
        if step == 3:
            lab.controls.set(weight={"task": 2.0})
        return 0.1 if lab.controls.weights.get("reg") == 0.3 else 1e-3

    lab.controls.set(lr=rate)
    lab.run(4)
    lab.controls.set(weight={"reg": 0.3})
    lab.run(4)
    lab.save(file)
    assert LiveLab.replay(file, make(), name="again").note == "replayed 8 steps to the same numbers"
    branch = lab.branch(6)
    assert branch.repeats and asked == list(range(8)) and lab.controls.weights["task"] == 2.0


def test_a_function_that_fails_is_named_and_the_run_can_be_saved_once_it_is_replaced(make, tmp_path):
    lab = LiveLab(make(), controls=Controls(lr=[0.01].__getitem__))
    words = "the learning rate: the function fails at step 1: IndexError: list index out of range"
    with pytest.raises(ValueError, match=words):
        lab.run(3)
    assert words in lab.note
    lab.controls.set(lr={"head": [].pop})
    with pytest.raises(ValueError, match="the function fails at step 1"):
        lab.save(tmp_path / "run.json")
    assert not (tmp_path / "run.json").exists()
    lab.controls.set(lr=0.02)
    lab.controls.set(lr={"head": None})
    lab.run(2)
    lab.save(tmp_path / "run.json")
    again = LiveLab.replay(tmp_path / "run.json", make(), name="again")
    assert again.note == "replayed 3 steps to the same numbers"


def test_while_an_optimizer_steps_the_rate_of_all_is_shown_as_it_is(make):
    lab = LiveLab(make(), controls=Controls(lr={"encoder": 0.5}))
    seen = []
    lab.engine.optimizer.register_step_pre_hook(lambda *_: seen.append(lab.display._state()["lr"]))
    lab.run(2)
    assert seen == [1e-3, 1e-3]


def test_a_run_too_long_for_a_file_is_refused_before_it_is_written(make, tmp_path, monkeypatch):
    monkeypatch.setattr("jointopt.live.lab.saved_run.LARGEST", 100)
    lab = LiveLab(make())
    lab.run(1)
    with pytest.raises(ValueError, match="this run is too long for a file"):
        lab.save(tmp_path / "run.json")
    assert not (tmp_path / "run.json").exists()


def test_a_branch_goes_on_with_the_rates_of_its_step(make):
    lab = LiveLab(make(), controls=Controls({"reg": RISE}, lr={"head": schedules.warmup_cosine(1e-2, 3, 12)}))
    lab.run(6)
    lab.controls.set(lr={"head": None, "encoder": 1e-4})
    lab.run(6)
    lab.branch(4)
    assert list(lab.controls.lrs) == ["head"]
    lab.run(2)
    lab.controls.set(lr={"head": None, "encoder": 1e-4})
    lab.run(6)
    first, second = (branch.history for branch in lab.branches)
    assert all(list(first[column]) == list(second[column]) for column in first.columns)
    lab.use_branch("A")
    assert lab.controls.lrs == {"encoder": 1e-4}


@pytest.mark.parametrize("function", [schedules.warmup_cosine(1e-2, 3, 30), lambda step: 1e-2 / (step + 1)])
def test_a_saved_run_has_rates_and_functions(function, make, tmp_path):
    lab, file = LiveLab(make(), controls=Controls({"reg": RISE})), tmp_path / "run.json"
    lab.run(3)
    lab.controls.set(lr={"head": function, "encoder": 1e-4})
    lab.run(5)
    lab.branch(6)
    lab.controls.set(lr=function)
    lab.run(9)
    lab.save(file)
    again = LiveLab.replay(file, make(), name="again")
    assert again.note == "replayed 17 steps in 2 branches to the same numbers" and equal(lab, again)
    assert again.display.controls.state["courses"].keys() == {"weight.reg", "lr", "lr.head"}
    steps = 9 if isinstance(function, schedules.Schedule) else 0  # one of our own goes on, else its last number stays
    lab.run(steps or 1), again.run(steps or 1)
    assert equal(lab, again) == bool(steps)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[5, 0.1], [3, 0.2]], "by rising steps"),
        ([], "by rising steps, got steps []"),
        ([[0, 0.1, "square"]], "must be one of 'linear', 'cosine'"),
        ("fast", "must be a finite number"),
        ({"head": 0.1}, "must be a finite number"),
    ],
)
def test_a_broken_schedule_in_a_file_is_refused(value, words, make, tmp_path):
    lab, file = LiveLab(make(), controls=Controls(lr={"head": RISE})), tmp_path / "run.json"
    lab.run(2)
    lab.save(file)
    run = json.loads(file.read_text(encoding="utf-8"))
    run["branches"][0]["log"][0][2] = value
    file.write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(ValueError, match=f"a logged change is .* got .*{re.escape(words)}"):
        LiveLab.replay(file, make(), name="again")
    run["branches"][0]["log"][0][1:] = ["lr.tail", 0.1]
    file.write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(ValueError, match="'tail'"):
        LiveLab.replay(file, make(), name="again")
