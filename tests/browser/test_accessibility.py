"""Chapters and live views by the rules of axe-core: each picture has its words, headings follow one another."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from lab_page import NOTEBOOKS
from lab_server import until
from static_page import showing

from jointopt.live import GamePlane, Landscape

CHAPTERS = sorted(NOTEBOOKS.glob("*.ipynb"))
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
PICTURES = f"{SHOWN} .jp-OutputArea-output img"
# Of what axe-core found, what is ours: the rest is JupyterLab's. [rule, element].
OURS = """([rule, path]) => Boolean(
    document.querySelector(path)?.closest(".jp-RenderedMarkdown, .jp-OutputArea-output") || rule === "heading-order")"""
# Chromium draws what is out of sight later; axe-core is to see all of it.
ALL_DRAWN = ".jp-Cell { content-visibility: visible !important; }"

show = showing(Landscape)


def faults(page, within, ours=None):
    """[rule, element] of each element that breaks a rule."""
    found = Axe().run(page, within, {"resultTypes": ["violations"]}).response["violations"]
    broken = [[rule["id"], node["target"][-1]] for rule in found for node in rule["nodes"]]
    return [fault for fault in broken if ours is None or page.evaluate(ours, fault)]


def shape(chapter):
    """How many cells, Markdown cells and pictures a chapter has."""
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = ["<img" in "".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    return [len(cells), sum(cell["cell_type"] == "markdown" for cell in cells), sum(pictures)]


def test_chapters(notebook, server, errors):
    """One page for all of them, as they are committed."""
    page = notebook.page
    page.add_style_tag(content=ALL_DRAWN)

    def drawn():
        return [page.locator(f"{SHOWN} {each}").count() for each in (".jp-Cell", ".jp-RenderedMarkdown")]

    for chapter in CHAPTERS:
        notebook.command("docmanager:open", {"path": server.copy_of(chapter), "factory": "Notebook"})
        until(lambda chapter=chapter: [*drawn(), page.locator(PICTURES).count()] == shape(chapter), chapter.stem)
        assert faults(page, f"{SHOWN} .jp-Notebook", OURS) == [], chapter.stem
    page.eval_on_selector(PICTURES, "picture => picture.removeAttribute('alt')")
    assert [rule for rule, _ in faults(page, f"{SHOWN} .jp-Notebook", OURS)] == ["image-alt"]  # it sees what is wrong
    assert errors == []


def test_a_lab_that_has_trained(lab, errors):
    lab.notebook.kernel("lab.run(12); lab.branch(6); lab.controls.freeze('classifier'); lab.run(4)")
    lab.page.locator(".jo-picture").wait_for()
    assert faults(lab.page, f"{SHOWN} .jp-Notebook", OURS) == []
    assert errors == []


@pytest.mark.parametrize("view", [Landscape, GamePlane])
def test_a_view_by_itself(show, view):
    assert faults(show(view()), ".jo") == []
