"""An application that is no part of the package: digits through a code of 16 numbers, and back."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Task, data
from jointopt.modules import device_of, eval_mode
from jointopt.system import seeded


class Autoencoder(nn.Module):
    """Images (B, 3, 28, 28) → codes (B, 16) → images."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(3 * 28 * 28, 64), nn.ReLU(), nn.Linear(64, 16))
        self.decoder = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 3 * 28 * 28), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x)).view_as(x)


def losses(model, batch):
    """The squared error a pixel, and the size of the code."""
    images, _ = batch
    code = model.encoder(images)
    return {
        "reconstruction": F.mse_loss(model.decoder(code).view_as(images), images),
        "code": code.square().mean(),
    }


def make(seed=0, size=32):
    """Compress digits."""
    held = data.load("digits", "test").images[:200]
    with seeded(seed):
        model = Autoencoder()

    @torch.no_grad()
    def again(model, images):
        with eval_mode(model):
            return model(images.to(device_of(model))).cpu()  # held-out images follow the model

    def evaluate(model):
        return {"error (%)": 100 * float((again(model, held) - held).square().mean())}

    def picture(model):
        both = torch.cat([held[:8], again(model, held[:8])], 2)  # (8, 3, 56, 28)
        return (both.permute(2, 0, 3, 1).reshape(56, 224, 3) * 255).round().byte().numpy().astype(np.uint8)

    weights = {"reconstruction": 1.0, "code": 1e-4}
    return Task(model, losses, data.batches(data.load("digits"), size, seed=seed), evaluate, picture, weights)
