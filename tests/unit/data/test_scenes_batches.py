"""Scenes: what is refused, and batches."""

import pytest
import torch

from jointopt import data
from jointopt.data import scenes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": 0}, "count must be a whole number ≥ 1, got 0"),
        ({"count": 2.0}, "count must be a whole number"),
        ({"split": "val"}, "split must be one of 'train', 'test', got"),
        ({"seed": -1}, "seed must be a whole number from 0 to"),
        ({"seed": None}, "seed must be a whole number from 0 to"),
        ({"size": 39}, "size must be a whole number from 40 to 96, got 39"),
        ({"size": 97}, "size must be a whole number from 40 to 96, got 97"),
        ({"most": 0}, "most must be a whole number from 1 to 9, got 0"),
        ({"most": True}, "most must be a whole number from 1 to 9, got True"),
        ({"classes": ""}, "classes must be one or more of the digits 0 to 9, each once, .* got ''"),
        ({"classes": "11"}, "each once, .* got '11'"),
        ({"classes": ["12"]}, r"digits 0 to 9, .* got \['12'\]"),
        ({"classes": [1, 2]}, r"digits 0 to 9, .* got \[1, 2\]"),
        ({"classes": [[]]}, r"digits 0 to 9, .* got \[\[\]\]"),
        ({"classes": None}, "digits 0 to 9, .* got None"),
    ],
)
def test_bad_arguments(given, message):
    with pytest.raises(ValueError, match=message):
        scenes.scenes(**({"count": 1} | given))


def good():
    """Two scenes of 6 x 8 pixels, with one and two objects."""
    masks = torch.zeros(2, 6, 8, dtype=torch.bool)
    masks[0, 1:3, 2:5] = masks[1, 4:, 6:] = True
    boxes = torch.tensor([[2.0, 1, 5, 3], [6, 4, 8, 6]])
    return {
        "pixels": torch.zeros(2, 3, 6, 8, dtype=torch.uint8),
        "boxes": (boxes[:1], boxes),
        "labels": (torch.tensor([0]), torch.tensor([1, 0])),
        "masks": (masks[:1], masks),
        "classes": ("a", "b"),
    }


def changed(name, second):
    """The good scenes, with another tensor in scene 1."""
    given = good()
    return given | {name: (given[name][0], second)}


def boxes(*second):
    """The good boxes of scene 1, with another second one."""
    return changed("boxes", torch.tensor([[2.0, 1, 5, 3], list(second)]))


INSIDE = r"scene 1: boxes must lie in the image and have an area, 0 ≤ x1 < x2 ≤ 8 and 0 ≤ y1 < y2 ≤ 6, got \("


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"pixels": torch.zeros(0, 3, 6, 8, dtype=torch.uint8), "boxes": (), "labels": (), "masks": ()},
            r"\(N, 3, H, W\), none of them 0, got uint8 \(0, 3, 6, 8\)",
        ),
        ({"pixels": torch.zeros(2, 3, 0, 8, dtype=torch.uint8)}, r"none of them 0, got uint8 \(2, 3, 0, 8\)"),
        ({"pixels": torch.zeros(2, 3, 6, 8)}, r"pixels must be uint8 \(N, 3, H, W\), got float32"),
        (
            {"pixels": torch.zeros(2, 1, 6, 8, dtype=torch.uint8)},
            r"\(N, 3, H, W\), got uint8 \(2, 1, 6, 8\)",
        ),
        ({"pixels": None}, "pixels must be uint8 .*, got NoneType"),
        ({"boxes": good()["boxes"][:1]}, "boxes must be given for each of the 2 scenes, not for 1"),
        ({"labels": good()["labels"] * 2}, "labels must be given for each of the 2 scenes, not for 4"),
        ({"masks": ()}, "masks must be given for each of the 2 scenes, not for 0"),
        (boxes(6, 4, 8.5, 6), INSIDE + r"6.0, 4.0, 8.5, 6.0\)"),
        (boxes(6, 4, 8, 7), INSIDE),
        (boxes(-1, 4, 8, 6), INSIDE),
        (boxes(6, -0.5, 8, 6), INSIDE),
        (boxes(6, 4, 6, 6), INSIDE),
        (boxes(6, 4, 8, 4), INSIDE),
        (boxes(8, 4, 6, 6), INSIDE),
        (boxes(6, 4, float("nan"), 6), INSIDE),
        (boxes(float("nan"), 4, 8, 6), INSIDE),
        (boxes(6, 4, 8, float("inf")), INSIDE),
        (boxes(6, float("-inf"), 8, 6), INSIDE),
        (changed("boxes", torch.ones(3, 4)), r"scene 1: boxes, one per label, must be float32 \(2, 4\)"),
        (changed("boxes", torch.ones(2, 5)), r"scene 1: boxes, .*got float32 \(2, 5\)"),
        (changed("boxes", good()["boxes"][1].double()), "scene 1: boxes, .*got float64"),
        (changed("boxes", [[6, 4, 8, 6]] * 2), "scene 1: boxes, .*got list"),
        (changed("labels", torch.tensor([0, 2])), "scene 1: labels must be in 0 … 1, got 2"),
        (changed("labels", torch.tensor([-1, 0])), "scene 1: labels must be in 0 … 1, got -1"),
        (
            changed("labels", torch.tensor([0.0, 1])),
            r"scene 1: labels must be int64 \(k,\), got float",
        ),
        (
            changed("labels", torch.tensor(1)),
            r"scene 1: labels must be int64 \(k,\), got int64 \(\)",
        ),
        (changed("labels", torch.tensor([1])), r"scene 1: boxes, one per label, must be .*\(1, 4\), got .*\(2, 4\)"),
        (
            changed("masks", torch.ones(2, 8, 6) > 0),
            r"scene 1: masks, .*bool \(2, 6, 8\), got .*\(2, 8, 6\)",
        ),
        (
            changed("masks", torch.ones(1, 6, 8) > 0),
            r"scene 1: masks, one per label, must be .*, got bool \(1, 6, 8\)",
        ),
        (changed("masks", torch.ones(2, 6, 8)), "scene 1: masks, .*got float32"),
        (changed("masks", torch.zeros(2, 6, 8) > 0), "scene 1: each mask must have a pixel that is on"),
    ],
)
def test_scenes_that_do_not_fit(given, message):
    assert len(scenes.Scenes(**good())) == 2
    with pytest.raises(ValueError, match=message):
        scenes.Scenes(**(good() | given))


def test_a_scene_may_be_empty_and_a_box_may_fill_it():
    given = good()
    given["boxes"] = (torch.zeros(0, 4), torch.tensor([[0.0, 0, 8, 6]] * 2))
    given["labels"] = (torch.zeros(0, dtype=torch.int64), given["labels"][1])
    given["masks"] = (torch.zeros(0, 6, 8, dtype=torch.bool), given["masks"][1])
    found = scenes.Scenes(**given)
    assert found[0][1]["boxes"].shape == (0, 4) and repr(found) == "Scenes(2 of 3x6x8, 2 objects, 2 classes)"


def test_no_scene_at_all_is_refused():
    with pytest.raises(ValueError, match="none of them 0"):
        scenes.Scenes(**(good() | {"pixels": good()["pixels"][:0], "boxes": (), "labels": (), "masks": ()}))


def numbered(n):
    """n scenes, each with its own number as pixels."""
    pixels = torch.arange(n, dtype=torch.uint8)[:, None, None, None].expand(n, 3, 6, 8).contiguous()
    given = good()
    return scenes.Scenes(pixels, *(given[name][1:] * n for name in ("boxes", "labels", "masks")), given["classes"])


def test_batches_are_those_of_the_images():
    """The same scenes in the same order as data.batches has them, over three epochs; the rest is dropped."""
    found = numbered(10)
    expected = data.batches(data.Images(found.images, torch.arange(10), tuple(map(str, range(10)))), 4, seed=5)
    batch = scenes.batches(found, 4, seed=5)
    for number in (5, 0, 1, 2, 3, 4, 0):
        images, targets = batch(number)
        assert torch.equal(images, expected(number)[0])
        assert images.dtype == torch.float32 and images.is_contiguous(memory_format=torch.channels_last)
        assert isinstance(targets, list) and len(targets) == 4


def test_an_image_keeps_its_target():
    found = scenes.scenes(12)
    target_of = {image.numpy().tobytes(): target for image, target in (found[i] for i in range(12))}
    for number in range(3):
        for image, target in zip(*scenes.batches(found)(number), strict=True):
            expected = target_of[image.contiguous().numpy().tobytes()]
            assert target.keys() == expected.keys() and all(torch.equal(target[k], expected[k]) for k in target)


def test_altering_a_batch_does_not_alter_the_next():
    batch = scenes.batches(scenes.scenes(4))
    images, targets = batch(0)
    expected = images.clone(), [{k: v.clone() for k, v in target.items()} for target in targets]
    images.zero_()
    for target in targets:
        for tensor in target.values():
            tensor.zero_()
    images, targets = batch(0)
    assert torch.equal(images, expected[0])
    assert all(torch.equal(a[k], b[k]) for a, b in zip(targets, expected[1], strict=True) for k in a)


@pytest.mark.parametrize(
    ("given", "number", "message"),
    [
        ({"size": 11}, 0, "size must be a whole number from 1 to 10, got 11"),
        ({"size": 0}, 0, "size must be a whole number from 1 to 10, got 0"),
        ({"seed": -1}, 0, "seed must be a whole number from 0 to"),
        ({}, -1, "batch number must be a whole number ≥ 0"),
        ({}, 1.0, "batch number must be a whole number ≥ 0"),
    ],
)
def test_bad_batches(given, number, message):
    with pytest.raises(ValueError, match=message):
        scenes.batches(numbered(10), **given)(number)
