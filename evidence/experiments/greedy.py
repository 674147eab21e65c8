"""Does greedy layer-wise training keep up with end-to-end training, at equal compute (chapter 11)? Digits over clutter.

Four convolutions of `Stack`, each with a linear head of its own. Greedy: layer 1 learns with its head, then stays as it
is while layer 2 learns with its own, and so on (Belilovsky, Eickenberg and Oyallon 2019, §3, k = 1). End to end: all
four with the last head. Compute is that of 200 steps end to end, and twice that.
"""

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from evidence import claims, grid
from evidence.record import Comparisons, Part, verdict
from jointopt import Task, Update, data, plans
from jointopt.compare import Budget, Interval, cost
from jointopt.models.stack import CHANNELS, Stack
from jointopt.system import seeded
from jointopt.tasks.classification import check_labeled, evaluate, train_and_held_out

STEPS, GRID_SEEDS, SEEDS = (200, 400), range(2), range(10, 18)
LRS = (1e-3, 3e-3, 1e-2)
DEPTH, CLASSES = len(CHANNELS), 10
CLOSE = 2.0  # points
SLICE = ("200 steps", ["greedy"], [10])


class Headed(Stack):
    """conv1 … conv4, and head1 … head4: each gives scores (B, 10) from what its layer answers."""

    def __init__(self):
        super().__init__(DEPTH)
        del self.source_head, self.classifier
        for number, channels in enumerate(CHANNELS, 1):
            layers = nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, CLASSES)
            self.add_module(f"head{number}", nn.Sequential(*layers))

    def scores(self, x: Tensor, number: int) -> Tensor:
        """images (B, 3, 28, 28) → scores (B, 10) of head `number`, through the layers up to it."""
        for layer in range(1, number + 1):
            x = self.get_submodule(f"conv{layer}")(x)
        return self.get_submodule(f"head{number}")(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x, DEPTH)


def make(seed: int, held_out: str = "test") -> Task:
    """Losses "1" … "4": the cross-entropies of the heads, computed where asked for. Accuracy of the last head."""
    train, held = train_and_held_out("cluttered", held_out)
    with seeded(seed):
        model = Headed()
    batches = data.batches(train, 64, seed=seed)
    return Task(model, losses, batches, evaluate=lambda model: evaluate(model, held.images, held.labels))


def losses(model: Headed, batch: tuple[Tensor, Tensor]) -> dict[str, Callable[[], Tensor]]:
    """On inputs (B, 3, 28, 28) and labels (B,)."""
    inputs, labels = batch
    check_labeled(inputs, labels, CLASSES)
    return {
        str(number): lambda number=number: F.cross_entropy(model.scores(inputs, number), labels)
        for number in range(1, DEPTH + 1)
    }


UPDATES = [Update((f"conv{number}", f"head{number}"), str(number)) for number in range(1, DEPTH + 1)]
WHOLE = Update((*(f"conv{number}" for number in range(1, DEPTH + 1)), f"head{DEPTH}"), str(DEPTH))


def compute(steps: int) -> tuple[Budget, dict]:
    """What these steps cost end to end, and the arms within it: greedy has equal steps of each layer."""
    flops = cost(make(0), WHOLE)[0] * steps
    each = flops // sum(cost(make(0), update)[0] for update in UPDATES)
    greedy = partial(plans.staged, *((update, each) for update in UPDATES))
    arms = {"end to end": (partial(plans.alternating, WHOLE), {}), "greedy": (greedy, {})}
    return Budget(flops=flops), arms


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The grid at the smaller budget, on validation images; then both budgets at the rates that it chose."""
    budget, arms = compute(STEPS[0])
    yield "grid", grid.search(make, arms, budget, LRS, seeds=GRID_SEEDS)
    for steps in STEPS:
        budget, arms = compute(steps)
        lr_of = partial(grid.best_lr, comparisons["grid"], lrs=LRS)
        yield f"{steps} steps", Part(make, grid.at(lr_of, arms), budget, SEEDS)


def keeps_up(comparisons: Comparisons) -> dict:
    """Layers that learn one after the other are less than two points below layers that learn together.

    At equal compute, at both budgets (lower ends of the intervals of the paired differences above −2).
    """
    apart = {part: comparisons[part].values("greedy") - comparisons[part].values("end to end") for part in PARTS}
    decided = claims.all_of(claims.decide(values, border=-CLOSE) for values in apart.values())
    rests = {f"greedy minus end to end, {part}": Interval.of(values) for part, values in apart.items()}
    rates = {f"learning rate of {arm}": grid.best_lr(comparisons["grid"], arm, LRS) for arm in ("greedy", "end to end")}
    return verdict({"Belilovsky et al., greedy layer-wise": decided}, rests | rates)


PARTS = tuple(f"{steps} steps" for steps in STEPS)
RULE = keeps_up
