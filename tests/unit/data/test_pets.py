"""The Oxford-IIIT pets, from a small stand-in of the same layout: masks, boxes, classes, splits, and a task on them."""

from functools import partial

import numpy as np
import pytest
import torch
from fake_sets import BREEDS, numbers_at, write_pets
from PIL import Image

from jointopt import plans, tasks, train
from jointopt.data.scenes import pets, photographs


@pytest.fixture
def root(tmp_path, monkeypatch):
    write_pets(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    return tmp_path


numbers = partial(numbers_at, row=90, column=90)


def breed_of(number):
    return number // 5


def test_masks_are_torchvisions_trimaps_and_boxes_are_tight(root):
    from torchvision import tv_tensors
    from torchvision.datasets import OxfordIIITPet
    from torchvision.transforms import v2

    found, listed = pets.load(), OxfordIIITPet(root, target_types="segmentation")
    assert found.classes == ("cat", "dog") and found.pixels.shape == (12, 3, 96, 96)
    for which, number in enumerate(numbers(found)):
        image, trimap = listed[number]
        trimap = tv_tensors.Mask(np.array(trimap)[None])
        trimap = v2.functional.resize(trimap, [96, 96], v2.InterpolationMode.NEAREST_EXACT).as_subclass(torch.Tensor)
        assert torch.equal(found.masks[which], trimap == 1) and (trimap == 3).any()
        assert torch.equal(found.boxes[which], photographs.tight_boxes(found.masks[which]))
        assert found.labels[which].tolist() == [BREEDS[breed_of(number)][1] - 1]
        expected = np.array(v2.functional.resize(image, [96, 96], antialias=True)).transpose(2, 0, 1)
        assert np.array_equal(found.pixels[which], expected)
        assert (found.pixels[which][0] > 200)[found.masks[which][0]].all()  # the animal is red


def test_breeds(root):
    found = pets.load(classes="breeds")
    assert found.classes == ("Abyssinian", "American Bulldog", "Bengal")
    assert [label.item() for label in found.labels] == [breed_of(number) for number in numbers(found)]


def test_no_image_is_in_two_splits_and_each_split_has_all_breeds(root):
    seen = {split: numbers(pets.load(split)) for split in photographs.SPLITS}
    assert sorted(seen["train"] + seen["validation"]) == list(range(15)) and sorted(seen["test"]) == [15, 16, 17, 18]
    assert {breed_of(number) for number in seen["validation"]} == {0, 1, 2}
    assert {breed_of(number) for number in seen["train"][:6]} == {0, 1, 2}  # though the list goes by breed
    assert torch.equal(pets.load(count=4).pixels, pets.load().pixels[:4])


def test_an_image_without_an_animal_is_left_out(root):
    for number in range(3):
        path = root / f"oxford-iiit-pet/annotations/trimaps/Abyssinian_{number}.png"
        with Image.open(path) as image:
            empty = Image.new("L", image.size, 2)
        empty.save(path)
    assert sorted(numbers(pets.load())) == [3, 5, 6, 7, 8, 10, 11, 12, 13]
    with pytest.raises(ValueError, match=r"pets has 9 images in 'train' with an object \(cat, dog\), not 10"):
        pets.load(count=10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "trainval"}, "split must be one of 'train', 'validation', 'test', got 'trainval'"),
        ({"classes": ["cat"]}, r"classes must be one of None, 'species', 'breeds', got \['cat'\]"),
        ({"size": 0}, "size must be a whole number ≥ 1, got 0"),
    ],
)
def test_bad_options(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        pets.load(root=tmp_path, **options)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        pets.load("test", root=tmp_path)
    message = str(caught.value)
    assert f"pets was looked for in {tmp_path}; missing: oxford-iiit-pet/images" in message
    assert "oxford-iiit-pet/annotations/test.txt" in message and "pets.load(count=1, download=True)" in message
    assert not list(tmp_path.iterdir())


def test_no_network(tmp_path, monkeypatch):
    from torchvision.datasets import OxfordIIITPet

    monkeypatch.setattr(OxfordIIITPet, "_RESOURCES", (("http://127.0.0.1:9/images.tar.gz", "0"),))
    with pytest.raises(OSError, match="pets in .* could not be fetched or read"):
        pets.load(root=tmp_path, download=True)


def test_files_that_are_damaged(root):
    for path in (root / "oxford-iiit-pet/annotations/trimaps").iterdir():
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(OSError, match=r"pets: image \d+ of .*trainval.txt could not be fetched or read"):
        pets.load()
    (root / "oxford-iiit-pet/annotations/trainval.txt").write_text("Abyssinian_1\n")
    with pytest.raises(OSError, match="pets in .* could not be fetched or read"):
        pets.load()


@pytest.mark.parametrize(("classes", "most"), [(None, 2), ("breeds", 3)])
def test_a_task_learns_on_it(root, classes, most):
    task = tasks.load("one_stage", data="pets", classes=classes, scenes=12, held_out_scenes=4)
    (step,) = train(task, plans.joint(1))
    labels = {label for n in range(3) for target in task.batches(n)[1] for label in target["labels"].tolist()}
    assert step.total > 0 and labels == set(range(1, most + 1))
    assert task.evaluate(task.model) and task.picture(task.model).shape == (504, 720, 3)
