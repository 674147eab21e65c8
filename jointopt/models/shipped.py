"""The trained weights that ship with the package, from three checked files.

`python -m tools.make_weights` makes clothes.npz, `python -m tools.make_ruler` ruler.npz, `python -m tools.make_encoder`
encoder.npz. They hold float32 arrays, "<network>.<name in its state_dict>", and how each network did:
"<network>/<metric>". They are plain arrays: reading them can run nothing.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jointopt.system import read_arrays

FILE = Path(__file__).with_name("clothes.npz")
SHA256 = "e2447bae478d453fcfc15cac8340ef36663a208130404b5b7dc1a1f92876bc77"
RULER = Path(__file__).with_name("ruler.npz")
RULER_SHA256 = "c894a985e26898f72d4878637bc89e6979196a3b53cfbe02faa1f0134ed2b285"
ENCODER = Path(__file__).with_name("encoder.npz")
ENCODER_SHA256 = "8abcc0d75a01602a1c0744f6f6b196523b8ed0357735a158a0329db3e812d995"
read = partial(read_arrays, what="the file of weights", sha256=SHA256, script="tools.make_weights")  # path -> arrays


def load(network: str) -> dict[str, Tensor]:
    """The state_dict of a network, new tensors at each call.

    network: "document", "resnet" or "vgg", a feature extractor; "ruler", the classifier that measures generated digits;
        "encoder", that of jointopt.models.segmenter.
    """
    if not (arrays := _arrays(network, ".")):
        raise ValueError(f"the package ships no weights for the network {network!r}")
    return {name: torch.tensor(array) for name, array in arrays.items()}


def metrics(network: str) -> dict[str, np.ndarray]:
    """What was recorded when the network was trained; see the `make_arrays` of the script."""
    return _arrays(network, "/")


def _arrays(network: str, mark: str) -> dict[str, np.ndarray]:
    """Those of the network with this mark after its name, by the rest of their names."""
    others = {
        "ruler": (RULER, RULER_SHA256, "tools.make_ruler"),
        "encoder": (ENCODER, ENCODER_SHA256, "tools.make_encoder"),
    }
    path, sha256, script = others.get(network, (FILE, SHA256, "tools.make_weights"))
    arrays, prefix = read(path, sha256=sha256, script=script), network + mark
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
