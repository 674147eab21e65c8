"""Lectures: slides made of a chapter's cells, outputs included, in the order and with the words of lectures/NN.toml.

    python -m tools.lectures            writes lectures/NN.ipynb for each lectures/NN.toml, and what docs/ makes of them
    python -m tools.lectures --settings puts lectures/jointopt.json where JupyterLab of this environment finds it

A step of the file is a slide: `show` (Markdown), `ask` (a question to the students), `cells` (ids of code cells of the
chapter), `hide` (those whose input is not shown), `quiet` (those that only run: nothing of them is shown), `figure`
(ids of the cells that end in the static picture of a lab: one key further down, should the kernel fail), `top` (those
of whose picture only the upper half is shown, and larger), `minutes`, `notes` (for the lecturer; not shown).
`[guide]` is for docs/teaching.md: what students get `wrong`, each with the exercise that shows it; two questions to
`ask`; what to do when the predictions `split`. At the end of a lecture its lab is set back: run before class, it
stands at step 0 when its slide comes.
"""

import argparse
import copy
import shutil
import sys
import tomllib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from jointopt.exercises.questions import FILES as QUIZ_FILES
from jointopt.exercises.questions import quiz
from tools.execute import METADATA, ROOT
from tools.exercises import titles

FILES = sorted((ROOT / "lectures").glob("*.toml"))
SETTINGS = Path(sys.prefix, "share", "jupyter", "lab", "settings", "overrides.d")
TEACHING = ROOT / "docs" / "teaching.md"
MARK = "<!-- What follows is made of lectures/NN.toml by `python -m tools.lectures`. -->"
NOTES = ROOT / "docs" / "lectures.md"
QUIZZES = "`jointopt/exercises/quizzes/`"
STEP = {"show", "ask", "cells", "hide", "quiet", "top", "figure", "minutes", "notes"}
# Tags for lectures/jointopt.json: the input is not shown; a picture is as large as a slide lets it be, or half a slide.
HIDDEN, ALONE, FILL, TOP = "deck-hide-input", "deck-fill-alone", "deck-fill", "deck-fill-top"
LIVE = "deck-live"  # a cell that shows a view: where the view is not there, the slide says how to have it
VIEWS = ("lab", "landscape", "plane")  # the names of views
BAR = "\\|"  # in a table
SKIPPED = "skip"  # a type of slide: run with the others, never shown
# JupyterLab remembers that it presents: "toggle" would end it, the next time.
BUTTONS = """<button data-commandlinker-command="runmenu:run-all" data-commandlinker-args="{}">Run all cells</button>
<button data-commandlinker-command="deck:start" data-commandlinker-args="{}">Present</button>"""
RESET = "lab.reset(settings=True)"
KEYS = """Tab leads from a slide into its lab, and Escape back to the slides. A lab that plays without end pauses
then: it would go on out of sight. Type a step and press Enter before Escape, and it plays on to that step behind
other slides. After a reload (F5) the deck begins at its first slide; a lab that does not run says on its slide which
keys run its cell. Pale curves are other futures of the lab: ◇ and A1 mark what was changed in branch A. With two
futures the held-out values stand beside the panel at one step, which its title names. "One run each: not evidence
yet" opens, with Enter, the code for a new cell that trains from more seeds; it is selected, and Ctrl+C copies it."""


def chapter_of(file: Path) -> Path:
    """The chapter that a lecture is made of."""
    (chapter,) = (ROOT / "notebooks").glob(f"{file.stem}_*.ipynb")
    return chapter


def read(file: Path) -> dict:
    """A lecture's file. ValueError if a step has a key that none has, or lacks its minutes."""
    plan = tomllib.loads(file.read_text(encoding="utf-8"))
    for number, step in enumerate(plan["step"]):
        if unknown := step.keys() - STEP:
            raise ValueError(f"{file.name}, step {number}: expected {', '.join(sorted(STEP))}, got {sorted(unknown)}")
        for key in ("hide", "quiet"):
            if unknown := {*step.get(key, ())} - {*step.get("cells", ())}:
                raise ValueError(f"{file.name}, step {number}: {key} has {sorted(unknown)}, which its cells have not")
        if not isinstance(step.get("minutes"), int) or step["minutes"] < 1:
            raise ValueError(f"{file.name}, step {number}: minutes must be a whole number ≥ 1")
    return plan


def lecture(file: Path) -> nbformat.NotebookNode:
    """The slides. ValueError if a step names a cell that the chapter does not have (any more), or in another order."""
    chapter, plan = chapter_of(file), read(file)
    code = {cell.id: cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"}
    order, last, cells = list(code), -1, []

    def take(step: int, name: str, kind: str | None, hidden: bool) -> nbformat.NotebookNode:
        nonlocal last
        where = f"{file.name}, step {step}"
        if name not in code:
            raise ValueError(f"{where}: {chapter.name} has no code cell {name!r}")
        if order.index(name) <= last:
            raise ValueError(f"{where}: in {chapter.name} the cell {name!r} runs before one that it follows here")
        last = order.index(name)
        live = code[name].source.rpartition("\n")[2] in VIEWS
        cells.append(_slide(copy.deepcopy(code[name]), kind, [HIDDEN] * hidden + [LIVE] * live))
        return cells[-1]

    for number, step in enumerate(plan["step"]):
        words = step.get("show", "").strip()
        words += f"\n\n**{step['ask']}**" if "ask" in step else ""
        words += f"\n\n{BUTTONS}" if number == 0 else ""
        cells.append(_slide(new_markdown_cell(words.strip(), id=f"slide-{number:02}"), "slide"))
        quiet, hide = step.get("quiet", ()), step.get("hide", ())
        empty = [name for name in hide if name in code and not code[name].outputs]  # they define names
        kinds = {name: SKIPPED for name in [*quiet, *empty]}
        shown = [take(number, name, kinds.get(name), name in hide) for name in step.get("cells", ())]
        top = step.get("top", ())
        _enlarge([cell for cell in shown if cell.id not in kinds], TOP if {*top} & {*step.get("cells", ())} else FILL)
        names = enumerate(step.get("figure", ()))
        alone = [take(number, name, None if position else "subslide", hidden=True) for position, name in names]
        _enlarge(alone, TOP if {*top} & {*step.get("figure", ())} else ALONE)
        notes = f"*{step['minutes']} min.* {step.get('notes', '')}".strip()
        cells.append(_slide(new_markdown_cell(notes, id=f"notes-{number:02}"), SKIPPED, ["notes"]))
    if any("LiveLab(" in cell.source for cell in cells):
        number = max(cell.execution_count for cell in cells if cell.cell_type == "code") + 1
        cells.append(_slide(new_code_cell(RESET, id="reset", execution_count=number), SKIPPED))
    return new_notebook(cells=cells, metadata=copy.deepcopy(METADATA))


def _slide(cell: nbformat.NotebookNode, kind: str | None, tags: list[str] = ()) -> nbformat.NotebookNode:
    """kind None: the cell continues the slide before. (A type "-" would hide it.)"""
    if kind:
        cell.metadata["slideshow"] = {"slide_type": kind}
    if tags:
        cell.metadata["tags"] = sorted({*cell.metadata.get("tags", ()), *tags})
    return cell


def _enlarge(cells: list[nbformat.NotebookNode], tag: str) -> None:
    """Tag the picture of a slide, if nothing else of its cells is seen there."""
    seen = [cell for cell in cells if cell.outputs or HIDDEN not in cell.metadata.get("tags", ())]
    pictures = ["<img" in output.get("data", {}).get("text/html", "") for cell in seen for output in cell.outputs]
    if len(seen) == 1 and HIDDEN in seen[0].metadata.get("tags", ()) and pictures == [True]:
        _slide(seen[0], None, [tag])


def minutes(file: Path) -> int:
    """How long a lecture takes."""
    return sum(step["minutes"] for step in read(file)["step"])


def guide(text: str) -> str:
    """docs/teaching.md with what stands beneath MARK made anew: a section for each chapter."""
    sections = [_section(file) for file in FILES]
    return text[: text.index(MARK)] + MARK + "\n\n" + "\n\n".join(sections) + "\n"


def _section(file: Path) -> str:
    plan, chapter = read(file), chapter_of(file)
    exercises = titles(nbformat.read(chapter, as_version=4))
    anchors = {each.number: each.section.replace(" ", "-") for each in exercises}
    wrong = [
        f"- {words} → [{number}](../notebooks/{chapter.name}#{anchors[number]})"
        for words, number in plan["guide"]["wrong"]
    ]
    ask = [f"{number}. {words}" for number, words in enumerate(plan["guide"]["ask"], start=1)]
    head = f"### {int(file.stem)} {plan['title']}: {minutes(file)} minutes, {len(plan['step'])} slides"
    parts = [head, "What students get wrong, and the exercise that shows it:", "\n".join(wrong)]
    parts += ["Ask the students:", "\n".join(ask), f"When the predictions split: {plan['guide']['split']}"]
    return "\n\n".join(
        [*parts, f"At home: {len(exercises)} exercises, {sum(each.minutes for each in exercises)} minutes."]
    )


def notes() -> str:
    """docs/lectures.md: what the lecturer has to say, slide by slide, to be printed or read on another screen."""
    lines = [
        "# Notes for the lecturer",
        "",
        "Made by `python -m tools.lectures` from `lectures/NN.toml`.",
        "",
        KEYS,
        "",
    ]
    for file in FILES:
        plan, passed = read(file), 0
        lines += [f"## {int(file.stem)} {plan['title']}", "", "| from | slide | ask, and say |", "|---|---|---|"]
        for step in plan["step"]:
            title = step.get("show", "").strip().partition("\n")[0].lstrip("# ") or "(the figure)"
            words = [f"**{step['ask']}**"] if "ask" in step else []
            words = " ".join(" ".join([*words, step.get("notes", "")]).split())
            lines.append(f"| {passed} min | {title.replace('|', BAR)} | {words.replace('|', BAR)} |")
            passed += step["minutes"]
        lines += [f"| {passed} min | | the end |", ""]
    return "\n".join(lines)


def questions() -> str:
    """docs/quizzes.md: the questions of all chapters, with the right option and the reason."""
    lines = ["# The quizzes, with answers", "", f"Made by `python -m tools.lectures` from {QUIZZES}.", ""]
    for chapter in QUIZ_FILES:
        lines += [f"## Chapter {chapter}", ""]
        for number, question in enumerate(quiz(chapter).questions, start=1):
            lines += [f"**{number}. {question.ask}**", ""]
            for option, reason in question.options:
                lines.append(f"- {'**' + option + '**' if option == question.right else option} *{reason}*")
            lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Write the slides and the pages, or the settings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", action="store_true")
    if parser.parse_args().settings:
        SETTINGS.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "lectures" / "jointopt.json", SETTINGS)
        return
    for file in FILES:
        nbformat.write(lecture(file), file.with_suffix(".ipynb"))
        print(f"{file.stem}: {len(read(file)['step'])} slides, {minutes(file)} minutes")
    TEACHING.write_text(guide(TEACHING.read_text(encoding="utf-8")), encoding="utf-8")
    NOTES.write_text(notes(), encoding="utf-8")
    (ROOT / "docs" / "quizzes.md").write_text(questions(), encoding="utf-8")


if __name__ == "__main__":
    main()
