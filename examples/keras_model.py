"""The document's model in Keras 3, with torch's weights: the same losses over 20 steps, and what freezing needs there.

    python examples/keras_model.py reference FILE       torch's run, kept in FILE (.npz)
    KERAS_BACKEND=tensorflow python examples/keras_model.py measure FILE    a run of Keras on the same batches, as JSON
    python examples/keras_model.py record [FILE]        all three, kept in keras_model.json for chapter 9

A process each, since TensorFlow and torch do not get along in one. Keras has channels last, so convolutions and dense
layers have their axes in another order; and before it flattens, the features go back to torch's order of channels.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

FILE = Path(__file__).with_suffix(".json")
BACKENDS = {"Keras on torch": "torch", "Keras on TensorFlow": "tensorflow"}
STEPS, SIZE, LR, MOMENTUM = 20, 64, 0.05, 0.9


def carried(weight: np.ndarray) -> np.ndarray:
    """A weight of torch's as Keras has it: (out, in, h, w) → (h, w, in, out), (out, in) → (in, out)."""
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T


def reference(file: str) -> None:
    """Weights before and after, batches and losses of torch's run, without dropout."""
    import torch

    from jointopt import EndToEndModel, data

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = EndToEndModel(num_classes=10)
    model.classifier.dropout.p = 0.0
    batches = data.batches(data.load("digits"), SIZE)
    optimizer = torch.optim.SGD(model.parameters(), LR, momentum=MOMENTUM)
    before = [p.detach().numpy().copy() for p in model.parameters()]
    losses = []
    for number in range(STEPS):
        inputs, labels = batches(number)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs.contiguous()), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    every = [batches(number) for number in range(STEPS)]
    kept = {"inputs": np.stack([x.permute(0, 2, 3, 1).numpy() for x, _ in every]), "losses": losses}
    kept["labels"] = np.stack([y.numpy() for _, y in every])
    kept |= {f"before{i}": w for i, w in enumerate(before)}
    np.savez(file, **kept, **{f"after{i}": p.detach().numpy() for i, p in enumerate(model.parameters())})


def document_model():
    """images (B, 28, 28, 3) → scores (B, 10); parts feature_extractor and classifier."""
    import keras
    from keras import layers

    convolution = {"padding": "same", "activation": "relu"}
    extract = [layers.Conv2D(32, 3, **convolution), layers.MaxPooling2D(), layers.Conv2D(64, 3, **convolution)]
    extract += [layers.MaxPooling2D(), layers.Permute((3, 1, 2))]  # to (B, 64, 7, 7), which torch flattens
    classify = [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10)]
    features = keras.Sequential(extract, name="feature_extractor")
    classifier = keras.Sequential(classify, name="classifier")
    images = keras.Input((28, 28, 3))
    return keras.Model(images, classifier(features(images)))


def measured(file: str) -> dict:
    """Keras from torch's weights on torch's batches: its losses; how far it ends from torch; how far a part moves.

    Returns "losses" (20), "apart" (the largest difference of a weight after them) and "movement", the length of the
    feature extractor's next step: "trainable", then "frozen" (without a new compile()), then "frozen, compiled".
    """
    import keras

    kept = np.load(file)
    model = document_model()
    model.set_weights([carried(kept[f"before{i}"]) for i in range(8)])

    def compiled() -> None:
        crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(LR, momentum=MOMENTUM), crossentropy)

    compiled()
    every = list(zip(kept["inputs"], kept["labels"], strict=True))
    losses = [float(model.train_on_batch(x, y)) for x, y in every]
    after = [carried(kept[f"after{i}"]) for i in range(8)]
    apart = max(float(np.abs(a - b).max()) for a, b in zip(model.get_weights(), after, strict=True))
    features = model.get_layer("feature_extractor")

    def moved() -> float:
        before = features.get_weights()
        model.train_on_batch(*every[0])
        squares = [np.square(a - b).sum() for a, b in zip(before, features.get_weights(), strict=True)]
        return float(np.sqrt(sum(squares)))

    movement = {"trainable": moved()}
    features.trainable = False
    movement["frozen"] = moved()
    compiled()
    movement["frozen, compiled"] = moved()
    return {"losses": losses, "apart": apart, "movement": movement}


def measure(file: str) -> None:
    """Print what was measured, as JSON, on the last line."""
    print(json.dumps(measured(file)))  # noqa: T201


def record(file: str | Path = FILE) -> None:
    """Measure torch, and Keras on each backend, in processes of their own; write all into one file."""
    with TemporaryDirectory() as folder:
        run = str(Path(folder, "torch.npz"))
        _started("torch", "reference", run)
        kept = {"torch": {"losses": np.load(run)["losses"].tolist()}}
        for name, backend in BACKENDS.items():
            kept[name] = json.loads(_started(backend, "measure", run).splitlines()[-1])
    Path(file).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _started(backend: str, *arguments: str) -> str:
    """What this program prints when it is started with them."""
    environment = os.environ | {"KERAS_BACKEND": backend}
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    {"reference": reference, "measure": measure, "record": record}[sys.argv[1]](*sys.argv[2:])
