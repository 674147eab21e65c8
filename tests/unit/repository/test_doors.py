"""Chapters come in by the doors: what they import is a room of the package, or its front."""

import pytest

from tools.size import CHAPTERS, imported

DOORS = ("jointopt", "jointopt.compare", "jointopt.data", "jointopt.data.scenes", "jointopt.figures", "jointopt.live")
DOORS += ("jointopt.models", "jointopt.tasks", "jointopt.tasks.classification", "jointopt.tasks.generation")
DOORS += ("jointopt.toys", "jointopt.optimizers")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_imports_by_the_doors(chapter):
    assert imported(chapter) <= set(DOORS)


def test_there_are_few_doors_and_each_is_used():
    assert set().union(*map(imported, CHAPTERS)) == set(DOORS) and len(DOORS) <= 12
