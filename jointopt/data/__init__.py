"""Real images: digits that ship with the package, and torchvision's data sets where there is a network.

    images = load("digits")                  # 4,000 training images, (N, 3, 28, 28) in [0, 1]
    batch = batches(images, size=64)         # a function: step number -> (inputs, labels)
    batch = batches(loader)                  # the same of a DataLoader, or of a data set, of your own
    inputs, labels = get_batch_data()        # the next batch of plain training digits

Sources, licenses and what is held out are in SOURCES.md beside this file.
"""

import functools
import itertools
import os
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from jointopt.checks import check_choice, check_count, check_name
from jointopt.data import digits, own, torchvision_sets
from jointopt.data.images import Bytes, Images, floats

NAMES = (*digits.NAMES, *torchvision_sets.NAMES)
SPLITS = ("train", "test")
LAST_SEED = 2**32 - 1  # of NumPy's RandomState
Batches = Callable[[int], tuple[torch.Tensor, torch.Tensor]]


def load(name: str, split: str = "train", root: str | os.PathLike | None = None, download: bool = False) -> Images:
    """Load a data set: images float32 (N, 3, 28, 28) in [0, 1], contiguous, and labels int64 (N,).

    Args:
        name: "digits" (4,000 + 1,000 MNIST digits, gray on black) and "cluttered" (the same digits, tinted,
            over crops of two photographs) ship with the package. In both, the classes come in turn 0, 1, ...,
            9, so that the first 10 n images hold n of each class. "mnist", "fashion_mnist" and "cifar10" are
            torchvision's.
        split: "train" or "test".
        root: where the files of a torchvision set lie, in torchvision's layout. None: the folder in the
            environment variable JOINTOPT_DATA, else ~/.cache/jointopt; "fashion_mnist" is then unpacked from
            Debian's package dataset-fashion-mnist, where that is installed. Not used for the sets that ship
            with the package.
        download: fetch a torchvision set that is not there.

    Gray images are repeated over the three channels; CIFAR-10 is resized from 32 to 28 pixels, antialiased.
    Every call returns new tensors, which may be altered in place. No random generator is touched.
    torchvision's sets are kept as bytes: `images` makes floats of all (564 MB of the 60,000 of "fashion_mnist"),
    `part(rows).images` of some, and `batches` of each batch alone.

    Raises ValueError for an unknown name or split, FileNotFoundError for a missing file, and OSError for a
    file that is truncated or altered.
    """
    check_name("data set", name, NAMES)
    check_choice("split", split, SPLITS)
    shipped = name in digits.NAMES
    read = digits.load if shipped else functools.partial(torchvision_sets.load, root=root, download=download)
    pixels, labels, classes = read(name, split)  # pixels uint8 (N, 28, 28), or (N, 3, 28, 28)
    pixels = pixels.contiguous() if pixels.ndim == 4 else pixels[:, None].expand(-1, 3, -1, -1)  # (N, 3, 28, 28)
    kept = Bytes(pixels, labels.long(), classes)
    return Images(kept.images, kept.labels, kept.classes) if shipped else kept


def batches(
    images: Images | DataLoader | Dataset | Sequence,
    size: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Batches:
    """Batches of Images, a DataLoader, a data set or a list: a function, step number (from 0) -> (inputs, labels).

    The same number gives the same batch, in any order of calls and from any thread. Each epoch is a
    permutation of the images, drawn by a generator of its own from (seed, epoch); an epoch has N // size
    batches, and the images left over are dropped, other ones in each epoch. Inputs of Images are (size, C, H, W) in
    torch.channels_last, the faster memory layout for convolutions: flatten what a convolution makes of them
    by `flatten` or `reshape`, since `view` refuses. The images are copied once, to `device`,
    and shared if they are there already in torch.channels_last.

    Data of your own: a DataLoader, a data set of torch's, or a list, each example of which is (input, label); of two
    tensors torch.utils.data.TensorDataset makes one. A DataLoader gives its data set, its batch_size where no size is
    asked for, and its collate_fn; its order and its workers are not used. Examples that are drawn anew each time they
    are read (random augmentation) cannot be replayed: labs and comparisons refuse them.

    size: 64 if it is None and no DataLoader has another.

    Raises ValueError for a size that is not a whole number from 1 to N, a seed that is not one from 0 to LAST_SEED,
    (when called) a number that is not one ≥ 0, and for data that cannot be read by number.
    """
    if not isinstance(images, Images):
        examples = own.examples(images)
        chosen = rows(examples.count, examples.size if size is None else size, seed)
        return lambda number: own.moved(examples.read(chosen(number).tolist()), device)
    chosen = rows(len(images), own.SIZE if size is None else size, seed)
    pixels = images.pixels.to(device).permute(0, 2, 3, 1).contiguous()  # (N, H, W, C)
    labels = images.labels.to(device, copy=True)

    def batch(number: int) -> tuple[torch.Tensor, torch.Tensor]:
        row = chosen(number).to(device)
        return floats(pixels[row]).permute(0, 3, 1, 2), labels[row]  # (size, C, H, W) channels_last, (size,)

    return batch


def rows(count: int, size: int, seed: int) -> Callable[[int], torch.Tensor]:
    """The order behind `batches`: returns a function from a step number to which of `count` make it up, (size,)."""
    check_count("size", size, 1, count)
    check_count("seed", seed, most=LAST_SEED)
    per_epoch = count // size

    @functools.lru_cache(maxsize=2)
    def order(epoch: int) -> torch.Tensor:
        # RandomState: NumPy froze its stream, so that a seed means the same order in every version.
        return torch.from_numpy(np.random.RandomState([seed, epoch]).permutation(count))

    def chosen(number: int) -> torch.Tensor:
        epoch, position = divmod(check_count("batch number", number), per_epoch)
        return order(epoch)[position * size : (position + 1) * size]

    return chosen


def get_batch_data(size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """The next batch of plain training digits, as the document's loop calls for it.

    Returns inputs float32 (size, 3, 28, 28), contiguous, in [0, 1], and labels int64 (size,). In a new
    process the calls return batch 0, 1, 2, ... of `batches(load("digits"), size)`, from whichever thread
    they come. Torch's random generator is not touched.

    Raises ValueError for a size that is not a whole number from 1 to 4,000.
    """
    inputs, labels = _digits(check_count("size", size, 1, 4000))(next(_numbers))
    return inputs.contiguous(), labels


_numbers = itertools.count()  # one number to each call, from any thread


@functools.lru_cache(maxsize=1)
def _digits(size: int) -> Batches:
    return batches(load("digits"), size)
