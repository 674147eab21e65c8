"""Data of one's own, read by number: a DataLoader's data set, a data set of torch's, or a list of examples."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler, default_collate

SIZE = 64  # of a batch, where nobody says
BY_HAND = """
    def batches(number):
        random = torch.Generator().manual_seed(number)  # the same number, the same batch
        return inputs, labels  # drawn by it, or read by the number"""


class Examples(NamedTuple):
    """What batches are made of: `count` examples, of which `read(rows)` makes a batch; `size` if no other is asked."""

    count: int
    size: int
    read: Callable[[Sequence[int]], object]


def examples(source: object) -> Examples:
    """The examples of a DataLoader or of anything that has a length and gives (input, label) for a number.

    ValueError for what cannot be read by number, and for a DataLoader whose order is more than shuffling.
    """
    data = source.dataset if isinstance(source, DataLoader) else source
    _check_indexable(data)
    if data is source:
        return Examples(len(data), SIZE, lambda rows: default_collate([data[row] for row in rows]))
    if source.batch_size is None or not _only_shuffles(source.sampler):
        given = f"batch_size={source.batch_size} and the sampler {type(source.sampler).__name__}"
        raise ValueError(
            "a DataLoader must have a batch_size, and no sampler of its own, since the order of batches is drawn from"
            f" the seed; got {given}. To leave them out, give batches() its data set, loader.dataset, and a size"
        )
    return Examples(len(data), source.batch_size, lambda rows: source.collate_fn([data[row] for row in rows]))


def moved(batch: object, device: str | torch.device) -> object:
    """The batch with its tensors on the device, however they are nested."""
    if hasattr(batch, "to"):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: moved(part, device) for name, part in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(moved(part, device) for part in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(moved(part, device) for part in batch)
    return batch


def _only_shuffles(sampler: object) -> bool:
    """True if a sampler takes each example once."""
    if isinstance(sampler, RandomSampler):
        return not sampler.replacement and sampler.num_samples == len(sampler.data_source)
    return isinstance(sampler, SequentialSampler)


def _check_indexable(source: object) -> None:
    given = type(source).__name__
    by_number = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    if isinstance(source, IterableDataset | Mapping | str) or not by_number:
        raise ValueError(
            "batches() takes Images, a DataLoader, or what has a length and gives (input, label) for a number; a stream"
            f" cannot be replayed. Got {given}: keep it in a list, or write the function yourself:{BY_HAND}"
        )
    if not len(source):
        raise ValueError(f"batches() needs an example at least, got none in {given}")
    if not isinstance(example := source[0], tuple | list | Mapping):
        raise ValueError(
            f"each example must be (input, label), got {type(example).__name__} in {given};"
            " of two tensors, torch.utils.data.TensorDataset(inputs, labels) makes a data set"
        )
