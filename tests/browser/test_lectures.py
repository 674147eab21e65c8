"""Every lecture, slide by slide, at 1280×720, by keyboard alone: all fits, each lab plays, each figure is one key away.

With PICTURES=folder each slide is kept as a picture, to be looked at.
"""

import os
import shutil
from pathlib import Path

import pytest
from lab_server import Notebook, until

ROOT = Path(__file__).parents[2]
LECTURES = sorted((ROOT / "lectures").glob("*.ipynb"))
WIDTH, HEIGHT, LAB_HEIGHT, TYPE = 1280, 720, 600, 18
# Of what is seen of the slide: where it ends; the widest, what is cut off; the active cell.
SLIDE = """() => {
  const seen = (e) => e.getClientRects().length && e.getBoundingClientRect().height > 4
    && getComputedStyle(e).visibility !== 'hidden';
  const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')].filter(seen);
  const boxes = cells.map((e) => e.getBoundingClientRect());
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const having = (selector) => cells.filter((e) => e.querySelector(selector)).length;
  const within = (e) => e.scrollWidth - e.clientWidth;
  const parts = '.jp-OutputArea-output, .jp-RenderedMarkdown, .cm-scroller';
  const outputs = cells.flatMap((e) => [...e.querySelectorAll(parts)]);
  return { left: Math.min(...boxes.map((b) => b.left)), top: Math.min(...boxes.map((b) => b.top)),
    bottom: Math.max(...boxes.map((b) => b.bottom)),
    right: Math.max(...boxes.map((b) => b.right)), over: Math.max(0, ...outputs.filter(seen).map(within)),
    active: notebook.activeCellIndex, words: cells.map((e) => e.innerText).join(' ').trim(),
    cells: notebook.widgets.map((w, i) => [w.node, i]).filter(([node]) => cells.includes(node)).map(([, i]) => i),
    labs: having('.jo-curves'), pictures: having('img'),
    errors: having('[data-mime-type="application/vnd.jupyter.stderr"]') };
}"""
LAB = """() => {
  const seen = (e) => e.getClientRects().length;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const [controls, curves] = ['.jo-controls', '.jo-curves'].map((name) => all(name)[0].getBoundingClientRect());
  const box = all('.jo-influence-box')[0];
  return { height: curves.bottom - controls.top, over: box.scrollWidth - box.clientWidth,
    step: Number(all('.jo-curves')[0].dataset.step),
    type: parseFloat(getComputedStyle(all('.jo-controls button')[0]).fontSize) };
}"""


@pytest.fixture
def lecture(new_page, server, path):
    """The lecture as a trusted copy, all its cells run, presented."""
    shutil.copytree(ROOT / "evidence", server.root.parent / "evidence", dirs_exist_ok=True)  # chapters look there
    page = new_page()
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    notebook = Notebook(page, server, server.copy_of(path))
    page.get_by_role("button", name="Run all cells", exact=True).click()
    count = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    until(lambda: not notebook.busy() and _has_run(page), "all cells to run")
    page.get_by_role("button", name="Present", exact=True).click()
    page.wait_for_function("() => document.body.dataset.jpDeckMode === 'presenting'")
    yield notebook, count
    for kernel in server.api("/api/kernels"):
        server.api(f"/api/kernels/{kernel['id']}", "DELETE")


def _has_run(page):
    """True if the code cells are numbered from 1 to the last: as they are committed, they have a chapter's numbers."""
    numbers, errors = page.evaluate(
        """() => {
          const cells = window.jupyterapp.shell.currentWidget.content.widgets.filter((w) => w.model.type === 'code');
          const outputs = cells.flatMap((w) => w.model.outputs.toJSON());
          return [cells.map((w) => w.model.executionCount), outputs.filter((o) => o.output_type === 'error')]; }"""
    )
    assert not errors, errors
    return numbers == list(range(1, len(numbers) + 1))


def keep(page, path, number):
    """A picture of the slide, where somebody asked for them."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{path.stem}-{number:02}.png")


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_every_slide_by_keyboard(lecture, path, errors):
    notebook, count = lecture
    page = notebook.page
    seen, number, played = set(), 0, 0
    while True:
        slide = settled(page)
        keep(page, path, number)
        assert slide["words"] or slide["pictures"] or slide["labs"], f"{path.stem}: blank after {sorted(seen)}"
        assert 0 <= slide["left"] and 0 <= slide["top"], (number, slide)
        assert slide["bottom"] <= HEIGHT and slide["right"] <= WIDTH, (number, slide)
        assert slide["over"] <= 1 and not slide["errors"], (number, slide)
        if slide["labs"] and not seen >= set(slide["cells"]):
            play(page)
            played += 1
            keep(page, path, 100 + number)
            assert settled(page)["left"] == slide["left"], "an arrow key in the lab has moved the slide"
        seen.update(slide["cells"])
        page.keyboard.press("PageDown")  # as a clicker does: on to what is below, or to the next slide
        number += 1
        if settled(page)["active"] == slide["active"]:
            break
    skipped = {i for i in range(count) if is_skipped(page, i)}
    assert seen == set(range(count)) - skipped and played and not errors
    page.keyboard.press("b")  # the black screen of a clicker, which would insert a cell
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == count
    page.keyboard.press("PageUp")
    assert settled(page)["active"] < slide["active"]
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.body.dataset.jpDeckMode !== 'presenting'")


def is_skipped(page, index):
    """True for notes, and for cells that only run."""
    return page.evaluate(
        """(i) => window.jupyterapp.shell.currentWidget.content.widgets[i].model.getMetadata('slideshow')?.slide_type
                  === 'skip'""",
        index,
    )


def settled(page):
    """What is seen, once nothing moves any more."""
    last = page.evaluate(SLIDE)
    for _ in range(100):
        page.wait_for_timeout(100)
        now = page.evaluate(SLIDE)
        if now == last:
            return now
        last = now
    return last


def play(page):
    """By keyboard: the lab plays in the slide, and it fits."""
    button = page.get_by_role("button", name="Play", exact=True).locator("visible=true")
    before = page.evaluate(LAB)
    button.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    until(lambda: page.evaluate(LAB)["step"] >= before["step"] + 3, "the lab to play in its slide")
    page.get_by_role("button", name="Pause", exact=True).locator("visible=true").focus()
    page.keyboard.press("Enter")
    measured = page.evaluate(LAB)
    assert measured["height"] <= LAB_HEIGHT and measured["type"] >= TYPE and measured["over"] <= 1, measured
    page.keyboard.press("Escape")  # back to the slides
