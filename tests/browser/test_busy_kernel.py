"""The lab while the kernel is busy with another cell: Run All, and the lab is used at once."""

import json

import pytest
from lab_page import Lab
from lab_server import Notebook, until

MAKE = """
import time
from pathlib import Path
from jointopt import tasks
from jointopt.live import LiveLab
lab = LiveLab(tasks.load("classification", size=8))
lab"""
# Each is busy until the test lets it go: what the lab did before then, it did beside a busy cell.
BUSY = """
end = time.monotonic() + 600
while time.monotonic() < end and not Path("let_go").exists():
    time.sleep(0.05)
print("ended")"""
HEARD = """() => { const session = window.jupyterapp.shell.currentWidget.sessionContext.session;
    const comms = [...session.kernel._comms.values()];
    return comms.length > 0 && comms.every((comm) => comm.subshellId); }"""
CELLS = [MAKE, BUSY, BUSY]
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


@pytest.fixture
def busy(new_page, server):
    """The lab as it stands there after Run All, with two busy cells below it."""
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [{**cell, "id": f"cell{i}", "source": source} for i, source in enumerate(CELLS)]
    file = server.root / "busy.ipynb"
    file.write_text(json.dumps({"cells": cells, "metadata": PYTHON, "nbformat": 4, "nbformat_minor": 5}))
    notebook = Notebook(new_page(), server, file.name)
    notebook.run_all()
    yield Lab(notebook)
    (server.root / "let_go").touch()
    for kernel in server.api("/api/kernels"):
        server.api(f"/api/kernels/{kernel['id']}", "DELETE")


def test_the_first_press_acts_while_later_cells_run(busy, errors):
    notebook = busy.notebook
    busy.play.wait_for()
    # Until JupyterLab has heard that comms have a thread of their own, what is pressed waits behind the busy cells.
    notebook.page.wait_for_function(HEARD)
    busy.play.click()
    busy.steps_on()
    busy.exact.fill("0.5")
    busy.exact.press("Enter")
    until(lambda: "→ 0.5" in busy.status(), "the typed λ in the loop")
    busy.freeze("classifier").click()
    until(lambda: "classifier frozen" in busy.status(), "the frozen module")
    busy.pause.click()
    until(lambda: busy.play.is_enabled(), "the pause")
    assert notebook.output(1) == ""  # not even the first of the busy cells has ended
    assert errors == []
