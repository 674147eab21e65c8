"""A small convolutional GAN, and the classifier in whose features its samples are measured.

These networks have no normalization: a player's statistics would mix real and generated images, and move while it is
held still. Source of their shape: Radford, Metz and Chintala, ICLR 2016.
"""

from torch import Tensor, nn

NOISE = 32  # numbers from which an image is made
FEATURES = 64  # of the classifier


class GAN(nn.Module):
    """noise (B, 32) → generator → images (B, C, 28, 28) in [0, 1] → discriminator → logits (B, 1), > 0: "real"."""

    def __init__(self, channels: int = 1, width: int = 16):
        super().__init__()
        self.channels = channels
        self.generator = nn.Sequential(
            nn.Linear(NOISE, 4 * width * 7 * 7),
            nn.Unflatten(1, (4 * width, 7, 7)),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1),  # (B, 2·width, 14, 14)
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, channels, 4, 2, 1),  # (B, C, 28, 28)
            nn.Sigmoid(),
        )
        self.discriminator = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1),  # (B, width, 14, 14)
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),  # (B, 2·width, 7, 7)
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * 7 * 7, 1),
        )

    def forward(self, noise: Tensor) -> Tensor:
        return self.generator(noise)


def make_classifier(channels: int, classes: int) -> nn.Sequential:
    """images (B, C, 28, 28) → features (B, 64) → scores (B, classes), by two modules, "0" and "1"."""
    layers = [nn.Conv2d(channels, 8, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU()]  # (B, 8, 14, 14)
    layers += [nn.Conv2d(8, 16, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU()]  # (B, 16, 7, 7)
    layers += [nn.Flatten(), nn.Linear(16 * 7 * 7, FEATURES), nn.ReLU()]  # (B, 64)
    return nn.Sequential(nn.Sequential(*layers), nn.Linear(FEATURES, classes))
