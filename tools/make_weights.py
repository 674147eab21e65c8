"""Make the pretrained weights of the package: `python -m tools.make_weights`, some minutes on one core.

The task: to distinguish ten kinds of clothes (Fashion-MNIST), laid over crops of the training photographs as the digits
of "cluttered" are. Neither a digit nor a test photograph is seen. SOURCES.md names authors and licenses.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt import plans
from jointopt.controls import Controls
from jointopt.data import digits, rows, torchvision_sets
from jointopt.models import classifiers, shipped
from jointopt.modules import eval_mode
from jointopt.optimizers import make_optimizer
from jointopt.system import checksum
from jointopt.training import Task, train
from tools.make_digits import pack

CLOTHES = {"train": 20_000, "test": 2000}  # how many of Fashion-MNIST's images, the first ones
STEPS, SLOWER, SIZE = 3000, 2000, 64  # from the step SLOWER on, a tenth of the learning rate
LR = 1e-3
FIRST = 10  # losses that are recorded, so that a short run can tell whether the script made the file


def clothes(split: str) -> tuple[Tensor, Tensor]:
    """Clothes over photographs: images uint8 (N, 3, 28, 28) and labels int64 (N,)."""
    pixels, labels, _ = torchvision_sets.load("fashion_mnist", split, root=None, download=False)
    chosen = pixels[: CLOTHES[split]].numpy()  # (N, 28, 28)
    backgrounds = digits.read(digits.FILE)[f"{split}_backgrounds"]
    images, _ = digits.clutter(chosen, backgrounds, seed=2 + digits.CLUTTER_SEED[split])
    return torch.from_numpy(images), labels[: len(chosen)].long()


def pretrain(network: str, images: Tensor, labels: Tensor, steps: int = STEPS) -> tuple[nn.Module, list[float]]:
    """The network after `steps` joint steps, its first weights from seed 0; and the loss of each step, in nats."""
    torch.manual_seed(0)
    model = classifiers.build(network, classes=10).to(memory_format=torch.channels_last)
    order = rows(len(images), SIZE, seed=0)

    def batch(number: int) -> tuple[Tensor, Tensor]:
        row = order(number)
        return floats(images[row]), labels[row]

    task = Task(model, lambda model, batch: {"task": F.cross_entropy(model(batch[0]), batch[1])}, batch)
    controls, losses = Controls(), []
    for step in train(task, plans.joint(steps), controls, make_optimizer(model, lr=LR)):
        losses.append(step.total)
        if step.number + 1 == SLOWER:
            controls.set(lr=LR / 10)
    return model, losses


def floats(images: Tensor) -> Tensor:
    """uint8 (N, 3, 28, 28) → float32 in [0, 1], channels_last."""
    return images.float().div(255).to(memory_format=torch.channels_last)


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """In percent."""
    with eval_mode(model):
        right = [model(floats(x)).argmax(1) == y for x, y in zip(images.split(100), labels.split(100), strict=True)]
    return 100 * float(torch.cat(right).float().mean())


@torch.no_grad()
def nearest_mean(features: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Accuracy in percent on the second half of the images, classified by the nearest mean feature of the first half.

    It needs no head, so it can be measured again of what ships.
    """
    with eval_mode(features):
        found = torch.cat([features(floats(x)).flatten(1) for x in images.split(100)])  # (N, features)
    half = len(images) // 2
    means = torch.stack([found[:half][labels[:half] == label].mean(0) for label in range(10)])  # (10, features)
    return 100 * float((torch.cdist(found[half:], means).argmin(1) == labels[half:]).float().mean())


def make_arrays(steps: int = STEPS) -> dict[str, np.ndarray]:
    """The arrays that the file holds; shipped.py describes them."""
    train_set, test_set = clothes("train"), clothes("test")
    arrays: dict[str, np.ndarray] = {}
    for network in classifiers.NETWORKS:
        model, losses = pretrain(network, *train_set, steps)
        features = model.feature_extractor
        found = {
            "accuracy (%)": accuracy(model, *test_set),
            "nearest mean (%)": nearest_mean(features, *test_set),
            "first losses (nats)": losses[:FIRST],
        }
        arrays |= {f"{network}/{name}": np.atleast_1d(np.float32(value)) for name, value in found.items()}
        state = {name: value for name, value in features.state_dict().items() if value.ndim}  # no counts of batches
        arrays |= {f"{network}.{name}": value.contiguous().numpy() for name, value in state.items()}
    return arrays


def write(path: Path, arrays: dict[str, np.ndarray], recorded: str) -> None:
    """Write the file. Where its content is not the recorded one: beside it, as *.new.npz, and exit with a message."""
    file, found = path.name, checksum(arrays)
    if found != recorded:
        path = path.with_suffix(".new.npz")  # the weights that ship stay as they are
    path.write_bytes(pack(arrays))
    for name, value in arrays.items():
        if name.endswith("(%)"):
            print(f"{name} {value.item():.1f}")
    print(f"{path}: {path.stat().st_size:,} bytes, SHA-256 of the content {found}")
    if found != recorded:
        raise SystemExit(
            f"This is not the recorded checksum {recorded}. Sums differ in their last digits from one processor to the"
            " next, and training amplifies that: metrics within two points of the recorded ones are no fault. To ship"
            f" these weights, name the file {file}, record their checksum in jointopt/models/shipped.py, and make the"
            " records that use them anew."
        )


def main(path: Path = shipped.FILE, steps: int = STEPS) -> None:
    """Write the file of the feature extractors."""
    write(path, make_arrays(steps), shipped.SHA256)


if __name__ == "__main__":
    main()
