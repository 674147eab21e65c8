"""Images of 0 … 255 as floats, and boxes as parts of the image, train badly and without a word: tasks refuse them."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from jointopt import plans, tasks, train
from jointopt.data.scenes import Scenes

SCENES = dict(scenes=8, held_out_scenes=2, size=2)
MAKERS = {
    "classification": partial(tasks.load, "classification", size=4),
    "detection": partial(tasks.load, "detection", **SCENES),
    "one_stage": partial(tasks.load, "one_stage", **SCENES),
    "segmentation": partial(tasks.load, "segmentation", second="boxes", **SCENES),
    "generation": partial(tasks.load, "generation", size=4),
    "search": partial(tasks.load, "search", size=4),
    "captions": partial(tasks.load, "captions", size=4, held_out_scenes=4),
    "speech": partial(tasks.load, "speech"),
}
BOXED = ("detection", "one_stage", "segmentation")


def given(task, change):
    """The task on its batch 0 with the change."""
    batch = change(*task.batches(0))
    return replace(task, batches=lambda number: batch)


def boxes_by(factor, images, targets, *boxes):
    """The batch with its boxes multiplied."""
    if boxes:
        return images, targets, boxes[0] * factor
    return images, [{**target, "boxes": target["boxes"] * factor} for target in targets]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("factor", "by"), [(255, "255"), (65535, "the largest that there can be")])
def test_images_of_0_to_255_are_refused(name, factor, by, state):
    task = MAKERS[name]()
    before = state(task.model)
    bright = given(task, lambda images, *rest: (images / images.max() * factor, *rest))
    with pytest.raises(ValueError, match=f"must be floats of 0 … 1, got {factor}, the largest here: divide by {by}"):
        next(train(bright, plans.joint(1)))
    assert state.same(before, state(task.model))


@pytest.mark.parametrize("name", MAKERS)
def test_images_that_are_normalized_are_not(name):
    normalized = given(MAKERS[name](), lambda images, *rest: ((images - images.mean()) / images.std(), *rest))
    (step,) = train(normalized, plans.joint(1))
    assert step.total > 0


@pytest.mark.parametrize("name", BOXED)
def test_boxes_as_parts_of_the_image_are_refused(name, state):
    task = MAKERS[name]()
    before = state(task.model)
    with pytest.raises(ValueError, match=r"boxes must be in pixels, got 0\.\d+, .* multiply x by the image's width"):
        next(train(given(task, partial(boxes_by, 1 / 96)), plans.joint(1)))
    assert state.same(before, state(task.model))


def test_one_small_box_among_others_and_a_batch_without_any_are_fine():
    task = MAKERS["detection"]()

    def one_pixel(images, targets):
        targets[0]["boxes"][0] = torch.tensor([0.0, 0, 1, 1])
        return images, targets

    def none(images, targets):
        return images, [{name: values[:0] for name, values in target.items()} for target in targets]

    for change in (one_pixel, none):
        (step,) = train(given(task, change), plans.joint(1))
        assert step.total > 0


def test_scenes_of_ones_own_have_boxes_in_pixels():
    masks = torch.ones(1, 8, 8, dtype=torch.bool)
    parts = torch.zeros(1, 3, 8, 8, dtype=torch.uint8), (torch.tensor([[0.0, 0, 1, 1]]),), (torch.zeros(1).long(),)
    with pytest.raises(ValueError, match="boxes must be in pixels, got 1, the largest here"):
        Scenes(*parts, (masks,), ("a",))
