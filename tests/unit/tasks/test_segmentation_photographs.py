"""Segmentation of photographs: one word in place of the drawn scenes."""

import pytest
from fake_sets import BREEDS, write_pets, write_voc

from jointopt import plans, tasks, train
from jointopt.tasks import segmentation


@pytest.mark.parametrize(
    ("data", "write", "classes", "chosen"),
    [
        ("pets", write_pets, None, ("cat", "dog")),
        ("pets", write_pets, "breeds", tuple(name for name, _ in BREEDS)),
        ("voc", write_voc, ["dog", "aeroplane"], ("dog", "aeroplane")),
    ],
)
def test_photographs_are_loaded_by_one_word(data, write, classes, chosen, tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    task = tasks.load(
        *("segmentation", 0), data=data, classes=classes, scenes=4, size=2, held_out_scenes=2, second="boxes"
    )
    assert task.model.classes == 1 + len(chosen)
    images, masks, boxes = task.batches(0)
    assert images.shape == (2, 3, 96, 96) and 0.01 < (masks > 0).float().mean() < 0.9 and boxes.any()
    (step,) = train(task, plans.joint(1))
    assert set(step.moved) == {"encoder", "decoder", "head", "second"}
    assert set(task.evaluate(task.model)) == {"foreground IoU (%)", "background IoU (%)", "box IoU (%)"}
    assert task.picture(task.model).shape == (264, 720, 3)


def test_masks_of_voc_are_outlines_and_not_boxes(tmp_path, monkeypatch):
    write_voc(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    monkeypatch.setattr(segmentation, "evaluate", lambda model, held: held.scenes)
    scenes = tasks.load("segmentation", data="voc", scenes=4, size=2, held_out_scenes=2).evaluate(None)
    for boxes, masks in zip(scenes.boxes, scenes.masks, strict=True):
        for (x1, y1, x2, y2), mask in zip(boxes.int().tolist(), masks, strict=True):
            assert mask.any() and not mask[y1:y2, x1:x2].all()


def test_validation_photographs_are_not_trained_on(tmp_path, monkeypatch):
    write_pets(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    monkeypatch.setattr(segmentation, "evaluate", lambda model, held: held.scenes.pixels)
    options = {"data": "pets", "scenes": 12, "size": 12}
    task = tasks.load("segmentation", held_out="validation", held_out_scenes=3, **options)
    trained, held = (255 * task.batches(0)[0]).round().byte(), task.evaluate(None)
    assert len(held) == 3 and not (held[:, None] == trained).flatten(2).all(2).any()


def test_photographs_that_are_not_there_say_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="To fetch it .*download=True"):
        tasks.load("segmentation", scenes=24, held_out_scenes=8, data="pets")
