"""A network with an intermediate concept that can be read and set: is the sum of several digits odd?

Source: Shalev-Shwartz, Shamir and Shammah, *Failures of gradient-based deep learning*, ICML 2017, §3, with digits in
place of their drawn images.
"""

import torch
from torch import Tensor, nn


class OddSum(nn.Module):
    """images (B, k, 3, 28, 28) → (score that the sum is odd (B,), score that each digit is odd (B, k)).

    `feature_extractor` sees one image at a time and answers with one number; `classifier` sees these k numbers alone.
    What passes from one to the other lies in −1 … 1, so that a person can put the truth there: −1 is even, 1 is odd.
    """

    def __init__(self, digits: int):
        super().__init__()
        self.digits = digits
        self.feature_extractor = nn.Sequential(
            nn.AvgPool2d(2),  # (·, 3, 14, 14): a digit of this size can still be read, at a quarter of the cost
            nn.Conv2d(3, 16, 3, 1, 1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (·, 16, 7, 7)
            nn.Conv2d(16, 32, 3, 1, 1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (·, 32, 3, 3)
            nn.Flatten(),
            nn.Linear(32 * 3 * 3, 32),
            nn.ReLU(),
            nn.Linear(32, 1),
        )
        self.classifier = nn.Sequential(
            nn.Linear(digits, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        scores = self.feature_extractor(images.flatten(0, 1)).view(images.shape[:2])  # (B, k)
        return self.odd_sum(torch.tanh(scores)), scores

    def odd_sum(self, concepts: Tensor) -> Tensor:
        """Numbers in −1 … 1, one for each digit, (B, k) → score that the sum is odd, (B,)."""
        return self.classifier(concepts)[:, 0]
