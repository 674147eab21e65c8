"""What a GAN's samples are measured with: the ruler, its classifier, and other data."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt import Update, tasks, train
from jointopt.data import digits
from jointopt.tasks import classification, generation
from jointopt.tasks.generation import Ruler, metrics_of, reference

D, G = Update("discriminator", ["discriminator", "penalty"]), Update("generator", "generator")


@pytest.fixture
def make():
    return partial(tasks.load, "generation", size=8, width=4)


@pytest.fixture
def task(make):
    return make()


def test_the_classes_covered_are_those_with_one_in_a_hundred():
    classifier = nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), nn.Identity())
    with torch.no_grad():
        classifier[0][1].weight.copy_(torch.eye(10, 784)), classifier[0][1].bias.zero_()
    labels = torch.tensor([0] * 400 + [1] * 91 + [2] * 5 + [3] * 4)
    images = F.one_hot(labels, 784).float().view(500, 1, 28, 28)
    ruler = Ruler(classifier, np.zeros(10), np.zeros((10, 10)), {})
    assert metrics_of(images, ruler)["classes covered"] == 3


@pytest.mark.parametrize("held_out", ["test", "validation"])
def test_real_images_are_near_and_cover_all_classes(held_out, make):
    real = reference(held_out=held_out)
    assert real["classes covered"] == 10 and 5 < real["Fréchet distance"] < 30
    task = make(held_out=held_out)
    assert task.evaluate(task.model)["Fréchet distance"] > 20 * real["Fréchet distance"]
    real["Fréchet distance"] = 0  # a copy: the next reader is not misled
    assert reference(held_out=held_out)["Fréchet distance"] > 5


def test_the_classifier_that_measures_knows_held_out_digits():
    ruler, (_, held) = generation.ruler("digits", "validation"), generation.train_and_held_out("digits", "validation")
    with torch.no_grad():
        assert (ruler.classifier(held.images).argmax(1) == held.labels).float().mean() > 0.93
    assert ruler.mean.shape == (64,) and ruler.covariance.shape == (64, 64)
    assert ruler.classifier is generation.ruler("digits", "test").classifier  # one scale for both


def test_no_validation_image_is_trained_on(make):
    task = make(held_out="validation", size=1000)
    train_images, held = generation.train_and_held_out("digits", "validation")
    assert len(train_images) == 3000 and len(held) == 1000
    epoch = torch.cat([task.batches(n)[0] for n in range(3)]).flatten(1).double().sum(1).sort().values
    assert torch.equal(epoch, train_images.images.flatten(1).double().sum(1).sort().values)


def test_the_picture_is_32_samples_from_noise_that_stays(task, make):
    picture = task.picture(task.model)
    assert picture.shape == (360, 720, 3) and picture.dtype == np.uint8
    assert np.array_equal(picture, make().picture(task.model)) and task.model.training
    images = (task.model(generation.noise(32, 1)) * 255).round().byte()
    for row, column in ((0, 0), (0, 7), (2, 3), (3, 7)):
        tile = picture[90 * row : 90 * (row + 1), 90 * column : 90 * (column + 1)]
        assert (tile[3:87:3, 3:87:3, 1] == images[8 * row + column, 0].numpy()).all()
        assert (tile[:3] == 255).all()
    next(train(task, [G]))
    assert not np.array_equal(picture, task.picture(task.model))


# Data of torchvision


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A small MNIST in torchvision's own layout: 2,000 training and 1,000 test images. No network."""
    arrays, raw = digits.read(digits.FILE), tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for prefix, times in (("train", 2), ("t10k", 1)):
        for kind, name in (("images-idx3", "test_digits"), ("labels-idx1", "test_labels")):
            array = np.concatenate([arrays[name]] * times)
            header = np.array([0x800 + array.ndim, *array.shape], ">i4").tobytes()
            (raw / f"{prefix}-{kind}-ubyte").write_bytes(header + array.tobytes())
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    monkeypatch.setattr(generation, "RULER_STEPS", 20)
    caches = (classification.images, generation.train_and_held_out, generation.ruler, generation.trained_classifier)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize("held_out", ["test", "validation"])
def test_a_set_of_torchvisions_is_one_option(mnist, held_out, monkeypatch):
    shown = []
    monkeypatch.setattr(generation, "tqdm", lambda steps, *said, **_: shown.append(said) or steps)
    task = tasks.load("generation", data="mnist", size=8, width=2, held_out=held_out)
    assert task.batches(0)[0].shape == (8, 1, 28, 28)  # gray throughout: one channel
    for step in train(task, [D, G]):
        assert np.isfinite(step.total)
    found = task.evaluate(task.model)
    assert shown == [("training what measures mnist", 20)]  # what takes some seconds has a bar
    assert found["Fréchet distance"] > reference("mnist", held_out)["Fréchet distance"] > 0


def test_a_set_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="import data; data.load.'cifar10', download=True"):
        tasks.load("generation", data="cifar10")
