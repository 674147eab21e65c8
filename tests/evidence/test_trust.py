"""What the record `trust` measures, against torchmetrics and by hand, and its rules, on invented records."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchmetrics.functional.classification import binary_auroc

from evidence import claims
from evidence.experiments import trust
from jointopt import data
from jointopt.compare import Comparison, interval

YES, NO, OPEN = claims.WORDS
SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # the seeds, around each mean
_, HALF = interval(SPREAD)


def record(before=16.0, after=6.0, turned=30.0, areas=(80.0, 80.0, 80.0), inverted=40.0):
    """Of one arm. What is compared between metrics is spread over the seeds once."""
    means = {trust.ECE: before, "temperature": 2.0, "calibration error, tempered, 60° (%)": turned}
    means |= {
        f"AUROC, {kind} (%)": mean for kind, mean in zip(("errors", *trust.STRANGE), (*areas, inverted), strict=True)
    }
    seeds = {
        seed: {trust.JUDGED: {name: mean + spread for name, mean in means.items()} | {trust.TEMPERED: after}}
        for seed, spread in enumerate(SPREAD)
    }
    return {"test": Comparison({"budget": "1 steps", "arms": {trust.JUDGED: {}}}, seeds)}


GUO, OVADIA, SOFTMAX, OWN, _ = trust.RULE(record())


@pytest.mark.parametrize(
    ("changed", "claim", "word"),
    [
        ({}, GUO, YES),
        ({"before": 6 + HALF + 0.1}, GUO, YES),
        ({"before": 6.0}, GUO, NO),  # the paper would gain 92 % of it
        ({"before": 6 + HALF - 0.1, "after": 6.0}, GUO, NO),
        ({"turned": 6 + HALF + 0.1}, OVADIA, YES),
        ({"turned": 6.0}, OVADIA, NO),
        ({"turned": 6 + HALF - 0.1}, OVADIA, NO),  # an effect of five points is excluded
        ({"areas": (80.0, 50 + HALF + 0.1, 80.0)}, SOFTMAX, YES),
        ({"areas": (80.0, 50.0, 80.0)}, SOFTMAX, NO),
        ({"areas": (40.0, 80.0, 80.0)}, SOFTMAX, NO),
        ({"inverted": 30.0}, SOFTMAX, YES),  # they are digits
        ({"inverted": 30.0}, OWN, "does not hold"),
        ({"inverted": 50 + HALF + 0.1}, OWN, "holds"),
        ({"inverted": 80.0, "areas": (80.0, 80.0, 50.0)}, OWN, "does not hold"),
    ],
)
def test_the_rules(changed, claim, word):
    assert trust.RULE(record(**changed))[claim].split(" (")[0] == word


@pytest.mark.parametrize("heat", [0.5, 1.0, 3.0])
def test_the_temperature_is_the_one_by_which_right_scores_were_multiplied(heat):
    scores = 2 * torch.randn(20_000, 10, generator=torch.Generator().manual_seed(0)).double()
    labels = torch.multinomial(scores.softmax(1), 1, generator=torch.Generator().manual_seed(1))[:, 0]
    found = trust.temperature(heat * scores, labels)
    assert found == pytest.approx(heat, rel=0.03)
    least = F.cross_entropy(heat * scores / found, labels)
    assert all(least <= F.cross_entropy(heat * scores / other, labels) for other in (0.97 * found, 1.03 * found))


def test_the_area_is_that_of_torchmetrics():
    known, strange = (torch.rand(50, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    truth = torch.cat([torch.ones(50), torch.zeros(50)]).int()
    assert trust.area(known, strange) == pytest.approx(100 * float(binary_auroc(torch.cat([known, strange]), truth)))
    assert trust.area(known + 1, strange) == 100 and trust.area(known, strange[:0]) == 50


def test_what_a_network_is_asked_about():
    labels, images = trust.seen()
    test = data.load("cluttered", "test")
    assert torch.equal(images["0°"], test.images) and torch.equal(labels, test.labels)
    assert all(each.shape == test.images.shape and 0 <= each.min() and each.max() <= 1 for each in images.values())
    digits = data.load("digits", "test").images
    assert torch.equal(images["inverted"], 1 - digits)
    outside = (digits == 0).all(1, keepdim=True).expand_as(digits)  # no ink: the crop alone
    assert torch.equal(images["photograph"][outside], test.images[outside])
    assert not torch.equal(images["photograph"], test.images)
