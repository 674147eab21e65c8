"""The pretrained feature extractors that ship with the package, from one checked file.

`python -m tools.make_weights` makes the file. It holds float32 arrays, "<network>.<name in its state_dict>", and
how each network did: "<network>/<figure>". They are plain arrays: reading them can run nothing.
"""

import functools
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jointopt.system import read_arrays

FILE = Path(__file__).with_name("clothes.npz")
SHA256 = "e2447bae478d453fcfc15cac8340ef36663a208130404b5b7dc1a1f92876bc77"


def load(network: str) -> dict[str, Tensor]:
    """The state_dict of the feature extractor of "document", "resnet" or "vgg": new tensors at each call."""
    prefix = f"{network}."
    arrays = {name: array for name, array in read(FILE).items() if name.startswith(prefix)}
    if not arrays:
        raise ValueError(f"the package ships no weights for the network {network!r}")
    return {name.removeprefix(prefix): torch.tensor(array) for name, array in arrays.items()}


def figures(network: str) -> dict[str, np.ndarray]:
    """What was recorded when the network was pretrained; see `tools.make_weights.make_arrays`."""
    prefix = f"{network}/"
    return {name.removeprefix(prefix): array for name, array in read(FILE).items() if name.startswith(prefix)}


@functools.lru_cache(maxsize=4)
def read(path: Path) -> dict[str, np.ndarray]:
    """Read and check the file, once a process. The arrays are read-only, since all callers share them.

    FileNotFoundError if it is missing, OSError if it is truncated or altered.
    """
    return read_arrays(path, "the file of weights", SHA256, "tools.make_weights")
