"""What is said of the last change, and how changes are marked on the curves."""

import pytest

from jointopt import Update, figures, plans
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.status_line import dated, marks, stays


def steps(engine, n):
    return [engine.step() for _ in range(n)]


def share(step, loss):
    """λ·L as a percentage of J."""
    return 100 * step.weights[loss] * step.losses[loss] / step.total


def test_the_status_line_says_what_the_last_change_did(task):
    engine = Engine(task)
    before = share(steps(engine, 4)[-1], "reg")
    engine.controls.set(weight={"reg": 0.1})
    after = share(engine.step(), "reg")
    assert engine.status_line.text.startswith("step 4: λ of reg 0.01 → 0.1, its share of J went from ")
    words = engine.status_line.text.replace("%", "").split()
    shares = [float(word) for word in words if word.replace(".", "").isdigit()][-2:]
    assert shares == pytest.approx([before, after], rel=0.06)
    engine.controls.freeze("encoder")
    steps(engine, 1)
    assert engine.status_line.text == "step 5: encoder frozen: its gradient is absent, its weights stand still"
    engine.controls.thaw("encoder")
    steps(engine, 1)
    assert engine.status_line.text.startswith("step 6: encoder thawed: its gradient is back, norm ")


def test_a_thawed_module_that_moves_in_other_steps_is_not_said_to_be_left_out_by_the_plan(task):
    engine = Engine(task, plans.alternating(Update("head"), Update("encoder")))
    engine.controls.freeze("encoder")
    steps(engine, 4)
    engine.controls.thaw("encoder")
    steps(engine, 1)
    assert engine.status_line.text == "step 4: encoder thawed; this step does not move it"


def test_a_dragged_slider_is_one_change(task):
    engine = Engine(task)
    steps(engine, 4)
    for weight in (0.02, 0.05, 0.1):
        engine.controls.set(weight={"reg": weight})
        steps(engine, 2)
    assert "step 8: λ of reg 0.01 → 0.1 since step 4, its share" in engine.status_line.text
    assert marks(engine.log) == [(4, "λ reg 0.1 by step 8")]  # a way back to before the mark is one to before the drag
    assert marks(engine.log, first=6) == [(6, "λ reg 0.1 by step 8")]
    assert dated(engine.log) == [("4–8", "λ reg 0.1")] and dated(engine.log, first=8) == [("8", "λ reg 0.1")]
    steps(engine, 40)
    engine.controls.set(weight={"reg": 1.0})
    steps(engine, 1)
    assert "λ of reg 0.1 → 1, its share" in engine.status_line.text
    assert marks(engine.log) == [(4, "λ reg 0.1 by step 8"), (50, "λ reg 1")]


def test_a_share_that_is_printed_the_same_is_not_said_to_have_changed(task):
    engine = Engine(task, [Update(None, "task")] * 6)
    steps(engine, 4)
    engine.controls.set(weight={"task": 2.0})
    steps(engine, 1)
    assert engine.status_line.text == "step 4: λ of task 1 → 2"


def test_what_a_reset_keeps_in_words():
    assert stays([]) == ""
    assert stays(["λ"]) == "λ stays as it is set; Reset again sets it back"
    assert stays(["λ", "freezing", "plan"]) == ("λ, freezing and plan stay as they are set; Reset again sets them back")


def test_plans_in_quick_succession_are_marked_each(task):
    engine = Engine(task, {"a": plans.joint(), "b": plans.joint()})
    for name in "abab":
        engine.menu.choose(name)
        steps(engine, 2)
    assert marks(engine.log) == [(2, "plan b"), (4, "plan a"), (6, "plan b")]
    assert "2 (step 4): plan a; 3 (step 6): plan b" in figures.run(engine.history, marks(engine.log)).alt
