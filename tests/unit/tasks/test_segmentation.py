"""Segmentation agrees with torchmetrics and torchvision; freezing, pictures, and what is refused."""

from functools import partial

import numpy as np
import pytest
import torch
from labtools import take, values
from torch.nn import functional as F

from jointopt import Update, plans, tasks
from jointopt.compare.budget import cost
from jointopt.data.scenes import Scenes, held_out
from jointopt.data.scenes.labeled import cells
from jointopt.figures import pixels
from jointopt.models import shipped
from jointopt.modules import module_names
from jointopt.tasks import segmentation

MODULES = ["encoder", "decoder", "head"]
load = partial(tasks.load, "segmentation", scenes=24, held_out_scenes=8)


# The task


def test_modules_losses_and_weights(task, both):
    assert "segmentation" in tasks.names() and module_names(task.model) == MODULES
    assert module_names(both.model) == [*MODULES, "second"]
    (step,) = take(task, plans.joint(1))
    assert list(step.losses) == ["cross_entropy", "dice"] and step.moved == tuple(MODULES)
    (step,) = take(both, plans.joint(1))
    assert list(step.losses) == list(both.weights) == ["cross_entropy", "dice", "boxes"]
    assert step.weights == both.weights == {"cross_entropy": 1.0, "dice": 1.0, "boxes": 0.01}
    assert all(step.change[name] > 0 for name in (*MODULES, "second"))


def test_a_second_task_and_learned_weights_leave_the_first_weights_as_they_are(task, both, state):
    learned = load(seed=0, second="boxes", weighting="learned")
    for other in (both, learned, load(seed=0, skip=False)):
        assert all(state.same(state(task.model.get_submodule(n)), state(other.model.get_submodule(n))) for n in MODULES)
    assert state.same(state(both.model.second), state(learned.model.second))


def test_an_encoder_that_has_learned_leaves_the_rest_as_it_is(task, state):
    learned = load(seed=0, weights="digits")
    assert state.same(state(learned.model.encoder), shipped.load("encoder"))
    assert not state.same(state(learned.model.encoder), state(task.model.encoder))
    assert all(
        state.same(state(task.model.get_submodule(n)), state(learned.model.get_submodule(n))) for n in MODULES[1:]
    )
    assert learned.weights == task.weights


def test_the_seed_draws_weights_and_scenes_and_nothing_else(task, state):
    before = torch.random.get_rng_state()
    again, other = load(seed=0), load(seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert state.same(state(task.model), state(again.model)) and not state.same(state(task.model), state(other.model))
    (images, masks), (same, _), (others, _) = (each.batches(3) for each in (task, again, other))
    assert torch.equal(images, same) and not torch.equal(images, others)
    assert images.shape == (8, 3, 96, 96) and masks.shape == (8, 96, 96) and masks.dtype == torch.int64
    assert set(torch.cat([task.batches(n)[1] for n in range(3)]).unique().tolist()) == {0, 1, 2, 3}


def test_held_out_scenes_are_other_scenes_and_the_same_for_every_seed(monkeypatch):
    monkeypatch.setattr(segmentation, "evaluate", lambda model, held: held.scenes.pixels)
    tested, validated, again = (
        load(seed=seed, held_out=name).evaluate(None)
        for seed, name in ((0, "test"), (0, "validation"), (1, "validation"))
    )
    assert torch.equal(validated, again) and not torch.equal(validated, tested)
    assert torch.equal(tested, load(seed=1).evaluate(None))
    trained = segmentation.labeled(held_out.draw(24, "train", 0, "247")).scenes.pixels
    assert not (validated[:, None] == trained).flatten(2).all(2).any()


def test_more_digits_may_be_in_training_scenes_and_not_in_those_held_out(monkeypatch):
    monkeypatch.setattr(segmentation, "evaluate", lambda model, held: held.scenes)
    few, many = (load(scenes=24, most=most) for most in (3, 8))
    assert many.evaluate(None) is few.evaluate(None) and max(map(len, few.evaluate(None).labels)) <= 3
    (_, few), (_, many) = (task.batches(0) for task in (few, many))
    assert (many > 0).float().mean() > 1.5 * (few > 0).float().mean()


def test_a_share_of_the_images_is_augmented_and_the_masks_are_not():
    (plain, masks), (half, same), (every, others) = (load(augment=share).batches(1) for share in (0, 0.5, 1))
    assert torch.equal(masks, same) and torch.equal(masks, others)
    half, every = ((images != plain).flatten(1).any(1).sum() for images in (half, every))
    assert 0 < half < 8 and every == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "coco"}, "data must be one of 'scenes', 'voc', 'pets', got 'coco'"),
        ({"second": "count"}, "second must be one of None, 'boxes', got 'count'"),
        ({"weighting": "mean"}, "weighting must be one of 'fixed', 'learned', got 'mean'"),
        ({"weighting": "learned"}, "weighs two tasks: give it a second, as second='boxes'"),
        ({"classes": [2, 4]}, r"one or more of the digits 0 to 9, each once, such as '247', got \[2, 4\]"),
        ({"classes": 247}, "digits 0 to 9, .* got 247"),
        ({"classes": "2x"}, "digits 0 to 9"),
        ({"augment": 2}, "augment must be a number from 0 to 1, got 2"),
        ({"most": 10}, "most must be a whole number from 1 to 9, got 10"),
        ({"data": "voc", "most": 5}, "most is of drawn scenes, got 5 for the photographs 'voc'"),
        ({"weights": "imagenet"}, "weights must be one of None, 'digits', got 'imagenet'"),
        ({"skip": "no"}, "skip must be one of True, False, got 'no'"),
        ({"second": "boxes", "boxes": -1.0}, "weight λ of 'boxes' must be a finite number ≥ 0, got -1.0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        load(**options)


def test_it_learns():
    task = tasks.load("segmentation", scenes=64, held_out_scenes=20)
    before = task.evaluate(task.model)
    taken = take(task, plans.joint(80))
    after = task.evaluate(task.model)
    assert before["foreground IoU (%)"] < 5 and after["foreground IoU (%)"] > 15
    assert taken[-1].losses["dice"] < 0.85 < 0.95 < taken[0].losses["dice"]


# The losses


def test_losses_equal_those_written_by_hand(task):
    images, masks = task.batches(0)
    got = values(task.losses(task.model, (images, masks)))
    scores = task.model(images)
    assert scores.shape == (8, 4, 96, 96)
    assert torch.equal(got["cross_entropy"], F.cross_entropy(scores, masks))
    p, parts = scores.detach().softmax(1).double().numpy(), []
    for c in (1, 2, 3):
        y = (masks == c).numpy()
        parts.append((2 * p[:, c][y].sum() + 1) / (p[:, c].sum() + y.sum() + 1))
    assert got["dice"].item() == pytest.approx(1 - np.mean(parts), abs=1e-5)


def test_dice_of_a_perfect_and_of_an_empty_prediction():
    masks = torch.zeros(2, 8, 8, dtype=torch.int64)
    masks[0, 2:6, 2:6], masks[1, :4] = 1, 2
    perfect = 100 * F.one_hot(masks, 4).permute(0, 3, 1, 2).float()  # class 3 is nowhere, and predicted nowhere
    assert segmentation.dice_loss(perfect, masks).item() == pytest.approx(0, abs=1e-6)
    nothing = 100 * F.one_hot(0 * masks, 4).permute(0, 3, 1, 2).float()
    expected = 1 - (1 / 17 + 1 / 33 + 1) / 3
    assert segmentation.dice_loss(nothing, masks).item() == pytest.approx(expected, abs=1e-6)


def test_a_loss_that_is_not_counted_is_not_computed(both):
    def never(*_):
        raise AssertionError("the decoder was called")

    both.model.decoder.forward = never
    (step,) = take(both, [Update(losses="boxes")])
    assert set(step.losses) == {"boxes"} and set(step.moved) == {"encoder", "second"}
    other = load(second="boxes")
    other.model.second.forward = never
    (step,) = take(other, [Update(losses=["cross_entropy", "dice"])])
    assert set(step.moved) == set(MODULES)


def test_each_cell_has_the_box_of_the_object_with_the_most_of_it():
    masks = torch.zeros(2, 16, 16, dtype=torch.bool)
    masks[0, :8, :3], masks[1, :8, 3:8], masks[1, 15, 8:13] = True, True, True  # 24, 40 and 5 pixels
    boxes = torch.tensor([[0.0, 0, 3, 8], [3, 0, 13, 16]])
    got = cells(boxes, masks)
    assert got.shape == (4, 2, 2) and got[:, 0, 0].tolist() == [3, 0, 13, 16]
    assert not got[:, 1, 1].any() and not got[:, 0, 1].any()  # 5 of 64 pixels are too few
    masks[1, 15, 8:15] = True  # 7 are enough
    assert cells(boxes, masks)[:, 1, 1].tolist() == [3, 0, 13, 16]
    assert not cells(boxes[:0], masks[:0]).any()


def test_the_box_loss_is_the_mean_distance_of_a_side_in_pixels(both):
    boxes = both.batches(0)[2]
    owned = (boxes != 0).any(1)
    assert 20 < owned.sum() < 400
    assert segmentation.box_loss(boxes, boxes) == 0
    off = boxes + torch.tensor([1.0, 0, 0, -3]).view(4, 1, 1)
    assert segmentation.box_loss(off, boxes).item() == pytest.approx(1)
    assert segmentation.box_loss(off, 0 * boxes) == 0  # no object at all


# Learned weights


def test_learned_weights_move_and_can_be_frozen(state):
    task = load(second="boxes", weighting="learned")
    (step,) = take(task, plans.joint(1))
    assert step.weights == {"cross_entropy": 0, "dice": 1, "boxes": 0, "learned": 1}
    losses = step.losses
    assert losses["learned"] == pytest.approx(losses["cross_entropy"] + losses["boxes"] / 2, rel=1e-5)  # s = 0
    assert step.change["balance"] > 0 and step.total == pytest.approx(losses["learned"] + losses["dice"], rel=1e-5)
    taken = take(task, plans.joint(20))
    to_cross_entropy, to_boxes = task.model.balance.weights().tolist()
    assert to_cross_entropy > 1 and to_boxes < 0.5 and taken[-1].losses["boxes"] < losses["boxes"]
    before = state(task.model.balance)
    take(task, [Update([*MODULES, "second"])] * 2)
    assert state.same(before, state(task.model.balance))


# Freezing


def test_a_frozen_encoder_makes_the_step_cheaper(task):
    needs_gradient = []
    task.model.encoder.register_forward_hook(
        lambda module, inputs, output: needs_gradient.append(output[-1].requires_grad)
    )
    joint, frozen = cost(task, Update())[0], cost(task, Update(["decoder", "head"]))[0]
    assert needs_gradient == [True, False] and frozen < 0.75 * joint


# Metrics


def test_evaluate_is_100_for_a_model_that_knows(both, monkeypatch):
    held = segmentation.labeled(held_out.draw(8, "test", 0, "247"))
    monkeypatch.setattr(segmentation, "predict", lambda model, images: held.masks.long())
    monkeypatch.setattr(segmentation, "predict_boxes", lambda model, images: held.boxes)
    assert set(both.evaluate(both.model).values()) == {100.0}
    monkeypatch.setattr(segmentation, "predict", lambda model, images: 0 * held.masks.long())
    nothing = both.evaluate(both.model)
    assert nothing["foreground IoU (%)"] == 0 and nothing["background IoU (%)"] > 90
    background = 100 * float((held.masks == 0).float().mean())
    assert nothing["background IoU (%)"] == pytest.approx(background)


def test_figures_without_an_object_are_refused(task):
    empty = Scenes(torch.zeros(1, 3, 16, 16, dtype=torch.uint8), (torch.zeros(0, 4),), (torch.zeros(0).long(),),
                   (torch.zeros(0, 16, 16, dtype=torch.bool),), ("2", "4", "7"))  # fmt: skip
    held = segmentation.labeled(empty)
    with torch.no_grad():
        task.model.head[0].bias[4:] = -1e4
    with pytest.raises(ValueError, match="needs a pixel of an object at least, got none in 1 images"):
        segmentation.evaluate(task.model, held)


def test_the_picture_tells_classes_apart_without_color():
    canvases = []
    for number in (1, 2, 3, 4):
        canvas = np.zeros((24, 24, 3), np.uint8)
        pixels.paint(canvas, np.full((24, 24), number))
        white = canvas.min(2) == 255
        assert 0.2 < white.mean() < 0.6
        canvases.append(white)
    assert all((a != b).mean() > 0.2 for i, a in enumerate(canvases) for b in canvases[:i])


def test_the_picture_marks_what_is_wrong_by_shape():
    held = segmentation.labeled(held_out.draw(8, "test", 0, "247"))
    true = held.masks[0].numpy().astype(int)
    right, wrong, missed = (
        np.asarray(segmentation.tile(held, 0, each)).astype(int) for each in (true, true % 3 + (true > 0), 0 * true)
    )
    _, y, x, _ = (2.5 * held.scenes.boxes[0][0]).round().int().tolist()
    x2, y = round(2.5 * float(held.scenes.boxes[0][0, 2])), max(20, y)
    corner = slice(y + 1, y + 16), slice(x2 - 14, x2)
    assert (wrong[corner].min(2) == 255).mean() > 0.3 and not np.array_equal(right[corner], wrong[corner])
    assert not np.array_equal(wrong, missed) and missed.shape == (240, 240, 3)
    outline = np.zeros((8, 8, 3), np.uint8) + 100
    mask = np.zeros((8, 8), int)
    mask[3:6, 3:6] = 1
    pixels.outline(outline, mask)
    assert outline[3, 3, 0] == 255 and outline[2, 3, 0] == 0 and outline[4, 4, 0] == 100


def test_the_picture_has_six_scenes_and_a_legend(task):
    picture = task.picture(task.model)
    assert picture.dtype == np.uint8 and picture.shape == (504, 720, 3)
    assert load(held_out_scenes=2).picture(task.model).shape == (264, 720, 3)
