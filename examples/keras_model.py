"""The document's model in Keras 3, with torch's weights: the same losses over 20 steps, and what freezing needs there.

    python examples/keras_model.py reference FILE              torch's run, kept in FILE (.npz)
    KERAS_BACKEND=torch python examples/keras_model.py compare FILE
    KERAS_BACKEND=tensorflow python examples/keras_model.py compare FILE

Two processes, since TensorFlow and torch do not get along in one. Keras has channels last, so convolutions and dense
layers have their axes in another order; and before it flattens, the features go back to torch's order of channels.
"""

import sys

import numpy as np

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


def compare(file: str) -> None:
    """Print whether Keras agrees with torch, and whether a part that was made untrainable stands still."""
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
    apart = max(np.abs(a - b).max() for a, b in zip(model.get_weights(), after, strict=True))
    features = model.get_layer("feature_extractor")

    def moves() -> bool:
        before = features.get_weights()
        model.train_on_batch(*every[0])
        return any((a != b).any() for a, b in zip(before, features.get_weights(), strict=True))

    features.trainable = False
    without = moves()
    compiled()
    lines = [
        f"the first loss equals torch's to 1e-6: {abs(losses[0] - kept['losses'][0]) < 1e-6}",
        f"{STEPS} losses to 1e-6: {np.abs(losses - kept['losses']).max() < 1e-6}, weights to 1e-6: {apart < 1e-6}",
        f"trainable=False, no new compile(): it moves: {without}; after compile(): {moves()}",
    ]
    print(*lines, sep="\n")  # noqa: T201
    print(np.abs(losses - kept["losses"]).max(), apart, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    {"reference": reference, "compare": compare}[sys.argv[1]](sys.argv[2])
