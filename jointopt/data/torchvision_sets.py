"""MNIST, Fashion-MNIST and CIFAR-10 through torchvision, imported only when one of them is asked for."""

import gzip
import os
import shutil
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

NAMES = ("mnist", "fashion_mnist", "cifar10")
SIDE = 28  # pixels
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # the files of Debian's package dataset-fashion-mnist


def load(
    name: str, split: str, root: str | os.PathLike | None, download: bool
) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    """Pixels uint8, (N, 28, 28) if gray and (N, 3, 28, 28) if in color, labels int64 (N,), and classes.

    Raises FileNotFoundError that lists the missing files, OSError if they cannot be read or fetched.
    """
    from torchvision import datasets  # 2 s and 160 MB

    kinds = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}
    kind = kinds[name]
    folder = Path(root) if root is not None else default_root()
    files = expected_files(kind, folder)
    if name == "fashion_mnist" and root is None:
        unpack_debian(files)

    def read(_) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
        data = kind(folder, train=split == "train", download=download)
        pixels, labels = torch.as_tensor(data.data), torch.as_tensor(data.targets)
        classes = tuple("0123456789") if name == "mnist" else tuple(data.classes)
        if len(pixels) != len(labels) or not 0 <= labels.min() <= labels.max() < len(classes):
            raise ValueError(f"{len(pixels)} images, {len(labels)} labels from {labels.min()} to {labels.max()}")
        return pixels, labels, classes

    way = f"To fetch it: from jointopt import data; data.load({name!r}, download=True)"
    if name == "fashion_mnist":
        way += ", or on Debian run `apt install dataset-fashion-mnist` and leave root out"
    pixels, labels, classes = find(name, read, folder, files, download, way)
    if pixels.ndim == 4:
        pixels = _resize(pixels.permute(0, 3, 1, 2))  # (N, 3, 28, 28)
    return pixels, labels, classes


def find(name: str, make: Callable, root: Path, files: Sequence[Path], download: bool, way: str):
    """What `make(whether one is missing)` makes of `files` below `root`.

    FileNotFoundError says what is missing and the way to get it; OSError, that it could not be fetched or read.
    """
    missing = [file for file in files if not file.exists()]
    if missing and not download:
        names = ", ".join(str(file.relative_to(root)) for file in missing)
        raise FileNotFoundError(f"{name} was looked for in {root}; missing: {names}. {way}.")
    try:
        return make(bool(missing))
    except Exception as error:  # torchvision raises many kinds: no network, a bad checksum, a file cut short
        raise unreadable(f"{name} in {root}", error, os.path.commonpath(files)) from error


def unreadable(what: str, error: Exception, folder: str = "the data set's folder") -> OSError:
    """The error about a data set, or an image of it, that another error kept from being read."""
    remedy = f"Is there a network? If files are damaged, delete {folder}; download=True fetches it anew"
    return OSError(f"{what} could not be fetched or read: {error!r}. {remedy}")


def default_root() -> Path:
    """The folder in the environment variable JOINTOPT_DATA, else ~/.cache/jointopt."""
    return Path(os.environ.get("JOINTOPT_DATA") or "~/.cache/jointopt").expanduser()


def expected_files(kind: type, folder: Path) -> list[Path]:
    """The files that torchvision's class `kind` reads below `folder`."""
    if hasattr(kind, "base_folder"):  # CIFAR
        names = [name for name, _ in kind.train_list + kind.test_list] + [kind.meta["filename"]]
        return [folder / kind.base_folder / name for name in names]
    return [folder / kind.__name__ / "raw" / name.removesuffix(".gz") for name, _ in kind.resources]


def unpack_debian(files: list[Path]) -> None:
    """Decompress those of `files` that are missing (55 MB in all) from Debian's package, if that is there."""
    for file in files:
        source = DEBIAN / f"{file.name}.gz"
        if file.exists() or not source.exists():
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}.part")  # the final name never holds half a file
        try:
            with gzip.open(source) as packed, open(part, "wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            part.unlink()
            remedy = "Reinstall the package dataset-fashion-mnist"
            raise OSError(f"{source} is truncated or altered ({error}). {remedy}") from error
        part.replace(file)


def _resize(pixels: torch.Tensor) -> torch.Tensor:
    """Resize (N, 3, H, W) uint8 to 28 pixels, antialiased."""
    return torch.nn.functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
