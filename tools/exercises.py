"""The exercises in the chapters, and the proofs of their checks in exercises/.

    python -m tools.exercises solutions    writes the proven solutions into the chapters, where they are folded
    python -m tools.exercises solved       writes solved/: the chapters with the solutions in place of the stubs
    python -m tools.exercises student      writes student/: the chapters without the solutions

A chapter's exercise has up to four cells: `exercise-1-4-text` (Markdown, begins with its number, kind, difficulty and
minutes), `exercise-1-4` (code: the stub, then its check), `exercise-1-4-solution` (Markdown, folded) and, of a
prediction, `exercise-1-4-measured`.
"""

import argparse
import re
from pathlib import Path
from typing import NamedTuple

import nbformat

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KINDS = ("predict", "compute", "write", "find the bug")
HEAD = re.compile(r"# %% (?P<number>\d+\.\d+) (?:solution|(?P<kind>right|wrong): (?P<name>.+?) -> (?P<words>.+))$")
TITLE = re.compile(
    r"^\*\*(?P<number>\d+\.\d+)\*\* \*\((?P<kind>[a-z ]+), (?P<dots>[●○]{3}), (?P<minutes>\d+) minutes?\)\*", re.M
)
CALL = re.compile(r'^exercises\.(?P<name>check|predict)\("(?P<number>[\d.]+)"', re.M)
PROGRAM = re.compile(r"```python\n.*?```", re.S)


class Block(NamedTuple):
    """An answer in exercises/chNN.py: the solution (name None), or a further one that is to get these words."""

    number: str
    name: str | None
    words: str
    source: str
    right: bool = True


class Title(NamedTuple):
    """How an exercise begins."""

    number: str
    kind: str
    dots: int  # how hard, from 1 to 3
    minutes: int
    section: str  # the heading of the second level that it stands under


def proofs_of(chapter: Path) -> Path:
    """The file that proves the checks of this chapter."""
    return ROOT / "exercises" / f"ch{chapter.name[:2]}.py"


def blocks(path: Path) -> list[Block]:
    """The answers in a file of proofs, in order. ValueError for a head that cannot be read."""
    found: list[tuple[re.Match, list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# %%"):
            head = HEAD.match(line)
            if head is None:
                heads = "'# %% 1.4 solution', '# %% 1.4 right: … -> …' or '# %% 1.4 wrong: … -> …'"
                raise ValueError(f"{path.name}: expected {heads}, got {line!r}")
            found.append((head, []))
        elif found:
            found[-1][1].append(line)
    return [
        Block(
            head["number"], head["name"], head["words"] or "", "\n".join(lines).strip() + "\n", head["kind"] != "wrong"
        )
        for head, lines in found
    ]


def solutions(chapter: Path) -> dict[str, str]:
    """Number of an exercise -> the program that solves it."""
    return {block.number: block.source for block in blocks(proofs_of(chapter)) if block.name is None}


def titles(notebook: nbformat.NotebookNode) -> list[Title]:
    """The exercises of a chapter, in the order in which they stand there."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [
        Title(found["number"], found["kind"], found["dots"].count("●"), int(found["minutes"]), part.partition("\n")[0])
        for part in re.split(r"^## ", text, flags=re.M)
        for found in TITLE.finditer(part)
    ]


def stubs(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """Number of an exercise -> the cell with its check, or with its prediction."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return {found["number"]: cell for cell in cells if (found := CALL.search(cell.source))}


def filled(stub: str, answer: str) -> str:
    """A stub with the answer in place of all that stands before its check."""
    return f"{answer}\n{stub[CALL.search(stub).start() :]}"


def with_solutions(notebook: nbformat.NotebookNode, programs: dict[str, str]) -> nbformat.NotebookNode:
    """The chapter with these programs in its folded solutions. ValueError if one has no cell to stand in."""
    cells = {cell.id: cell for cell in notebook.cells}
    for number, program in programs.items():
        name = f"exercise-{number.replace('.', '-')}-solution"
        if name not in cells or not PROGRAM.search(cells[name].source):
            raise ValueError(f"exercise {number} has no cell {name!r} with a folded program")
        cells[name].source = PROGRAM.sub(f"```python\n{program}```".replace("\\", r"\\"), cells[name].source, count=1)
    return notebook


def solved(notebook: nbformat.NotebookNode, programs: dict[str, str]) -> nbformat.NotebookNode:
    """The chapter with the solutions in place of the stubs, for an instructor."""
    for number, cell in stubs(notebook).items():
        if number in programs:
            cell.source = filled(cell.source, programs[number])
    return notebook


def student(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The chapter without its folded solutions."""
    notebook.cells = [cell for cell in notebook.cells if not re.fullmatch(r"exercise-.*-solution", cell.id)]
    return notebook


def main() -> None:
    """Write the chapters, or copies of them, with or without solutions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("solutions", "solved", "student"))
    what = parser.parse_args().what
    folder = ROOT / ("notebooks" if what == "solutions" else what)
    folder.mkdir(exist_ok=True)
    for chapter in CHAPTERS:
        notebook = nbformat.read(chapter, as_version=4)
        if what == "student":
            notebook = student(notebook)
        elif proofs_of(chapter).exists():
            notebook = (with_solutions if what == "solutions" else solved)(notebook, solutions(chapter))
        nbformat.write(notebook, folder / chapter.name)


if __name__ == "__main__":
    main()
