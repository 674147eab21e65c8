"""Chapters under many seeds of jitter: which texts ever differ, and how far the numbers beneath them are from it.

    python tests/margins.py --runs 20 05_classification 06_detection

That no text differed in twenty runs says little of the twenty-first. So each number that a cell formats in an f-string,
or compares within a print(), is watched as well. A rounded number is safe if mean − 4 and mean + 4 standard deviations
round alike, a verdict if its two sides are more than 4 standard deviations apart. What is not is listed, and the reader
of the list decides: a bound may hold by its nature.

Exit code 1 if a text differed.
"""

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from itertools import chain
from pathlib import Path

import joblib
import nbformat
import numpy as np
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
CHAPTERS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
SAFE = 4.0  # standard deviations
INSTALL = '__import__("watch").install(get_ipython())'
READ = 'print(__import__("watch").taken())'
Number = tuple[int, int, int, str, str | None]  # cell, line, how many times before, source, format


def run(chapter: str, seed: int, size: str) -> tuple[dict[int, str], dict[Number, float]]:
    """One chapter under one seed: (number of a code cell -> its text where that differs, the numbers)."""
    path = NOTEBOOKS / f"{chapter}.ipynb"
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    asked = [new_code_cell(READ) for _ in cells]
    notebook = new_notebook(cells=[new_code_cell(INSTALL), *chain(*zip(cells, asked, strict=True))])
    folders = [str(ROOT / "tests" / "jitter"), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {"JITTER": str(seed), "JITTER_SIZE": size, "OMP_NUM_THREADS": "1"}
    client = NotebookClient(notebook, timeout=1200, kernel_name="python3", coalesce_streams=True)
    client.resources = {"metadata": {"path": str(path.parent)}}
    client.execute(env=env | {"PYTHONPATH": os.pathsep.join(folders)})
    numbers = {}
    for number, answer in enumerate(asked):
        times = Counter()
        for line, source, spec, value in json.loads(text_of(answer)):
            numbers[number, line, times[line, source], source, spec] = value
            times[line, source] += 1
    return {n: text_of(cells[n]) for n, text in enumerate(committed(chapter)) if text_of(cells[n]) != text}, numbers


def committed(chapter: str) -> list[str]:
    """The text of each code cell."""
    cells = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4).cells
    return [text_of(cell) for cell in cells if cell.cell_type == "code"]


def text_of(cell: nbformat.NotebookNode) -> str:
    """The plain text of a cell's outputs."""
    outputs = cell.get("outputs", [])
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return "".join(texts)


def fragile(texts: list[str], numbers: list[dict[Number, float]]) -> list[str]:
    """What is nearer than SAFE to the other side, in words; of a line that is run often, the nearest.

    texts: of the code cells, as committed. A number that is formatted for something else than print() is not in them.
    """
    values, nearest = defaultdict(list), {}
    for number, value in ((number, value) for run_of in numbers for number, value in run_of.items()):
        values[number].append(value)
    for number, of in values.items():
        mean, sd = np.mean(of), np.std(of, ddof=1) if len(of) > 1 else np.inf
        if len(of) > 1 and min(of) == max(of):  # numpy's mean of equal numbers may be another
            mean, sd = of[0], 0.0
        cell, line, _, source, spec = number
        where = f"cell {cell}, line {line}: {source}"
        if spec is None:
            distance = 0 if len(of) < len(numbers) else abs(mean) / sd if sd else np.inf
            said = f"{where}: apart by {mean:.4g} ± {sd:.2g}, {distance:.1f} sd"
        else:
            ends = [format(mean + sign * SAFE * sd, spec) for sign in (-1, 1)]
            distance = 0 if ends[0] != ends[1] and any(format(x, spec) in texts[cell] for x in of) else np.inf
            said = f"{where}:{spec} is {mean:.6g} ± {sd:.2g}"
        key = cell, line, source
        if distance < SAFE and (key not in nearest or distance < nearest[key][0]):
            nearest[key] = distance, said
    return [said for _, said in nearest.values()]


def main() -> int:
    """Print a line a chapter, and what is fragile below it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", default=CHAPTERS, help=", ".join(CHAPTERS))
    parser.add_argument("--runs", type=int, default=20, help="each under a seed of its own")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--size", default="1e-5", help="of the noise")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    if unknown := [name for name in options.chapters if name not in CHAPTERS]:
        parser.error(f"no chapter is named {unknown[0]!r}; there are {', '.join(CHAPTERS)}")
    if options.runs < 2:
        parser.error(f"a spread needs two runs at least, got {options.runs}")
    seeds = range(options.first, options.first + options.runs)
    any_differs = False
    for chapter in options.chapters:
        jobs = (joblib.delayed(run)(chapter, seed, options.size) for seed in seeds)
        texts, numbers = zip(*joblib.Parallel(options.processes)(jobs), strict=True)
        cells = Counter(cell for differs in texts for cell in differs)
        any_differs = any_differs or bool(cells)
        said = ", ".join(f"cell {cell} in {n} of {len(seeds)}" for cell, n in sorted(cells.items()))
        print(f"{chapter}: texts that differ: {said or 'none'}", flush=True)
        for cell in cells:
            print(f"    cell {cell}: {next(differs[cell] for differs in texts if cell in differs)!r}", flush=True)
        for said in fragile(committed(chapter), list(numbers)):
            print(f"    {said}", flush=True)
    return int(any_differs)


if __name__ == "__main__":
    sys.exit(main())
