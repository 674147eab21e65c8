"""Which optimizer learns best, and at which learning rate? The small VGG, digits over clutter, 200 steps (chapter 9).

The document's §6 names SGD, Adam and RMSprop, and no learning rate; its code has Adam at 0.001. SGD comes with and
without momentum, Adam also as AdamW, whose weight decay is torch's default, 0.01.
"""

from collections.abc import Iterator
from functools import partial

from evidence import claims, grid
from evidence.record import Comparisons, Part, verdict
from jointopt import plans, tasks
from jointopt.compare import Arm, Budget, Interval

STEPS, SIZE = 200, 32
ADAPTIVE = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
# Name -> (optimizer, its options, learning rates: half decades, as many for each, with the best of a pilot inside)
OPTIMIZERS = {
    "SGD": ("SGD", {"momentum": 0.0}, (3e-3, 0.01, 0.03, 0.1, 0.3, 1.0)),
    "momentum": ("SGD", {"momentum": 0.9}, (3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1)),
    "RMSprop": ("RMSprop", {}, ADAPTIVE),
    "Adam": ("Adam", {}, ADAPTIVE),
    "AdamW": ("AdamW", {}, ADAPTIVE),
}
ONE_RATE = 1e-3  # torch's default for Adam and AdamW, and that of the document's code
GRID_SEEDS, SEEDS = range(3), range(10, 20)
CLOSE = 2.0  # points
SLICE = ("test", ["Adam"], [10])


def arm(name: str, lr: float, **task_options) -> Arm:
    """An optimizer at a learning rate."""
    optimizer, options, _ = OPTIMIZERS[name]
    return Arm(plans.joint, None, optimizer, {"lr": lr, **options}, task_options)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """Each optimizer at each of its rates, on validation images; then all at one rate, and each at its own."""
    make = partial(tasks.load, "classification", data="cluttered", network="vgg", size=SIZE)
    budget = Budget(steps=STEPS)
    tried = {f"{name}, lr {lr:g}": arm(name, lr, held_out="validation") for name in OPTIMIZERS for lr in rates(name)}
    yield "grid", Part(make, tried, budget, GRID_SEEDS)
    yield "one rate", Part(make, {name: arm(name, ONE_RATE) for name in OPTIMIZERS}, budget, SEEDS)
    best = {name: arm(name, best_lr(comparisons, name)) for name in OPTIMIZERS}
    yield "test", Part(make, best, budget, SEEDS)


def rates(name: str) -> tuple[float, ...]:
    """Those that an optimizer is tried with."""
    return OPTIMIZERS[name][2]


def best_lr(comparisons: Comparisons, name: str) -> float:
    """Of an optimizer's own grid."""
    return grid.best_lr(comparisons["grid"], name, rates(name))


def choi(comparisons: Comparisons) -> dict:
    """Tuned, an optimizer that contains another is not below it: momentum not below SGD, Adam not below momentum."""
    test = comparisons["test"]
    pairs = ("momentum", "SGD"), ("Adam", "momentum")
    apart = {f"{a} minus {b}": test.values(a) - test.values(b) for a, b in pairs}
    shown = claims.all_of(claims.decide(values, border=-CLOSE) for values in apart.values())
    own_rates = {f"learning rate of {name}": best_lr(comparisons, name) for name in OPTIMIZERS}
    rests = {name: Interval.of(values) for name, values in apart.items()}
    return verdict({"Choi et al., §3": shown}, rests | own_rates)


RULE = choi
