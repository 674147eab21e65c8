"""The network of segmentation: encoder, upsampling decoder and head; boxes as a second task, and learned weights.

Sources: skip connections, Ronneberger et al. 2015 (U-Net), here added and not concatenated, as in LinkNet (Chaurasia
and Culurciello 2017), so that the network has the same weights with them and without; an image from a coarser grid,
Shi et al. 2016; learned weights, Kendall, Gal and Cipolla 2018, equation 10.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt.checks import check_tensor

STRIDE = 8  # pixels: what one cell of the coarsest features covers
SPEED = 10  # of the learned weights, against other parameters: a run of some hundred steps is short for them


def block(before: int, after: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """Convolution, GroupNorm (batches are small), ReLU."""
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.GroupNorm(8, after), nn.ReLU(inplace=True)]


class Encoder(nn.Module):
    """images (B, 3, H, W) → features at three scales: (B, 16, H/2, W/2), (B, 32, H/4, W/4), (B, 64, H/8, W/8)."""

    def __init__(self):
        super().__init__()
        self.fine = nn.Sequential(*block(3, 16, kernel=5, stride=2))
        self.middle = nn.Sequential(*block(16, 32, stride=2), *block(32, 32))
        self.coarse = nn.Sequential(*block(32, 64, stride=2), *block(64, 64))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.fine((images - 0.5) / 0.25)
        middle = self.middle(fine)
        return fine, middle, self.coarse(middle)


class Decoder(nn.Module):
    """The encoder's three features → (B, 16, H/2, W/2). Without `skip` it looks at the coarsest alone."""

    def __init__(self, skip: bool):
        super().__init__()
        self.skip = skip
        self.up_middle, self.middle = nn.Conv2d(64, 32, 1), nn.Sequential(*block(32, 32))
        self.up_fine, self.fine = nn.Conv2d(32, 16, 1), nn.Sequential(*block(16, 16))

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> Tensor:
        x = F.interpolate(self.up_middle(coarse), scale_factor=2)  # (B, 32, H/4, W/4)
        x = self.middle(x + middle if self.skip else x)
        x = F.interpolate(self.up_fine(x), scale_factor=2)  # (B, 16, H/2, W/2)
        return self.fine(x + fine if self.skip else x)


class Boxes(nn.Sequential):
    """The second task's head: the coarsest features (B, 64, h, w) → for each cell a box, (B, 4, h, w), in pixels.

    It predicts how far the box's sides are from the middle of the cell, in cells; at first 1.5 of them.
    """

    def __init__(self):
        last = nn.Conv2d(32, 4, 1)
        nn.init.constant_(last.bias, 1.5)
        super().__init__(*block(64, 32), last)

    def forward(self, coarse: Tensor) -> Tensor:
        distances = STRIDE * super().forward(coarse)  # (B, 4, h, w): to the left, up, to the right, down
        middles = (STRIDE * (torch.arange(side).to(coarse) + 0.5) for side in coarse.shape[2:])
        y, x = torch.meshgrid(*middles, indexing="ij")  # (h, w)
        signs = coarse.new_tensor([-1.0, -1.0, 1.0, 1.0]).view(4, 1, 1)
        return torch.stack([x, y, x, y]) + signs * distances


class Balance(nn.Module):
    """Learned weights: the parameters are s_k = log σ_k² of the two tasks (as s_k / 10, so that they move faster).

    exp(−s_1) · cross-entropy + s_1 / 2 + ½ exp(−s_2) · boxes + s_2 / 2: equation 10 of Kendall et al. 2018, with their
    L1 loss for the regression. Each weight is at rest where its term is ½, so that the smaller loss weighs more.
    """

    def __init__(self):
        super().__init__()
        self.slow = nn.Parameter(torch.zeros(2))

    def weights(self) -> Tensor:
        """The two λ's that it has come to, (2,): exp(−s_1) and ½ exp(−s_2)."""
        return torch.exp(-SPEED * self.slow) * self.slow.new_tensor([1.0, 0.5])

    def forward(self, classified: Tensor, regressed: Tensor) -> Tensor:
        return self.weights() @ torch.stack([classified, regressed]) + SPEED * self.slow.sum() / 2


class Segmenter(nn.Module):
    """images (B, 3, H, W), whose sides are multiples of 8 → scores (B, 1 + classes, H, W); class 0 is the background.

    The head gives the scores of 2×2 pixels for each cell of the decoder's grid. It begins with a background that
    takes nearly all (Lin et al. 2017, Focal loss, §4.1): each other class has a hundredth.
    """

    def __init__(self, classes: int, skip: bool = True, second: bool = False, balance: bool = False):
        super().__init__()
        self.classes = 1 + classes
        self.encoder, self.decoder = Encoder(), Decoder(skip)
        self.head = nn.Sequential(nn.Conv2d(16, 4 * self.classes, 1), nn.PixelShuffle(2))
        with torch.no_grad():
            self.head[0].bias.fill_(0.0)[4:].fill_(float(np.log(0.01)))
        if second:
            self.second = Boxes()
        if balance:
            self.balance = Balance()

    def forward(self, images: Tensor) -> Tensor:
        check_images(images)
        return self.head(self.decoder(*self.encoder(images)))


def check_images(images: object) -> None:
    """Raise ValueError unless it is a batch of images that the model takes, whose sides are multiples of the stride."""
    check_tensor("images", images, "float", ("B", 3, "H", "W"))
    height, width = images.shape[2:]
    if height % STRIDE or width % STRIDE:
        raise ValueError(f"height and width must be multiples of {STRIDE}, got {height} and {width}: crop or pad")
