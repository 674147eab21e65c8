"""What the record `interpretability` measures, against scipy and by hand, and its rules, on invented records."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from evidence import claims
from evidence.experiments import interpretability as sight
from jointopt import EndToEndModel
from jointopt.compare import Comparison, interval

YES, NO, OPEN = claims.WORDS
SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # the seeds, around each mean
_, HALF = interval(SPREAD)


def record(guided=70.0, saliency=25.0, cam=25.0, ink=(40.0, 40.0, 25.0)):
    """Of the arm "joint"; guided backpropagation and the share of ink have no spread."""
    means = {f"{name}, on ink (%)": mean for name, mean in zip(sight.MAPS, ink, strict=True)}
    kept = {"saliency": saliency, "integrated gradients": 25.0, "Grad-CAM": cam}
    means |= {f"{name}, fc1 and above (%)": mean for name, mean in kept.items()}
    seeds = {
        seed: {
            "joint": {name: mean + spread for name, mean in means.items()}
            | {f"{sight.GUIDED}, fc1 and above (%)": guided, "ink (%)": 13.0}
        }
        for seed, spread in enumerate(SPREAD)
    }
    return {"maps": Comparison({"budget": "1 steps", "arms": {"joint": {}}}, seeds)}


ADEBAYO, OWN, _ = sight.RULE(record())


@pytest.mark.parametrize(
    ("changed", "claim", "word"),
    [
        ({}, ADEBAYO, YES),
        ({"cam": 70 - HALF - 0.1}, ADEBAYO, YES),
        ({"cam": 70 - HALF + 0.1}, ADEBAYO, NO),  # ten points would matter
        ({"saliency": 80.0}, ADEBAYO, NO),
        ({"ink": (40.0, 40.0, 13 + HALF + 0.1)}, OWN, "holds"),
        ({"ink": (40.0, 40.0, 13 + HALF - 0.1)}, OWN, "does not hold"),
        ({"ink": (5.0, 40.0, 40.0)}, OWN, "does not hold"),
    ],
)
def test_the_rules(changed, claim, word):
    assert sight.RULE(record(**changed))[claim].split(" (")[0] == word


def drawn(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_rank_correlation_is_that_of_scipy():
    a, b = drawn(3, 28, 28).square(), (drawn(3, 28, 28, seed=1) > 0.5).float()  # with ties
    wanted = np.mean([spearmanr(x.flatten(), y.flatten())[0] for x, y in zip(a, b, strict=True)])
    assert sight.correlation(a, b) == pytest.approx(wanted)
    assert sight.correlation(a, -a.exp()) == pytest.approx(-1) and sight.correlation(a, torch.ones_like(a)) == 0


def test_cka_knows_no_rotation_and_no_scale():
    a = drawn(40, 6)
    turn, _ = torch.linalg.qr(drawn(6, 6, seed=1))
    assert sight.cka(a, 3 * a @ turn + 5) == pytest.approx(1)
    b = drawn(40, 6, seed=2)
    x, y = (z - z.mean(0) for z in (a, b))  # the form with features, equation 4 of the paper
    wanted = (y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())
    assert sight.cka(a, b) == pytest.approx(float(wanted), rel=1e-5) and sight.cka(a, b) < 0.5


def test_hot_pixels_on_ink():
    ink = torch.zeros(1, 28, 28, dtype=torch.bool)
    ink[:, :2] = True  # 56 pixels
    heat = -torch.arange(784.0).view(1, 28, 28)  # the first 78 are the hottest
    assert sight.on_ink(heat, ink) == pytest.approx(100 * 56 / 78)


STRIPES = torch.tensor([1.0, -1.0]).repeat(14).expand(28, 28)  # a blur takes them away


class Striped(nn.Module):
    """Two classes: how much of STRIPES the upper half of an image has, and its negative."""

    def forward(self, x):
        amount = (x * STRIPES)[:, :, :14].mean((1, 2, 3))
        return torch.stack([amount, -amount], dim=1) * 2


def test_deletion_is_low_and_insertion_high_where_a_map_is_right():
    images, labels = STRIPES.expand(4, 3, 28, 28).clone(), torch.zeros(4, dtype=torch.long)
    right = torch.zeros(4, 28, 28)
    right[:, :14] = 1
    for insert, sign in ((True, 1), (False, -1)):
        areas = [sight.curve(Striped(), images, labels, heat, insert) for heat in (right, 1 - right)]
        assert sign * (areas[0] - areas[1]) > 0.1


def test_saliency_is_the_gradient():
    torch.manual_seed(0)
    model, images = EndToEndModel(10).eval(), drawn(3, 3, 28, 28).requires_grad_()
    labels = torch.tensor([1, 2, 3])
    (slope,) = torch.autograd.grad(model(images).gather(1, labels[:, None]).sum(), images)
    found = sight.methods(model)["saliency"](images, labels)
    assert torch.allclose(found, slope.abs().amax(1), atol=1e-7) and found.shape == (3, 28, 28)
