"""Batches of segmentation: what is refused, and which sizes are fine."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from labtools import take

from jointopt import plans, tasks, train
from jointopt.data.scenes import Scenes
from jointopt.tasks import segmentation

load = partial(tasks.load, "segmentation", scenes=24, held_out_scenes=8)


MASKS = torch.zeros(1, 96, 96, dtype=torch.int64)
IMAGE = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
BOXES = torch.zeros(1, 4, 12, 12)


def mask_with(label):
    masks = MASKS.clone()
    masks[0, 5, 5] = label
    return masks


def one_box(*edges):
    boxes = BOXES.clone()
    boxes[0, :, 2, 2] = torch.tensor(edges, dtype=torch.float32)
    return boxes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([], []), r"images must be float \(B, 3, H, W\), got list"),
        ((), r"a batch is \(images, masks\), got tuple of 0"),
        (None, r"a batch is \(images, masks\), got NoneType"),
        ((IMAGE, MASKS, BOXES), r"a batch is \(images, masks\), got tuple of 3"),
        ((IMAGE[:0], MASKS[:0]), r"none of them 0, got float32 \(0, 3, 96, 96\)"),
        ((IMAGE[0], MASKS), r"images must be float .* got float32 \(3, 96, 96\)"),
        ((IMAGE[:, :1], MASKS), r"images must be .* got float32 \(1, 1, 96, 96\)"),
        (((255 * IMAGE).byte(), MASKS), "images must be float .* got uint8"),
        ((IMAGE[..., :92], MASKS[..., :92]), "height and width must be multiples of 8, got 96 and 92: crop or pad"),
        ((IMAGE[:, :, :90], MASKS[:, :90]), "height and width must be multiples of 8, got 90 and 96"),
        ((IMAGE, MASKS[:, :48, :48]), r"masks, one of each image's size, must be int64 \(1, 96, 96\), got .*48, 48\)"),
        ((IMAGE, MASKS[:0]), r"masks, .*, must be int64 \(1, 96, 96\), got int64 \(0, 96, 96\)"),
        ((IMAGE, MASKS.float()), "masks, .*, must be int64 .* got float32"),
        ((IMAGE, MASKS[:, None]), r"masks, .* must be .* got int64 \(1, 1, 96, 96\)"),
        ((IMAGE, mask_with(4)), r"masks must be in 0 … 3, got 4"),
        ((IMAGE, mask_with(255)), r"masks must be in 0 … 3, got 255"),
        ((IMAGE, mask_with(-1)), r"masks must be in 0 … 3, got -1"),
    ],
)
def test_a_batch_of_another_form_is_refused_before_anything_changes(given, message, task, state):
    before, random = state(task.model), torch.random.get_rng_state()
    with pytest.raises(ValueError, match=message):
        next(train(replace(task, batches=lambda n: given), plans.joint(1)))
    assert state.same(before, state(task.model)) and torch.equal(random, torch.random.get_rng_state())


INSIDE = r"boxes, where they are not zeros, must lie in the image and have an area"
INSIDE += r", 0 ≤ x1 < x2 ≤ 96 and 0 ≤ y1 < y2 ≤ 96, got \("


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (one_box(10, 10, 97, 40), INSIDE + r"10.0, 10.0, 97.0, 40.0\)"),
        (one_box(-1, 10, 30, 40), INSIDE),
        (one_box(10, 10, 30, 97), INSIDE),
        (one_box(10, -1, 30, 40), INSIDE),
        (one_box(10, 10, 10, 40), INSIDE),
        (one_box(10, 10, 30, 10), INSIDE),
        (one_box(30, 10, 10, 40), INSIDE),
        (one_box(10, 10, float("nan"), 40), INSIDE),
        (BOXES[:, :, :6], r"boxes, one per cell, must be float \(1, 4, 12, 12\), got float32 \(1, 4, 6, 12\)"),
        (BOXES.long(), "boxes, one per cell, must be float .* got int64"),
        ([], "boxes, one per cell, must be float .* got list"),
    ],
)
def test_boxes_of_another_form_are_refused(boxes, message, both, state):
    before = state(both.model)
    with pytest.raises(ValueError, match=message):
        next(train(replace(both, batches=lambda n: (IMAGE, MASKS, boxes)), plans.joint(1)))
    assert state.same(before, state(both.model))


def test_a_missing_third_part_is_named(both):
    with pytest.raises(ValueError, match=r"a batch is \(images, masks, boxes\), got tuple of 2"):
        both.losses(both.model, (IMAGE, MASKS))


@pytest.mark.parametrize(("height", "width"), [(96, 96), (8, 8), (64, 128), (200, 120)])
def test_a_batch_of_one_and_images_of_other_sizes_are_fine(height, width, both):
    """The network is convolutional: each pixel gets a class, whatever the size, if the sides are multiples of 8."""
    image, masks = torch.rand(1, 3, height, width), torch.zeros(1, height, width, dtype=torch.int64)
    boxes = torch.zeros(1, 4, height // 8, width // 8)
    (step,) = take(replace(both, batches=lambda n: (image, masks, boxes)), plans.joint(1))
    assert 0 < step.total < 20 and step.losses["boxes"] == 0
    assert segmentation.predict(both.model, image).shape == (1, height, width)


def test_an_image_of_a_size_that_does_not_fit_is_refused_when_predicting(both):
    for ask in (segmentation.predict, segmentation.predict_boxes):
        with pytest.raises(ValueError, match="multiples of 8, got 97 and 96"):
            ask(both.model, torch.rand(1, 3, 97, 96))


def test_one_image_is_predicted_as_in_a_batch(task):
    """No statistics are taken over a batch."""
    take(task, plans.joint(3))
    images = task.batches(0)[0]
    with torch.no_grad():
        assert torch.allclose(task.model(images[2:3]), task.model(images)[2:3], atol=1e-4)


def test_an_object_that_lies_above_another_has_the_pixels():
    masks = torch.zeros(2, 16, 16, dtype=torch.bool)
    masks[0, :10], masks[1, 8:] = True, True
    boxes = torch.tensor([[0.0, 0, 16, 10], [0, 8, 16, 16]])
    one = Scenes(torch.zeros(1, 3, 16, 16, dtype=torch.uint8), (boxes,), (torch.tensor([1, 0]),), (masks,), ("a", "b"))
    classes = segmentation.labeled(one).masks[0]
    assert (classes[:8] == 2).all() and (classes[8:] == 1).all()
