"""The lab on a page of JupyterLab, in a copy of the collection's first notebook."""

import json
from pathlib import Path

from lab_server import Notebook, until
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as Late

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NOTEBOOK = "00_start_here.ipynb"
CELLS = json.loads((NOTEBOOKS / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
LAB_CELL = next(i for i, cell in enumerate(CELLS) if "lab = LiveLab(" in "".join(cell["source"]))
FINGERPRINTS = """
from jointopt.modules import fingerprint as _f
print(*(_f(module.state_dict()) for module in lab.engine.task.model.children()))
"""


class Lab:
    """The lab's views on a page, by what a person sees and a screen reader says."""

    def __init__(self, notebook: Notebook):
        self.notebook, self.page = notebook, notebook.page
        page = self.page
        self.play, self.pause, self.one_step, self.reset = (
            page.get_by_role("button", name=name, exact=True) for name in ("Play", "Pause", "One step", "Reset")
        )
        self.slider = page.get_by_role("slider", name="λ of reg, logarithmic")
        self.exact = page.get_by_role("textbox", name="λ of reg, exact")
        self.plan = page.get_by_role("combobox", name="plan", exact=True)
        self.alert = page.locator(".jo-error")

    def freeze(self, module: str):
        return self.page.get_by_role("switch", name=f"freeze {module}")

    def step(self) -> int:
        return int(self.page.locator(".jo-curves").get_attribute("data-step"))

    def status(self) -> str:
        return self.page.locator(".jo-status").inner_text()

    def steps_on(self, steps: int = 5) -> None:
        """Wait until it has trained on for so many steps."""
        start = self.step()
        until(lambda: self.step() >= start + steps, f"{steps} more steps after {start}")

    def weight(self) -> float:
        """λ of the regularizer in the running loop."""
        return float(self.notebook.kernel("print(lab.history['weight.reg'][-1])"))

    def fingerprints(self) -> tuple[str, str]:
        return tuple(self.notebook.kernel(FINGERPRINTS).split())


def restored(page: Page, part: Locator) -> None:
    """Wait for this part of a lab that a page restores from a running kernel.

    Now and then the widgets' manager of Notebook never ends restoring, after it came before the settings that it reads.
    After a minute the page is loaded again, as a person would do it.
    """
    try:
        part.wait_for(timeout=60_000)
    except Late:
        page.reload()
        part.wait_for()


def shown(notebook: Notebook) -> Lab:
    """Run the lab's cell, and wait until it stands there, paused before its first step."""
    notebook.run_cell(LAB_CELL)
    lab = Lab(notebook)
    lab.play.wait_for()
    until(lambda: not notebook.busy(), "the lab's cell to end")
    return lab
