"""Where the time of a step goes, layer by layer, and how fast this machine could multiply the same matrices."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from jointopt import tasks
from jointopt.objective import l2
from jointopt.optimizers import make_optimizer

REPEATS = 30
REST = "batches, the loop itself, cold caches"
# Multiplications and additions of a step of the document's model, batch 64, forward and backward; the first
# layer's backward pass needs no gradient of the images.
CONV1, CONV2, LINEAR = 2 * 784 * 27 * 32, 2 * 196 * 288 * 64, 2 * (3136 * 128 + 128 * 10)
CONVOLUTIONS, FLOPS = 64 * (2 * CONV1 + 3 * CONV2), 64 * (2 * CONV1 + 3 * CONV2 + 3 * LINEAR)


def note(default: float, document: float) -> str:
    """In words: the parts of a step on the default path and in the document's loop, whose seconds are given."""
    channels_last, contiguous = _parts(torch.channels_last), _parts(torch.contiguous_format)
    channels_last[REST] = default - sum(channels_last.values())
    contiguous[REST] = document - sum(contiguous.values())
    parts = "; ".join(f"{part} {1e3 * channels_last[part]:.1f} | {1e3 * contiguous[part]:.1f}" for part in contiguous)
    rate = _peak()
    convolutions = sum(seconds for part, seconds in channels_last.items() if "convolution" in part)
    return (
        f"Where a step goes, ms of CPU, default path | document's loop: {parts}; in all {1e3 * default:.1f} | "
        f"{1e3 * document:.1f}.\n"
        f"At the {rate / 1e9:.0f} GFLOP/s that a convolution of 256 channels reaches here, the step's "
        f"{FLOPS / 1e9:.2f} GFLOP would take {1e3 * FLOPS / rate:.1f} ms, {FLOPS / rate / document:.2f} of the "
        "document's step. The rest goes to convolutions of 3 and 32 channels, which run at "
        f"{CONVOLUTIONS / convolutions / 1e9:.0f} GFLOP/s, and to what multiplies no matrices."
    )


def _parts(layout: torch.memory_format) -> dict[str, float]:
    """Median CPU seconds of each part of a step, measured one layer at a time in this memory layout."""
    task = tasks.load("classification")
    model = task.model.to(memory_format=layout)
    inputs, _ = task.batches(0)
    inputs = inputs.contiguous(memory_format=layout)
    f, c = model.feature_extractor, model.classifier
    # In the document's order of layers.
    layers = [f.conv1, f.relu, f.pool, f.conv2, f.relu, f.pool, nn.Flatten(), c.fc1, c.relu, c.dropout, c.fc2]
    kinds = {nn.Conv2d: "convolution", nn.ReLU: "ReLU", nn.MaxPool2d: "pooling", nn.Linear: "linear"}
    seconds: dict[str, float] = {}
    for layer in layers:
        kind = kinds.get(type(layer), "flatten and dropout")
        inputs, forward, backward = _layer(layer, inputs)
        for part, cost in ((f"{kind} forward", forward), (f"{kind} backward", backward)):
            part = part if kind == "convolution" else kind
            seconds[part] = seconds.get(part, 0.0) + cost
    fast = layout == torch.channels_last  # the default path has the fused optimizer and the L2 term
    optimizer = make_optimizer(model, fused=fast)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    seconds["Adam"] = _median(optimizer.step)
    seconds["L2"] = _median(lambda: l2(model).backward()) if fast else 0.0
    return seconds


def _layer(layer: nn.Module, inputs: torch.Tensor) -> tuple[torch.Tensor, float, float]:
    """The layer's outputs, and the median seconds of its forward and backward pass."""
    inputs = inputs.detach().requires_grad_(inputs.shape[1] != 3)  # the images need no gradient
    outputs = layer(inputs)
    gradient = torch.ones_like(outputs)
    forward = _median(lambda: layer(inputs))
    backward = _median(lambda: outputs.backward(gradient, retain_graph=True))
    return outputs, forward, backward


@torch.no_grad()
def _peak() -> float:
    """Multiplications and additions a second where the shapes are kind: 256 → 256 channels, 3×3, at 14×14."""
    layer = nn.Conv2d(256, 256, 3, padding=1).to(memory_format=torch.channels_last)
    inputs = torch.randn(16, 256, 14, 14).to(memory_format=torch.channels_last)
    return 2 * 16 * 196 * 256 * 256 * 9 / _median(lambda: layer(inputs))


def _median(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.thread_time()
        work()
        seconds.append(time.thread_time() - start)
    return statistics.median(seconds)
