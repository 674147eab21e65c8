"""The document's model (§4): the same names, shapes and state_dict keys, so that weights can be exchanged."""

from torch import Tensor, nn


class FeatureExtractor(nn.Module):
    """f_θ: images (B, 3, 28, 28) → features (B, 64, 7, 7). Two convolutions, each followed by ReLU and 2×2 pooling."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, 1, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1, 1)
        self.pool = nn.MaxPool2d(2, 2)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        # The document writes pool(relu(…)): equal numbers and gradients, bit for bit, at four times the work for ReLU
        x = self.relu(self.pool(self.conv1(x)))  # (B, 32, 14, 14)
        return self.relu(self.pool(self.conv2(x)))  # (B, 64, 7, 7)


class Classifier(nn.Module):
    """g_φ: features (B, 64, 7, 7) → one score per class (B, num_classes)."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, num_classes)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        # The document writes x.view(x.size(0), -1), which refuses channels_last; flatten takes both.
        x = x.flatten(1)  # (B, 3136)
        x = self.dropout(self.relu(self.fc1(x)))  # (B, 128)
        return self.fc2(x)  # (B, num_classes)


class EndToEndModel(nn.Module):
    """g_φ(f_θ(x)): images (B, 3, 28, 28) → scores (B, num_classes)."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.feature_extractor = FeatureExtractor()
        self.classifier = Classifier(num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.feature_extractor(x))
