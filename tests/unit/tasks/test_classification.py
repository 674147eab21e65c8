"""Classification: the document's losses, held-out accuracy, the picture, and which labels and images it trains on."""

from functools import partial

import numpy as np
import pytest
import torch
from fake_sets import write_mnist
from torch.nn import functional as F

from jointopt import data, plans, tasks, train
from jointopt.modules import module_names
from jointopt.tasks import classification

load = partial(tasks.load, "classification", data="cluttered", size=16)


@pytest.fixture
def task():
    return tasks.load("classification", seed=0)


def test_its_modules_and_losses_are_those_of_the_document(task):
    assert module_names(task.model) == ["feature_extractor", "classifier"]
    task.model.eval()
    inputs, labels = task.batches(0)
    losses = task.losses(task.model, (inputs, labels))
    assert torch.equal(losses["task"], F.cross_entropy(task.model(inputs), labels))
    assert losses["reg"].item() == pytest.approx(0.5 * sum(p.square().sum().item() for p in task.model.parameters()))
    assert list(losses) == list(task.weights) == ["task", "reg"]


def test_it_learns(task):
    before = task.evaluate(task.model)["accuracy (%)"]
    steps = list(train(task, plans.joint(60)))
    after = task.evaluate(task.model)["accuracy (%)"]
    assert before < 30 and after > 75 and steps[-1].losses["task"] < 1.2


def test_evaluate_agrees_with_a_loop_and_leaves_no_trace(task):
    test = data.load("digits", "test")
    task.model.classifier.dropout.eval()  # a mode that must survive
    random = torch.random.get_rng_state()
    accuracy = task.evaluate(task.model)["accuracy (%)"]
    assert task.model.training and not task.model.classifier.dropout.training
    assert torch.equal(random, torch.random.get_rng_state())
    task.model.eval()
    right = sum(int(task.model(image[None]).argmax()) == int(label) for image, label in zip(*pairs(test), strict=True))
    assert accuracy == pytest.approx(100 * right / len(test), abs=0.11)  # one image in doubt at most


def pairs(images):
    return images.images, images.labels


def test_the_picture_marks_what_is_wrong_by_shape(task):
    picture = task.picture(task.model)
    assert picture.dtype == np.uint8 and picture.shape == (232, 720, 3)
    assert np.array_equal(picture, task.picture(task.model)) and task.model.training
    image = torch.zeros(3, 28, 28)
    right, wrong = (classification.tile(image, "3 50%", ok).astype(int) for ok in (True, False))
    corner = (slice(4, 25), slice(66, 87))
    assert np.ptp(right[corner]) == 0 and np.ptp(wrong[corner].mean(2)) > 50  # a cross, seen without color


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (torch.rand(4, 1, 28, 28), torch.zeros(4, dtype=torch.long), r"float \(B, 3, 28, 28\), got .*\(4, 1, 28, 28\)"),
        (torch.rand(4, 3, 32, 32), torch.zeros(4, dtype=torch.long), r"got .*\(4, 3, 32, 32\)"),
        (torch.rand(3, 28, 28), torch.zeros(4, dtype=torch.long), r"got .*\(3, 28, 28\)"),
        (torch.ones(4, 3, 28, 28, dtype=torch.uint8), torch.zeros(4, dtype=torch.long), "got uint8"),
        (torch.rand(4, 3, 28, 28), torch.zeros(4), r"labels must be int64 \(4,\), got float32"),
        (torch.rand(4, 3, 28, 28), torch.zeros(5, dtype=torch.long), r"int64 \(4,\), got int64 \(5,\)"),
        (torch.rand(4, 3, 28, 28), torch.tensor([0, 3, 10, 1]), "labels must be in 0 … 9, got 10"),
        (torch.rand(4, 3, 28, 28), torch.tensor([0, -1, 1, 1]), "labels must be in 0 … 9, got -1"),
        (torch.rand(0, 3, 28, 28), torch.zeros(0, dtype=torch.long), r"got .*\(0, 3, 28, 28\)"),
    ],
)
def test_a_batch_of_another_form_is_refused_before_anything_changes(inputs, labels, message, task, state):
    from dataclasses import replace

    before = state(task.model)
    with pytest.raises(ValueError, match=message):
        next(train(replace(task, batches=lambda n: (inputs, labels)), plans.joint(1)))
    assert state.same(before, state(task.model))


# Labels and held-out images


def test_labels_are_drawn_per_class():
    images = classification.images("cluttered", "train")
    chosen, other = (classification.choose(images, 7, seed) for seed in (5, 6))
    assert torch.equal(chosen.labels, torch.arange(70) % 10)
    rounds = np.random.RandomState([5, 10]).permutation(400)[:7]  # the classes come in turn: round r is 10·r … 10·r + 9
    assert torch.equal(chosen.images, images.images[(rounds[:, None] * 10 + np.arange(10)).ravel()])
    assert not torch.equal(chosen.images, other.images)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_seed_of_a_task_draws_its_labels(seed):
    inputs, labels = tasks.load("classification", seed=seed, data="cluttered", labels=2).batches(0)  # all 20 of them
    expected = classification.choose(classification.images("cluttered", "train"), 2, seed)
    order = labels.argsort(stable=True), expected.labels.argsort(stable=True)
    sums = [x[rows].flatten(1).sum(1) for x, rows in zip((inputs, expected.images), order, strict=True)]
    assert torch.allclose(*(s.view(10, 2).sort(1).values for s in sums))


def test_classes_may_come_in_any_order():
    images = classification.images("cluttered", "train")
    mixed = images.part(torch.from_numpy(np.random.RandomState(0).permutation(4000)))
    chosen = classification.choose(mixed, 7, 0)
    assert torch.equal(chosen.labels, torch.arange(70) % 10)
    for image, label in zip(chosen.images[:10], chosen.labels[:10], strict=True):
        (place,) = (images.images == image).flatten(1).all(1).nonzero().ravel()
        assert images.labels[place] == label


def test_few_labels_make_a_batch_of_all_of_them():
    task = tasks.load("classification", data="cluttered", labels=3)
    inputs, labels = task.batches(0)
    assert len(inputs) == 30 and labels.bincount().tolist() == [3] * 10
    assert len(load(labels=3).batches(0)[0]) == 16


def test_validation_images_are_the_last_training_images_and_are_not_trained_on(monkeypatch):
    monkeypatch.setattr(classification, "evaluate", lambda model, inputs, labels: inputs)
    images = data.load("cluttered")
    task = load(held_out="validation", labels=300)
    assert torch.equal(task.evaluate(None), images.images[-1000:])
    trained = classification.choose(classification.train_and_held_out("cluttered", "validation")[0], 300, 0)
    fours = [some.images[some.labels == 4] for some in (trained, images.part(slice(3000)))]
    assert torch.equal(*(some.flatten(1).sum(1).sort().values for some in fours))
    assert torch.equal(load().evaluate(None), data.load("cluttered", "test").images)


def test_another_data_set_is_one_word(tmp_path, monkeypatch):
    write_mnist(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    classification.images.cache_clear()
    task = load(data="mnist", network="vgg", weights="clothes", labels=5)
    (step,) = train(task, plans.joint(1))
    assert step.total > 0 and 0 <= task.evaluate(task.model)["accuracy (%)"] <= 100
    classification.images.cache_clear()


def test_the_defaults_are_the_documents_model_on_all_digits(state):
    task = tasks.load("classification", seed=3)
    torch.manual_seed(3)
    from jointopt import EndToEndModel

    assert state.same(task.model.state_dict(), EndToEndModel(10).state_dict())
    expected = data.batches(data.load("digits"), 64, seed=3)(5)
    assert all(torch.equal(a, b) for a, b in zip(task.batches(5), expected, strict=True))


def test_labels_are_so_many_of_each_class_and_drawn_by_the_seed():
    images = data.load("digits")
    one, two = (classification.choose(images, 7, seed) for seed in (0, 1))
    assert torch.bincount(one.labels).tolist() == [7] * 10
    assert not torch.equal(one.images, two.images)
    assert torch.equal(one.images, classification.choose(images, 7, 0).images)
    with pytest.raises(ValueError, match="from 1 to 400, got 401"):
        classification.choose(images, 401, 0)


def test_validation_images_are_not_trained_on():
    pool, held = classification.train_and_held_out("digits", "validation")
    assert len(pool) == 3000 and len(held) == 1000
    train_images = {image.numpy().tobytes() for image in pool.images}
    assert not any(image.numpy().tobytes() in train_images for image in held.images)
