"""Several kernels in one folder: none loses what another one keeps, and none waits for one that has died."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jointopt.exercises import notes

NUMBERS = [f"{chapter}.{n}" for chapter in range(1, 5) for n in range(1, 26)]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notes, "STALE", 600.0)  # threads that stand still on a busy machine have not died
    monkeypatch.setattr(notes, "PATIENCE", 600.0)


def kept_at_once():
    """Four threads, which share no more of this than four kernels would."""
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: notes.keep(number, {"answered": True}), NUMBERS))


def names():
    return [path.name for path in Path().iterdir()]


def test_nothing_is_lost_where_several_keep_at_once():
    kept_at_once()
    assert sorted(notes.all_of()) == sorted(NUMBERS) and names() == [notes.FILE.name]


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is being read cannot be replaced there")
def test_without_a_lock_the_file_is_whole_at_each_moment(monkeypatch, capsys):
    monkeypatch.setattr(notes, "_lock", lambda: False)
    kept_at_once()
    assert 1 <= len(notes.all_of()) and names() == [notes.FILE.name] and capsys.readouterr().out == ""


def test_the_lock_of_a_kernel_that_has_died_is_taken_away(monkeypatch):
    monkeypatch.setattr(notes, "STALE", 0.1)
    notes.LOCK.touch()
    notes.keep("1.1", {"answered": True})
    assert notes.of("1.1")["answered"] and names() == [notes.FILE.name]


def test_the_lock_of_one_that_lives_is_waited_for():
    with ThreadPoolExecutor(1) as thread:
        with notes._alone():
            other = thread.submit(notes.keep, "1.2", {"answered": True})
            time.sleep(0.2)
            assert not other.done() and not notes.FILE.exists()
        other.result()
    assert list(notes.all_of()) == ["1.2"]


def test_what_cannot_be_taken_away_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(notes, "STALE", 0.05)
    monkeypatch.setattr(notes, "PATIENCE", 0.2)
    notes.LOCK.mkdir()
    notes.keep("1.1", {"answered": True})
    assert notes.of("1.1")["answered"] and notes.delete() == f"deleted {notes.FILE}."
