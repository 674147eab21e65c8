"""The trained weights that ship with the package, from two checked files.

`python -m tools.make_weights` makes clothes.npz, `python -m tools.make_ruler` ruler.npz. They hold float32 arrays,
"<network>.<name in its state_dict>", and how each network did: "<network>/<metric>". They are plain arrays: reading
them can run nothing.
"""

import functools
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jointopt.system import read_arrays

FILE = Path(__file__).with_name("clothes.npz")
SHA256 = "e2447bae478d453fcfc15cac8340ef36663a208130404b5b7dc1a1f92876bc77"
RULER = Path(__file__).with_name("ruler.npz")
RULER_SHA256 = "c894a985e26898f72d4878637bc89e6979196a3b53cfbe02faa1f0134ed2b285"


def load(network: str) -> dict[str, Tensor]:
    """The state_dict of the feature extractor of "document", "resnet" or "vgg", or of "ruler", the classifier that
    measures generated digits: new tensors at each call."""
    prefix = f"{network}."
    arrays = {name: array for name, array in _arrays(network).items() if name.startswith(prefix)}
    if not arrays:
        raise ValueError(f"the package ships no weights for the network {network!r}")
    return {name.removeprefix(prefix): torch.tensor(array) for name, array in arrays.items()}


def metrics(network: str) -> dict[str, np.ndarray]:
    """What was recorded when the network was trained; see the `make_arrays` of the script."""
    prefix = f"{network}/"
    return {name.removeprefix(prefix): array for name, array in _arrays(network).items() if name.startswith(prefix)}


def _arrays(network: str) -> dict[str, np.ndarray]:
    return read(RULER, RULER_SHA256, "tools.make_ruler") if network == "ruler" else read(FILE)


@functools.lru_cache(maxsize=4)
def read(path: Path, sha256: str = SHA256, script: str = "tools.make_weights") -> dict[str, np.ndarray]:
    """Read and check a file, once in a process. The arrays are read-only, since all callers share them.

    FileNotFoundError if it is missing, OSError if it is truncated or altered.
    """
    return read_arrays(path, "the file of weights", sha256, script)
