"""The whole lab on one screen: of a lecture's projector, and beside the file browser, with four losses or four modules
too; and in larger type."""

import pytest
from lab_page import LAB_CELL, shown
from lab_server import until

OTHER = """from jointopt import tasks
from jointopt.live import LiveLab
lab = LiveLab(tasks.load({!r}), name="start")
lab"""
RUN = """
first, *others = lab.engine.modules
lab.run(12); lab.controls.freeze(first); lab.run(5)
lab.branch(8); lab.controls.freeze(*others[:2]); lab.run(5)
"""
# From the top of the controls to the end of the curves; the height of the notebook that is seen; the columns of panels;
# the smallest that is pressed or typed in, the smallest type, and by how much something is wider than its column.
MEASURE = """() => {
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  const all = (selector) => [...document.querySelectorAll(selector)], seen = (e) => e.getClientRects().length;
  const TARGETS = ".jo-controls :is(button, select, input:not([type=checkbox]), label:has([type=checkbox]))";
  const [panels, top] = [all(".jo-grid > *"), box(".jo-controls").top];
  return { lab: box(".jo-curves").bottom - top, seen: box(".jp-WindowedPanel-outer").height, controls: top,
    columns: new Set(panels.map((panel) => Math.round(panel.getBoundingClientRect().left))).size,
    heights: all(".jo-grid canvas").map((canvas) => canvas.clientHeight),
    target: Math.min(...all(TARGETS).filter(seen).flatMap((e) => [e.offsetHeight, e.offsetWidth])),
    type: Math.min(...all(".jo *").filter((e) => seen(e) && e.textContent.trim()).map(
      (e) => parseFloat(getComputedStyle(e).fontSize))),
    over: Math.max(...panels.map((panel) => panel.scrollWidth - panel.clientWidth)) };
}"""
TASKS = pytest.mark.parametrize("task", ["classification", "detection", "pretext"])
SIZES = pytest.mark.parametrize(("width", "height", "columns"), [(1280, 720, 3), (850, 900, 2)])


@pytest.fixture
def task():
    """That of the notebook's lab; the others have more losses or more modules."""
    return "classification"


@pytest.fixture
def page(notebook, task):
    if task != "classification":
        notebook.rewrite_cell(LAB_CELL, OTHER.format(task))
    lab = shown(notebook)
    notebook.kernel(RUN)
    until(lambda: lab.step() == 13, "the last step to be drawn")
    notebook.page.locator(".jo-picture").wait_for()
    return notebook.page


def at_size(notebook, width, height, columns):
    """The window of this size; the file browser is open where there are two columns."""
    page, files = notebook.page, notebook.page.locator("#jp-left-stack")
    page.set_viewport_size({"width": width, "height": height})
    if files.is_visible() != (columns == 2):
        notebook.command("application:toggle-left-area")
    until(lambda: page.evaluate(MEASURE)["columns"] == columns, f"{columns} columns")
    page.eval_on_selector(".jo-controls", "e => e.scrollIntoView({ block: 'start' })")
    drawn = "() => [...document.querySelectorAll('.jo-grid canvas')].every((c) => c.width === c.clientWidth)"
    page.wait_for_function(drawn)
    return page.evaluate(MEASURE)


@TASKS
@SIZES
def test_the_lab_fits_and_its_controls_stay_in_sight(page, notebook, width, height, columns, errors):
    measured = at_size(notebook, width, height, columns)
    assert measured["lab"] <= measured["seen"]
    assert all(110 <= height <= 140 for height in measured["heights"])
    assert measured["target"] >= 24 and measured["type"] >= 11 and measured["over"] <= 0
    page.mouse.move(0.7 * width, 0.6 * height)
    page.mouse.wheel(0, 150)
    moved = "() => document.querySelector('.jo-curves').getBoundingClientRect().top"
    before = page.evaluate(moved)
    until(lambda: page.evaluate(moved) < before + 1, "the page to scroll")
    assert page.evaluate(MEASURE)["controls"] >= page.locator(".jp-WindowedPanel-outer").bounding_box()["y"]
    assert not errors


def test_one_variable_sets_the_size_of_all_type(page, errors):
    sizes = """() => [".jo-controls button", ".jo-status", ".jo-influence", ".jo-grid figcaption"].map((selector) =>
      parseFloat(getComputedStyle(document.querySelector(selector)).fontSize))"""
    before, heights = page.evaluate(sizes), page.evaluate(MEASURE)["heights"]
    page.evaluate("() => document.documentElement.style.setProperty('--jo-type', '26px')")
    assert page.evaluate(sizes) == pytest.approx([2 * size for size in before])
    page.set_viewport_size({"width": 1500, "height": 1000})  # drawn again
    until(lambda: page.evaluate(MEASURE)["heights"][0] > 1.8 * heights[0], "the panels to grow with their type")
    assert not errors
