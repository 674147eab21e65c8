"""The document's pipeline at our scale, with two more heads for tasks that need no label."""

from torch import nn

from jointopt.models.classifiers import Pipeline
from jointopt.models.classifiers import standardize as standardized


class Pretext(Pipeline):
    """images (B, 3, 28, 28) → features (B, 2·channels, 7, 7) → scores (B, classes); and on the features two more heads:
    "rotation", scores (B, 4) of the quarter turns, and "decoder", images (B, 3, 28, 28).

    standardize: the classifier takes each feature channel minus its mean, divided by its deviation; without that, a
    head on frozen features learns badly.
    """

    def __init__(self, classes: int = 10, channels: int = 8, standardize: bool = True):
        wide, flat = 2 * channels, 2 * channels * 7 * 7
        layers = [nn.Conv2d(3, channels, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU()]  # (B, channels, 14, 14)
        layers += [nn.Conv2d(channels, wide, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU()]  # (B, 2·channels, 7, 7)
        head = [nn.Flatten(), nn.Linear(flat, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, classes)]
        first = standardized(wide) if standardize else nn.Identity()
        super().__init__(nn.Sequential(*layers), nn.Sequential(first, *head))
        self.rotation = nn.Sequential(nn.Flatten(), nn.Linear(flat, 64), nn.ReLU(), nn.Linear(64, 4))
        up = [nn.ConvTranspose2d(wide, channels, 2, 2), nn.ReLU(), nn.ConvTranspose2d(channels, 3, 2, 2)]
        self.decoder = nn.Sequential(*up)  # (B, 3, 28, 28)
