"""Learning rates of single modules, and what changes with the step, set and seen in the lab."""

from lab_page import shown
from lab_server import until

RATES = "print(lab.controls.lrs)"
RISE = "from jointopt import schedules; lab.controls.set(weight={'reg': schedules.linear((0, 0.0), (1000, 0.1))})"


def test_a_module_has_a_rate_of_its_own_until_its_field_is_emptied(notebook, errors):
    lab = shown(notebook)
    common = lab.page.get_by_role("textbox", name="learning rate", exact=True)
    exact = lab.page.get_by_role("textbox", name="learning rate of classifier, exact; empty: that of all")
    slider = lab.page.get_by_role("slider", name="learning rate of classifier, logarithmic, 0 at the left end")
    assert exact.input_value() == "" and exact.get_attribute("placeholder") == common.input_value() == "0.001"
    exact.fill("0.02")
    exact.press("Enter")
    until(lambda: notebook.kernel(RATES) == "{'classifier': 0.02}", "the rate in the controls")
    until(lambda: slider.get_attribute("aria-valuetext") == "0.02", "the slider to follow")
    slider.focus()
    lab.page.keyboard.press("ArrowRight")
    until(lambda: notebook.kernel(RATES) == "{'classifier': 0.0251}", "the slider's rate in the controls")
    common.fill("0.003")
    common.press("Enter")
    lab.one_step.click()
    until(lambda: lab.step() == 1, "a step")
    assert notebook.kernel("print(lab.engine.log[-2:])").count("lr") == 2 and exact.input_value() == "0.0251"
    exact.fill("")
    exact.press("Enter")
    until(lambda: notebook.kernel(RATES) == "{}", "the rate of all")
    until(lambda: exact.get_attribute("placeholder") == "0.003", "the field to say which that is")
    exact.fill("fast")
    exact.press("Enter")
    until(lambda: "decimal notation" in lab.alert.inner_text(), "a refusal in words")
    assert not errors


def test_a_schedule_is_drawn_and_moves_its_control_until_somebody_does(notebook, errors):
    lab = shown(notebook)
    course = lab.page.locator("[data-course='weight.reg']")
    assert course.is_hidden()
    notebook.kernel(RISE)
    course.wait_for()
    assert course.get_attribute("aria-label") == "changes with the step: a schedule: 0 → 0.1 (step 1000)"
    dot, first = course.locator("circle"), course.locator("circle").get_attribute("cx")
    lab.play.click()
    lab.steps_on(30)
    until(lambda: float(dot.get_attribute("cx")) > float(first), "the dot to move")
    until(lambda: float(lab.exact.input_value()) > 0.001, "the field to move")
    lab.exact.fill("0.5")
    lab.exact.press("Enter")
    until(course.is_hidden, "a number in its place")
    until(lambda: lab.weight() == 0.5, "λ in the loop")
    assert not errors
