"""Images and speech: who is heard and who is held out, the pairs of a batch, the loss, the metric, and the picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from labtools import take

from jointopt import Update, plans, tasks, train
from jointopt.data import speech as voices
from jointopt.modules import module_names
from jointopt.tasks import classification, speech


@pytest.fixture
def task():
    return tasks.load("speech")


def in_bytes(examples):
    """What can be looked up."""
    return [example.contiguous().numpy().tobytes() for example in examples]


# Pairs


@pytest.mark.parametrize(
    ("held_out", "heard"),
    [
        ("test", voices.TRAINING),
        ("validation", [voice for voice in voices.TRAINING if voice not in voices.VALIDATION]),
    ],
)
def test_a_batch_has_a_pair_of_each_digit_from_what_may_be_trained_on(held_out, heard):
    task = tasks.load("speech", 3, held_out=held_out)
    words, (digits, _) = voices.of(heard), classification.train_and_held_out("digits", held_out)
    known = dict(zip(in_bytes(words.images), words.labels.tolist(), strict=True))
    labels = dict(zip(in_bytes(digits.images[:, :1]), digits.labels.tolist(), strict=True))
    seen = set()
    for number in range(40):
        images, spoken = task.batches(number)
        assert images.shape == (10, 1, 28, 28) and spoken.shape == (10, 1, 32, 40)
        assert [labels.get(image) for image in in_bytes(images)] == list(range(10))
        assert [known.get(word) for word in in_bytes(spoken)] == list(range(10))
        seen.update(in_bytes(spoken))
    assert 0.3 * len(known) < len(seen) <= len(known)  # 400 draws of some 420 or 540


@pytest.mark.parametrize(
    ("held_out", "unheard", "metrics"),
    [
        ("test", voices.TEST, ["top-1 (%)", "speech → image (%)", "image → speech (%)", "top-1, other languages (%)"]),
        ("validation", voices.VALIDATION, ["top-1 (%)", "speech → image (%)", "image → speech (%)"]),
    ],
)
def test_what_is_held_out_is_other_voices_and_other_images(held_out, unheard, metrics, monkeypatch):
    task, asked = tasks.load("speech", held_out=held_out), []
    monkeypatch.setattr(
        speech, "cosines", lambda model, *given: asked.append(given) or torch.zeros(1000, len(given[1]))
    )
    assert list(task.evaluate(task.model)) == metrics
    _, digits = classification.train_and_held_out("digits", held_out)
    assert all(torch.equal(images, digits.images[:, :1]) for images, _ in asked)
    expected = [unheard] + [voices.LANGUAGES] * (held_out == "test")
    assert all(torch.equal(spoken, voices.of(names).images) for (_, spoken), names in zip(asked, expected, strict=True))


# Loss


def test_the_loss_is_that_of_a_loop_over_pairs(task):
    images, spoken = task.batches(0)
    model = task.model
    with torch.no_grad():
        a, b = model.image_encoder(images), model.speech_encoder(spoken)
    torch.testing.assert_close(a.norm(dim=1), torch.ones(10))
    torch.testing.assert_close(b.norm(dim=1), torch.ones(10))
    scores = np.array([[float(x @ y) / 0.07 for y in b] for x in a])
    loss = 0.0
    for pair in range(10):
        for row in (scores[pair], scores[:, pair]):
            loss -= (row[pair] - np.log(np.exp(row).sum())) / 20
    assert task.losses(model, (images, spoken))["task"].item() == pytest.approx(loss, rel=1e-4)


def test_the_order_of_the_pairs_does_not_matter(task):
    images, spoken = task.batches(0)
    order = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    loss = task.losses(task.model, (images, spoken))["task"].item()
    assert task.losses(task.model, (images[order], spoken[order]))["task"].item() == pytest.approx(loss, rel=1e-5)


def test_levels_in_decibels_are_refused(task):
    images, spoken = task.batches(0)
    in_decibels = replace(task, batches=lambda number: (images, 60 * spoken))
    with pytest.raises(ValueError, match="speech must be floats of 0 … 1, got 60, the largest here: divide by 60"):
        next(train(in_decibels, plans.joint(1)))


def test_a_frozen_encoder_stands_still_and_the_other_learns(task):
    assert module_names(task.model) == ["image_encoder", "speech_encoder", "temperature"]
    for frozen, moves in (("image_encoder", "speech_encoder"), ("speech_encoder", "image_encoder")):
        (step,) = take(task, [Update([moves, "temperature"])])
        assert step.change[frozen] == step.grad_norm[frozen] == 0 < step.change[moves]


def test_some_steps_teach_unheard_voices():
    task = tasks.load("speech", held_out="validation")
    take(task, plans.joint(150))
    found = task.evaluate(task.model)
    assert min(found.values()) > 40  # by chance 10


# Metric


def test_scores_are_cosines_and_the_mode_of_the_model_is_kept(task):
    images, spoken = (part[:3] for part in task.batches(1))
    with torch.no_grad():
        a, b = task.model.image_encoder(images), task.model.speech_encoder(spoken)
    expected = torch.tensor([[float(torch.cosine_similarity(x, y, dim=0)) for y in b] for x in a])
    torch.testing.assert_close(speech.cosines(task.model, images, spoken), expected)
    assert task.model.training


def test_each_row_is_asked_among_ten_columns_one_per_digit():
    """Against a loop over all questions."""
    scores = torch.from_numpy(np.random.RandomState(0).randn(30, 20))
    right = []
    for row in range(30):
        for ten in range(2):
            best = max(range(10), key=lambda digit: scores[row, 10 * ten + digit])
            right.append(best == row % 10)
    assert len(right) == 60 and 0 < sum(right) < 60
    assert speech.share_found(scores) == pytest.approx(100 * sum(right) / 60)


def test_the_metric_is_the_mean_of_both_directions_by_chance_ten(monkeypatch, task):
    perfect = torch.eye(10).repeat(100, 24)  # 1,000 images, 240 utterances
    monkeypatch.setattr(speech, "cosines", lambda model, images, spoken: perfect[:, : len(spoken)])
    assert set(task.evaluate(task.model).values()) == {100.0}
    deaf = perfect.clone()
    deaf[:, 3::10] = 2.0  # "three" is near to all images: each image finds it, and it finds the first
    monkeypatch.setattr(speech, "cosines", lambda model, images, spoken: deaf[:, : len(spoken)])
    found = task.evaluate(task.model)
    assert found["image → speech (%)"] == pytest.approx(10) and found["speech → image (%)"] == pytest.approx(90)
    assert found["top-1 (%)"] == pytest.approx((10 + 90) / 2) == found["top-1, other languages (%)"]


# Picture


def test_a_wrong_image_is_marked_and_high_notes_are_above(task):
    images, spoken = task.batches(0)
    spoken = torch.zeros(10, 1, 32, 40)
    spoken[3, 0, -1] = 1.0  # the highest band alone
    tiles = [speech.tiled(spoken, images, list(range(10)), [True] * 9 + [last]) for last in (True, False)]
    assert tiles[0].shape == (348, 720, 3)
    differs = (tiles[0] != tiles[1]).any(axis=2)
    assert differs[232:, 180:360].any() and not differs[:232].any() and not differs[:, 360:].any()
    assert not differs[:, :180].any()
    spectrogram = tiles[0][13:77, 540 + 4 : 540 + 84, 0]  # of the fourth pair
    assert (spectrogram[:2] == 255).all() and not spectrogram[2:].any()


def test_the_picture_asks_each_utterance_among_ten_images_of_its_own(monkeypatch, task):
    seen = {}

    def scores(model, images, spoken):
        seen.update(images=images, spoken=spoken)
        found = torch.zeros(120, 12)
        for number in range(12):  # all but the last find their digit
            found[10 * number + (number % 10 if number < 11 else 5), number] = 1.0
        return found

    def shown(spoken, images, labels, right):
        seen.update(found=images, labels=labels, right=right)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(speech, "cosines", scores)
    monkeypatch.setattr(speech, "tiled", shown)
    task.picture(task.model)
    assert seen["labels"] == [*range(10), 0, 1] and seen["right"] == [True] * 11 + [False]
    digits = [*range(10), 0, 5]
    assert torch.equal(seen["found"], seen["images"][[10 * n + digit for n, digit in enumerate(digits)]])
    of_test = voices.of(voices.TEST).images
    positions = [next(n for n, row in enumerate(of_test) if torch.equal(row, one)) for one in seen["spoken"]]
    assert [position // 20 for position in positions] == list(range(12))  # each of another voice
