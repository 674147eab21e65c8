"""The pages for readers: their Python runs as it is printed, their picture moves. Their prose: test_skeleton.py."""

import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from jointopt import tasks
from jointopt.compare import Budget, compare

ROOT = Path(__file__).parents[3]
README, USAGE, CONTRIBUTING = ROOT / "README.md", ROOT / "docs" / "usage.md", ROOT / "CONTRIBUTING.md"
OTHERS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")} - {README, USAGE, CONTRIBUTING})
PICTURE = ROOT / "docs" / "lab.webp"
CHAPTERS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def run(page, monkeypatch):
    """The names that the page's blocks leave behind."""
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__])  # a page may append a folder
    names = {}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)
    return names


def test_the_readme_runs(monkeypatch, capsys):
    assert run(README, monkeypatch)
    assert "99 ('classifier',)" in capsys.readouterr().out  # it froze the features


def test_the_usage_runs(monkeypatch, capsys):
    names = run(USAGE, monkeypatch)
    assert [row[0] for row in names["result"].table().rows] == ["joint", "mostly head"]
    assert names["again"].note == "replayed 50 steps to the same numbers"
    assert names["task"].recipe == {"name": "pairs", "seed": 3, "options": {}}
    assert "2 ('features', 'head')" in capsys.readouterr().out  # the third update of the new plan


def test_the_usage_lists_every_application():
    names = re.findall(r"^\| (`.*?`) \|", USAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(", ".join(names).replace("`", "").split(", ")) == tasks.names()


def test_the_examples_for_contributors_run(monkeypatch, capsys):
    monkeypatch.setattr("jointopt.live.shared.view.front_end", lambda name: "")  # see browser/test_simple_view.py
    names = run(CONTRIBUTING, monkeypatch)
    assert capsys.readouterr().out == "[('head',), ('features', 'head'), ('head',), ('features', 'head')]\n"
    (experiment,) = [block for block in blocks(CONTRIBUTING) if "SLICE = " in block]
    exec(experiment, alone := {})  # it is a file of its own
    ((title, part),) = alone["parts"]({})
    assert title == alone["SLICE"][0]
    few = compare(part.make, part.arms, Budget(steps=1), range(2), progress=False)
    assert set(alone["RULE"]({title: few})) == {"the finding's source", "rests on"}
    assert repr(names["Descent"]().figure()) == "J over 20 steps of size 0.1: at the end 0.00739."


@pytest.mark.parametrize("page", OTHERS, ids=lambda path: path.name)
def test_other_pages_run(page, monkeypatch):
    run(page, monkeypatch)


def rows(text):
    """Of a table of chapters: (number and title, section, question) each, without links and emphasis."""
    table = re.findall(r"^\| \W*(\d+ [^|\]*]+).*?\|(.*?)\|(.*?)\|$", text, flags=re.MULTILINE)
    return [tuple(cell.strip() for cell in row) for row in table]


def test_the_readme_lists_every_chapter_as_the_map_does():
    readme = README.read_text(encoding="utf-8")
    assert re.findall(r"\(notebooks/(.*?)\)", readme) == CHAPTERS
    cells = nbformat.read(ROOT / "notebooks" / CHAPTERS[0], as_version=4).cells
    (the_map,) = [cell.source for cell in cells if "\n## The map\n" in cell.source]
    assert rows(readme) == rows(the_map) and len(rows(the_map)) == len(CHAPTERS)


def test_the_picture_of_the_lab_moves_is_small_and_has_words():
    assert PICTURE.stat().st_size <= 1e6
    with Image.open(PICTURE) as picture:
        assert picture.n_frames >= 20 and picture.width >= 720
        frames = [picture.seek(i) or picture.convert("RGB").tobytes() for i in (0, picture.n_frames - 1)]
    assert frames[0] != frames[1]
    (alt,) = re.findall(r"!\[([^]]*)\]\(docs/lab\.webp\)", README.read_text(encoding="utf-8"))
    assert len(alt) > 60
