"""Data augmentation: what is drawn follows from seed and number; range and shape are kept."""

import numpy as np
import pytest
import torch

from jointopt.data import augmentation
from jointopt.data.augmentation import augmented

IMAGES = torch.linspace(0.3, 0.7, 40 * 3 * 24 * 16).view(40, 3, 24, 16)


def test_the_same_seed_and_number_give_the_same_images_and_others_give_others():
    before = IMAGES.clone()
    first, again = (augmented(IMAGES, 1.0, 3, 7) for _ in range(2))
    assert torch.equal(first, again) and torch.equal(IMAGES, before)
    assert not torch.equal(first, augmented(IMAGES, 1.0, 4, 7)) and not torch.equal(first, augmented(IMAGES, 1.0, 3, 8))
    assert first.shape == IMAGES.shape and first.dtype == torch.float32
    assert first.is_contiguous(memory_format=torch.channels_last) and 0 <= first.min() and first.max() <= 1


def test_it_draws_from_no_other_generator():
    state = torch.get_rng_state()
    augmented(IMAGES, 1.0, 0, 0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.25, 2, 18), (1.0, 40, 40)])
def test_a_share_of_the_images_is_changed(share, least, most):
    changed = (augmented(IMAGES, share, 0, 0) != IMAGES).flatten(1).any(1)
    assert least <= changed.sum() <= most


def test_without_texture_channels_change_places_and_contrast_and_some_images_are_negatives(monkeypatch):
    monkeypatch.setattr(augmentation, "texture", lambda *_: 0.0)
    monkeypatch.setattr(augmentation, "OFFSET", (0.0, 0.0))
    noise = 0.3 + 0.4 * torch.rand(IMAGES.shape, generator=torch.Generator().manual_seed(0))  # channels of their own
    orders, negatives = set(), []
    for image, changed in zip(noise, augmented(noise, 1.0, 0, 0), strict=True):
        found = torch.corrcoef(torch.cat([image.flatten(1), changed.flatten(1)]))[:3, 3:]  # (3, 3)
        same = found.abs() > 0.999  # each channel is a straight line of one other, and of no second
        assert (same.sum(0) == 1).all() and (same.sum(1) == 1).all() and found[~same].abs().max() < 0.3
        orders.add(tuple(same.int().argmax(0).tolist()))
        assert len(signs := set(found[same].sign().tolist())) == 1  # all three channels, or none
        negatives += signs
    assert len(orders) == 6 and 4 <= negatives.count(-1) <= 20  # INVERTED of 40 images


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
        augmented(*arguments)
