"""The news of the lab stand in the bar above its controls, and nothing moves when they come; Escape from a slide."""

import pytest
from lab_page import LAB_CELL, shown
from lab_server import until

SLIDE = "() => document.documentElement.style.setProperty('--jo-view', 'slide')"
WHERE = """() => ['.jo-news', '.jo-controls button', '.jo-grid'].map(
  (each) => document.querySelector(each).getBoundingClientRect().top
    - document.querySelector('.jo-controls').getBoundingClientRect().top)"""


@pytest.mark.parametrize("slide", [False, True])
def test_nothing_moves_when_news_come(notebook, slide, errors):
    page = notebook.page
    page.set_viewport_size({"width": 1280, "height": 720})
    lab = shown(notebook)
    if slide:
        page.evaluate(SLIDE)
        page.evaluate("() => document.documentElement.style.setProperty('--jo-type', '18px')")
        page.set_viewport_size({"width": 1279, "height": 720})  # drawn again
        page.locator(".jo-curves.jo-slide").wait_for()
    lab.one_step.click()
    until(lambda: lab.step() == 1, "a step")
    news, controls, panels = before = page.evaluate(WHERE)
    assert 0 <= news < controls < panels
    lab.freeze("classifier").click()
    line = page.locator(".jo-waits")
    until(lambda: line.inner_text() == "At the next step: freeze classifier", "the change that waits")
    assert page.evaluate(WHERE) == before
    lab.exact.fill("much")
    lab.exact.press("Enter")
    until(lambda: "finite number" in lab.alert.inner_text(), "a refusal")
    assert page.evaluate(WHERE) == before
    lab.exact.press("Escape")
    notebook.kernel("lab.run(9); lab.branch(4); lab.controls.set(weight={'reg': 0.01}); lab.run(3)")
    until(lambda: lab.step() == 7 and "λ of reg" in lab.status(), "the other branch")
    assert page.get_by_role("combobox", name="branch", exact=True).is_visible()
    assert page.get_by_text("one run each").is_visible() and page.evaluate(WHERE) == before
    lab.reset.click()
    page.get_by_role("button", name="Sure?").wait_for()
    assert page.evaluate(WHERE) == before and errors == []


def test_escape_from_a_slide_pauses_what_plays_without_end_and_says_so(notebook, errors):
    page, lab = notebook.page, shown(notebook)
    lab.play.focus()
    page.keyboard.press("Enter")
    lab.steps_on()
    page.keyboard.press("Escape")
    lab.steps_on()  # a notebook shows it still
    page.evaluate(SLIDE)
    page.set_viewport_size({"width": 1100, "height": 900})
    page.locator(".jo-controls.jo-slide").wait_for()
    lab.pause.focus()
    page.keyboard.press("Escape")
    until(lambda: lab.status().startswith("paused, since Escape left the lab"), "the words")
    assert notebook.kernel("lab.pause(); print(lab.playing)") == "False"
    at = page.get_by_role("textbox", name="step", exact=True)
    last = int(notebook.kernel("print(lab.engine.number)")) + 20
    at.fill(str(last))
    at.press("Enter")
    page.keyboard.press("Escape")
    until(lambda: lab.step() == last, "the step that was typed")
    assert errors == []


def test_a_restarted_kernel_is_said_with_the_key_that_runs_the_cell_again(notebook):
    lab = shown(notebook)
    lab.page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:restart'); }")
    lab.page.locator(".jp-Dialog .jp-mod-accept").click()
    lab.page.get_by_text("run this lab's cell again: Escape, then Ctrl+Enter").wait_for()
    notebook.wait_until_ready()
    lab.play.focus()
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("Control+Enter")
    until(lambda: notebook.output(LAB_CELL) and notebook.kernel("print('lab' in dir())") == "True", "the cell to run")
