"""The two-stage detector: its stages, replay, pictures, and what is refused."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from fake_sets import objects
from labtools import drawn_during, take, values

from jointopt import Update, plans, tasks, train
from jointopt.data.scenes import held_out
from jointopt.live.lab.engine import Engine
from jointopt.tasks import detection

FIRST = ["objectness", "rpn_box_reg"]
load = partial(tasks.load, "detection", scenes=40, held_out_scenes=6)


# The task


def test_the_seed_draws_weights_and_scenes_and_nothing_else(task, state):
    before = torch.random.get_rng_state()
    again, other = load(seed=0), load(seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert state.same(state(task.model), state(again.model)) and not state.same(state(task.model), state(other.model))
    (images, targets), (same, _), (others, _) = (each.batches(3) for each in (task, again, other))
    assert torch.equal(images, same) and not torch.equal(images, others)
    assert images.shape == (4, 3, 96, 96) and all(target.keys() == {"boxes", "labels"} for target in targets)
    assert {label for n in range(10) for target in task.batches(n)[1] for label in target["labels"].tolist()} == {
        1,
        2,
        3,
    }


def test_held_out_scenes_are_other_scenes_and_the_same_for_every_seed(monkeypatch):
    monkeypatch.setattr(detection, "evaluate", lambda model, held: held.pixels)
    tested, validated, again = (
        load(seed=seed, held_out=name).evaluate(None)
        for seed, name in ((0, "test"), (0, "validation"), (1, "validation"))
    )
    assert torch.equal(validated, again) and not torch.equal(validated, tested)
    assert torch.equal(tested, load(seed=1).evaluate(None))
    trained = held_out.draw(40, "train", 0, "247").pixels
    assert not (validated[:, None] == trained).flatten(2).all(2).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": [2, 4]}, r"digits 0 to 9, each once, such as '247', got \[2, 4\]"),
        ({"classes": "2x"}, "digits 0 to 9"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        load(**options)


# Two stages


def test_the_second_stage_is_not_computed_where_it_is_not_counted(task):
    def never(*_):
        raise AssertionError("roi_heads was called")

    task.model.roi_heads.forward = never
    (step,) = take(task, [Update("rpn", FIRST)])
    assert set(step.losses) == set(FIRST)


def test_proposals_are_detached(task):
    """Approximate joint training: the second stage's losses teach the backbone, but not where to propose."""
    losses = values(task.losses(task.model, task.batches(0)))
    head = task.model.rpn.head
    layers = {"objectness": head.cls_logits.weight, "boxes": head.bbox_pred.weight, "conv": head.conv[0][0].weight}

    def gradients(name):
        wanted = [*layers.values(), task.model.backbone[0].weight]
        found = torch.autograd.grad(losses[name], wanted, retain_graph=True, allow_unused=True)
        return {key for key, g in zip([*layers, "backbone"], found, strict=True) if g is not None and g.abs().sum() > 0}

    assert gradients("classifier") == gradients("box_reg") == {"backbone"}
    assert gradients("objectness") == {"objectness", "conv", "backbone"}
    assert gradients("rpn_box_reg") == {"boxes", "conv", "backbone"}


# Replay


def test_a_run_and_the_readers_random_numbers_do_not_disturb_each_other():
    """The samplers draw from torch's global generator; in a lab from the lab's own."""
    torch.manual_seed(1)
    numbers = torch.rand(5000)
    lone = Engine(load())
    expected = [lone.step() for _ in range(4)]
    torch.manual_seed(0)  # seed 0, that of the task's recipe
    assert list(train(load(), plans.joint(4))) == expected
    engine, taken = Engine(load()), []
    drawn = drawn_during(lambda: taken.extend(engine.step() for _ in range(4)), most=5000)
    assert taken == expected
    assert len(drawn) > 5 and torch.equal(drawn, numbers[: len(drawn)])


# Figures


def test_the_picture_marks_what_is_wrong_by_shape():
    held = held_out.draw(2, "test", 0, "247")
    black, target = torch.zeros_like(held.pixels[0]), objects((1, 20, 20, 60, 60))
    right, wrong, missed = (
        np.asarray(detection.tile(black, found, target, "247")).astype(int)
        for found in (
            objects((1, 21, 21, 61, 61), scores=[0.9]),
            objects((2, 21, 21, 61, 61), scores=[0.9]),
            objects((1, 21, 21, 61, 61), scores=[0.1]),
        )
    )
    corner = slice(54, 69), slice(138, 151)
    assert (wrong[corner].min(2) == 255).mean() > 0.3 and (right[corner].min(2) == 255).mean() < 0.3  # a white plate
    assert not np.array_equal(right, missed) and missed.shape == (240, 240, 3)
    named = [detection.tile(black, objects(scores=[]), target, classes) for classes in ("247", "947", "297", "249")]
    same = [np.array_equal(named[0], other) for other in named[1:]]
    assert same == [False, True, True]  # the plate has the name of class 1, the first one
    told = [
        detection.tile(black, objects((2, 21, 21, 61, 61), scores=[0.9]), objects(), c) for c in ("247", "947", "297")
    ]
    assert np.array_equal(told[0], told[1]) and not np.array_equal(told[0], told[2])


def test_the_picture_has_six_scenes_and_a_legend(task):
    picture = task.picture(task.model)
    assert picture.dtype == np.uint8 and picture.shape == (504, 720, 3)
    assert load(held_out_scenes=2).picture(task.model).shape == (264, 720, 3)


@pytest.mark.parametrize("look", [detection.predict, detection.propose])
@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "an image at least, got none"),
        (None, "images must be a list, got NoneType"),
        (
            [torch.rand(3, 96, 96), torch.rand(1, 96, 96)],
            r"image 1 must be float \(3, H, W\), got float32 \(1, 96, 96\)",
        ),
        ([torch.ones(3, 96, 96, dtype=torch.uint8)], "image 0 must be float .*, got uint8"),
    ],
)
def test_looking_at_what_is_no_image_is_refused(look, images, message, task):
    with pytest.raises(ValueError, match=message):
        look(task.model, images)


def test_proposals_lie_in_the_image(task):
    (boxes,) = detection.propose(task.model, task.batches(0)[0][:1])
    assert 0 < len(boxes) <= 40 and boxes.min() >= 0 and boxes.max() <= 96 and task.model.training


# What is refused, and what is not

BOX = torch.tensor([[10.0, 10, 30, 40]])
ONE = torch.tensor([1])


def batch(image=None, boxes=BOX, labels=ONE):
    return [torch.rand(3, 96, 96) if image is None else image], [{"boxes": boxes, "labels": labels}]


def box(*edges):
    return batch(boxes=torch.tensor([edges], dtype=torch.float32))


INSIDE = r"target 0: boxes must lie in the image and have an area, 0 ≤ x1 < x2 ≤ 96 and 0 ≤ y1 < y2 ≤ 96, got \("


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([], []), "an image at least, got none"),
        ((batch()[0], []), "targets must be a list, one for each of 1 images, got 0"),
        (None, r"a batch is \(images, targets\), got NoneType"),
        (({}, []), "images must be a list, got dict"),
        (batch(torch.rand(1, 96, 96)), r"image 0 must be float \(3, H, W\), got float32 \(1, 96, 96\)"),
        (batch(torch.rand(3, 96)), r"image 0 must be float \(3, H, W\), got float32 \(3, 96\)"),
        (batch(torch.rand(3, 0, 96)), r"image 0 must be float \(3, H, W\), none of them 0, got float32 \(3, 0, 96\)"),
        (batch(torch.ones(3, 96, 96, dtype=torch.uint8)), "image 0 must be float .*, got uint8"),
        ((batch()[0], [{"boxes": BOX}]), "target 0 must have 'boxes' and 'labels', got 'boxes'"),
        ((batch()[0], [BOX]), "target 0 must have 'boxes' and 'labels', got Tensor"),
        (batch(boxes=BOX[:, :3]), r"boxes, one per label, must be float \(1, 4\), got float32 \(1, 3\)"),
        (batch(boxes=BOX.long()), r"boxes, one per label, must be float \(1, 4\), got int64 \(1, 4\)"),
        (batch(labels=torch.tensor([1, 2])), r"must be float \(2, 4\), got float32 \(1, 4\)"),
        (batch(labels=torch.tensor([1.0])), r"labels must be int64 \(k,\), got float32 \(1,\)"),
        (batch(labels=torch.tensor([0])), r"labels, where 0 is the background, must be in 1 … 3, got 0"),
        (batch(labels=torch.tensor([4])), "labels, where 0 is the background, must be in 1 … 3, got 4"),
        (box(10, 10, 97, 40), INSIDE + r"10.0, 10.0, 97.0, 40.0\)"),
        (box(-1, 10, 30, 40), INSIDE + r"-1.0, 10.0, 30.0, 40.0\)"),
        (box(10, 10, 30, 97), INSIDE),
        (box(10, -1, 30, 40), INSIDE),
        (box(10, 10, 10, 40), INSIDE),
        (box(10, 10, 30, 10), INSIDE),
        (box(30, 10, 10, 40), INSIDE),
        (box(10, 10, float("nan"), 40), INSIDE),
    ],
)
def test_a_batch_of_another_form_is_refused_before_anything_changes(given, message, task, state):
    before, random = state(task.model), torch.random.get_rng_state()
    with pytest.raises(ValueError, match=message):
        next(train(replace(task, batches=lambda n: given), plans.joint(1)))
    assert state.same(before, state(task.model)) and torch.equal(random, torch.random.get_rng_state())


def test_images_of_two_sizes_and_one_without_objects_are_fine(task):
    images = [torch.rand(3, 96, 96), torch.rand(3, 64, 96)]
    targets = [{"boxes": BOX, "labels": ONE}, {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}]
    (step,) = take(replace(task, batches=lambda n: (images, targets)), plans.joint(1))
    assert 0 < step.total < 20
