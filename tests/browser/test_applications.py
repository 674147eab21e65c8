"""The lab of each application, in its chapter: play, move a λ, freeze a module, and look at the weights."""

import json

import pytest
from lab_page import NOTEBOOKS, Lab
from lab_server import Notebook, until

LAB = "lab = LiveLab("
CHAPTERS = [  # (notebook, a loss, the module to freeze, one that goes on)
    ("05_classification", "reg", "feature_extractor", "classifier"),
    ("06_detection", "box_reg", "backbone", "roi_heads"),
    ("07_segmentation", "dice", "encoder", "decoder"),
    ("08_generation", "penalty", "discriminator", "generator"),
    ("09_tools", "reg", "classifier", "feature_extractor"),
    ("10_frontiers", "cost", "architecture", "feature_extractor"),
    ("11_challenges", "digits", "classifier", "feature_extractor"),
    ("12_questions", "reg", "feature_extractor", "classifier"),
]
FINGERPRINT = """
from jointopt.modules import fingerprint as _f
print(_f(lab.engine.task.model.get_submodule({!r}).state_dict()))
"""


def lab_cell(path):
    """The number of the cell that shows the lab."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return next(i for i, cell in enumerate(cells) if cell["cell_type"] == "code" and LAB in "".join(cell["source"]))


@pytest.fixture
def lab(request, new_page, server):
    """The lab of a chapter, whose cell was run alone in a fresh kernel."""
    path = NOTEBOOKS / f"{request.param}.ipynb"
    notebook = Notebook(new_page(), server, server.copy_of(path))
    notebook.run_cell(lab_cell(path))
    lab = Lab(notebook)
    lab.play.wait_for()
    until(lambda: not notebook.busy(), "the lab's cell to end")
    yield lab
    for kernel in server.api("/api/kernels"):
        server.api(f"/api/kernels/{kernel['id']}", "DELETE")


@pytest.mark.parametrize(("lab", "loss", "module", "other"), CHAPTERS, indirect=["lab"], ids=[c[0] for c in CHAPTERS])
def test_a_weight_moves_and_a_module_stands_still(lab, errors, loss, module, other):
    page, kernel = lab.page, lab.notebook.kernel

    def weights(name):
        return kernel(FINGERPRINT.format(name))

    lab.play.click()
    lab.steps_on(8)
    before = weights(module)
    lab.steps_on(8)
    assert weights(module) != before  # it moves, until it is frozen

    exact = page.get_by_role("textbox", name=f"λ of {loss}, exact")
    exact.fill("0.25")
    exact.press("Enter")
    until(lambda: f"λ of {loss} " in lab.status() and "→ 0.25" in lab.status(), what="the λ in words")
    assert float(kernel(f"print(lab.history['weight.{loss}'][-1])")) == 0.25

    lab.freeze(module).click()
    until(lambda: f"{module} frozen: its gradient is absent" in lab.status(), what="the freezing in words")
    still, moving = weights(module), weights(other)
    lab.steps_on(16)
    assert weights(module) == still and weights(other) != moving

    lab.freeze(module).click()
    until(lambda: f"{module} thawed" in lab.status(), what="the thawing in words")
    lab.steps_on(16)
    assert weights(module) != still
    lab.pause.click()
    until(lambda: kernel("print(lab.playing)") == "False", what="the pause")
    until(lambda: page.locator(".jo-picture").evaluate("e => e.naturalWidth") > 100, what="the picture")
    assert errors == []
