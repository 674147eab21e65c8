"""MNIST, Fashion-MNIST and CIFAR-10 through torchvision, imported only when one of them is asked for."""

import gzip
import os
import shutil
import zlib
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
    missing = [file for file in files if not file.is_file()]
    if missing and not download:
        raise FileNotFoundError(_missing(name, folder, missing))
    try:
        data = kind(folder, train=split == "train", download=download)
        pixels, labels = torch.as_tensor(data.data), torch.as_tensor(data.targets)
        classes = tuple("0123456789") if name == "mnist" else tuple(data.classes)
        if len(pixels) != len(labels) or not 0 <= labels.min() <= labels.max() < len(classes):
            found = f"{len(pixels)} images, {len(labels)} labels from {labels.min()} to {labels.max()}"
            raise ValueError(found)
    except Exception as error:  # torchvision raises many kinds: no network, a bad checksum, a file cut short
        remedy = f"Is there a network? If files are damaged, delete {files[0].parent}; download=True fetches it anew"
        raise OSError(f"{name} in {folder} could not be fetched or read: {error!r}. {remedy}") from error
    if pixels.ndim == 4:
        pixels = _resize(pixels.permute(0, 3, 1, 2))  # (N, 3, 28, 28)
    return pixels, labels, classes


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


def _missing(name: str, folder: Path, missing: list[Path]) -> str:
    names = ", ".join(str(file.relative_to(folder)) for file in missing)
    ways = f"To fetch it: from jointopt import data; data.load({name!r}, download=True)"
    if name == "fashion_mnist":
        ways += ", or on Debian run `apt install dataset-fashion-mnist` and leave root out"
    return f"{name} was looked for in {folder}; missing: {names}. {ways}."


def _resize(pixels: torch.Tensor) -> torch.Tensor:
    """Resize (N, 3, H, W) uint8 to 28 pixels, antialiased."""
    return torch.nn.functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
