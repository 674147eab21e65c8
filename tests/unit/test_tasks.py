"""Applications by name, and the first of them: classification."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from jointopt import data, plans, tasks, train
from jointopt.modules import module_names
from jointopt.tasks import classification


@pytest.fixture
def task():
    return tasks.load("classification", seed=0)


def test_a_task_is_found_by_its_file():
    assert "classification" in tasks.names()
    with pytest.raises(ValueError, match="no task is named 'clasification'; there are 'classification'"):
        tasks.load("clasification")
    options = "'data', 'held_out', 'labels', 'network', 'reg', 'size', 'weights'"
    with pytest.raises(ValueError, match=f"has no option 'sise'; it has {options}"):
        tasks.load("classification", sise=3)
    with pytest.raises(ValueError, match="no data set is named 'digit'"):
        tasks.load("classification", data="digit")


def test_loading_leaves_the_readers_random_numbers(task):
    before = torch.random.get_rng_state()
    tasks.load("classification", seed=5)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_recipe_makes_the_task_again(task):
    other = tasks.load("classification", seed=2, data="cluttered", size=16)
    assert other.recipe == {"name": "classification", "seed": 2, "options": {"data": "cluttered", "size": 16}}
    again = tasks.load(other.recipe["name"], other.recipe["seed"], **other.recipe["options"])
    assert all(torch.equal(a, b) for a, b in zip(other.batches(7), again.batches(7), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(other.model.parameters(), again.model.parameters(), strict=True))


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


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (None, r"a batch is \(inputs, labels\), got NoneType"),
        (torch.rand(4, 3, 28, 28), r"a batch is \(inputs, labels\), got Tensor"),
        ((torch.ones(1),), r"a batch is \(inputs, labels\), got tuple of 1"),
        ((np.ones(3), np.ones(3)), r"inputs must be float \(B, 3, 28, 28\), got ndarray"),
    ],
)
def test_what_is_no_batch_is_refused(batch, message, task):
    with pytest.raises(ValueError, match=message):
        task.losses(task.model, batch)


def test_a_batch_of_one_is_fine(task):
    from dataclasses import replace

    (step,) = train(replace(task, batches=lambda n: tuple(part[:1] for part in task.batches(n))), plans.joint(1))
    assert step.total > 0
