"""MNIST, Fashion-MNIST and CIFAR-10 through torchvision, which is imported only when one of them is asked for."""

import gzip
import os
import shutil
from pathlib import Path

import torch

NAMES = ("mnist", "fashion_mnist", "cifar10")
SIDE = 28  # pixels
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist puts its files


def load(name: str, split: str, root: str | os.PathLike | None, download: bool):
    """Pixels uint8, (N, 28, 28) if gray and (N, 3, 28, 28) if in color, labels int64 (N,), and classes.

    Raises FileNotFoundError that lists the missing files, OSError if they can not be read or fetched.
    """
    from torchvision import datasets  # 2 s and 160 MB

    kind = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}[name]
    folder = Path(root) if root is not None else default_root()
    files = expected_files(kind, folder)
    try:
        if name == "fashion_mnist" and root is None:
            unpack_debian(files)
        missing = [file for file in files if not file.is_file()]
        if missing and not download:
            raise FileNotFoundError(_missing(name, folder, missing))
        data = kind(folder, train=split == "train", download=download)
        pixels, labels = torch.as_tensor(data.data), torch.as_tensor(data.targets)
        if len(pixels) != len(labels):
            raise ValueError(f"{len(pixels)} images but {len(labels)} labels")
    except FileNotFoundError:
        raise
    except Exception as error:  # torchvision raises many kinds: no network, bad checksum, a file cut short
        remedy = f"Delete {files[0].parent} and load it again with download=True"
        raise OSError(f"{name} in {folder} could not be fetched or read: {error}. {remedy}") from error
    if pixels.ndim == 4:
        pixels = _resize(pixels.permute(0, 3, 1, 2))  # (N, 3, 28, 28)
    return pixels, labels, tuple("0123456789") if name == "mnist" else tuple(data.classes)


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
    """Decompress those of `files` that are missing (55 MB in all) from Debian's package, where it is installed."""
    for file in files:
        source = DEBIAN / f"{file.name}.gz"
        if file.exists() or not source.exists():
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}.part")  # never a half-written file under the final name
        with gzip.open(source) as packed, open(part, "wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        part.replace(file)


def _missing(name: str, folder: Path, missing: list[Path]) -> str:
    names = ", ".join(str(file.relative_to(folder)) for file in missing)
    ways = "Pass download=True to fetch it"
    if name == "fashion_mnist":
        ways += ", or on Debian run `apt install dataset-fashion-mnist` and leave root out"
    return f"{name} was looked for in {folder}; missing: {names}. {ways}."


def _resize(pixels: torch.Tensor) -> torch.Tensor:
    """Resize (N, 3, H, W) uint8 to 28 pixels, antialiased."""
    return torch.nn.functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
