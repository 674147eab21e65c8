"""Make the classifier that measures generated digits: `python -m tools.make_ruler`, some 10 s on one core.

It is trained on the digits that the package ships, without those of "validation"; models/SOURCES.md says more.
"""

from pathlib import Path

import numpy as np
import torch

from jointopt.models import shipped
from jointopt.tasks import generation
from tools.make_weights import FIRST, write


def make_arrays(steps: int = generation.RULER_STEPS) -> dict[str, np.ndarray]:
    """The arrays that the file holds; shipped.py describes them."""
    classifier, losses = generation.train_classifier("digits", steps)
    _, held = generation.train_and_held_out("digits", "validation")
    with torch.no_grad():
        right = (classifier(held.images).argmax(1) == held.labels).float().mean()
    found = {"accuracy (%)": 100 * float(right), "first losses (nats)": losses[:FIRST]}
    arrays = {f"ruler/{name}": np.atleast_1d(np.float32(value)) for name, value in found.items()}
    return arrays | {f"ruler.{name}": value.contiguous().numpy() for name, value in classifier.state_dict().items()}


def main(path: Path = shipped.RULER, steps: int = generation.RULER_STEPS) -> None:
    """Write the file of the classifier."""
    write(path, make_arrays(steps), shipped.RULER_SHA256)


if __name__ == "__main__":
    main()
