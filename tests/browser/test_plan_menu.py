"""The menu of plans as a person meets it: by keyboard and by mouse, while training runs, with names of any kind."""

import pytest
from lab_page import LAB_CELL, shown
from lab_server import until

LONG = {
    "words": "a plan with a name of many words " * 6,
    "no space": "x" * 199,
    "hostile": "<b title='\"&'>$\\frac$</b>",
}
MENU = f"""from jointopt import Update, plans, tasks
from jointopt.live import LiveLab
menu = {{"joint": plans.joint(), "staged": plans.staged((Update("classifier", "task"), None)), "brief": [Update()] * 3}}
menu |= {{name: plans.joint() for name in {list(LONG.values())}}}
lab = LiveLab(tasks.load("classification"), menu, name="start")
lab"""


@pytest.fixture
def lab_with_menu(notebook):
    """The same lab with plans to choose from, some of them with names that are hard to show."""
    notebook.rewrite_cell(LAB_CELL, MENU)
    return shown(notebook)


def test_another_plan_from_the_menu_while_it_plays(lab_with_menu, errors):
    """By keyboard, then by mouse: from that step on the kernel moves the new plan's modules and no others."""
    lab, page = lab_with_menu, lab_with_menu.page
    assert lab.plan.input_value() == "joint"
    lab.play.click()
    lab.steps_on()
    lab.reset.focus()
    page.keyboard.press("Tab")
    assert lab.plan.evaluate("e => e === document.activeElement")
    page.keyboard.press("ArrowDown")
    until(lambda: "plan joint → staged: this step moves classifier on task" in lab.status(), what="the switch in words")
    before = lab.fingerprints()
    lab.steps_on(10)
    after = lab.fingerprints()
    assert before[0] == after[0] and before[1] != after[1] and lab.plan.input_value() == "staged"
    at = int(lab.notebook.kernel("print(lab.engine.log[-1].step)"))
    moved = lab.notebook.kernel("print(*(int(v > 0) for v in lab.history['change.feature_extractor']), sep='')")
    assert set(moved[:at]) == {"1"} and set(moved[at:]) == {"0"}
    assert f"step {at}: plan staged" in page.locator(".jo-marks").text_content()

    lab.plan.select_option("joint")
    until(lambda: "plan staged → joint: this step moves feature_extractor, classifier on task, reg" in lab.status())
    assert lab.fingerprints()[0] != after[0] and lab.play.get_attribute("aria-disabled") == "true" and errors == []


def test_a_plan_that_has_ended_can_be_chosen_again(lab_with_menu, errors):
    lab, page = lab_with_menu, lab_with_menu.page
    lab.plan.select_option("brief")
    label = "e => e.selectedOptions[0].textContent"
    for number in (3, 6):
        until(lambda: lab.plan.evaluate(label) == "brief", what="the plan in the menu")
        lab.play.click()
        until(lambda: lab.plan.evaluate(label) == "brief (ended)", what="the end in the menu")
        until(lambda: f"the plan 'brief' ended after {number} steps" in lab.status(), what="the end in words")  # noqa: B023
        lab.plan.focus()
        page.keyboard.press("b")  # as a person does: a select says nothing when what it shows is chosen
    assert lab.notebook.kernel("print(lab.engine.number)") == "6" and errors == []


def test_plans_of_long_names_break_nothing(lab_with_menu, errors):
    lab, page = lab_with_menu, lab_with_menu.page
    lab.one_step.click()
    until(lambda: lab.step() == 1, what="a step with the first plan")
    for name in LONG.values():
        lab.plan.select_option(name)
        lab.one_step.click()
        until(lambda: f"→ {name}: this step" in page.locator(".jo-status").text_content(), what=name)  # noqa: B023
        assert lab.plan.input_value() == name
    page.locator(".jo-curves summary").click()
    for width in (800, 1600):
        page.set_viewport_size({"width": width, "height": 1000})
        for selector in (".jo-controls", ".jo-curves"):
            until(lambda: page.eval_on_selector(selector, "e => e.scrollWidth - e.clientWidth") <= 1, selector)  # noqa: B023
        assert lab.plan.bounding_box()["width"] <= 400
    assert page.locator(".jo-status b").count() == 0 and errors == []
