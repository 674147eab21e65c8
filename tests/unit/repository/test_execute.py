"""tools/execute.py: what it keeps of a run, and what it leaves alone."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.execute import METADATA, ROOT, WIDGET_VIEW, clean

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "execute.py"


@pytest.fixture
def execute(tmp_path):
    """Writes a notebook of the given sources and executes it: (process, text before, text after)."""

    def run(*sources, options=()):
        path = tmp_path / "chapter.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
        before = path.read_text()
        command = [sys.executable, SCRIPT, *options, path]
        process = subprocess.run(command, capture_output=True, text=True, timeout=600)
        return process, before, path.read_text()

    return run


def test_outputs_are_kept_without_what_is_true_of_one_run(execute):
    sources = (
        "import os\nprint(1)\nprint(os.environ['OMP_NUM_THREADS'])",
        "import ipywidgets\nipywidgets.IntSlider(7)",
    )
    process, before, after = execute(*sources)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("chapter.ipynb: ")
    before, after = nbformat.reads(before, 4), nbformat.reads(after, 4)
    assert after.metadata == METADATA
    assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]
    assert [cell.execution_count for cell in after.cells] == [1, 2]
    assert [cell.metadata for cell in after.cells] == [{}, {}]
    assert [output.text for output in after.cells[0].outputs] == ["1\n1\n"]
    assert after.cells[1].outputs[0].data == {"text/plain": "IntSlider(value=7)"}


def test_an_error_leaves_the_notebook_alone(execute):
    process, before, after = execute("print(1)", "1 / 0")
    assert process.returncode == 1
    assert "ZeroDivisionError" in process.stderr
    assert after == before


def test_limits(execute):
    process, *_ = execute("block = bytearray(1_300_000_000)", options=["--check-limits"])
    assert process.returncode == 1
    assert "over the limit" in process.stdout


def test_a_path_of_this_machine_is_refused_in_text_and_cut_from_tracebacks():
    error = new_output("error", ename="E", evalue="", traceback=[f"File {ROOT}/jointopt/training.py:1"])
    view = new_output("display_data", data={WIDGET_VIEW: {"model_id": "1"}, "text/plain": "LiveLab"})
    notebook = new_notebook(cells=[new_code_cell("", outputs=[error, view])])
    clean(notebook)
    assert notebook.cells[0].outputs[0].traceback == ["File jointopt/training.py:1"]
    assert notebook.cells[0].outputs[1].data == {"text/plain": "LiveLab"}
    notebook.cells[0].outputs.append(new_output("stream", name="stdout", text=f"{ROOT}/data\n"))
    with pytest.raises(ValueError, match="cell 0: the output holds this machine's path"):
        clean(notebook)
