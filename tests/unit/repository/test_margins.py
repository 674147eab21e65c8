"""tests/margins.py: which texts differ under noise, and which numbers are near to it."""

import ast

import jitter
import nbformat
import pytest
import watch
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests import margins

TRAIN = """
import torch
p = torch.nn.Parameter(torch.ones(4))
optimizer = torch.optim.SGD([p], lr=1.0)
for _ in range(3):
    optimizer.zero_grad()
    (p.exp().sum() * 0.2).backward()
    optimizer.step()
level = p.sum().item()
"""
PRINT = """
print(f"{level:.1f} {level:.4f}")
print("below 9:", level < 9, "| near:", level > {near!r})
"""


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """A chapter that prints a number with few and with all its digits, and compares it with two bounds."""
    values = {}
    with jitter.noise(seed=0, size=0.0):  # as a chapter is committed, whatever noise these tests run with
        exec(TRAIN, values)
    level, source = values["level"], PRINT.replace("{near!r}", repr(round(values["level"] - 1e-7, 8)))
    text = f"{level:.1f} {level:.4f}\nbelow 9: True | near: True\n"
    cells = [new_code_cell(TRAIN), new_code_cell(source, outputs=[new_output("stream", name="stdout", text=text)])]
    monkeypatch.setattr(margins, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(margins, "CHAPTERS", ["tiny"])
    nbformat.write(new_notebook(cells=cells), tmp_path / "tiny.ipynb")


def test_without_noise_no_text_differs(chapter):
    differs, numbers = margins.run("tiny", seed=1, size="0")
    assert differs == {} and [where[0] for where in numbers] == [1] * 4


def test_what_differs_and_what_is_near_is_listed(chapter, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["margins.py", "--runs", "3", "--processes", "1", "--size", "2e-5", "tiny"])
    assert margins.main() == 1
    said = capsys.readouterr().out
    assert said.startswith("tiny: texts that differ: cell 1 in ")
    assert "cell 1, line 1: level:.4f is" in said and "cell 1, line 2: level >" in said
    assert "level:.1f" not in said and "level < 9" not in said


@pytest.mark.parametrize(
    ("spec", "values", "listed"),  # three runs apart by 1e-3, so 4 standard deviations are 4e-3
    [
        (".2f", [1.229, 1.230, 1.231], False),
        (".2f", [1.231, 1.232, 1.233], True),
        (".1f", [1.231, 1.232, 1.233], False),
        ("", [0.1] * 20, False),  # numpy's mean of these is not 0.1
        (None, [3.9e-3, 2.9e-3, 4.9e-3], True),
        (None, [-4.1e-3, -3.1e-3, -5.1e-3], False),
        (None, [1e-9, 1e-9, 1e-9], False),
    ],
)
def test_four_standard_deviations(spec, values, listed):
    numbers = [{(0, 1, 0, "x", spec): value} for value in values]
    assert bool(margins.fragile([format(values[0], spec or "")], numbers)) is listed


def test_a_verdict_that_turns_is_listed():
    assert margins.fragile([""], [{(0, 1, 0, "x > 1", None): 0.5}, {}]) == [
        "cell 0, line 1: x > 1: apart by 0.5 ± inf, 0.0 sd"
    ]


def test_a_number_that_reaches_no_text_is_not_listed():
    assert margins.fragile(["other"], [{(0, 1, 0, "x", ".0f"): value} for value in (0.4, 0.6)]) == []


def test_comparisons_are_watched_where_they_are_printed():
    class Shell:
        user_ns, ast_transformers = {}, []

    shell = Shell()
    watch.install(shell)
    tree = shell.ast_transformers[0].visit(ast.parse("a = x > 1\nprint(x > 2, f'{x:.1f} {x!r}', [y < 3 for y in z])"))
    shell.user_ns.update(x=2.5, z=[1.0, 4.0])
    watch.taken()
    exec(compile(tree, "cell", "exec"), shell.user_ns)
    assert [entry[1:] for entry in watch.seen] == [
        ["x > 2", None, 0.5],
        ["x", ".1f", 2.5],
        ["y < 3", None, -2.0],
        ["y < 3", None, 1.0],
    ]
    watch.taken()
