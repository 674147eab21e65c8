"""torchvision's data sets: the real Fashion-MNIST from Debian, and small stand-ins in the same formats."""

import gzip
import hashlib
import pickle

import numpy as np
import pytest
import torch
from fake_sets import write_mnist
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from jointopt import data, tasks
from jointopt.data import digits, torchvision_sets
from jointopt.tasks import classification, generation


@pytest.fixture(scope="module")
def fashion_root(tmp_path_factory):
    """Debian's Fashion-MNIST, unpacked by the loader itself into an empty folder."""
    if not torchvision_sets.DEBIAN.is_dir():
        pytest.fail(
            f"There is no {torchvision_sets.DEBIAN}. On Debian: apt install dataset-fashion-mnist. "
            "Elsewhere, put the four *-ubyte.gz files of Fashion-MNIST into that folder."
        )
    root = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOINTOPT_DATA", str(root))
        data.load("fashion_mnist", "test")
    return root


def parse_idx(name):
    """The content of one of Debian's IDX files, read with NumPy alone."""
    with gzip.open(torchvision_sets.DEBIAN / f"{name}.gz") as file:
        content = file.read()
    shape = np.frombuffer(content, ">i4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


@pytest.mark.parametrize(("split", "prefix", "n"), [("train", "train", 60_000), ("test", "t10k", 10_000)])
def test_fashion_mnist_from_debian(fashion_root, monkeypatch, split, prefix, n):
    monkeypatch.setenv("JOINTOPT_DATA", str(fashion_root))
    loaded = data.load("fashion_mnist", split)
    assert loaded.images.shape == (n, 3, 28, 28) and loaded.images.dtype == torch.float32
    expected = torch.from_numpy(parse_idx(f"{prefix}-images-idx3-ubyte") / np.float32(255))
    for channel in range(3):
        assert torch.equal(loaded.images[:, channel], expected)
    assert np.array_equal(loaded.labels, parse_idx(f"{prefix}-labels-idx1-ubyte"))
    assert np.array_equal(loaded.labels.bincount(), [n // 10] * 10)
    assert loaded.classes[0] == "T-shirt/top" and loaded.classes[9] == "Ankle boot"


def test_fashion_mnist_below_a_given_root(fashion_root):
    assert len(data.load("fashion_mnist", "test", root=fashion_root)) == 10_000
    assert len(data.load("fashion_mnist", "test", root=str(fashion_root))) == 10_000
    left = sorted(path.name for path in (fashion_root / "FashionMNIST/raw").iterdir())
    assert left == [f"{a}-{b}-ubyte" for a in ("t10k", "train") for b in ("images-idx3", "labels-idx1")]


def test_damaged_debian_package(tmp_path, monkeypatch):
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian/train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(1000))[:-10])
    monkeypatch.setattr(torchvision_sets, "DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    with pytest.raises(OSError, match="train-images-idx3-ubyte.gz is truncated or altered.*Reinstall"):
        data.load("fashion_mnist")
    assert not list((tmp_path / "FashionMNIST/raw").iterdir())


def test_mnist(tmp_path):
    write_mnist(tmp_path)
    loaded = data.load("mnist", "test", root=tmp_path)
    expected = data.load("digits", "test")
    assert torch.equal(loaded.images, expected.images) and torch.equal(loaded.labels, expected.labels)
    assert loaded.classes == expected.classes


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("keep", [0, 10, 500])
def test_truncated_mnist(tmp_path, name, keep):
    file = write_mnist(tmp_path) / name
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(OSError, match=r"mnist in .* could not be fetched or read.*delete .*MNIST.raw"):
        data.load("mnist", "test", root=tmp_path)


def test_mnist_with_too_few_labels(tmp_path):
    write_mnist(tmp_path, n_labels=999)
    with pytest.raises(OSError, match="1000 images, 999 labels"):
        data.load("mnist", "test", root=tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "MNIST/raw/t10k-labels-idx1-ubyte"),
        ("fashion_mnist", "FashionMNIST/raw/train-images-idx3-ubyte"),
        ("cifar10", "cifar-10-batches-py/data_batch_1"),
    ],
)
def test_missing_files_are_named(tmp_path, name, file):
    with pytest.raises(FileNotFoundError) as caught:
        data.load(name, root=tmp_path)
    message = str(caught.value)
    assert str(tmp_path) in message and file in message and "download=True" in message
    assert ("apt install dataset-fashion-mnist" in message) == (name == "fashion_mnist")
    assert not list(tmp_path.iterdir())


def test_no_network(tmp_path, monkeypatch):
    from torchvision import datasets

    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nobody listens there
    with pytest.raises(OSError, match="mnist in .* could not be fetched or read"):
        data.load("mnist", root=tmp_path, download=True)


def test_default_root(monkeypatch):
    monkeypatch.delenv("JOINTOPT_DATA", raising=False)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, "/home/reader")
    assert torchvision_sets.default_root().as_posix() == "/home/reader/.cache/jointopt"
    monkeypatch.setenv("JOINTOPT_DATA", "~/sets")
    assert torchvision_sets.default_root().as_posix() == "/home/reader/sets"


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Crops of a photograph in CIFAR-10's format, with checksums to match: root, pixels (20, 32, 32, 3)."""
    from torchvision import datasets

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    background = digits.read(digits.FILE)["train_backgrounds"][0]
    pixels = np.stack([background[100:132, 10 * i : 10 * i + 32] for i in range(20)])

    def write(name, content):
        packed = pickle.dumps(content)
        (folder / name).write_bytes(packed)
        return [name, hashlib.md5(packed).hexdigest()]

    def batch(chosen):
        return {
            "data": pixels[chosen].transpose(0, 3, 1, 2).reshape(4, -1),
            "labels": [i % 10 for i in chosen],
        }

    names = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    train = [write(f"data_batch_{i + 1}", batch(range(4 * i, 4 * i + 4))) for i in range(5)]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [write("test_batch", batch(range(4)))])
    filename, md5 = write("batches.meta", {"label_names": names})
    monkeypatch.setattr(datasets.CIFAR10, "meta", {"filename": filename, "key": "label_names", "md5": md5})
    return tmp_path, pixels


def test_cifar10_is_resized(cifar):
    root, pixels = cifar
    loaded = data.load("cifar10", root=root)
    assert loaded.images.shape == (20, 3, 28, 28) and loaded.images.is_contiguous()
    assert loaded.labels.tolist() == [*range(10), *range(10)]
    assert loaded.classes[3] == "cat"
    for image, original in zip(loaded.images, pixels, strict=True):
        # Pillow's bilinear filter is antialiased too.
        expected = np.asarray(Image.fromarray(original).resize((28, 28), Image.Resampling.BILINEAR))
        assert np.abs((image * 255).permute(1, 2, 0).numpy() - expected).max() < 1.5


def test_altered_cifar10(cifar):
    root, _ = cifar
    (root / "cifar-10-batches-py/data_batch_2").write_bytes(b"not a pickle")
    with pytest.raises(OSError, match="cifar10 in .* could not be fetched or read.*delete .*cifar-10-batches-py"):
        data.load("cifar10", root=root)


class Largest(TorchDispatchMode):
    """The most bytes that one tensor took among all that were made inside."""

    bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        sizes = [each.untyped_storage().nbytes() for each in tree_leaves(made) if isinstance(each, torch.Tensor)]
        self.bytes = max(self.bytes, *sizes, 0)
        return made


@pytest.fixture
def plain_mnist(tmp_path, monkeypatch):
    """MNIST of 1,000 images, found by name; and its images as floats."""
    write_mnist(tmp_path)
    monkeypatch.setenv("JOINTOPT_DATA", str(tmp_path))
    cached = classification.images, generation.train_and_held_out
    for each in cached:
        each.cache_clear()
    yield data.load("digits", "test")
    for each in cached:
        each.cache_clear()


BYTES, FLOATS = 1000 * 784, 1000 * 784 * 3 * 4  # of 1,000 images: gray, and in three channels


def test_a_set_is_read_as_bytes_and_becomes_floats_a_batch_at_a_time(plain_mnist):
    with Largest() as largest:
        loaded = data.load("mnist")
        some = loaded.part(slice(50)).images
    assert largest.bytes <= BYTES and torch.equal(some, plain_mnist.images[:50])
    with Largest() as largest:
        batch = data.batches(loaded, size=8)
        found = batch(3)
    assert largest.bytes <= 3 * BYTES < FLOATS / 3
    expected = data.batches(plain_mnist, size=8)(3)
    assert torch.equal(found[0], expected[0]) and found[0].stride() == expected[0].stride()
    assert torch.equal(found[1], expected[1]) and len(loaded) == 1000 and repr(loaded) == repr(plain_mnist)


def test_floats_are_made_once_and_may_be_altered(plain_mnist):
    loaded = data.load("mnist")
    assert loaded.images is loaded.images and loaded.images.is_contiguous()
    assert torch.equal(loaded.images, plain_mnist.images)
    loaded.images.zero_()
    assert not loaded.part(slice(3)).images.any() and not data.batches(loaded, size=8)(0)[0].any()


def test_tasks_on_a_set_keep_its_training_images_as_bytes(plain_mnist):
    with Largest() as largest:
        task = tasks.load("classification", data="mnist", size=16)
        inputs, _ = task.batches(0)
    assert largest.bytes < FLOATS / 3
    pixels = plain_mnist.images.to(memory_format=torch.channels_last)
    expected, _ = data.batches(data.Images(pixels, plain_mnist.labels, plain_mnist.classes), size=16)(0)
    assert torch.equal(inputs, expected) and inputs.stride() == expected.stride()
    with Largest() as largest:
        gray, _ = generation.train_and_held_out("mnist", "test")
    assert largest.bytes <= 3 * BYTES and torch.equal(gray.images, plain_mnist.images[:, :1])
    held = classification.images("mnist", "test").images
    assert torch.equal(held, pixels) and held.stride() == pixels.stride()
    with pytest.raises(ValueError, match="images must be uint8"):
        data.Bytes(plain_mnist.images, plain_mnist.labels, plain_mnist.classes)
