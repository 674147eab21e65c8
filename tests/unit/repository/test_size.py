"""`make size` counts what it says; the package's imports go in no circle."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import size


def test_a_chapter_imports_what_its_cells_name(tmp_path):
    cells = ["%%time\nfrom jointopt.data import load", "def f():\n    import jointopt.figures", "import torch"]
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), tmp_path / "chapter.ipynb")
    assert size.imported(tmp_path / "chapter.ipynb") == {"jointopt.data", "jointopt.figures"}


@pytest.mark.parametrize(
    ("arrows", "circles"),
    [
        (["ab", "bc", "ac"], []),
        (["ab", "ba", "bc"], [["a", "b"]]),
        (["ab", "bc", "ca", "cd", "de", "ed"], [["a", "b", "c"], ["d", "e"]]),
    ],
)
def test_a_circle_is_names_that_reach_each_other(arrows, circles):
    assert size.circles(set(map(tuple, arrows))) == circles


def test_arrows_between_rooms_are_those_between_modules():
    modules, rooms = size.arrows(), size.arrows(depth=2)
    assert ("jointopt.figures.table", "jointopt.figures") not in rooms
    assert ("jointopt.live.lab.engine", "jointopt.training") in modules and (
        "jointopt.live",
        "jointopt.training",
    ) in rooms
    assert size.circles(modules) == size.circles(rooms) == []


def test_it_prints_each_measure(capsys):
    size.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7 and all(re.match(r" *[\d,]+ .+ \(.*[\d,]+.*\)", line) for line in lines)
