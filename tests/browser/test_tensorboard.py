"""Chapter 9's lines with `%tensorboard`, in JupyterLab: TensorBoard's frame shows what jointopt.tracking wrote."""

import json
import re
import socket
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from lab_page import NOTEBOOKS
from lab_server import Notebook, until

# A run of 4 steps in the folder that the chapter's lines name. It prints what TensorBoard's reader finds in it: of each
# scalar, the step and the value at the end. The program is not on the path, as in an environment that is not activated.
WRITE = """
import json, os, shutil
paths = [path for path in os.environ["PATH"].split(os.pathsep) if not shutil.which("tensorboard", path=path)]
os.environ["PATH"] = os.pathsep.join(paths)
assert shutil.which("tensorboard") is None
from jointopt import Controls, plans, tasks, tracking, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
task, controls = tasks.load("classification", size=8), Controls()
for step in tracking.tensorboard(train(task, plans.joint(4), controls), "runs/first", task, controls):
    pass
reader = EventAccumulator("runs/first").Reload()
last = {tag: reader.Scalars(tag)[-1] for tag in reader.Tags()["scalars"]}
print(json.dumps({tag: [event.step, event.value] for tag, event in last.items()}))"""
# In the frame: each card that passes the filter, its tag and the rows of its table: run, smoothed, value, step, time.
CARDS = """(all) => all.map((card) => [card.querySelector('tb-truncated-path')?.title,
  [...card.querySelectorAll('tb-data-table-content-row')].map((row) => row.innerText.trim().split(/\\s+/))])"""
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
HERE, FRAME = "127.0.0.1", "iframe[id^=tensorboard-frame]"


def lines_of_the_chapter():
    """The block that a reader copies into a cell."""
    chapter = json.loads(next(NOTEBOOKS.glob("09_*.ipynb")).read_text(encoding="utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in chapter["cells"] if cell["cell_type"] == "markdown")
    (block,) = [block for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) if "%tensorboard" in block]
    return block


@pytest.fixture
def watching(new_page, server):
    """A notebook in a folder of its own, both cells run. .ends of the scalars; .requests to other machines."""
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [{**cell, "id": f"cell{i}", "source": text} for i, text in enumerate((WRITE, lines_of_the_chapter()))]
    file = server.root / "watching" / "watching.ipynb"
    file.parent.mkdir()
    file.write_text(json.dumps({"cells": cells, "metadata": PYTHON, "nbformat": 4, "nbformat_minor": 5}))
    page, requests = new_page(), []
    page.on("request", lambda request: requests.append(request.url) if is_elsewhere(request.url) else None)
    notebook = Notebook(page, server, "watching/watching.ipynb")
    notebook.run_all()
    until(lambda: notebook.output(1) and not notebook.busy(), "both cells to end")
    assert "ERROR" not in notebook.output(1), notebook.output(1)  # in the frame's stead: why there is none
    yield SimpleNamespace(notebook=notebook, ends=json.loads(notebook.output(0)), requests=requests)
    for kernel in server.api("/api/kernels"):  # TensorBoard ends with it
        server.api(f"/api/kernels/{kernel['id']}", "DELETE")


def is_elsewhere(address):
    """True if this is not served by this machine."""
    parts = urlsplit(address)
    return parts.scheme not in ("data", "blob") and parts.hostname != HERE


def answers(port):
    """True if somebody listens there."""
    with socket.socket() as line:
        return line.connect_ex((HERE, port)) == 0


def row_of(board, tag):
    """(run, value, step) in the one row of the table of this tag's card; filters the cards by the tag."""
    board.get_by_role("combobox", name="Filter tags (regex)").fill(f"^{re.escape(tag)}$")
    cards = board.locator("metrics-filtered-view card-view")

    def row():
        match cards.evaluate_all(CARDS):
            case [[shown, [[run, _, value, step, *_]]]] if shown == tag:
                return run, float(value), int(step)

    return until(row, f"the card of {tag}")


def test_its_frame_shows_each_scalar_of_the_run_and_it_ends_with_the_kernel(watching, server, errors):
    page, ends = watching.notebook.page, watching.ends
    assert {"J", "loss/task", "weight/reg", "grad_norm/classifier", "frozen/classifier"} <= ends.keys()
    board = page.frame_locator(FRAME)
    for tag, (step, value) in ends.items():
        assert row_of(board, tag) == ("first", pytest.approx(value, abs=1e-4), step), tag
    port = urlsplit(page.locator(FRAME).get_attribute("src")).port
    assert answers(port) and errors == []  # before its kernel ends: what is open may say that it lost it
    (kernel,) = server.api("/api/kernels")
    server.api(f"/api/kernels/{kernel['id']}", "DELETE")
    until(lambda: not answers(port), "TensorBoard to end with its kernel")
    assert watching.requests == []
