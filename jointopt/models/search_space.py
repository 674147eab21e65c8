"""A space of 64 architectures, and the mixture of all of them in which DARTS searches.

Three cells, one after the other, on 14×14, 7×7 and 3×3 positions; each is one of four operations. A mixture computes
all four and adds them up, each with its probability softmax(α): so the architecture is a module with parameters of its
own, and gradient descent reaches it.

Sources: Liu, Simonyan and Yang, *DARTS*, ICLR 2019, §2.2 and §3.1.1 (batch normalization without its affine
parameters, which could rescale what α weighs). Its cells are graphs of 14 edges and eight operations; ours are single
edges of four, those of NAS-Bench-201 (Dong and Yang, ICLR 2020, §2.1) without its "zeroize".
"""

from itertools import product

import torch
from torch import Tensor, nn

from jointopt.checks import check_count, listed

OPERATIONS = ("skip", "pool", "conv1", "conv3")
POSITIONS = (14 * 14, 7 * 7, 3 * 3)  # of the feature map that each cell works on
ARCHITECTURES = tuple("-".join(names) for names in product(OPERATIONS, repeat=len(POSITIONS)))
WIDTH = 12  # channels
UNIT = 100_000  # multiply-adds per image


def operation(name: str, width: int = WIDTH) -> nn.Module:
    """One of OPERATIONS, features (B, width, h, w) → the same shape. All but "skip" end in batch normalization.

    skip   the features as they are       pool   the mean of 3×3 positions
    conv1  a 1×1 convolution              conv3  a 3×3 convolution
    """
    if name == "skip":
        return nn.Identity()
    if name == "pool":
        layers = [nn.AvgPool2d(3, 1, 1, count_include_pad=False)]
    else:
        side = {"conv1": 1, "conv3": 3}[name]
        layers = [nn.ReLU(), nn.Conv2d(width, width, side, padding=side // 2, bias=False)]
    return nn.Sequential(*layers, nn.BatchNorm2d(width, affine=False))


def costs(width: int = WIDTH) -> Tensor:
    """Multiply-adds per image of each operation in each cell, (3, 4), in units of 100,000."""
    one = {"skip": 0, "pool": 9 * width, "conv1": width**2, "conv3": 9 * width**2}  # per position
    return torch.tensor([[one[name] * positions for name in OPERATIONS] for positions in POSITIONS]) / UNIT


def cost_of(architecture: str, width: int = WIDTH) -> float:
    """Multiply-adds per image of one of ARCHITECTURES, in units of 100,000."""
    table = costs(width).tolist()
    return sum(row[OPERATIONS.index(name)] for row, name in zip(table, parsed(architecture), strict=True))


class Architecture(nn.Module):
    """The parameters α, (3, 4): how much each operation counts in each cell, before the softmax."""

    def __init__(self):
        super().__init__()
        self.alpha = nn.Parameter(1e-3 * torch.randn(len(POSITIONS), len(OPERATIONS)))  # as in DARTS: nearly equal

    def forward(self) -> Tensor:
        """Probabilities (3, 4); each cell's sum to 1."""
        return self.alpha.softmax(1)


class FeatureExtractor(nn.Module):
    """images (B, C, 28, 28) → features (B, width, 3, 3): a stem, then three cells, with 2×2 pooling between them."""

    def __init__(self, channels: int, width: int, chosen: tuple[str, ...] | None):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.MaxPool2d(2)
        )
        names = [OPERATIONS] * len(POSITIONS) if chosen is None else [(name,) for name in chosen]
        self.cells = nn.ModuleList(nn.ModuleList(operation(name, width) for name in cell) for cell in names)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor, probabilities: Tensor) -> Tensor:
        x = self.stem(x)  # (B, width, 14, 14)
        for number, (cell, weights) in enumerate(zip(self.cells, probabilities, strict=True)):
            x = x if number == 0 else self.pool(x)  # 14 → 7 → 3
            x = sum(weight * each(x) for weight, each in zip(weights, cell, strict=True))
        return x


class SearchNetwork(nn.Module):
    """images (B, C, 28, 28) → scores (B, classes).

    chosen  None: the mixture, with a third child, `architecture`. Three names of OPERATIONS: that network alone
    """

    def __init__(self, channels: int, classes: int, width: int = WIDTH, chosen: tuple[str, ...] | None = None):
        super().__init__()
        check_count("width", width, 1)
        self.channels, self.classes, self.chosen = channels, classes, chosen
        self.feature_extractor = FeatureExtractor(channels, width, chosen)
        self.classifier = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(width * POSITIONS[-1], classes))
        if chosen is None:
            self.architecture = Architecture()
        self.register_buffer("costs", costs(width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.costs.new_ones(len(POSITIONS), 1) if self.chosen else self.architecture()
        return self.classifier(self.feature_extractor(x, weights))

    def probabilities(self) -> Tensor:
        """Of each operation in each cell, (3, 4); of one chosen architecture 0 and 1."""
        if self.chosen is None:
            return self.architecture()
        return torch.stack([self.costs.new_tensor([name == other for other in OPERATIONS]) for name in self.chosen])

    def expected_cost(self) -> Tensor:
        """Multiply-adds per image in the cells, in units of 100,000: the mean over the probabilities."""
        return (self.probabilities() * self.costs).sum()


def parsed(architecture: str | None) -> tuple[str, ...] | None:
    """("conv3", "skip", "pool") of "conv3-skip-pool"; None stays None. ValueError for anything else."""
    if architecture is None:
        return None
    if architecture not in ARCHITECTURES:
        of = f"three of {listed(OPERATIONS)}, one per cell, as 'conv3-skip-pool'"
        raise ValueError(f"architecture must be {of}, got {architecture!r}")
    return tuple(architecture.split("-"))
