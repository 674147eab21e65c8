"""Files written whole and read checked; random numbers of one's own for a while; freed memory that is kept."""

import ctypes
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from jointopt import system
from jointopt.system import checksum, read_arrays, seeded, write_whole


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "run.json"
    for text in ("old", "λ = 1\n"):
        write_whole(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fails", ["write_text", "replace"])
def test_where_writing_fails_the_old_file_stays(fails, tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_whole(path, "old")

    def full(self, *args, **kwargs):
        self.touch()
        raise OSError("no space left")

    monkeypatch.setattr(Path, fails, full)
    with pytest.raises(OSError, match="no space left"):
        write_whole(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]  # no draft is left behind


@pytest.mark.parametrize("name", [".", "nowhere/run.json"])
def test_a_file_needs_a_folder(name, tmp_path):
    with pytest.raises(ValueError, match="cannot write .*: expected a file in a folder that exists"):
        write_whole(tmp_path / name, "text")


@pytest.mark.parametrize("change", ["name", "dtype", "shape", "content"])
def test_checksum_sees_every_change(change):
    arrays = {"a": np.arange(6, dtype=np.uint8), "b": np.zeros(2, np.uint8)}
    altered = dict(arrays)
    if change == "name":
        altered["c"] = altered.pop("a")
    else:
        new = {
            "dtype": arrays["a"].view(np.int8),
            "shape": arrays["a"].reshape(2, 3),
            "content": arrays["a"] + 1,
        }
        altered["a"] = new[change]
    assert checksum(altered) != checksum(arrays)


def test_arrays_are_read_only_and_only_under_their_checksum(tmp_path):
    path, arrays = tmp_path / "some.npz", {"a": np.arange(3)}
    np.savez(path, **arrays)
    read = read_arrays(path, "some file", checksum(arrays), "tools.make_it")
    assert read["a"].tolist() == [0, 1, 2] and not read["a"].flags.writeable
    with pytest.raises(OSError, match="some file .* is altered: SHA-256 .*, expected 0123. .* python -m tools.make_it"):
        read_arrays(path, "some file", "0123", "tools.make_it")


def test_seeded_draws_what_manual_seed_draws_and_leaves_the_readers_numbers():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    with seeded(3):
        assert torch.equal(torch.rand(4), expected)
    assert torch.equal(torch.random.get_rng_state(), before) and torch.initial_seed() == 5


def test_the_readers_numbers_come_back_after_an_error_and_one_seed_within_another():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    with pytest.raises(KeyError), seeded(3):
        first = torch.rand(1)
        with seeded(4):
            torch.rand(1)
        assert not torch.equal(torch.rand(1), first)
        raise KeyError
    assert torch.equal(torch.random.get_rng_state(), before)


FAULTS = """
import resource, threading
from jointopt import plans, tasks, train
steps = train(tasks.load("classification"), plans.joint())
def take():
    for _ in range(8): next(steps)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(10): next(steps)
    print((resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before) // 10)
thread = threading.Thread(target=take); thread.start(); thread.join()
"""


def test_a_step_in_a_thread_takes_its_memory_from_the_last_one():
    if platform.libc_ver()[0] != "glibc":
        assert system.keep_freed_memory() is False
        return
    assert system.keep_freed_memory()
    ran = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 500  # some 3,000 without


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert system.keep_freed_memory() is False
