"""examples/keras_model.py agrees with torch on each backend; a keras.Model is a task's model. Runs need Keras."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "keras_model.py"
BACKENDS = {"torch": "False", "tensorflow": "True"}  # whether a part moves that was made untrainable, uncompiled
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


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    file = tmp_path_factory.mktemp("keras") / "reference.npz"
    python("torch", EXAMPLE, "reference", file)
    return file


@needs_keras
@pytest.mark.parametrize("backend", BACKENDS)
def test_losses_and_weights_are_torchs_and_freezing_without_compile_is_up_to_the_backend(backend, reference):
    if find_spec(backend) is None:
        pytest.skip("needs requirements-frameworks.txt")
    assert python(backend, EXAMPLE, "compare", reference) == [
        "the first loss equals torch's to 1e-6: True",
        "20 losses to 1e-6: True, weights to 1e-6: True",
        f"trainable=False, no new compile(): it moves: {BACKENDS[backend]}; after compile(): False",
    ]


@needs_keras
def test_parts_of_a_keras_model_move_and_freeze_by_name_in_train_and_in_the_lab():
    assert python("torch", "-c", AS_A_TASK) == ["as without Keras"]


def test_the_kept_numbers_are_as_chapter_9_says():
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    expected = kept.pop("torch")["losses"]
    moves = {name: [x > 0 for x in of["movement"].values()] for name, of in kept.items()}
    assert moves == {"Keras on torch": [True, False, False], "Keras on TensorFlow": [True, True, False]}
    assert len(expected) == 20
    for of in kept.values():
        assert of["losses"] == pytest.approx(expected, abs=1e-6, rel=0) and of["apart"] < 1e-6


@needs_keras
def test_the_kept_numbers_come_out_again(tmp_path):
    if find_spec("tensorflow") is None:
        pytest.skip("needs requirements-frameworks.txt")
    python("torch", EXAMPLE, "record", tmp_path / "again.json")
    kept, again = (json.loads(file.read_text(encoding="utf-8")) for file in (KEPT, tmp_path / "again.json"))
    assert again.keys() == kept.keys()
    for name, of in kept.items():  # on another processor sums differ in their last digits, and training amplifies that
        assert again[name]["losses"] == pytest.approx(of["losses"], abs=1e-4)
        assert again[name].get("movement", {}) == pytest.approx(of.get("movement", {}), rel=1e-3, abs=0)
        assert again[name].get("apart", 0) < 1e-6
