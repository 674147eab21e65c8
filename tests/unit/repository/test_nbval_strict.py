"""Strict nbval with our conftest.py, tried on tiny notebooks; the form in which chapters are committed."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.execute import METADATA, WIDGET_VIEW

ROOT = Path(__file__).resolve().parents[3]
EXEMPTIONS = ("nbval_skip", "nbval_ignore_output", "pytest_validate_ignore_output")


def cell(source, *outputs, count=1):
    return new_code_cell(source, outputs=list(outputs), execution_count=count)


def stream(text):
    return new_output("stream", name="stdout", text=text)


def result(**data):
    return new_output("execute_result", data=data, execution_count=1)


@pytest.fixture
def nbval(tmp_path):
    """Runs strict nbval on a notebook of these cells, in folders laid out as ours: (exit code, text)."""

    def run(*cells, timeout=300):
        notebook = tmp_path / "notebooks" / "chapter.ipynb"
        notebook.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "conftest.py", tmp_path)
        shutil.copytree(ROOT / "tests" / "jitter", tmp_path / "tests" / "jitter", dirs_exist_ok=True)
        nbformat.write(new_notebook(cells=list(cells), metadata=METADATA), notebook)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "--nbval",
            "--nbval-current-env",
            f"--nbval-cell-timeout={timeout}",
        ]
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", "--color=no", "notebooks"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_executed_cells_pass(nbval):
    code, text = nbval(cell("x = 2"), cell("print(x)", stream("2\n"), count=2), cell("", count=None))
    assert code == 0, text
    assert "3 passed" in text


def test_unexecuted_cell_fails_and_the_cells_below_still_run(nbval):
    code, text = nbval(cell("x = 2", count=None), cell("print(x)", stream("2\n")))
    assert code == 1, text
    assert "Cell 0: Committed without having been run" in text
    assert "1 failed, 1 passed" in text


def test_changed_text_fails(nbval):
    code, text = nbval(cell("print(2)", stream("3\n")))
    assert code == 1, text
    assert "Cell outputs differ" in text


def test_a_number_that_hangs_on_last_digits_fails_under_jitter(nbval, monkeypatch):
    """A loss at step 200 with four digits, made without noise: the same in a second run, another with noise."""
    monkeypatch.delenv("JITTER", raising=False)
    printed = subprocess.run([sys.executable, "-c", FRAGILE + LAST_LOSS], check=True, capture_output=True, text=True)
    committed = [cell(FRAGILE), cell(LAST_LOSS, stream(printed.stdout), count=2)]
    assert nbval(*committed)[0] == 0
    monkeypatch.setenv("JITTER", "1")
    code, text = nbval(*committed)
    assert code == 1 and "1 failed, 1 passed" in text, text


FRAGILE = """
import jointopt, torch
torch.manual_seed(0)  # for dropout
task = jointopt.tasks.load("classification", data="cluttered", size=16)
losses = [step.losses["task"] for step in jointopt.train(task, jointopt.plans.joint(201))]
"""
LAST_LOSS = 'print(f"{losses[200]:.4f}")'


def test_one_slow_cell_is_one_failure(nbval):
    code, text = nbval(cell("import time; time.sleep(60)"), cell("1"), cell("2"), timeout=2)
    assert code == 1 and "1 failed, 2 skipped" in text, text


def test_a_cell_that_ends_the_kernel_is_one_failure(nbval):
    code, text = nbval(cell("import os; os._exit(1)"), cell("1"), cell("2"))
    assert code == 1 and "1 failed, 2 skipped" in text and "the kernel ended in this cell" in text, text


def test_a_wrong_jitter_is_refused_in_one_sentence(nbval, monkeypatch):
    monkeypatch.setenv("JITTER", "x")
    code, text = nbval(cell("1"))
    assert code == 4 and "ERROR: JITTER is the seed of the noise, a whole number ≥ 0, got 'x'" in text


WIDGET = "import ipywidgets\nipywidgets.IntSlider(value=7)"


def test_stripped_widget_view_passes(nbval):
    code, text = nbval(cell(WIDGET, result(**{"text/plain": "IntSlider(value=7)"})))
    assert code == 0, text


def test_changed_repr_beside_a_stripped_widget_view_fails(nbval):
    code, text = nbval(cell(WIDGET, result(**{"text/plain": "IntSlider(value=8)"})))
    assert code == 1, text
    assert "mismatch 'text/plain'" in text


PICTURE = 'from IPython.display import HTML\nHTML(\'<img alt="J falls" src="data:image/png;base64,iVBO+/8=">\')'


def test_text_that_only_looks_like_a_picture_is_compared(nbval):
    code, text = nbval(cell("print('data:image/png;base64,AAAA')", stream("data:image/png;base64,BBBB\n")))
    assert code == 1 and "Cell outputs differ" in text


@pytest.mark.parametrize(
    ("alt", "address", "passes"),
    [
        ("J falls", "data:image/png;base64,AAAA", True),
        ("J rises", "data:image/png;base64,iVBO+/8=", False),
        ("J falls", "data:image/png;base64,", False),
        ("J falls", "picture.png", False),
    ],
)
def test_of_a_picture_all_but_its_pixels_is_compared(nbval, alt, address, passes):
    html = f'<img alt="{alt}" src="{address}">'
    code, text = nbval(cell(PICTURE, result(**{"text/html": html, "text/plain": "<IPython.core.display.HTML object>"})))
    assert code == (0 if passes else 1), text
    assert passes or "mismatch 'text/html'" in text


CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_committed_chapter(path):
    """A chapter is committed as tools/execute.py writes it, and asks nbval for no exemption."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata == METADATA
    assert 'data-commandlinker-command="filemenu:close-and-cleanup"' in notebook.cells[-1].source  # memory is scarce
    for number, code in enumerate(c for c in notebook.cells if c.cell_type == "code"):
        where = f"{path.name}, code cell {number}"
        asks = " ".join([code.source, *code.metadata.get("tags", [])]).lower().replace("-", "_")
        assert not [name for name in EXEMPTIONS if name in asks], f"{where} is exempt from comparison"
        assert not code.metadata.get("execution"), f"{where} holds the times of one run"
        assert not [o for o in code.outputs if WIDGET_VIEW in o.get("data", {})], f"{where} holds a widget view"
        assert str(ROOT) not in str(code.outputs), f"{where} holds a path of this machine"
