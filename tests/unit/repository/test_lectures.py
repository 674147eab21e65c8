"""The lectures are what their files and the chapters make, and the guide says what they say."""

import json
import re

import nbformat
import pytest

from jointopt.exercises.registry import of_chapter
from tools import lectures

FILES = lectures.FILES
LIVE = re.compile(r"^(lab|landscape|plane)$", re.M)  # a cell that shows a lab or another live view
over_lectures = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def test_every_chapter_has_a_lecture():
    assert [file.stem for file in FILES] == [
        chapter.name[:2] for chapter in sorted((lectures.ROOT / "notebooks").glob("*.ipynb"))
    ]


@over_lectures
def test_a_lecture_is_what_its_file_and_its_chapter_make(file):
    slides = lectures.lecture(file)
    assert nbformat.read(file.with_suffix(".ipynb"), as_version=4) == slides, "run make lectures"
    assert all(cell.execution_count for cell in slides.cells if cell.cell_type == "code")  # else nbval refuses it


@over_lectures
def test_a_lecture_has_its_length_and_its_words(file):
    plan = lectures.read(file)
    assert 30 <= lectures.minutes(file) <= 45 and 8 <= len(plan["step"]) <= 16
    assert sum("ask" in step for step in plan["step"]) >= 2
    assert len(plan["guide"]["ask"]) == 2 and len(plan["guide"]["wrong"]) >= 2 and plan["guide"]["split"]
    assert {number for _, number in plan["guide"]["wrong"]} <= set(of_chapter(int(file.stem)))


@over_lectures
def test_what_is_live_has_a_static_figure_one_key_away(file):
    code = {cell.id: cell.source for cell in nbformat.read(lectures.chapter_of(file), as_version=4).cells}
    live = [
        step for step in lectures.read(file)["step"] if any(LIVE.search(code[name]) for name in step.get("cells", ()))
    ]
    assert live, "a lecture shows something live"
    assert all("figure" in step for step in live)


def test_the_pages_are_what_the_files_make():
    text = lectures.TEACHING.read_text(encoding="utf-8")
    assert lectures.guide(text) == text, "run make lectures"
    assert lectures.notes() == lectures.NOTES.read_text(encoding="utf-8")
    assert lectures.questions() == (lectures.ROOT / "docs" / "quizzes.md").read_text(encoding="utf-8")


def test_the_guide_has_the_minutes_of_the_lectures():
    text = lectures.TEACHING.read_text(encoding="utf-8").partition(lectures.MARK)[0]
    named = re.findall(r"(\d+) \((\d+) min", text)
    assert {int(chapter) for chapter, _ in named} == {int(file.stem) for file in FILES}
    for chapter, minutes in named:
        assert lectures.minutes(FILES[int(chapter)]) == int(minutes), chapter


def test_the_guide_links_to_the_section_that_has_the_exercise():
    links = re.findall(r"\[(\d+\.\d+)\]\(\.\./notebooks/(.+?)#(.+?)\)", lectures.TEACHING.read_text(encoding="utf-8"))
    assert len(links) == sum(len(lectures.read(file)["guide"]["wrong"]) for file in FILES)
    assert {anchor for *_, anchor in links} > {"Predict-first", "Exercises"}
    for number, name, anchor in links:
        cells = nbformat.read(lectures.ROOT / "notebooks" / name, as_version=4).cells
        text = "\n" + "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        (section,) = (each for each in text.split("\n## ") if each.startswith(anchor.replace("-", " ") + "\n"))
        assert f"**{number}** *(" in section, (number, anchor)


@pytest.fixture
def changed(tmp_path):
    """A lecture of chapter 1 with this in place of that."""

    def make(old, new):
        file = tmp_path / "01.toml"
        text = FILES[1].read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        return file

    return make


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"cell-02"', '"cell-gone"', "01_objective.ipynb has no code cell 'cell-gone'"),
        ('"cell-02"', '"cell-01"', "has no code cell 'cell-01'"),  # Markdown
        ('["cell-02", "cell-04"]', '["cell-04", "cell-02"]', "'cell-02' runs before one that it follows here"),
        ('hide = ["cell-04"]', 'hide = ["cell-4"]', r"hide has \['cell-4'\], which its cells have not"),
        ("minutes = 3", "minutes = 0", "minutes must be a whole number ≥ 1"),
        ("notes = ", "note = ", r"expected ask, .*, got \['note'\]"),
    ],
)
def test_a_file_that_is_wrong(changed, old, new, words):
    with pytest.raises(ValueError, match=words):
        lectures.lecture(changed(old, new))


def test_the_settings_are_found_by_jupyterlab(monkeypatch, tmp_path):
    monkeypatch.setattr(lectures, "SETTINGS", tmp_path / "overrides.d")
    monkeypatch.setattr("sys.argv", ["lectures", "--settings"])
    lectures.main()
    assert (tmp_path / "overrides.d" / "jointopt.json").read_text() == (
        lectures.ROOT / "lectures" / "jointopt.json"
    ).read_text()


def test_the_pictures_of_chapter_4_are_read_from_the_last_row():
    """At 1280×720, where the smallest type of a picture is to have 18 pixels; it has 11 points, on 80 dots an inch."""
    style = json.loads((lectures.ROOT / "lectures" / "jointopt.json").read_text(encoding="utf-8"))
    rules = style["@deathbeds/jupyterlab-fonts:fonts"]["styles"]
    (slides,) = (lectures.lecture(file) for file in FILES if file.stem == "04")
    pictures = 0
    for cell in slides.cells:
        if cell.metadata.get("slideshow", {}).get("slide_type") == "skip" or cell.cell_type != "code":
            continue
        for size in re.findall(r'width="(\d+)" height="(\d+)"', str(cell.outputs)):
            (tag,) = [tag for tag in cell.metadata["tags"] if tag.startswith("deck-fill")]
            (rule,) = [rule for selector, rule in rules.items() if f",{tag}," in selector]
            wide, high = int(rule["width"][:-2]) / int(size[0]), int(rule["max-height"][:-2]) / int(size[1])
            scale = wide if rule["object-fit"] == "cover" else min(wide, high)
            assert 11 * 80 / 72 * scale >= 18, (cell.id, tag, size)
            pictures += 1
    assert pictures == 7
