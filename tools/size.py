"""How large the package is, and how tangled: `make size` prints it."""

import ast
import re
from collections import Counter
from pathlib import Path

import grimp
import nbformat
import numpy as np
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def imported(chapter: Path) -> set[str]:
    """The modules of jointopt that a chapter's cells import from."""
    cells = nbformat.read(chapter, as_version=4).cells
    python = [re.sub("^[%!].*", "", cell.source, flags=re.M) for cell in cells if cell.cell_type == "code"]  # no magics
    trees = [ast.parse(source) for source in python]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    froms = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    whole = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in froms | whole if name.split(".")[0] == "jointopt"}


def arrows(depth: int | None = None) -> set[tuple[str, str]]:
    """Who imports whom in jointopt, functions' own imports too; depth=2: between rooms, else between modules."""
    graph = grimp.build_graph("jointopt", cache_dir=None)
    pairs = [(a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)]
    rooms = [tuple(".".join(name.split(".")[:depth]) for name in pair) for pair in pairs]
    return {(a, b) for a, b in rooms if a != b}


def circles(arrows: set[tuple[str, str]]) -> list[list[str]]:
    """Groups of names that all reach each other along the arrows (strongly connected components of two or more)."""
    names = sorted({name for arrow in arrows for name in arrow})
    matrix = np.zeros((len(names), len(names)), dtype=bool)
    for arrow in arrows:
        matrix[tuple(map(names.index, arrow))] = True
    _, group = connected_components(matrix, directed=True, connection="strong")
    return sorted([names[i] for i in np.flatnonzero(group == g)] for g, n in Counter(group).items() if n > 1)


def main() -> None:
    """Print each measure, and what it is to be."""
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in (ROOT / "jointopt").rglob("*.py")}
    longest = max(lines, key=lines.get)
    checks = sum(n for path, n in lines.items() if path.parent.name == "exercises")
    print(f"{sum(lines.values()) - checks:6,} lines of Python in jointopt (6,700 at most)")
    print(f"{checks:6,} lines more in jointopt/exercises, the checks (5,000)")
    print(f"{lines[longest]:6} lines in the longest file, {longest.relative_to(ROOT)} (300)")
    print(f"{lines[ROOT / 'jointopt' / 'training.py']:6} lines in training.py (200)")
    print(f"{len(set().union(*map(imported, CHAPTERS))):6} modules that chapters import from (12)")
    for what, depth in (("modules", None), ("rooms", 2)):
        found = circles(arrows(depth))
        print(f"{len(found):6} circles of imports between {what} (0)", *(" ↔ ".join(circle) for circle in found))


if __name__ == "__main__":
    main()
