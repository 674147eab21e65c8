"""What tools/exercises.py makes of a chapter: solutions folded, in place, or left out."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import exercises as tool

STUB = 'answer = None  # a number\n\nexercises.check("1.2", answer)'
FOLD = "<details><summary>Solution 1.2</summary>\n\n```python\n```\n\nWhy.\n</details>"


@pytest.fixture
def chapter():
    return new_notebook(
        cells=[
            new_markdown_cell(
                "## Live\n\n### Play\n\n**1.1** *(predict, ●○○, 2 minutes)* How many?", id="exercise-1-1-text"
            ),
            new_code_cell('exercises.predict("1.1", None)', id="exercise-1-1"),
            new_markdown_cell("## Exercises\n\n**1.2** *(find the bug, ●●●, 10 minutes)* Repair it.", id="exercises"),
            new_code_cell(STUB, id="exercise-1-2"),
            new_markdown_cell(FOLD, id="exercise-1-2-solution"),
        ]
    )


def test_titles(chapter):
    assert tool.titles(chapter) == [("1.1", "predict", 1, 2, "Live"), ("1.2", "find the bug", 3, 10, "Exercises")]


def test_a_solution_is_folded_and_folded_again(chapter):
    program = 'answer = "\\\\1"\n'  # a backslash stays one
    for _ in range(2):
        tool.with_solutions(chapter, {"1.2": program})
        assert chapter.cells[-1].source == FOLD.replace("```python\n", f"```python\n{program}")


def test_a_solution_without_a_fold(chapter):
    with pytest.raises(ValueError, match="exercise 1.3 has no cell 'exercise-1-3-solution'"):
        tool.with_solutions(chapter, {"1.3": ""})


def test_solved_and_student(chapter):
    solved = tool.solved(chapter, {"1.2": "answer = 3\n"})
    assert solved.cells[3].source == 'answer = 3\n\nexercises.check("1.2", answer)'
    assert solved.cells[1].source == 'exercises.predict("1.1", None)'
    student = tool.student(chapter)
    assert [cell.id for cell in student.cells] == ["exercise-1-1-text", "exercise-1-1", "exercises", "exercise-1-2"]


@pytest.mark.parametrize(
    "head", ["# %% 1.2", "# %% 1.2 wrong: no words", "# %% 1.2 right: no words", "# %% solution 1.2", "# %% 1.2 right"]
)
def test_a_head_that_cannot_be_read(tmp_path, head):
    (tmp_path / "ch01.py").write_text(f'"""Answers."""\n\n{head}\nanswer = 3\n')
    with pytest.raises(ValueError, match=r"ch01\.py: expected '# %% 1\.4 solution', .*, got '# %% "):
        tool.blocks(tmp_path / "ch01.py")


def test_blocks(tmp_path):
    (tmp_path / "ch01.py").write_text(
        "# A head.\n\n# %% 1.2 solution\na = 1\n\n\n# %% 1.2 right: one -> well\na = 1.0\n\n\n"
        "# %% 1.2 wrong: two -> too large\n\na = 2\n"
    )
    assert tool.blocks(tmp_path / "ch01.py") == [
        ("1.2", None, "", "a = 1\n", True),
        ("1.2", "one", "well", "a = 1.0\n", True),
        ("1.2", "two", "too large", "a = 2\n", False),
    ]


def test_the_written_copies(tmp_path, monkeypatch, chapter):
    (tmp_path / "notebooks").mkdir()
    nbformat.write(chapter, tmp_path / "notebooks" / "01_name.ipynb")
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "ch01.py").write_text("# %% 1.2 solution\nanswer = 3\n")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "CHAPTERS", [tmp_path / "notebooks" / "01_name.ipynb"])
    for what, sign in (
        ("solved", "answer = 3\n\nexercises.check"),
        ("student", STUB),
        ("solutions", "answer = 3\n```"),
    ):
        monkeypatch.setattr("sys.argv", ["exercises", what])
        tool.main()
        folder = tmp_path / ("notebooks" if what == "solutions" else what)
        text = "\n".join(cell.source for cell in nbformat.read(folder / "01_name.ipynb", as_version=4).cells)
        assert sign in text and ("Solution 1.2" in text) == (what != "student")
