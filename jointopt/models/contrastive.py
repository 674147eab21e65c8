"""Two encoders, of images and of captions or speech, into one space, and the temperature of their similarity.

CLIP at our scale, for captions; for speech it is the same with an image encoder of the spectrogram as the other one.

Source: Radford et al., *Learning transferable visual models from natural language supervision*, ICML 2021, §2.3, §2.5
and figure 3: unit vectors, their cosines over a temperature that is learned from 0.07, its inverse at most 100.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DIMENSIONS = 64  # of the common space
MOST = 100.0  # 1 / temperature


class ImageEncoder(nn.Module):
    """images (B, 1, height, width) → unit vectors (B, 64). A spectrogram is an image, too."""

    def __init__(self, height: int, width: int):
        super().__init__()
        layers, before = [], 1
        for channels in (8, 24, 48):  # of 40: 20, 10, 5
            layers += [nn.Conv2d(before, channels, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU()]
            before, height, width = channels, height // 2, width // 2
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(before * height * width, 128), nn.ReLU(), nn.Linear(128, DIMENSIONS)
        )

    def forward(self, images: Tensor) -> Tensor:
        return F.normalize(self.layers(images), dim=1)


class TextEncoder(nn.Module):
    """words (B, longest) → unit vectors (B, 64). The learned vectors of the words stand in a row, so order counts."""

    def __init__(self, words: int, longest: int):
        super().__init__()
        self.words = nn.Embedding(words, 32)
        self.layers = nn.Sequential(nn.Linear(32 * longest, 128), nn.ReLU(), nn.Linear(128, DIMENSIONS))

    def forward(self, words: Tensor) -> Tensor:
        return F.normalize(self.layers(self.words(words).flatten(1)), dim=1)


class Temperature(nn.Module):
    """What similarities are divided by before the softmax."""

    def __init__(self, start: float = 0.07):
        super().__init__()
        self.log_inverse = nn.Parameter(torch.tensor(-math.log(start)))

    def forward(self, similarities: Tensor) -> Tensor:
        return similarities * self.log_inverse.clamp(max=math.log(MOST)).exp()


class TwoEncoders(nn.Module):
    """images (B, 1, side, side), words (C, longest) → scores (B, C): which caption goes with which image.

    side: of an image, in pixels; words: that there are; longest: words of a caption
    """

    def __init__(self, side: int, words: int, longest: int):
        super().__init__()
        self.image_encoder = ImageEncoder(side, side)
        self.text_encoder = TextEncoder(words, longest)
        self.temperature = Temperature()

    def forward(self, images: Tensor, words: Tensor) -> Tensor:
        return self.temperature(self.image_encoder(images) @ self.text_encoder(words).T)


class ImagesAndSpeech(nn.Module):
    """images (B, 1, h, w), spectrograms (C, 1, bands, frames) → scores (B, C): which utterance names which image.

    image, spectrogram: their (height, width)
    """

    def __init__(self, image: tuple[int, int], spectrogram: tuple[int, int]):
        super().__init__()
        self.image_encoder = ImageEncoder(*image)
        self.speech_encoder = ImageEncoder(*spectrogram)
        self.temperature = Temperature()

    def forward(self, images: Tensor, speech: Tensor) -> Tensor:
        return self.temperature(self.image_encoder(images) @ self.speech_encoder(speech).T)
