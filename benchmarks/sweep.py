"""A sweep: copies of one model that differ in λ alone, stacked by torch.func or trained one by one."""

import statistics
from collections.abc import Iterable, Iterator
from copy import deepcopy
from itertools import count

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional as F

from benchmarks.measure import Row, interleaved, ratios, short
from jointopt import EndToEndModel, tasks
from jointopt.optimizers import make_optimizer

LAMBDAS = torch.logspace(-5, -1, 8)
BLOCK, REPEATS = 4, 9  # a block: four steps of every copy


def run() -> tuple[list[Row], list[str]]:
    """The rows of the table, and notes beneath it."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    convolutions = nn.Conv2d(3, 8, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(8, 16, 3, 1, 1), nn.MaxPool2d(2)
    small = *convolutions, nn.ReLU(), nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10)
    models = {  # name -> (model, bound, whether it is a lower one: stacking does not pay there)
        "document's model": (EndToEndModel(num_classes=10), 1.3, True),
        "8 and 16 channels": (nn.Sequential(*small), 1, True),
        "MLP 2352-64-10": (nn.Sequential(nn.Flatten(), nn.Linear(2352, 64), nn.ReLU(), nn.Linear(64, 10)), 1.1, False),
        "softmax on pixels": (nn.Sequential(nn.Flatten(), nn.Linear(2352, 10)), 0.8, False),
    }
    rows, notes = [], []
    for name, (model, bound, at_least) in models.items():
        sides = _stacked(model), _stacked(model, summed=True), _one_by_one(model)
        stacked, summed, plain = interleaved(*sides, repeats=REPEATS, steps=1)
        ratio, other = ratios(stacked, plain), short(statistics.median(ratios(summed, plain)))
        rows.append(Row(f"sweep, {name}: vmap(grad(J)) / one by one, CPU", ratio, bound, at_least=at_least))
        single, double = _apart(model), _apart(model.double())
        rows.append(Row(f"sweep, {name}: weights apart, float64", [double * 1e10], 1, "e-10"))
        apart = f"after 20 steps without dropout {single:.0e} in float32, {double:.0e} in float64"
        notes.append(f"Sweep, {name}: vmap(J).sum().backward() / one by one {other}; weights apart {apart}.")
    return rows, notes


def _apart(model: nn.Module) -> float:
    """The largest difference of a weight between the two ways, after 20 steps without dropout."""
    model.eval()
    stacked, (plain, _) = next(_stacked(model, block=20)), stack_module_state(next(_one_by_one(model, block=20)))
    return max(float((stacked[name] - plain[name]).detach().abs().max()) for name in plain)


def _objective(scores: Tensor, labels: Tensor, parameters: Iterable[Tensor], reg: Tensor | float) -> Tensor:
    return F.cross_entropy(scores, labels) + reg * 0.5 * sum(p.square().sum() for p in parameters)


def _one_by_one(model: nn.Module, block: int = BLOCK) -> Iterator[list[nn.Module]]:
    """Bare loops: a block of steps for one copy after another. Yields the copies."""
    copies = [deepcopy(model).to(memory_format=torch.channels_last) for _ in LAMBDAS]
    runs = list(zip(copies, map(make_optimizer, copies), LAMBDAS.tolist(), strict=True))
    batches, dtype = tasks.load("classification").batches, next(model.parameters()).dtype
    for start in count(step=block):
        for copy, optimizer, reg in runs:
            for inputs, labels in map(batches, range(start, start + block)):
                optimizer.zero_grad()
                _objective(copy(inputs.to(dtype)), labels, copy.parameters(), reg).backward()
                optimizer.step()
        yield copies


def _stacked(model: nn.Module, summed: bool = False, block: int = BLOCK) -> Iterator[dict[str, Tensor]]:
    """One step for all copies at once, on contiguous batches, which vmap likes better. Yields the stacked weights."""
    weights, _ = stack_module_state([model] * len(LAMBDAS))
    optimizer = torch.optim.Adam(weights.values(), lr=1e-3, fused=True)
    batches, dtype = tasks.load("classification").batches, next(model.parameters()).dtype

    def objective(weights: dict[str, Tensor], reg: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
        return _objective(functional_call(model, weights, (inputs,)), labels, weights.values(), reg)

    each = vmap(objective if summed else grad(objective), in_dims=(0, 0, None, None), randomness="same")
    for start in count(step=block):
        for inputs, labels in map(batches, range(start, start + block)):
            optimizer.zero_grad()
            answer = each(weights, LAMBDAS.to(dtype), inputs.to(dtype).contiguous(), labels)
            if summed:  # the gradient of a sum of objectives that share no weight: that of each
                answer.sum().backward()
            for name, p in weights.items() if not summed else ():
                p.grad = answer[name]
            optimizer.step()
        yield weights
