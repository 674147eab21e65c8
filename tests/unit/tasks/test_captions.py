"""Images and captions: what a caption says, where the digits are drawn, the loss, the metric, and what is found."""

import itertools

import numpy as np
import pytest
import torch
from labtools import take

from jointopt import Update, data, plans, tasks
from jointopt.data import captions as scenes
from jointopt.data.captions import TEXTS, drawn, meaning, same_meaning, tokenized
from jointopt.modules import module_names
from jointopt.tasks import captions


@pytest.fixture
def task():
    return tasks.load("captions", size=8, held_out_scenes=20)


# Captions


def test_two_captions_say_the_same_if_they_are_each_other_s_reverse():
    reverse = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
    expected = np.zeros((360, 360), bool)
    for (i, a), (j, b) in itertools.product(enumerate(TEXTS), repeat=2):
        first, relation, second = a[0], a[2:-2], a[-1]
        expected[i, j] = b in (a, f"{second} {reverse[relation]} {first}")
    assert np.array_equal(same_meaning().numpy(), expected) and (expected.sum(1) == 2).all()
    assert meaning("7 right of 3") == meaning("3 left of 7") == ("3", "left of", "7")
    assert meaning("7 left of 3") != meaning("3 left of 7") != meaning("3 above 7")


def test_each_caption_has_its_own_words_and_their_order_counts():
    words = tokenized(TEXTS)
    assert words.shape == (360, 4) and len({tuple(row) for row in words.tolist()}) == 360
    assert tokenized(["3 above 7"])[0].tolist()[3] == 0
    assert sorted(tokenized(["3 left of 7"])[0].tolist()) == sorted(tokenized(["7 left of 3"])[0].tolist())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 beside 7", "no word of a caption is named 'beside'; there are '0', .*'right'"),
        ("3 left of of 7", "a caption must have 1 to 4 words, as '3 left of 7', got '3 left of of 7'"),
        ("", "a caption must have 1 to 4 words, as '3 left of 7', got ''"),
    ],
)
def test_a_caption_of_other_words_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        tokenized([text])


# Pictures


@pytest.fixture
def stamped():
    """Digits that are squares of one gray each, so that a picture can be read: digit d is (d + 1) / 10."""
    digits = data.load("digits").part(slice(10))
    gray = ((digits.labels + 1) / 10)[:, None, None, None].expand(-1, 3, 28, 28)
    return digits.changed(gray.contiguous(), digits.labels)


def test_the_digits_are_where_the_caption_says(stamped):
    images, which = drawn(stamped, 200, 5)
    assert images.shape == (200, 1, 40, 40) and images.min() == 0 and images.max() <= 1
    for image, number in zip(images[:, 0], which.tolist(), strict=True):
        first, relation, second = TEXTS[number][0], TEXTS[number][2:-2], TEXTS[number][-1]
        at = []
        for digit in (first, second):
            rows, columns = ((image - (int(digit) + 1) / 10).abs() < 1e-5).nonzero().unbind(1)
            assert len(rows) == 18 * 18, "a whole digit, and the other does not cover it"
            at.append((columns.float().mean().item(), rows.float().mean().item()))
        (x1, y1), (x2, y2) = at
        along, across = (x2 - x1, y2 - y1) if "of" in relation else (y2 - y1, x2 - x1)
        assert along * (1 if relation in ("left of", "above") else -1) >= 18 and abs(across) <= 6


def test_all_captions_and_digits_are_drawn():
    digits = data.load("digits", "test")
    images, which = drawn(digits, 4000, 5)
    assert len(set(which.tolist())) == 360 and (torch.bincount(which) < 40).all()
    again, other = drawn(digits, 4000, 5)[0], drawn(digits, 4000, 6)[0]
    assert torch.equal(again, images) and not torch.equal(other, images)


def test_what_is_held_out_is_drawn_from_other_digits(monkeypatch):
    used = {}

    def noted(digits, count, *seed):
        used[seed[-1]] = {image.contiguous().numpy().tobytes() for image in digits.images}
        return drawn(digits, count, *seed)

    monkeypatch.setattr(scenes, "drawn", noted)
    for held_out, count in (("test", 4000), ("validation", 3000)):
        captions.held_out_pictures.cache_clear()
        tasks.load("captions", size=4, held_out=held_out).batches(0)
        assert len(used[captions.TRAINED_ON]) == count and len(used[captions.HELD_OUT]) == 1000
        assert not used[captions.TRAINED_ON] & used[captions.HELD_OUT]
    captions.held_out_pictures.cache_clear()


# Loss and metric


def test_the_loss_is_that_of_a_loop_over_pairs(task):
    images, words = task.batches(0)
    model = task.model
    with torch.no_grad():
        a, b = model.image_encoder(images), model.text_encoder(words)
    torch.testing.assert_close(a.norm(dim=1), torch.ones(8))
    scores = [[float(x @ y) / 0.07 for y in b] for x in a]
    loss = 0.0
    for i in range(8):
        row, column = torch.tensor(scores[i]), torch.tensor([scores[j][i] for j in range(8)])
        loss -= (row.log_softmax(0)[i] + column.log_softmax(0)[i]).item() / 16
    assert task.losses(model, (images, words))["task"].item() == pytest.approx(loss, rel=1e-4)


def test_the_temperature_is_a_module_and_ends_at_a_hundredth(task):
    assert module_names(task.model) == ["image_encoder", "text_encoder", "temperature"]
    with torch.no_grad():
        task.model.temperature.log_inverse.fill_(9.0)
    assert task.model.temperature(torch.tensor(1.0)).item() == pytest.approx(100)


def test_the_metric_accepts_both_captions_of_a_picture_and_no_other(monkeypatch):
    images, which = captions.held_out_pictures(20)
    right = same_meaning()[which].nonzero()[:, 1].reshape(20, 2)  # both captions of each picture

    def found(numbers):
        scores = torch.zeros(20, 360)
        scores[torch.arange(20), torch.as_tensor(numbers)] = 1.0
        monkeypatch.setattr(captions, "scores_of", lambda model, images: scores)
        return captions.evaluate(None, images, which)["top-1 (%)"]

    assert found(right[:, 0]) == found(right[:, 1]) == 100
    wrong = [next(n for n in range(360) if n not in pair) for pair in right.tolist()]
    assert found(wrong) == 0 and found([*wrong[:15], *right[15:, 0].tolist()]) == 25


def test_a_caption_finds_the_pictures_with_the_highest_scores(task):
    images, _ = captions.held_out_pictures(20)
    with torch.no_grad():
        one = task.model.text_encoder(tokenized(["3 left of 7"]))[0]
        scores = [float(task.model.image_encoder(image[None])[0] @ one) for image in images]
    expected = sorted(range(20), key=lambda n: -scores[n])[:5]
    assert captions.search(task.model, "3 left of 7", images, count=5).tolist() == expected
    with pytest.raises(ValueError, match="count must be a whole number from 1 to 20, got 21"):
        captions.search(task.model, "3 left of 7", images, count=21)


def test_a_frozen_encoder_passes_no_gradient_to_itself_and_the_other_learns(task):
    (step,) = take(task, [Update(["text_encoder", "temperature"])])
    assert step.moved == ("text_encoder", "temperature") and step.change["image_encoder"] == 0


def test_some_steps_lower_the_loss():
    task = tasks.load("captions", size=32, held_out_scenes=5)
    steps = take(task, plans.joint(100))
    assert np.mean([step.total for step in steps[-10:]]) < np.mean([step.total for step in steps[:10]]) - 0.3


def test_a_wrong_caption_is_marked(task):
    images, which = captions.held_out_pictures(20)
    texts = [TEXTS[number] for number in which[:7]]
    tiles = [captions.tiled(images[:7], texts, [True] * 6 + [last]) for last in (True, False)]
    assert tiles[0].shape == (292, 720, 3)
    differs = (tiles[0] != tiles[1]).any(axis=2)
    assert differs[146:, :120].any() and not differs[:146].any() and not differs[:, 120:].any()
