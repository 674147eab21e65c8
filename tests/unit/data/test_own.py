"""Data of one's own: batches of a DataLoader, a data set or a list, and what is refused since it cannot be replayed."""

from collections import namedtuple

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, WeightedRandomSampler

from jointopt import Task, data, plans, train
from jointopt.compare import Arm, compare
from jointopt.compare.budget import Budget
from jointopt.data import own
from jointopt.live import LiveLab
from jointopt.live.lab.engine import Engine

INPUTS, LABELS = torch.arange(20.0).view(10, 2), torch.arange(10) % 3
PAIRS = TensorDataset(INPUTS, LABELS)


class Augmented(Dataset):
    """Examples with noise that is drawn anew each time one is read."""

    def __len__(self):
        return 10

    def __getitem__(self, number):
        return INPUTS[number] + torch.rand(2), LABELS[number]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(PAIRS)


def make(batches):
    return Task(nn.Sequential(nn.Linear(2, 3)), lambda m, b: {"task": cross_entropy(m(b[0]), b[1])}, batches,
                evaluate=lambda model: {"figure (1)": 0.0})  # fmt: skip


@pytest.mark.parametrize("source", [PAIRS, list(PAIRS), [(x.numpy(), int(y)) for x, y in PAIRS]])
def test_batches_of_any_list_have_the_order_of_images(source):
    images = data.Images(INPUTS.view(10, 1, 1, 2), LABELS, ("0", "1", "2"))
    expected, batch = (data.batches(each, size=4, seed=3) for each in (images, source))
    for number in (7, 0, 1, 2, 0):
        inputs, labels = batch(number)
        assert torch.equal(inputs, expected(number)[0].flatten(1)) and torch.equal(labels, expected(number)[1])


def test_a_data_loader_gives_its_data_set_its_batch_size_and_its_collate_fn():
    loader = DataLoader(PAIRS, batch_size=5, shuffle=True, collate_fn=lambda examples: {"both": examples})
    expected, batch = data.batches(PAIRS, size=5), data.batches(loader)
    for number in (3, 0):
        inputs, labels = (torch.stack(part) for part in zip(*batch(number)["both"], strict=True))
        assert torch.equal(inputs, expected(number)[0]) and torch.equal(labels, expected(number)[1])
    assert len(data.batches(loader, size=3)(0)["both"]) == 3


def test_on_a_device():
    inputs, labels = data.batches(PAIRS, size=4, device="meta")(0)
    assert inputs.device.type == labels.device.type == "meta"


def test_a_task_on_a_data_loader_trains_and_replays(tmp_path):
    def task():
        torch.manual_seed(0)
        return make(data.batches(DataLoader(PAIRS, batch_size=4)))

    lab = LiveLab(task(), plans.joint())
    lab.run(5)
    lab.save(tmp_path / "run.json")
    again = LiveLab.replay(tmp_path / "run.json", task=task())
    assert list(again.history["total"]) == list(lab.history["total"])
    lab.close()
    again.close()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Stream(), "a stream cannot be replayed. Got Stream: keep it in a list, or write the function yourself"),
        (DataLoader(Stream(), batch_size=2), "Got Stream: keep it in a list"),
        (iter(PAIRS), r"Got .*(?s:.*)def batches\(number\):\n.*manual_seed\(number\)(?s:.*)return inputs, labels"),
        ({"inputs": INPUTS, "labels": LABELS}, "Got dict"),
        ([], "needs an example at least, got none in list"),
        ((INPUTS, LABELS), r"must be \(input, label\), got Tensor in tuple; of two tensors, .*TensorDataset"),
        (INPUTS, r"must be \(input, label\), got Tensor in Tensor"),
        (DataLoader(PAIRS, batch_size=None), "must have a batch_size.*got batch_size=None.*loader.dataset, and a size"),
        (DataLoader(PAIRS, 4, sampler=WeightedRandomSampler([1.0] * 10, 10)), "got .* sampler WeightedRandomSampler"),
    ],
)
def test_what_cannot_be_read_by_number_is_refused_with_the_reason(source, message):
    with pytest.raises(ValueError, match=message):
        data.batches(source)


def test_a_size_beyond_the_data_set_is_refused():
    with pytest.raises(ValueError, match="size must be a whole number from 1 to 10, got 64"):
        data.batches(PAIRS)


def test_a_task_given_a_data_loader_shows_the_lines_that_help():
    loader = DataLoader(PAIRS, batch_size=5)
    with pytest.raises(ValueError, match="batches must be a function, step number -> batch, got DataLoader") as caught:
        make(loader)
    lines = str(caught.value).splitlines()[1:]
    names = {"loader": loader, "model": nn.Linear(2, 3), "losses": lambda m, b: {"task": m(b[0]).square().mean()}}
    exec("\n".join(line.strip() for line in lines), names)
    assert len(lines) == 3 and len(list(train(names["task"], plans.joint(2)))) == 2


def test_batches_that_differ_when_asked_for_again_are_refused_before_a_run():
    task, random = make(data.batches(Augmented(), size=4)), torch.random.get_rng_state()
    for begin in (Engine, LiveLab):
        with pytest.raises(ValueError, match="batch 0 was asked for twice, and the second was another"):
            begin(task, plans.joint())
    assert torch.equal(random, torch.random.get_rng_state())
    with pytest.raises(ValueError, match="the arm 'a', seed 0: batch 0 was asked for twice"):
        compare(lambda seed: task, {"a": Arm(plans.joint)}, Budget(steps=1), [0], progress=False)


def test_a_batch_keeps_its_form_on_another_device():
    pair = namedtuple("Pair", "images labels")(torch.ones(2), [torch.ones(2)])
    moved_pair = own.moved(pair, "meta")
    assert type(moved_pair) is type(pair) and type(moved_pair.labels) is list
    assert moved_pair.images.device.type == moved_pair.labels[0].device.type == "meta"
