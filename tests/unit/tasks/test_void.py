"""Pixels that are not classified count in no loss and in no figure; where there are none, all is as it was."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from fake_sets import write_pets, write_voc
from torch.nn import functional as F

from jointopt import plans, tasks, train
from jointopt.data.scenes import photographs, voc
from jointopt.metrics import confusion, iou
from jointopt.tasks import segmentation
from jointopt.tasks.segmentation import dice_loss

load = partial(tasks.load, "segmentation", scenes=24, held_out_scenes=8)
SCORES = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
MASKS = torch.randint(4, (2, 8, 8), generator=torch.Generator().manual_seed(1))
VOID = MASKS.clone()
VOID[:, :, ::3] = 255


def plain_dice(scores, masks):
    """Dice as it is without void, on scores (n, classes) and masks (n,)."""
    p, y = scores.softmax(1)[:, 1:], F.one_hot(masks, 4)[:, 1:]
    return 1 - ((2 * (p * y).sum(0) + 1) / (p.sum(0) + y.sum(0) + 1)).mean()


def test_losses_equal_those_on_the_other_pixels_alone():
    known = VOID != 255
    rows, labels = SCORES.movedim(1, -1)[known], VOID[known]
    assert torch.allclose(dice_loss(SCORES, VOID, 255), plain_dice(rows, labels))
    assert not torch.allclose(dice_loss(SCORES, VOID), plain_dice(rows, labels))
    task = load(ignore=255)
    images, masks = task.batches(0)
    masks = torch.where(torch.rand(masks.shape) < 0.3, 255, masks)
    found = {name: loss() for name, loss in task.losses(task.model, (images, masks)).items()}
    rows = task.model(images).movedim(1, -1)[masks != 255]
    assert torch.allclose(found["cross_entropy"], F.cross_entropy(rows, masks[masks != 255]))
    assert torch.allclose(found["dice"], plain_dice(rows, masks[masks != 255]))


def test_no_gradient_comes_from_void_pixels():
    scores = SCORES.clone().requires_grad_()
    (dice_loss(scores, VOID, 255) + F.cross_entropy(scores, VOID, ignore_index=255)).backward()
    assert (scores.grad.abs().sum(1) > 0).equal(VOID != 255)


def test_without_void_every_number_is_that_of_the_plain_formula_bit_for_bit():
    p = SCORES.softmax(1)[:, 1:]
    y = MASKS[:, None] == torch.arange(1, 4).view(-1, 1, 1)
    both, either = (p * y).sum((0, 2, 3)), p.sum((0, 2, 3)) + y.sum((0, 2, 3))
    plain = 1 - ((2 * both + 1) / (either + 1)).mean()
    assert torch.equal(dice_loss(SCORES, MASKS), plain) and torch.equal(dice_loss(SCORES, MASKS, 255), plain)
    steps = [list(train(load(ignore=ignore), plans.joint(3))) for ignore in (None, 255)]
    assert [step.losses for step in steps[0]] == [step.losses for step in steps[1]]
    assert [step.change for step in steps[0]] == [step.change for step in steps[1]]
    counts = torch.bincount((MASKS * 4 + SCORES.argmax(1)).flatten(), minlength=16).view(4, 4)
    assert torch.equal(confusion(SCORES.argmax(1), MASKS, 4), counts)
    task = load()
    images, masks = task.batches(0)
    expected = F.cross_entropy(task.model(images), masks)
    assert torch.equal(task.losses(task.model, (images, masks))["cross_entropy"](), expected)


def test_masks_with_void_are_trained_on_and_those_of_void_alone_refused():
    task = load(ignore=255)
    images, masks = task.batches(0)
    masks[:, ::4] = 255
    (step,) = train(replace(task, batches=lambda n: (images, masks)), plans.joint(1))
    assert 0 < step.losses["dice"] < 1
    with pytest.raises(ValueError, match="masks must have a pixel that is classified, got 255 alone, which is ignored"):
        task.losses(task.model, (images, torch.full_like(masks, 255)))
    with pytest.raises(ValueError, match="masks must be in 0 … 3, got 254$"):
        task.losses(task.model, (images, masks - (masks == 255).long()))
    with pytest.raises(ValueError, match=r'got 255: pixels .* left out by tasks.load\("segmentation", ignore=255\)'):
        segmentation.losses(task.model, (images, masks))


@pytest.mark.parametrize("ignore", [3, -1, 256, "255", True])
def test_a_label_that_is_a_class_or_fits_no_mask_is_refused(ignore):
    with pytest.raises(ValueError, match="ignore must be a whole number from 4 to 255"):
        load(ignore=ignore)


# Metrics


def test_void_is_not_counted():
    predicted, known = SCORES.argmax(1), VOID != 255
    counts = confusion(predicted, VOID, 4, ignore=255)
    assert torch.equal(counts, confusion(predicted[known], VOID[known], 4)) and counts.sum() == known.sum()
    assert iou(confusion(VOID.where(known, 0), VOID, 4, 255)).tolist() == [1, 1, 1, 1]


# Photographs


@pytest.mark.parametrize(("data", "write"), [("pets", write_pets), ("voc", write_voc)])
def test_the_border_of_photographs_is_void(data, write, tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    options = dict(data=data, scenes=4, size=4, held_out_scenes=2)
    task, plain = load(**options), load(**options, ignore=254)
    images, masks = task.batches(0)
    border = masks == 255
    assert 0.01 < border.float().mean() < 0.3 and torch.equal(plain.batches(0)[1] == 254, border)
    train_scenes = photographs.load(data, "train", 4, **({"masks": True} if data == "voc" else {}))
    assert int(train_scenes.void.sum()) == int(border.sum())
    inside = F.max_pool2d(((masks > 0) & ~border).float(), 15, 1, 7) > 0
    assert inside[border].float().mean() > 0.9  # around the objects, and nowhere else
    (step,) = train(task, plans.joint(1))
    (other,) = train(plain, plans.joint(1))
    assert step.losses == other.losses  # whatever the label is
    assert task.picture(task.model).shape == (264, 720, 3)
    held = segmentation.labeled(photographs.load(data, "test", 2, **({"masks": True} if data == "voc" else {})))
    monkeypatch.setattr(segmentation, "predict", lambda model, images: held.masks.long() % 255)
    assert set(task.evaluate(task.model).values()) == {100.0}
    monkeypatch.setattr(segmentation, "predict", lambda model, images: held.masks.long().where(held.masks != 255, 1))
    assert set(task.evaluate(task.model).values()) == {100.0}  # whatever is predicted there


def test_boxes_filled_have_no_void(tmp_path, monkeypatch):
    write_voc(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    assert voc.load(count=2).void is None
