"""Files of arrays that ship with the package: read as plain data, and checked."""

import hashlib
from pathlib import Path

import numpy as np


def read(path: Path, what: str, sha256: str, script: str) -> dict[str, np.ndarray]:
    """The arrays of an npz file, read-only. what it is, and the script that makes it, are for the errors.

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
    if (found := checksum(arrays)) != sha256:
        raise OSError(f"{what} {path} is altered: SHA-256 {found}, expected {sha256}. {remedy}")
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
