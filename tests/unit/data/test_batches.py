"""Batches: the same number gives the same batch, an epoch is a permutation, and get_batch_data."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from jointopt import data

# The first two epochs of ten images under seed 0: a saved run relies on this order.
ORDERS = [[3, 7, 6, 4, 1, 0, 2, 8, 5, 9], [9, 4, 0, 8, 1, 5, 3, 2, 6, 7]]


def small(n=10):
    """n images that each hold their own number, also their label."""
    images = torch.arange(n, dtype=torch.float32)[:, None, None, None].expand(n, 3, 4, 5).contiguous()
    return data.Images(images, torch.arange(n), tuple(map(str, range(n))))


def test_batches_are_channels_last_pairs():
    inputs, labels = data.batches(data.load("digits"))(0)
    assert inputs.shape == (64, 3, 28, 28) and inputs.dtype == torch.float32
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    assert labels.shape == (64,) and labels.dtype == torch.int64


def test_an_image_keeps_its_label_and_its_pixels():
    loaded = data.load("cluttered", "test")
    label_of = {image.numpy().tobytes(): label for image, label in zip(loaded.images, loaded.labels, strict=True)}
    batch = data.batches(loaded, size=50, seed=7)
    for number in range(20):
        for image, label in zip(*batch(number), strict=True):
            assert label_of[image.contiguous().numpy().tobytes()] == label


def test_same_number_same_batch_in_any_order():
    loaded = data.load("digits", "test")
    first, second = data.batches(loaded, seed=3), data.batches(loaded, seed=3)
    numbers = [0, 1, 14, 15, 29, 30, 31, 200]  # 15 batches an epoch
    expected = {number: first(number) for number in numbers}
    for number in reversed(numbers):
        inputs, labels = second(number)
        assert torch.equal(inputs, expected[number][0]) and torch.equal(labels, expected[number][1])
        inputs.zero_()
        labels.zero_()
        assert torch.equal(second(number)[0], expected[number][0])
        assert torch.equal(second(number)[1], expected[number][1])


def test_each_epoch_is_a_permutation_and_no_two_are_equal():
    batch = data.batches(small(10), size=5)
    epochs = [torch.cat([batch(2 * epoch)[1], batch(2 * epoch + 1)[1]]) for epoch in range(5)]
    for epoch in epochs:
        assert torch.equal(epoch.sort().values, torch.arange(10))
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 5


def test_the_rest_of_an_epoch_is_dropped():
    batch = data.batches(small(10), size=4)
    dropped = set()
    for epoch in range(20):
        labels = torch.cat([batch(2 * epoch)[1], batch(2 * epoch + 1)[1]]).tolist()
        assert len(labels) == 8 == len(set(labels))
        dropped |= set(range(10)) - set(labels)
    assert dropped == set(range(10))  # other ones in each epoch


def test_seeds_differ():
    loaded = small(100)
    orders = {tuple(data.batches(loaded, size=100, seed=seed)(0)[1].tolist()) for seed in (0, 1, 2**32 - 1)}
    assert len(orders) == 3


def test_the_order_is_the_frozen_one():
    batch = data.batches(small(10), size=10)
    assert [batch(epoch)[1].tolist() for epoch in (0, 1)] == ORDERS


def test_batches_do_not_follow_later_changes():
    loaded = small(10)
    batch = data.batches(loaded, size=10)
    inputs, labels = batch(0)
    loaded.images.zero_()
    loaded.labels.zero_()
    assert torch.equal(batch(0)[0], inputs) and torch.equal(batch(0)[1], labels)


def test_images_in_channels_last_are_shared_instead_of_copied():
    plain = small(10)
    loaded = data.Images(plain.images.contiguous(memory_format=torch.channels_last), plain.labels, plain.classes)
    batch = data.batches(loaded, size=10)
    assert torch.equal(batch(0)[0], data.batches(plain, size=10)(0)[0])
    loaded.images.zero_()
    assert not batch(0)[0].any()


def test_batches_on_a_device():
    """The meta device stands for any other than the CPU: all of a batch is there."""
    inputs, labels = data.batches(small(10), size=4, device="meta")(0)
    assert inputs.device.type == labels.device.type == "meta"


@pytest.mark.parametrize("size", [0, -1, 11, 2.0, "4", True, [4]])
def test_bad_size(size):
    with pytest.raises(ValueError, match="size must be a whole number from 1 to 10, got"):
        data.batches(small(10), size=size)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None])
def test_bad_seed(seed):
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to"):
        data.batches(small(10), size=2, seed=seed)


@pytest.mark.parametrize("number", [-1, 1.0, "0", None])
def test_bad_batch_number(number):
    with pytest.raises(ValueError, match="batch number must be a whole number ≥ 0"):
        data.batches(small(10), size=2)(number)


def test_numpy_integers_are_integers():
    batch = data.batches(small(10), size=np.int64(5), seed=np.int64(1))
    assert torch.equal(batch(np.int64(3))[1], data.batches(small(10), size=5, seed=1)(3)[1])


@pytest.fixture
def fresh_stream(monkeypatch):
    """get_batch_data as in a new process."""
    monkeypatch.setattr(data, "_numbers", itertools.count())


def test_get_batch_data_goes_on_from_call_to_call(fresh_stream):
    batch = data.batches(data.load("digits"))
    for number in range(65):  # 62 batches an epoch
        inputs, labels = data.get_batch_data()
        assert inputs.shape == (64, 3, 28, 28) and inputs.is_contiguous()
        assert torch.equal(inputs, batch(number)[0]) and torch.equal(labels, batch(number)[1])


def test_get_batch_data_of_another_size(fresh_stream):
    data.get_batch_data()
    with pytest.raises(ValueError, match="size must be a whole number from 1 to 4000, got 0"):
        data.get_batch_data(0)
    inputs, labels = data.get_batch_data(8)
    assert inputs.shape == (8, 3, 28, 28)
    assert torch.equal(inputs, data.batches(data.load("digits"), 8)(1)[0])  # the bad call took no number
    inputs, labels = data.get_batch_data()
    assert torch.equal(labels, data.batches(data.load("digits"))(2)[1])


def test_get_batch_data_from_threads_serves_every_batch_once(fresh_stream):
    with ThreadPoolExecutor(8) as pool:
        served = list(pool.map(lambda _: data.get_batch_data(16)[0].numpy().tobytes(), range(200)))
    batch = data.batches(data.load("digits"), 16)
    assert sorted(served) == sorted(batch(number)[0].contiguous().numpy().tobytes() for number in range(200))
