"""Convolutions by number, so that they can be kept, frozen and drawn anew up to any depth."""

from itertools import pairwise

from torch import Tensor, nn

CHANNELS = (8, 16, 32, 32)  # of the stages; each ends with 2×2 pooling


class Stack(nn.Module):
    """`depth` convolutions, conv1 … conv<depth>, and two linear heads: one for the source, one for the target.

    images (B, 3, 28, 28) → features → scores (B, 5). The layers are spread over at most four stages of 8, 16, 32 and 32
    channels, each ended by pooling: two layers give features (16, 7, 7), four and more give (32, 1, 1). The first
    weights are those of He et al. 2015.
    """

    def __init__(self, depth: int = 8):
        super().__init__()
        self.depth, before = depth, 3
        stages = min(depth, len(CHANNELS))
        stage_of = [number * stages // depth for number in range(depth + 1)]
        for number, (stage, following) in enumerate(pairwise(stage_of), 1):
            conv, pool = nn.Conv2d(before, CHANNELS[stage], 3, 1, 1), nn.MaxPool2d(2)
            self.add_module(
                f"conv{number}", nn.Sequential(conv, pool if following > stage else nn.Identity(), nn.ReLU())
            )
            before = CHANNELS[stage]
        before *= (28 // 2**stages) ** 2
        self.source_head, self.classifier = nn.Linear(before, 5), nn.Linear(before, 5)
        self.draw(1)

    def draw(self, first: int) -> None:
        """New weights for conv<first> and all above."""
        for name in layers(first, self.depth):
            conv = self.get_submodule(name)[0]
            nn.init.kaiming_normal_(conv.weight)
            nn.init.zeros_(conv.bias)

    def features(self, x: Tensor) -> Tensor:
        """images (B, 3, 28, 28) → (B, features)."""
        for name in layers(1, self.depth):
            x = self.get_submodule(name)(x)
        return x.flatten(1)  # (B, features)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


def layers(first: int, last: int) -> list[str]:
    """The names conv<first> … conv<last>."""
    return [f"conv{number}" for number in range(first, last + 1)]
