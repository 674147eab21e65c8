"""Tests stand where what they test stands: rooms have rooms, words of the idea have a file each, and none is long."""

from pathlib import Path

import pytest

import jointopt

UNIT = Path(__file__).parents[1]
PACKAGE = Path(jointopt.__file__).parent
FILES = sorted(UNIT.parent.rglob("*.py"))


def rooms(folder):
    return {path.name for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"}


def test_every_room_has_its_tests():
    assert rooms(UNIT) == rooms(PACKAGE) | {"repository"}


@pytest.mark.parametrize("module", sorted(path.stem for path in PACKAGE.glob("[!_]*.py")))
def test_every_file_at_the_top_has_its_tests(module):
    assert (UNIT / f"test_{module}.py").is_file()


def test_no_file_is_longer_than_300_lines():
    lines = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert len(lines) > 80 and {path: n for path, n in lines.items() if n > 300} == {}
