"""Each exercise of each chapter is proven: its stub is blank, right answers are right, wrong ones get their own words.

The answers are in exercises/chNN.py. Those that train are right and wrong under noise, too.
"""

import ast
import contextlib
import io
import linecache
import re
from pathlib import Path

import jitter
import nbformat
import pytest
from torch.optim.optimizer import register_optimizer_step_pre_hook

from jointopt.exercises import answers, notes, registry, stubs
from jointopt.exercises.registry import Prediction, find, of_chapter
from tools import exercises as tool

CHAPTERS = [path for path in tool.CHAPTERS if tool.proofs_of(path).exists()]
BOOKS = {path: nbformat.read(path, as_version=4) for path in CHAPTERS}
CASES = [block for path in CHAPTERS for block in tool.blocks(tool.proofs_of(path))]
CELLS = {number: cell.source for book in BOOKS.values() for number, cell in tool.stubs(book).items()}
CHECKS = {number: source for number, source in CELLS.items() if "def " in source or "class " in source}
BUGS = [title.number for book in BOOKS.values() for title in tool.titles(book) if title.kind == "find the bug"]
SEEDS = range(1, 6)  # of the noise
LEAST, LEAST_PER_CHAPTER = 80, 6  # exercises

over_answers = pytest.mark.parametrize(
    "block", CASES, ids=[f"{each.number}-{each.name or 'solution'}" for each in CASES]
)
over_chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the file of progress is kept there


def printed(source):
    """What a cell prints. It begins anew: an exercise stands on its own."""
    out, source = io.StringIO(), f"from jointopt import exercises\n{source}"
    linecache.cache["<answer>"] = (len(source), None, source.splitlines(keepends=True), "<answer>")  # as IPython does
    with contextlib.redirect_stdout(out):
        exec(compile(source, "<answer>", "exec"), {"__name__": "__main__"})
    return out.getvalue()


@contextlib.contextmanager
def counted():
    """How many optimizer steps were taken."""
    steps = []
    handle = register_optimizer_step_pre_hook(lambda *_: steps.append(1))
    try:
        yield steps
    finally:
        handle.remove()


def judge(block):
    """Assert that an answer gets its verdict, and all but the solution their words."""
    words = printed(tool.filled(CELLS[block.number], block.source))
    assert words.startswith(f"{block.number}  " + ("right." if block.right else "not yet: ")), words
    assert block.words in words and len(words.splitlines()) == 1


@over_answers
def test_an_answer_gets_its_words(block):
    with counted() as steps:
        judge(block)
    assert notes.of(block.number) == {"answered": True, "right": block.right}
    if steps:
        for seed in SEEDS:
            with jitter.noise(seed):
                judge(block)


@over_answers
def test_a_check_that_accepts_or_refuses_everything_is_found(block, monkeypatch):
    def accept(answer): ...

    def refuse(answer):
        raise answers.Wrong(block.words)

    broken = find(block.number)._replace(check=refuse if block.right else accept)
    monkeypatch.setitem(registry._known, block.number, broken)
    with pytest.raises(AssertionError):
        judge(block)


@over_chapters
def test_a_stub_is_blank_as_it_is_committed(path):
    for number, cell in tool.stubs(BOOKS[path]).items():
        words = printed(cell.source)
        blank = "no prediction yet" if isinstance(find(number), Prediction) else "not answered yet"
        assert words.startswith(f"{number}  {blank}") and len(words.splitlines()) == 1
        (output,) = cell.outputs
        assert output.text == words and not notes.all_of()


def worked_on(source):
    """The cell, with one more statement in each function, which changes nothing of what they do."""
    tree = ast.parse(source)
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        function.body.insert(-1, ast.parse("x = 1").body[0])
    return ast.unparse(tree)


@pytest.mark.parametrize("number", CHECKS)
def test_what_was_worked_on_is_not_unanswered(number):
    given, words = printed(CHECKS[number]), printed(worked_on(CHECKS[number]))
    assert words.startswith(f"{number}  not yet: ") and notes.of(number)["answered"]
    what, _, hint = given.partition(" exercises.hint")
    if what == f"{number}  not answered yet.":
        assert "your function returned None, or has None in what it returned: is a `return` missing?" in words
    else:
        assert what.split(": ", 1)[1] in words


@pytest.mark.parametrize("number", BUGS)
def test_comments_and_spaces_are_no_answer(number):
    source = CHECKS[number].replace(" = ", "  =  ").replace("\n    ", "\n    # Hm.\n\n    ", 1)
    assert source != CHECKS[number] and printed(source) == printed(CHECKS[number])
    assert printed(source).startswith(f"{number}  not answered yet: ")


def test_each_program_with_a_bug_is_known():
    assert sorted(stubs.PROGRAMS) == sorted(BUGS)


@over_chapters
def test_a_chapter_has_its_exercises(path):
    titles, numbers = tool.titles(BOOKS[path]), of_chapter(int(path.name[:2]))
    assert (
        [title.number for title in titles] == numbers == [f"{int(path.name[:2])}.{n + 1}" for n in range(len(numbers))]
    )
    assert list(tool.stubs(BOOKS[path])) == numbers and len(numbers) >= LEAST_PER_CHAPTER
    for title in titles:
        assert title.kind in tool.KINDS and 1 <= title.dots <= 3 and 1 <= title.minutes <= 60
        assert (title.kind == "predict") == isinstance(find(title.number), Prediction)
        assert find(title.number).hints
    assert {title.kind for title in titles} >= {"predict", "find the bug"}


@over_chapters
def test_every_check_has_a_solution_and_two_wrong_answers(path):
    blocks = tool.blocks(tool.proofs_of(path))
    checks = {number for number in of_chapter(int(path.name[:2])) if not isinstance(find(number), Prediction)}
    assert {block.number for block in blocks} == checks
    for number in checks:
        names = [block.name for block in blocks if block.number == number]
        words = [block.words for block in blocks if block.number == number and not block.right]
        assert names.count(None) == 1 and len(words) >= 2 and len(set(names)) == len(names)
        assert len(set(words)) >= 2, f"{number}: two wrong answers get words of their own"


@over_chapters
def test_a_prediction_is_compared_once_its_figure_is_there(path):
    text = "\n".join(cell.source for cell in BOOKS[path].cells if cell.cell_type == "code")
    for number in of_chapter(int(path.name[:2])):
        if isinstance(find(number), Prediction):
            predicted, compared = (text.find(f'exercises.{name}("{number}"') for name in ("predict", "compare"))
            assert 0 <= predicted < compared, number


@over_chapters
def test_the_folded_solution_is_the_proven_one(path):
    text = "\n".join(cell.source for cell in BOOKS[path].cells if cell.cell_type == "markdown")
    folded = re.findall(r"<details><summary>Solution ([\d.]+)</summary>\s+```python\n(.*?)```", text, re.S)
    assert dict(folded) == tool.solutions(path) and len(folded) == len(dict(folded))


def test_no_check_and_no_solution_seeds_torch_for_good():
    """`torch.manual_seed` seeds the GPUs as well, which no check puts back; and solutions run in the notebook, too."""
    checks = [path.read_text(encoding="utf-8") for path in sorted(Path(notes.__file__).parent.glob("*.py"))]
    solutions = [block.source for block in CASES if block.name is None]
    assert not [source for source in checks + solutions if "torch.manual_seed(" in source]


def test_every_chapter_has_exercises_and_there_are_eighty_of_four_kinds():
    assert CHAPTERS == tool.CHAPTERS
    kinds = [title.kind for path in CHAPTERS for title in tool.titles(BOOKS[path])]
    assert len(kinds) >= LEAST and min(kinds.count(kind) for kind in tool.KINDS) >= 12
