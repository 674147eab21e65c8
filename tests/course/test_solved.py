"""The chapters as `make solved` writes them, run from first cell to last: each exercise is right."""

import nbformat
import pytest

from tools import exercises as tool
from tools.execute import run


@pytest.mark.parametrize("chapter", tool.CHAPTERS, ids=lambda path: path.stem)
def test_every_exercise_is_right(chapter):
    programs = tool.solutions(chapter)
    path = tool.ROOT / "solved" / chapter.name  # beside notebooks/: the chapters look for files from there
    path.parent.mkdir(exist_ok=True)
    nbformat.write(tool.solved(nbformat.read(chapter, as_version=4), programs), path)
    cells = tool.stubs(run(path)[0])
    assert programs
    for number in programs:
        (output,) = cells[number].outputs
        assert output.text.startswith(f"{number}  right."), output.text
