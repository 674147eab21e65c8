"""The lab as a person meets it: a real Chromium, a real JupyterLab, the collection's first notebook."""

import re
import time

import pytest
from lab_page import CELLS, LAB_CELL, Lab
from lab_server import Notebook, until

CHECK_CELL = next(i for i, cell in enumerate(CELLS) if "importlib.metadata" in "".join(cell["source"]))
# Of the ink on the paper, as WCAG 2 defines it.
CONTRAST = """(element) => {
  const light = (name) => {
    const g = document.createElement('canvas').getContext('2d');
    g.fillStyle = getComputedStyle(element).getPropertyValue(name).trim();
    g.fillRect(0, 0, 1, 1);
    const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const [r, g_, b] = [...g.getImageData(0, 0, 1, 1).data].map(linear);
    return 0.2126 * r + 0.7152 * g_ + 0.0722 * b;
  };
  const [a, b] = [light('--jo-ink'), light('--jo-paper')];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def test_a_first_visit(notebook, errors):
    """Run All, Play, λ by keyboard and by mouse, freeze each module, another cell meanwhile, the lab's cell again."""
    notebook.run_all()
    lab = Lab(notebook)
    last = next(i for i in reversed(range(len(CELLS))) if CELLS[i]["cell_type"] == "code")
    until(lambda: "Quiz" in notebook.output(last) and not notebook.busy(), "Run All to end")
    until(lambda: lab.step() == 60, "what the cells below did")

    lab.play.click()
    lab.steps_on()

    lab.slider.focus()
    notebook.page.keyboard.press("Home")
    until(lambda: lab.weight() == 0, what="λ = 0 in the loop")
    assert lab.exact.input_value() == "0"
    notebook.page.keyboard.press("ArrowRight")
    until(lambda: lab.weight() == 1e-6, what="λ one position up in the loop")
    assert lab.exact.input_value() == "0.000001" or float(lab.exact.input_value()) == 1e-6

    box = lab.slider.bounding_box()
    y = box["height"] / 2
    lab.slider.hover(position={"x": 3, "y": y})
    notebook.page.mouse.down()
    lab.slider.hover(position={"x": 0.6 * box["width"], "y": y})
    notebook.page.mouse.up()
    wanted = float(lab.exact.input_value())
    assert 1e-3 < wanted < 1
    until(lambda: lab.weight() == wanted, what="the dragged λ in the loop")
    until(lambda: "λ of reg" in lab.status() and "share of J" in lab.status(), what="the status line in words")
    lab.exact.fill("0.0001")
    lab.exact.press("Enter")
    until(lambda: lab.weight() == 1e-4, what="the typed λ in the loop")

    for i, module in enumerate(("feature_extractor", "classifier")):
        lab.freeze(module).focus()
        notebook.page.keyboard.press("Space")
        until(lambda: f"{module} frozen" in lab.status(), what=f"{module} to be frozen")  # noqa: B023
        before = lab.fingerprints()
        until(lambda: lab.fingerprints()[1 - i] != before[1 - i], what="the other module to move")  # noqa: B023
        lab.steps_on()
        assert lab.fingerprints()[i] == before[i]
        header = notebook.page.locator(".jo-influence tr").nth(1).locator("td").nth(i)
        until(lambda: header.get_attribute("aria-label") == "none", what="an empty column of influence")  # noqa: B023
        lab.freeze(module).click()
        until(lambda: f"{module} thawed" in lab.status(), what=f"{module} to be thawed")  # noqa: B023

    step = lab.step()
    notebook.run_cell(CHECK_CELL)
    until(lambda: "matplotlib   found" in notebook.output(CHECK_CELL), "another cell")
    lab.steps_on()
    assert lab.step() > step

    notebook.run_cell(LAB_CELL)
    until(lambda: notebook.page.locator(".jo-controls").count() == 1 and lab.play.is_enabled() and lab.step() == 0)
    threads = "import threading; print(sum(t.name.startswith('jointopt-lab') for t in threading.enumerate()))"
    assert notebook.kernel(threads) == "1"
    lab.play.click()
    lab.steps_on()
    lab.pause.click()
    until(lambda: lab.play.is_enabled(), what="a pause")
    assert errors == []


def test_a_closed_tab_costs_nothing_and_reopens_to_the_running_lab(lab, new_page, server, errors):
    notebook = lab.notebook
    lab.play.click()
    lab.steps_on()
    notebook.command("docmanager:save")
    notebook.page.close()

    time.sleep(6)  # a heartbeat comes each second; after four without one nobody is taken to be looking
    again = Notebook(new_page(), server, notebook.path)
    lab = Lab(again)
    lab.pause.wait_for()
    assert lab.pause.is_enabled()
    lab.steps_on()
    frames = "print(lab.display.frames_sent, lab.engine.number)"
    again.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    first = int(again.kernel(frames).split()[0])
    lab.steps_on(10)
    until(lambda: int(again.kernel(frames).split()[0]) > first, "another frame: somebody is looking again")
    assert errors == []


def test_what_cannot_be_is_refused_in_words_and_the_lab_goes_on(lab, errors):
    lab.play.click()
    lab.steps_on()
    for wrong in ("-1", "much", "nan", "1e999", "0x10", "1e-400", "0b1", "1_0", "Infinity", "1,5", ""):
        lab.exact.fill(wrong)
        lab.exact.press("Enter")
        until(lambda: "finite number ≥ 0" in lab.alert.inner_text(), what=f"a refusal of {wrong!r}")
        assert lab.weight() == 1e-4
        lab.exact.fill("0.0001")
        lab.exact.press("Enter")
        until(lambda: lab.alert.inner_text() == "", what="the refusal to go")
    for kind in ("weight", "frozen"):
        message = {"kind": kind, "name": "typo", "value": 1}
        answer = lab.notebook.kernel(f"print(lab.display.controls._outcome({message}))")
        assert "'typo'" in answer
    lab.steps_on()
    assert errors == []


def test_a_loss_that_turns_nan_pauses_the_lab_and_is_named(lab, errors):
    lab.notebook.kernel(
        "_weight = lab.engine.task.model.classifier.fc2.weight\n"
        "_sound = _weight.detach().clone()\n"
        "_weight.data.fill_(float('nan'))"
    )
    before = lab.fingerprints()
    lab.play.click()
    until(lambda: "the loss 'task' is nan" in lab.status(), what="the loss to be named")
    until(lambda: lab.play.is_enabled(), what="the pause")
    assert lab.fingerprints() == before
    lab.notebook.kernel("_weight.data.copy_(_sound)")
    lab.play.click()
    lab.steps_on()
    assert "paused" not in lab.status() and errors == []


def test_an_interrupted_kernel_goes_on_and_a_restarted_one_says_so(lab):
    lab.play.click()
    lab.steps_on()
    lab.notebook.command("kernelmenu:interrupt")
    lab.steps_on()
    lab.page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:restart'); }")
    lab.page.locator(".jp-Dialog .jp-mod-accept").click()
    gone = lab.page.get_by_text("No answer from the kernel")
    gone.wait_for()
    lab.notebook.wait_until_ready()
    lab.notebook.run_cell(LAB_CELL)
    until(lambda: lab.page.locator(".jo-controls").count() == 1 and not gone.is_visible(), "a new lab")
    lab.play.click()
    lab.steps_on()


def test_one_step_reset_optimizer_and_learning_rate(lab, errors):
    page = lab.page
    for expected in (1, 2):
        lab.one_step.click()
        until(lambda: lab.step() == expected, what=f"step {expected}")  # noqa: B023
    page.get_by_label("optimizer").select_option("SGD")
    rate = page.get_by_label("learning rate", exact=True)
    until(lambda: rate.input_value() == "0.05", what="the default rate of SGD")
    rate.fill("0.01")
    rate.press("Enter")
    lab.one_step.click()
    until(lambda: lab.step() == 3, what="step 3")
    until(lambda: "optimizer Adam → SGD" in lab.status() and "0.01" in lab.status(), what="both changes in words")
    lab.reset.click()
    until(lambda: lab.step() == 0, what="a reset")
    assert re.search("SGD", lab.notebook.kernel("print(type(lab.engine.optimizer))")) and errors == []
    assert lab.plan.count() == 0  # a lab with one plan has no menu of plans


def test_letters_and_arrows_stay_in_the_lab(lab):
    """JupyterLab's own shortcuts would insert a cell at "a" and leave the slider at an arrow key."""
    count = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    cells = lab.page.evaluate(count)
    lab.freeze("classifier").focus()
    for key in ("a", "b", "x", "ArrowDown"):
        lab.page.keyboard.press(key)
    assert lab.page.evaluate(count) == cells


def test_escape_goes_back_to_the_notebook_whose_keys_work_again(lab, errors):
    page, notebook = lab.page, "() => document.activeElement.matches('.jp-Notebook, .jp-Notebook-cell')"
    count = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    before = lab.exact.input_value()
    lab.exact.fill("5")
    lab.exact.press("Escape")  # an edit that is not finished is taken back first
    assert lab.exact.input_value() == before and not page.evaluate(notebook)
    for control in (lab.exact, lab.play, lab.slider, lab.freeze("classifier"), page.locator(".jo-curves summary")):
        control.focus()
        page.keyboard.press("Escape")
        assert page.evaluate(notebook)
    cells = page.evaluate(count)
    page.keyboard.press("b")
    until(lambda: page.evaluate(count) == cells + 1, "a cell below, by the notebook's own key")
    assert lab.notebook.kernel("print(lab.controls.weights)") == "{}" and errors == []


def test_arrow_keys_on_a_button_do_not_scroll_what_is_around_the_lab(lab):
    press = """(control) => control.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, cancelable: true }))"""
    controls = (lab.play, lab.freeze("classifier"), lab.slider, lab.exact)
    assert [control.evaluate(press) for control in controls] == [False, False, True, True]


def test_a_fresh_lab_is_no_empty_page(lab, errors):
    until(lambda: lab.status().startswith("Play begins."), "the first words")
    assert lab.page.get_by_text("held-out metric: none yet").is_visible()
    lab.page.locator(".jo-picture").wait_for()
    drawn = "(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((value) => value)"
    assert all(canvas.evaluate(drawn) for canvas in lab.page.locator(".jo-curves canvas").all())
    assert lab.step() == 0 and errors == []


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [800, 1600])
def test_every_view_fits_and_can_be_read(lab, theme, width):
    """No view is wider than its cell, and the ink stands out from the paper (WCAG contrast of 4.5 at least)."""
    page = lab.page
    lab.notebook.command("apputils:change-theme", {"theme": theme})
    until(lambda: page.evaluate("document.body.dataset.jpThemeName") == theme, what="the theme")
    page.set_viewport_size({"width": width, "height": 1000})
    lab.one_step.click()
    until(lambda: lab.step() == 1, what="a step")
    for selector in (".jo-controls", ".jo-curves"):
        overflow = page.eval_on_selector(selector, "e => e.scrollWidth - e.clientWidth")
        assert overflow <= 1, f"{selector} is {overflow} px too wide"
    contrast = page.eval_on_selector(".jo-controls", CONTRAST)
    assert contrast >= 4.5
    labels = "all => all.length === 5 && all.every((canvas) => canvas.ariaLabel)"
    until(lambda: page.locator(".jo-curves canvas").evaluate_all(labels), "a label on each panel")
    assert "held-out examples" in page.locator(".jo-picture").get_attribute("alt")
