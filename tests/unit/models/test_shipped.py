"""The weights that ship with the package are what their script makes, and do what was recorded."""

from functools import partial

import numpy as np
import pytest
import torch

from jointopt import tasks
from jointopt.models import classifiers, shipped
from jointopt.tasks import generation
from tools import make_encoder, make_ruler, make_weights

load = partial(tasks.load, "classification", data="cluttered", size=16)


FILES = {
    shipped.FILE: shipped.SHA256,
    shipped.RULER: shipped.RULER_SHA256,
    shipped.ENCODER: shipped.ENCODER_SHA256,
}


@pytest.mark.parametrize(("path", "sha256"), FILES.items())
def test_the_files_are_small_and_recorded(path, sha256):
    assert path.stat().st_size < 1_000_000
    assert sha256 in path.with_name("SOURCES.md").read_text(encoding="utf-8")
    with np.load(path, allow_pickle=False) as file:
        assert {file[name].dtype.name for name in file.files} == {"float32"}


@pytest.fixture(scope="module")
def clothes(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOINTOPT_DATA", str(tmp_path_factory.mktemp("data")))
        return {split: make_weights.clothes(split) for split in ("train", "test")}


@pytest.mark.parametrize("network", classifiers.NETWORKS)
def test_the_script_begins_as_it_did_when_it_made_the_file(network, clothes):
    """Three steps: at the fifth, processors differ by more than a part in a thousand."""
    _, losses = make_weights.pretrain(network, *clothes["train"], steps=3)
    assert losses == pytest.approx(shipped.metrics(network)["first losses (nats)"][:3].tolist(), rel=1e-3)


@pytest.mark.parametrize("network", classifiers.NETWORKS)
def test_the_shipped_weights_do_what_was_recorded_when_they_were_made(network, clothes):
    recorded = shipped.metrics(network)
    random, learned = (classifiers.build(network, 10, first).feature_extractor for first in (None, "clothes"))
    found = make_weights.nearest_mean(learned, *clothes["test"])
    assert found == pytest.approx(recorded["nearest mean (%)"].item(), abs=0.5)
    assert found > make_weights.nearest_mean(random, *clothes["test"]) + 10
    assert recorded["accuracy (%)"].item() > 60


def test_clothes_are_over_photographs_that_no_test_image_shows(clothes):
    images, labels = clothes["train"]
    assert images.shape == (20_000, 3, 28, 28) and images.dtype == torch.uint8
    assert labels.unique().tolist() == list(range(10)) and len(clothes["test"][0]) == 2000


def test_the_script_writes_what_it_says(tmp_path, monkeypatch, capsys, clothes):
    monkeypatch.setattr(make_weights, "clothes", lambda split: tuple(part[:200] for part in clothes[split]))
    monkeypatch.setattr(classifiers, "NETWORKS", ("vgg",))
    paths = tmp_path / "one.npz", tmp_path / "two.npz"
    for path in paths:
        with pytest.raises(SystemExit, match=f"not the recorded checksum {shipped.SHA256}"):
            make_weights.main(path, steps=2)
    assert not any(path.exists() for path in paths)  # what ships is not replaced by what it may not be
    paths = tmp_path / "one.new.npz", tmp_path / "two.new.npz"
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert "vgg/nearest mean (%)" in capsys.readouterr().out
    with np.load(paths[0]) as file:
        assert {name for name in file.files if name.startswith("vgg.")} == {f"vgg.{n}" for n in shipped.load("vgg")}
        assert {name for name in file.files if "/" in name} == {f"vgg/{n}" for n in shipped.metrics("vgg")}
    with pytest.raises(OSError, match=r"one\.new\.npz is altered: SHA-256 .*python -m tools\.make_weights"):
        shipped.read(paths[0])


def test_the_script_of_the_ruler_begins_as_it_did_and_writes_what_it_says(tmp_path, capsys):
    recorded, path = shipped.metrics("ruler"), tmp_path / "ruler.npz"
    with pytest.raises(SystemExit, match=f"not the recorded checksum {shipped.RULER_SHA256}"):
        make_ruler.main(path, steps=3)
    assert not path.exists() and "ruler/accuracy (%)" in capsys.readouterr().out
    with np.load(tmp_path / "ruler.new.npz") as file:
        losses = file["ruler/first losses (nats)"].tolist()
        assert {name for name in file.files if name.startswith("ruler.")} == {
            f"ruler.{n}" for n in shipped.load("ruler")
        }
    assert losses == pytest.approx(recorded["first losses (nats)"][:3].tolist(), rel=1e-3)


def test_the_ruler_does_what_was_recorded_when_it_was_made():
    _, held = generation.train_and_held_out("digits", "validation")
    with torch.no_grad():
        right = generation.trained_classifier("digits")(held.images).argmax(1) == held.labels
    recorded = shipped.metrics("ruler")["accuracy (%)"].item()
    assert 100 * float(right.float().mean()) == pytest.approx(recorded, abs=0.2) and recorded > 93


def test_the_script_of_the_encoder_begins_as_it_did_and_writes_what_it_says(tmp_path, capsys):
    recorded, path = shipped.metrics("encoder"), tmp_path / "encoder.npz"
    with pytest.raises(SystemExit, match=f"not the recorded checksum {shipped.ENCODER_SHA256}"):
        make_encoder.main(path, stop=3, held_out_scenes=4)
    assert not path.exists() and "encoder/foreground IoU (%)" in capsys.readouterr().out
    with np.load(tmp_path / "encoder.new.npz") as file:
        losses = file["encoder/first losses (nats)"].tolist()
        assert {n for n in file.files if n.startswith("encoder.")} == {f"encoder.{n}" for n in shipped.load("encoder")}
    assert losses == pytest.approx(recorded["first losses (nats)"][:3].tolist(), rel=1e-3)


def test_the_encoder_has_learned_digits_that_the_scenes_of_the_task_do_not_show():
    assert not set(make_encoder.DIGITS) & set("247") and len(set(make_encoder.DIGITS)) == 7
    assert shipped.metrics("encoder")["foreground IoU (%)"].item() > 60


def test_a_file_that_is_missing_or_cut_short_or_of_another_kind(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FILE", tmp_path / "missing.npz")
    with pytest.raises(FileNotFoundError, match=r"missing\.npz is missing.*python -m tools\.make_weights"):
        load(network="resnet", weights="clothes")
    for number, content in enumerate((b"", b"not an archive", (shipped.__file__.encode()))):
        path = tmp_path / f"{number}.npz"
        path.write_bytes(content)
        monkeypatch.setattr(shipped, "FILE", path)
        with pytest.raises(OSError, match=rf"{number}\.npz is truncated or altered"):
            shipped.load("resnet")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="ships no weights for the network 'alexnet'"):
        shipped.load("alexnet")
    first = shipped.load("vgg")["0.weight"]
    first.zero_()
    assert shipped.load("vgg")["0.weight"].abs().sum() > 0  # each call gives tensors of its own
