"""What the package asks of the system: files written whole, arrays read and checked, random numbers, memory."""

import ctypes
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch

# glibc hands large freed blocks back to the system, and each step then gets them anew, page by page: some 3,000 page
# faults a step of the document's model, a quarter of its time in the lab's thread. Kept, they cost about 10 MB.
# malloc.h; blocks up to the first size come from the heap, whose free end is kept up to the second. One heap for all
# threads: those of other threads are small pieces, handed back as soon as one is empty, whatever is to be kept.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX = -3, -1, -8
LARGEST_BLOCK, KEPT = 32 << 20, 256 << 20  # bytes


def write_whole(path: Path, text: str) -> None:
    """Write the text; a file that is there is replaced as a whole or not at all. ValueError if there is no folder.

    The draft is this call's own: another process may write the same file.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: expected a file in a folder that exists")
    draft = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@lru_cache(maxsize=8)
def read_arrays(path: Path, what: str, sha256: str, script: str) -> dict[str, np.ndarray]:
    """The arrays of an npz file, read and checked once in a process, and read-only, since all callers share them.

    what it is, and the script that makes it, are for the errors.

    FileNotFoundError if it is missing, OSError if it is truncated, or has another checksum than this.
    """
    remedy = f"Reinstall jointopt, or make the file anew: python -m {script}"
    if not path.is_file():
        raise FileNotFoundError(f"{what} {path} is missing. {remedy}")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # a damaged archive raises almost anything
        raise OSError(f"{what} {path} is truncated or altered ({error}). {remedy}") from error
    if (actual := checksum(arrays)) != sha256:
        raise OSError(f"{what} {path} is altered: SHA-256 {actual}, expected {sha256}. {remedy}")
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def checksum(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 over the name, dtype, shape and content of each array, in order of name.

    It covers what is stored and not the compressed bytes, which differ from one zlib to the next.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch draws from this seed on the CPU; afterwards its random numbers go on as if nothing was drawn."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):  # whatever the default device
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs too, for good
        yield


def keep_freed_memory() -> bool:
    """Tell glibc's malloc, for this process. False where there is none (macOS, Windows, musl): nothing is done."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    wishes = ((M_MMAP_THRESHOLD, LARGEST_BLOCK), (M_TRIM_THRESHOLD, KEPT), (M_ARENA_MAX, 1))
    return all(mallopt(option, value) == 1 for option, value in wishes)
