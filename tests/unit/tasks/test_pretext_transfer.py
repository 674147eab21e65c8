"""The tasks with losses that need no label, and with a source: their data, their losses, their errors."""

import pytest
import torch
from torch.nn import functional as F

from jointopt import Update, data, tasks, train
from jointopt.models import stack
from jointopt.tasks import classification, pretext, transfer


def in_bytes(images):
    return {image.contiguous().numpy().tobytes() for image in images}


@pytest.fixture
def evaluated(monkeypatch):
    """What the tasks are evaluated on: [(images, labels), …]."""
    found = []

    def evaluate(model, images, labels):
        found.append((images, labels))
        return {"accuracy (%)": 0.0}

    monkeypatch.setattr(classification, "evaluate", evaluate)
    return found


def last(name, classes="0-9"):
    """The last 1,000 training images, those of five classes."""
    images = data.load(name)
    low, high = (int(end) for end in classes.split("-"))
    rows = torch.arange(len(images))[-1000:]
    rows = rows[(images.labels[rows] >= low) & (images.labels[rows] <= high)]
    return images.images[rows], images.labels[rows] - low


@pytest.mark.parametrize("name", ["digits", "cluttered"])
def test_validation_images_of_pretext_are_evaluated_and_not_trained_on(name, evaluated):
    task = tasks.load("pretext", data=name, labels=300, size=500, held_out="validation")
    task.evaluate(task.model)
    images, labels = last(name)
    assert torch.equal(evaluated[0][0], images) and torch.equal(evaluated[0][1], labels)
    seen = in_bytes(image for number in range(6) for part in task.batches(number)[::2] for image in part)
    assert len(seen) == 3000 and not seen & in_bytes(images)


def test_validation_images_of_transfer_are_evaluated_and_not_trained_on(evaluated):
    task = tasks.load("transfer", data="digits", labels=300, depth=2, pretrained=0, size=100, held_out="validation")
    task.evaluate(task.model)
    images, labels = last("digits", "5-9")
    clutter, _ = last("cluttered", "5-9")
    for (seen, _), expected in zip(evaluated, (images, clutter, 1 - images), strict=True):
        assert torch.equal(seen, expected)
    assert all(torch.equal(given, labels) for _, given in evaluated)
    trained = in_bytes(image for number in range(15) for image in task.batches(number)[0])
    source = in_bytes(image for number in range(15) for image in task.batches(number)[2])
    assert len(trained) == len(source) == 1500
    assert not trained & in_bytes(images) and not source & in_bytes(last("cluttered")[0])


@pytest.mark.parametrize(("held_out", "count"), [("validation", 1500), ("test", 2000)])
@pytest.mark.parametrize("source", ["0-4", "5-9"])
def test_pretraining_sees_all_training_images_of_the_source_and_no_validation_images(
    held_out, count, source, monkeypatch
):
    seen = []
    monkeypatch.setattr(transfer, "train", lambda task, *_, **__: seen.extend(map(task.batches, range(20))) or ())
    transfer.pretrain.cache_clear()
    tasks.load("transfer", source=source, labels=5, depth=2, pretrained=1, size=100, held_out=held_out)
    transfer.pretrain.cache_clear()
    images = in_bytes(image for inputs, _ in seen for image in inputs)
    assert len(images) == count
    assert len(images & in_bytes(last("cluttered", source)[0])) == (0 if held_out == "validation" else 500)


def test_the_rotation_loss_is_that_of_images_turned_by_hand():
    task = tasks.load("pretext", labels=5, size=8)
    images = task.batches(0)[2]
    turned = torch.stack([torch.rot90(image, n % 4, (1, 2)) for n, image in enumerate(images)])
    scores = task.model.rotation(task.model.feature_extractor(turned))
    expected = F.cross_entropy(scores, torch.arange(8) % 4)
    assert pretext.rotation(task.model, images).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "moved"),
    [
        ("task", {"feature_extractor", "classifier"}),
        ("rotation", {"feature_extractor", "rotation"}),
        ("reconstruction", {"feature_extractor", "decoder"}),
    ],
)
def test_each_loss_moves_its_own_modules(loss, moved):
    task = tasks.load("pretext", labels=5)
    step = next(train(task, [Update(losses=loss)]))
    assert set(step.moved) == moved and set(step.losses) == {loss}


def test_the_pretrained_layers_are_kept_up_to_the_one_that_was_asked_for():
    whole = tasks.load("transfer", depth=4, pretrained=3).model
    part = tasks.load("transfer", depth=4, pretrained=3, keep=2).model
    for name in stack.layers(1, 4):
        same = torch.equal(whole.get_submodule(name)[0].weight, part.get_submodule(name)[0].weight)
        assert same == (name in ("conv1", "conv2")), name
    assert torch.equal(whole.classifier.weight, part.classifier.weight)


def test_pretraining_has_a_bar_and_is_done_once_in_a_process(monkeypatch):
    shown = []
    monkeypatch.setattr(transfer, "tqdm", lambda steps, *said, **_: shown.append(said) or steps)
    transfer.pretrain.cache_clear()
    for labels in (5, 10):
        tasks.load("transfer", depth=2, pretrained=3, labels=labels)
    assert shown == [("pretraining on 0-4", 3)]


def test_training_a_task_leaves_the_pretrained_network_that_others_share():
    first = tasks.load("transfer", depth=2, pretrained=3)
    before = first.model.conv1[0].weight.clone()
    list(train(first, [Update(losses="task")] * 3))
    again = tasks.load("transfer", depth=2, pretrained=3)
    assert torch.equal(again.model.conv1[0].weight, before)


def test_source_and_target_have_other_digits_and_the_shifts_the_same_ones():
    task = tasks.load("transfer", data="digits", depth=2, pretrained=0, labels=5)
    inputs, labels, source_inputs, source_labels = task.batches(0)
    assert set(labels.tolist()) <= set(range(5)) and set(source_labels.tolist()) <= set(range(5))
    assert inputs[:, 0].equal(inputs[:, 1]) and not source_inputs[:, 0].equal(
        source_inputs[:, 1]
    )  # plain; over clutter
    assert list(task.evaluate(task.model)) == ["accuracy (%)", "accuracy over clutter (%)", "accuracy inverted (%)"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "3"}, "source must be one of '0-4', '5-9', got '3'"),
        ({"keep": 9}, "keep must be a whole number from 0 to 8, got 9"),
        ({"depth": 0}, "depth must be a whole number ≥ 1, got 0"),
        ({"pretrained": -1}, "pretrained must be a whole number ≥ 0, got -1"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        tasks.load("transfer", **{"pretrained": 0} | options)
