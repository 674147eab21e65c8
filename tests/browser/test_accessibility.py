"""Chapters and live views by the rules of axe-core: each picture has its words, headings follow one another."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from lab_page import NOTEBOOKS
from lab_server import until
from static_page import open_view

from jointopt.live import GamePlane, Landscape

CHAPTERS = sorted(NOTEBOOKS.glob("*.ipynb"))
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
# Of what axe-core found, what is ours: the rest is JupyterLab's. [rule, element].
OURS = """([rule, path]) => Boolean(
    document.querySelector(path).closest(".jp-RenderedMarkdown, .jp-OutputArea-output") || rule === "heading-order")"""
# Chromium draws what is out of sight later; axe-core is to see all of it.
ALL_DRAWN = ".jp-Cell { content-visibility: visible !important; }"
UNNAMED = 'document.querySelectorAll(".jp-OutputArea-output img")[0].removeAttribute("alt")'


def faults(page, within, ours=None):
    """[rule, element] of each element that breaks a rule."""
    found = Axe().run(page, within, {"resultTypes": ["violations"]}).response["violations"]
    broken = [[rule["id"], node["target"][-1]] for rule in found for node in rule["nodes"]]
    return [fault for fault in broken if ours is None or page.evaluate(ours, fault)]


def test_chapters(notebook, server, errors):
    """One page for all of them, as they are committed."""
    page = notebook.page
    page.add_style_tag(content=ALL_DRAWN)
    for chapter in CHAPTERS:
        copy = server.copy_of(chapter)
        notebook.command("docmanager:open", {"path": copy, "factory": "Notebook"})
        until(lambda copy=copy: page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path") == copy)
        cells = f"() => document.querySelectorAll('{SHOWN} .jp-Cell').length"
        until(lambda cells=cells: page.evaluate(cells) > 20, f"{chapter.stem} to be shown")
        page.wait_for_function(f"() => document.querySelectorAll('{SHOWN} .jp-Cell-outputArea img').length > 0")
        assert faults(page, f"{SHOWN} .jp-Notebook", OURS) == [], chapter.stem
    page.evaluate(f"document.querySelector('{SHOWN}').{UNNAMED.removeprefix('document.')}")
    assert [rule for rule, _ in faults(page, f"{SHOWN} .jp-Notebook", OURS)] == ["image-alt"]  # it sees what is wrong
    assert errors == []


def test_a_lab_that_has_trained(lab, errors):
    lab.notebook.kernel("lab.run(12); lab.branch(6); lab.controls.freeze('classifier'); lab.run(4)")
    lab.page.locator(".jo-picture").wait_for()
    assert faults(lab.page, f"{SHOWN} .jp-Notebook", OURS) == []
    assert errors == []


@pytest.mark.parametrize("view", [Landscape, GamePlane])
def test_a_view_by_itself(browser, view, errors):
    page = open_view(browser, view(), 900, errors)
    assert faults(page, ".jo") == []
    page.close()
    assert errors == []
