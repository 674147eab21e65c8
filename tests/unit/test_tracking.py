"""A run written for TensorBoard and for Weights & Biases: read back, and no other than without them."""

import json
import struct
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from jointopt import Controls, plans, tasks, tracking, train


@pytest.fixture
def run():
    """run(write) -> the steps of a run in which λ is changed at step 3 and a module frozen at step 5, and its task."""

    def run(write=lambda steps, task, controls: steps):
        task, controls, steps = tasks.load("classification", size=16), Controls(), []
        torch.manual_seed(0)  # for dropout
        for step in write(train(task, plans.joint(8), controls), task, controls):
            steps.append(step)
            if step.number == 2:
                controls.set(weight={"reg": 0.5})
            if step.number == 4:
                controls.freeze("classifier")
        return steps, task

    return run


def read(folder):
    reader = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    return reader.Reload()


def test_what_is_written_is_what_the_steps_said(run, tmp_path):
    steps, task = run(lambda *of: tracking.tensorboard(of[0], tmp_path, *of[1:], every=4))
    reader = read(tmp_path)

    def curve(name):
        return [(event.step, event.value) for event in reader.Scalars(name)]

    said = {"J": lambda s: s.total}
    for name in ("task", "reg"):
        said |= {f"loss/{name}": lambda s, n=name: s.losses[n], f"weight/{name}": lambda s, n=name: s.weights[n]}
    for name in ("feature_extractor", "classifier"):
        said |= {f"grad_norm/{name}": lambda s, n=name: s.grad_norm[n], f"change/{name}": lambda s, n=name: s.change[n]}
    for name, value in said.items():
        assert curve(name) == [(s.number, pytest.approx(value(s))) for s in steps], name
    frozen = {"frozen/feature_extractor", "frozen/classifier"}
    assert set(reader.Tags()["scalars"]) == {*said, *frozen, "held-out/accuracy (%)"}
    assert [value for _, value in curve("weight/reg")] == pytest.approx([1e-4] * 3 + [0.5] * 5)
    assert [value for _, value in curve("frozen/classifier")] == [0] * 5 + [1] * 3
    assert [step for step, _ in curve("held-out/accuracy (%)")] == [1, 4, 8]
    assert curve("held-out/accuracy (%)")[-1][1] == pytest.approx(task.evaluate(task.model)["accuracy (%)"])
    assert [(image.step, image.height) for image in reader.Images("picture")] == [(1, 232), (4, 232), (8, 232)]
    written = reader.Tensors("changes/text_summary")
    texts = [(event.step, event.tensor_proto.string_val[0].decode()) for event in written]
    assert texts == [(3, "weight.reg = 0.5"), (5, "frozen.classifier = True")]


def test_the_run_is_the_same_as_without(tmp_path):
    """Whatever the task's own functions do to modes and random numbers."""

    def careless(model):
        model.eval()
        torch.rand(3)
        return {"accuracy (%)": 50.0}

    def picture(model):
        return torch.randint(0, 255, (4, 4, 3), dtype=torch.uint8).numpy()

    def run(watch):
        task = replace(tasks.load("classification", size=16), evaluate=careless, picture=picture)
        torch.manual_seed(0)  # for dropout
        return list(watch(train(task, plans.joint(4)), task)), task.model

    watched, model = run(lambda steps, task: tracking.tensorboard(steps, tmp_path, task, every=1))
    alone, other = run(lambda steps, task: steps)
    assert watched == alone
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), other.parameters(), strict=True))


def test_changes_of_one_step_are_one_text(tmp_path):
    controls = Controls()
    controls.set(weight={"reg": 0.5}, lr=0.01)
    task = replace(tasks.load("classification", size=16), evaluate=None, picture=None)
    assert len(list(tracking.tensorboard(train(task, plans.joint(2), controls), tmp_path, task, controls))) == 2
    (event,) = read(tmp_path).Tensors("changes/text_summary")
    assert event.tensor_proto.string_val[0].decode() == "weight.reg = 0.5, lr = 0.01"


def test_steps_alone_are_enough_and_a_run_that_is_left_is_whole(tmp_path):
    task = tasks.load("classification", size=16)
    steps = tracking.tensorboard(train(task, plans.joint(), Controls()), tmp_path)
    for step in steps:
        if step.number == 1:
            break
    steps.close()
    reader = read(tmp_path)
    assert [event.step for event in reader.Scalars("J")] == [0, 1] and reader.Tags()["images"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "every must be a whole number ≥ 1, got 0"),
        ({"folder": None}, "folder must be a path, got None"),
        ({"task": "classification"}, "task must be a Task or None"),
        ({"controls": "classification"}, "controls must be Controls or None"),
    ],
)
def test_it_refuses_before_the_first_step(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        tracking.tensorboard(iter(()), **{"folder": tmp_path, **arguments})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_a_run_is_refused(tmp_path):
    task = tasks.load("classification", size=16)
    list(tracking.tensorboard(train(task, plans.joint(1)), tmp_path))
    with pytest.raises(ValueError, match="holds a run already: give this one a folder of its own"):
        tracking.tensorboard(train(task, plans.joint(1)), tmp_path)


# Weights & Biases


class Logged:
    """In place of a run of W&B's: what it is given, step by step, as its history merges it."""

    def __init__(self):
        self.rows = {}

    def log(self, values, step):
        assert step >= max(self.rows, default=0)  # W&B drops what comes too late
        self.rows.setdefault(step, {}).update(values)


def test_wandb_logs_what_tensorboard_writes(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(Image=lambda picture: ("image", picture.shape)))
    logged = Logged()
    steps, task = run(lambda *of: tracking.wandb(of[0], logged, *of[1:], every=4))
    assert sorted(logged.rows) == list(range(9))
    for step in steps:
        row = logged.rows[step.number]
        assert {name: row[name] for name in tracking.numbers(step)} == tracking.numbers(step)
    assert [n for n, row in logged.rows.items() if "held-out/accuracy (%)" in row] == [1, 4, 8]
    assert logged.rows[8]["held-out/accuracy (%)"] == task.evaluate(task.model)["accuracy (%)"]
    assert logged.rows[4]["picture"] == ("image", task.picture(task.model).shape)
    changes = {n: row["changes"] for n, row in logged.rows.items() if "changes" in row}
    assert changes == {3: "weight.reg = 0.5", 5: "frozen.classifier = True"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "every must be a whole number ≥ 1, got 0"),
        ({"run": None}, "a run's log"),
        ({"task": "classification"}, "task must be a Task or None"),
        ({"controls": "classification"}, "controls must be Controls or None"),
    ],
)
def test_wandb_refuses_before_the_first_step(arguments, message):
    with pytest.raises(ValueError, match=message):
        tracking.wandb(iter(()), **{"run": Logged(), **arguments})


def test_an_offline_run_is_read_back(run, tmp_path, monkeypatch):
    """By the format of its file: blocks of 32 KiB, as LevelDB's log has them, around W&B's own records."""
    wandb = pytest.importorskip("wandb", reason="needs requirements-frameworks.txt")
    quiet = {"WANDB_SILENT": "true", "WANDB_CONSOLE": "off", "WANDB_ERROR_REPORTING": "false"}
    for name, value in quiet.items():
        monkeypatch.setenv(name, value)
    with wandb.init(project="jointopt", mode="offline", dir=str(tmp_path)) as its:
        steps, task = run(lambda *of: tracking.wandb(of[0], its, *of[1:], every=4))
    wandb.teardown()  # its service writes the file to the end, and may take its time
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    rows = {row["_step"]: row for row in map(history, records(file.read_bytes())) if row}
    assert [rows[step.number]["J"] for step in steps] == [pytest.approx(step.total) for step in steps]
    assert rows[8]["held-out/accuracy (%)"] == pytest.approx(task.evaluate(task.model)["accuracy (%)"])


def records(content, block=32768):
    """The records of a file of W&B's: a header of 7 bytes, then pieces (checksum, length, kind), padded to blocks."""
    assert content[:4] == b":W&B"
    at, whole = 7, b""
    while at + 7 <= len(content):
        if block - at % block < 7:
            at += block - at % block
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield whole
            whole = b""


def history(content):
    """What was logged at one step; {} for other records."""
    from wandb.proto import wandb_internal_pb2

    record = wandb_internal_pb2.Record()
    record.ParseFromString(content)
    return {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item}
