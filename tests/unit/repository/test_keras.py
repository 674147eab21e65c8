"""examples/keras_model.py agrees with torch on each backend; a keras.Model is a task's model. Runs need Keras."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "keras_model.py"
KEPT = EXAMPLE.with_suffix(".json")  # what chapter 9 draws
needs_keras = pytest.mark.skipif(find_spec("keras") is None, reason="needs requirements-frameworks.txt")
AS_A_TASK = """
import keras, torch
from torch import nn
from torch.nn import functional as F
from jointopt import Controls, Task, data, plans, train
from jointopt.live import LiveLab
from jointopt.modules import module_names

from keras_model import document_model

class Parts(nn.Module):
    def __init__(self, whole):
        super().__init__()
        self.feature_extractor, self.classifier = (whole.get_layer(n) for n in ("feature_extractor", "classifier"))

    def forward(self, x):
        return self.classifier(self.feature_extractor(x.permute(0, 2, 3, 1)))

keras.utils.set_random_seed(0)
model = Parts(document_model())
assert module_names(model) == ["feature_extractor", "classifier"]
batches = data.batches(data.load("digits"), 16)
task = Task(model, lambda model, batch: {"task": F.cross_entropy(model(batch[0]), batch[1])}, batches)
controls = Controls()
for step in train(task, plans.joint(4), controls):
    if step.number == 1:
        controls.freeze("feature_extractor")
        before = [p.clone() for p in model.feature_extractor.parameters()]
    assert step.moved == (("feature_extractor", "classifier") if step.number < 2 else ("classifier",))
    assert all(change > 0 for name, change in step.change.items() if name in step.moved)
assert all(torch.equal(a, b) for a, b in zip(before, model.feature_extractor.parameters(), strict=True))
live = Controls()
lab = LiveLab(task, controls=live, name="keras")
lab.run(2)
live.freeze("classifier")
lab.run(2)
change = lab.history["change.classifier"]
assert change[1] > 0 == change[3] and lab.history["change.feature_extractor"][3] > 0
lab.close()
print("as without Keras")
"""


def python(backend, *arguments):
    """What such a program prints, in a process of its own: a backend is chosen once."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": backend}
    path = {"PYTHONPATH": str(EXAMPLE.parent)}  # and not that of the tests, whose noise is none of Keras's
    done = subprocess.run([sys.executable, *arguments], env=os.environ | quiet | path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@needs_keras
def test_parts_of_a_keras_model_move_and_freeze_by_name_in_train_and_in_the_lab():
    assert python("torch", "-c", AS_A_TASK) == ["as without Keras"]


def agree(measured):
    """On both backends as in torch; and what is frozen without a new compile() still moves on TensorFlow."""
    expected = measured["torch"]["losses"]
    ours = {name: of for name, of in measured.items() if name != "torch"}
    assert set(ours) == {"Keras on torch", "Keras on TensorFlow"} and len(expected) == 20
    for name, of in ours.items():
        assert of["losses"] == pytest.approx(expected, abs=1e-6, rel=0) and of["apart"] < 1e-6
        still = {state for state, moved in of["movement"].items() if moved == 0}
        assert still == {"frozen, compiled"} | ({"frozen"} if name == "Keras on torch" else set())
    return expected, [of["movement"] for of in ours.values()]


def test_the_kept_numbers_are_as_chapter_9_says():
    losses, (torchs, tensorflows) = agree(json.loads(KEPT.read_text(encoding="utf-8")))
    assert (losses[0], losses[-1]) == (pytest.approx(2.3, abs=0.05), pytest.approx(1.43, abs=0.005))
    assert torchs["trainable"] == pytest.approx(0.13, abs=0.005)
    assert tensorflows == pytest.approx({"trainable": 0.13, "frozen": 0.12, "frozen, compiled": 0}, abs=0.005)


@needs_keras
def test_measured_again_both_backends_agree_with_torch_and_with_the_kept_numbers(tmp_path):
    python("torch", EXAMPLE, "record", tmp_path / "again.json")
    kept, again = (json.loads(file.read_text(encoding="utf-8")) for file in (KEPT, tmp_path / "again.json"))
    agree(again)
    for name, of in kept.items():  # on another processor sums differ in their last digits, and training amplifies that
        assert again[name]["losses"] == pytest.approx(of["losses"], abs=1e-4)
