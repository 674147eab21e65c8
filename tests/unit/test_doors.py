"""Chapters come in by the doors: what they import is a room of the package, or its front."""

import ast
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

CHAPTERS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
DOORS = ("jointopt", "jointopt.compare", "jointopt.data", "jointopt.data.scenes", "jointopt.figures", "jointopt.live")
DOORS += ("jointopt.models", "jointopt.tasks", "jointopt.tasks.classification", "jointopt.tasks.generation")
DOORS += ("jointopt.toys", "jointopt.optimizers")


def imported(chapter):
    """The modules of ours that a chapter's cells import from."""
    cells = nbformat.read(chapter, as_version=4).cells
    python = TransformerManager().transform_cell  # of %%capture and its like
    trees = [ast.parse(python(cell.source)) for cell in cells if cell.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    froms = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    whole = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in froms | whole if name.split(".")[0] == "jointopt"}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_imports_by_the_doors(chapter):
    assert imported(chapter) <= set(DOORS)


def test_there_are_few_doors_and_each_is_used():
    assert set().union(*map(imported, CHAPTERS)) == set(DOORS) and len(DOORS) <= 12
