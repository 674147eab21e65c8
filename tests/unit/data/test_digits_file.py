"""The data file: a build gives what ships, and a file that is missing, truncated or altered is an error."""

import pickle
import zipfile

import numpy as np
import pytest
import torch

from jointopt import data
from jointopt.data import digits
from jointopt.system import checksum
from tools import make_digits


@pytest.fixture(scope="module")
def arrays():
    return digits.read(digits.FILE)


@pytest.fixture(scope="module")
def built():
    return make_digits.make_arrays()


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the shipped file, which the package reads instead of it."""
    path = tmp_path / "copy.npz"
    path.write_bytes(digits.FILE.read_bytes())
    monkeypatch.setattr(digits, "FILE", path)
    return path


def test_build_gives_the_shipped_content(built, arrays):
    assert built.keys() == arrays.keys()
    for name, array in arrays.items():
        assert built[name].dtype == np.uint8 and np.array_equal(built[name], array), name
    assert checksum(built) == digits.SHA256
    assert digits.SHA256 in digits.FILE.with_name("SOURCES.md").read_text(encoding="utf-8")


def test_two_builds_are_equal_byte_for_byte(tmp_path, capsys):
    paths = tmp_path / "one.npz", tmp_path / "two.npz"
    for path in paths:
        make_digits.main(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    for entry in zipfile.ZipFile(paths[0]).infolist():  # neither the clock nor the system is in it
        assert entry.date_time == (1980, 1, 1, 0, 0, 0) and entry.create_system == 3
    assert digits.SHA256 in capsys.readouterr().out
    digits.read(paths[0])


def test_build_says_when_the_content_is_not_the_recorded_one(tmp_path, monkeypatch):
    monkeypatch.setattr(make_digits, "TEST_EVERY", 4)
    with pytest.raises(SystemExit, match=digits.SHA256):
        make_digits.main(tmp_path / "other.npz")
    with pytest.raises(OSError, match="other.npz is altered"):
        digits.read(tmp_path / "other.npz")


def test_size_of_the_file():
    assert digits.FILE.stat().st_size < 1_500_000


def test_missing_file(copy):
    copy.unlink()
    with pytest.raises(FileNotFoundError, match=r"copy\.npz is missing.*python -m tools\.make_digits"):
        data.load("digits")


@pytest.mark.parametrize("keep", [0, 1, 1000, 600_000, -1])
def test_truncated_file(copy, keep):
    copy.write_bytes(copy.read_bytes()[:keep])
    with pytest.raises(OSError, match=r"copy\.npz is truncated or altered.*python -m tools\.make_digits"):
        data.load("digits")


def test_file_of_another_kind(copy):
    copy.write_bytes(pickle.dumps({"train_digits": 0}))
    with pytest.raises(OSError, match=r"copy\.npz is truncated or altered"):
        data.load("digits")


def test_file_with_other_content_in_good_order(copy, arrays):
    labels = arrays["train_labels"].copy()
    labels[0] = 1
    copy.write_bytes(make_digits.pack(arrays | {"train_labels": labels}))
    with pytest.raises(OSError, match=r"copy\.npz is altered: SHA-256 .*python -m tools\.make_digits"):
        data.load("digits")


def test_no_altered_byte_gives_other_data(tmp_path, arrays):
    """Either an error, or (a byte of the archive that carries nothing, such as a date) the same arrays."""
    original = digits.FILE.read_bytes()
    errors = 0
    for position in np.linspace(0, len(original) - 1, 40).astype(int):
        path = tmp_path / f"{position}.npz"
        path.write_bytes(original[:position] + bytes([original[position] ^ 255]) + original[position + 1 :])
        try:
            found = digits.read(path)
        except OSError as error:
            errors += 1
            assert path.name in str(error)
        else:
            assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert errors >= 35


def test_the_file_is_read_once(copy):
    first = data.load("digits")
    copy.unlink()
    assert torch.equal(data.load("digits").images, first.images)
