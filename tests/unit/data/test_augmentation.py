"""Data augmentation: what is drawn follows from seed and number; the range, the shape and the device are kept."""

import numpy as np
import pytest
import torch

from jointopt.data import augmentation
from jointopt.data.augmentation import disturbed

IMAGES = torch.linspace(0.3, 0.7, 40 * 3 * 24 * 16).view(40, 3, 24, 16)


def test_the_same_seed_and_number_give_the_same_images_and_others_give_others():
    before = IMAGES.clone()
    first, again = (disturbed(IMAGES, 1.0, 3, 7) for _ in range(2))
    assert torch.equal(first, again) and torch.equal(IMAGES, before)
    assert not torch.equal(first, disturbed(IMAGES, 1.0, 4, 7)) and not torch.equal(first, disturbed(IMAGES, 1.0, 3, 8))
    assert first.shape == IMAGES.shape and first.dtype == torch.float32
    assert first.is_contiguous(memory_format=torch.channels_last) and 0 <= first.min() and first.max() <= 1


def test_it_draws_from_no_other_generator():
    state = torch.get_rng_state()
    disturbed(IMAGES, 1.0, 0, 0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.25, 2, 18), (1.0, 40, 40)])
def test_a_share_of_the_images_is_changed(share, least, most):
    changed = (disturbed(IMAGES, share, 0, 0) != IMAGES).flatten(1).any(1)
    assert least <= changed.sum() <= most


def test_without_texture_an_image_keeps_its_shapes_in_other_colors(monkeypatch):
    monkeypatch.setattr(augmentation, "texture", lambda *_: 0.0)
    monkeypatch.setattr(augmentation, "OFFSET", (0.0, 0.0))
    for image, changed in zip(IMAGES, disturbed(IMAGES, 1.0, 0, 0), strict=True):
        found = torch.corrcoef(torch.cat([image.flatten(1), changed.flatten(1)]))[:3, 3:]  # (3, 3)
        assert torch.allclose(found.abs(), torch.ones(3, 3), atol=1e-3)  # each channel is a straight line of another


def test_a_texture_is_gray_or_colored_and_weak_or_strong():
    sums = augmentation.texture(np.random.RandomState(0), 200, 3, 24, 16)
    gray = (sums == sums[:, :1]).flatten(1).all(1)
    assert sums.shape == (200, 3, 24, 16) and 60 < gray.sum() < 140
    strength = sums.flatten(1).std(1)
    assert strength.min() < 0.01 and 0.05 < strength.max() < 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((IMAGES[0], 1.0, 0, 0), r"images must be float \(B, 3, H, W\)"),
        ((IMAGES, 1.5, 0, 0), "share must be a number from 0 to 1, got 1.5"),
        ((IMAGES, 1.0, -1, 0), "seed must be a whole number"),
        ((IMAGES, 1.0, 0, 0.5), "batch number must be a whole number"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        disturbed(*arguments)
