"""Going back in the lab as a person does: click a step, branch there, freeze instead, and compare the two futures."""

import re

from lab_page import shown
from lab_server import until

CURRENT = "print(lab.engine.current.name, lab.engine.number, *lab.controls.frozen)"


def test_go_back_and_take_the_other_way(notebook, errors):
    lab = shown(notebook)
    page, branches = lab.page, lab.page.get_by_role("combobox", name="branch", exact=True)
    at, here = page.get_by_role("textbox", name="step", exact=True), page.get_by_role("button", name="Branch here")
    first = lab.exact.input_value()
    lab.play.click()
    lab.steps_on(20)
    assert branches.is_hidden()
    lab.exact.fill("1")
    lab.exact.press("Enter")
    until(lambda: lab.weight() == 1, what="λ in the loop")
    lab.steps_on(10)
    lab.pause.click()
    until(lab.play.is_enabled, "the lab to pause")
    last = int(notebook.kernel("lab.pause(); print(lab.engine.number)"))  # with the step that was under way

    canvas = page.locator(".jo-curves canvas").first
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    assert canvas.evaluate("e => getComputedStyle(e).cursor") == "crosshair"
    canvas.click(position={"x": 0.35 * box["width"], "y": box["height"] / 2})
    clicked = int(at.input_value())
    assert 0 < clicked < last and at.evaluate("(field) => field === document.activeElement")
    words = f"step {clicked}: Branch here goes back to it"
    until(lambda: lab.status() == words, "the step in words")
    line = f" A line marks step {clicked}."
    until(lambda: canvas.get_attribute("aria-label").endswith(line), "a line at the step")
    at.press("Escape")
    until(lambda: lab.status() != words and line not in canvas.get_attribute("aria-label"), "the line to go")
    assert at.input_value() == "" and at.evaluate("(field) => field === document.activeElement")
    until(lambda: "steps/s" not in page.locator(".jo-step").inner_text(), "the speed of what stands still to go")
    at.fill("7")
    page.keyboard.press("Enter")
    until(lambda: lab.step() == 7, "the run to stand before step 7")
    assert notebook.kernel(CURRENT).split() == ["B", "7"]
    until(lambda: lab.exact.input_value() == first and branches.is_visible(), "the controls as they stood there")
    assert lab.status() == "branch B: back before step 7; A stays, pale"
    caution, cell = page.locator(".jo-caution summary"), page.locator(".jo-caution textarea")
    assert caution.inner_text() == "one run each: not evidence yet" and cell.is_hidden()
    caution.press("Enter")
    until(lambda: cell.evaluate("cell => cell === document.activeElement"), "the code, in which a person can copy")
    assert f"compare(make, lab.arms(), Budget(steps={last}), seeds=range(1, 6))" in cell.input_value()
    assert page.evaluate("() => getSelection().toString()") == cell.input_value()
    cell.press("Escape")
    assert cell.is_hidden() and caution.evaluate("summary => summary === document.activeElement")
    assert re.search(r"Pale behind it: branch A, marked at step \d+\.", canvas.get_attribute("aria-label"))
    metric = page.locator(".jo-curves canvas").nth(4)
    ends = rf"At step 7: B ([\d.]+), A \1\. Last: B \1 at step 7, A [\d.]+ at step {last}\.$"
    assert re.search(ends, metric.get_attribute("aria-label"))
    assert page.get_by_text("held-out accuracy (%), at step 7").is_visible()
    page.locator(".jo-curves summary").click()
    marks = page.locator(".jo-marks li").all_inner_texts()
    assert marks[0] == "1 step 7: branch B from A" and re.fullmatch(r"A1 step \d+: λ reg 1", marks[1])
    lab.freeze("feature_extractor").focus()
    page.keyboard.press("Space")
    lab.play.click()
    lab.steps_on(10)
    lab.pause.click()
    until(lab.play.is_enabled, "the lab to pause")
    here.wait_for()

    branches.select_option("A")
    until(lambda: lab.step() == last, f"the first future, of {last} steps")
    assert notebook.kernel(CURRENT).split() == ["A", str(last)]
    until(lambda: not lab.freeze("feature_extractor").is_checked(), what="the switch to stand as it did there")
    options = branches.locator("option").all_inner_texts()
    assert re.fullmatch(r"A: λ reg 1 at \d+", options[0])
    assert options[1:] == ["B from step 7 of A: freeze feature_extractor"]
    assert not errors


def test_play_to_a_step_that_is_still_to_come(notebook, errors):
    lab = shown(notebook)
    at = lab.page.get_by_role("textbox", name="step", exact=True)
    at.fill("12")
    at.press("Enter")
    until(lambda: lab.step() == 12 and lab.play.is_enabled(), "the step, and a pause")
    until(lambda: lab.status() == "from step 0 on to step 12, then a pause", "the words")
    assert at.input_value() == "" and notebook.kernel("print(lab.engine.number, len(lab.branches))") == "12 1"
    at.fill("99999")
    at.press("Enter")
    until(lab.pause.is_enabled, "a pause that can be pressed on the way")
    lab.pause.click()
    until(lab.play.is_enabled, "the lab to pause")
    assert 12 <= int(notebook.kernel("print(lab.engine.number)")) < 99999
    assert not errors


def test_reset_asks_before_it_drops_branches(notebook, errors):
    lab = shown(notebook)
    question = lab.page.get_by_role("button", name="Sure?", exact=True)
    notebook.kernel("lab.run(12); lab.branch(6); lab.run(2)")
    until(lambda: lab.step() == 8, "the second branch")
    lab.page.get_by_role("combobox", name="branch", exact=True).wait_for()
    # One press, as is a key that is held. In one task: between two of the mouse the machine may stand still.
    lab.reset.evaluate("(button) => { button.click(); button.click(); }")
    question.wait_for()
    assert lab.page.locator(".jo-asks").inner_text().startswith("Press again to drop all 2 branches and all settings")
    question.press("Escape")
    assert question.is_hidden() and lab.reset.evaluate("(button) => button === document.activeElement")
    lab.page.wait_for_timeout(600)  # within these a press would be half of a double click
    lab.reset.click()
    lab.freeze("classifier").click()
    assert question.is_hidden()
    lab.page.wait_for_timeout(600)
    until(lambda: "classifier" in notebook.kernel("print(*lab.controls.frozen)"), "the switch to act")
    lab.reset.click()
    question.wait_for()
    lab.reset.wait_for()  # after some seconds it does not ask any more
    assert notebook.kernel("print(len(lab.branches), lab.engine.number)") == "2 8"
    lab.reset.focus()
    lab.page.keyboard.press("Enter")
    question.wait_for()
    lab.page.wait_for_timeout(600)
    lab.page.keyboard.press("Space")
    until(lambda: lab.step() == 0, "a reset")
    assert notebook.kernel("print(len(lab.branches), *lab.controls.frozen)") == "1"  # settings included: two presses
    lab.freeze("classifier").click()
    notebook.kernel("lab.run(2)")
    until(lambda: lab.step() == 2, "two steps")
    lab.page.wait_for_timeout(600)
    lab.reset.click()
    until(lambda: lab.step() == 0, "a reset at once: there is nothing to drop")
    assert lab.status() == "freezing stays as it is set; Reset again sets it back"
    lab.page.wait_for_timeout(600)
    lab.reset.click()
    until(lambda: not lab.freeze("classifier").is_checked(), "the settings of the beginning")
    until(lambda: lab.status().startswith("Play begins."), "the words to go")
    assert not errors


def test_a_step_that_was_not_taken_is_refused_in_words(notebook, errors):
    lab = shown(notebook)
    lab.page.get_by_role("textbox", name="step", exact=True).fill("99999")
    lab.page.get_by_role("button", name="Branch here").click()
    until(lambda: "must be one of 0 to" in lab.alert.inner_text(), what="a refusal in words")
