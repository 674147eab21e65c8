"""What λ does to the document's model (chapter 1).

clean      the document's model, 3,000 digits, 300 steps: L2 in the loss with SGD and with Adam, from the first step
           or from step 100 on; on one module alone; and the decay of AdamW
wrong      the model with 8/16 channels, 1,000 digits, 40 % of their labels wrong, 800 steps: L2 on the weights, with
           SGD and with Adam, and on the activations f(x), with Adam
θ × φ      the model with 8/16 channels, 3,000 digits, 300 steps: a λ for each module, with Adam

Batches of 64. The validation images are the last 1,000 training digits, on which nothing here is trained.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from evidence.grid import Plan
from evidence.record import Comparisons, Part
from jointopt import EndToEndModel, Task, Update, data, plans
from jointopt.compare import Arm, Budget, sweep_arms
from jointopt.objective import l2
from jointopt.tasks.classification import evaluate, train_and_held_out

SEEDS = range(5)
CLEAN, WRONG = Budget(steps=300), Budget(steps=800)
LATE = 100  # the first step at which λ counts in "late"
SLICE = ("θ × φ", ["reg_theta 0, reg_phi 0", "reg_theta 0.1, reg_phi 0.03"], [0])

L2_SGD = (0, 1e-4, 1e-2, 1e-1, 5e-1)
L2_ADAM = (0, 1e-4, 1e-2, 1e-1, 2e-1, 5e-1)
L2_LATE = (1e-1, 2e-1, 5e-1)
DECAY = (0, 1, 10, 100)
L2_WRONG = (0, 1e-2, 2e-2, 5e-2)
ACTIVATIONS = (0, 1e-2, 1e-1, 1)
MODULES = (0, 3e-2, 1e-1, 3e-1, 1)


class Small(nn.Module):
    """The document's model with 8 and 16 channels and 64 hidden units."""

    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, 1, 1), nn.ReLU()]
        self.feature_extractor = nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten())
        self.classifier = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.feature_extractor(x))


# (model, features f(x)) -> the penalties by name
Penalties = Callable[[nn.Module, Tensor], dict[str, Tensor]]


def weights(model: nn.Module, features: Tensor) -> dict[str, Tensor]:
    """L2 of all weights."""
    return {"reg": l2(model)}


def activations(model: nn.Module, features: Tensor) -> dict[str, Tensor]:
    """½ ‖f(x)‖², averaged over the batch; features: (B, …)."""
    return {"reg": 0.5 * features.square().flatten(1).sum(1).mean()}


def modules(model: nn.Module, features: Tensor) -> dict[str, Tensor]:
    """L2 of each module's weights."""
    return {"reg_theta": l2(model.feature_extractor), "reg_phi": l2(model.classifier)}


def clean(seed: int, penalties: Penalties = weights, small: bool = False) -> Task:
    """3,000 digits with their own labels."""
    images, _ = train_and_held_out("digits", "validation")
    return make(seed, images, penalties, small)


def wrong(seed: int, penalties: Penalties = weights) -> Task:
    """1,000 digits, each label replaced with probability 0.4 by one of the nine others; the small model."""
    images = train_and_held_out("digits", "validation")[0].part(slice(1000))
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(len(images), generator=generator) < 0.4
    others = (images.labels + torch.randint(1, 10, images.labels.shape, generator=generator)) % 10
    labels = torch.where(chosen, others, images.labels)
    return make(seed, data.Images(images.images, labels, images.classes), penalties, small=True)


def make(seed: int, images: data.Images, penalties: Penalties, small: bool) -> Task:
    """Cross-entropy and penalties on these images; accuracy on test and validation images, and norms of the weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Small() if small else EndToEndModel(num_classes=10)
    _, test = train_and_held_out("digits", "test")
    _, validation = train_and_held_out("digits", "validation")

    def losses(model: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        inputs, labels = batch
        features = model.feature_extractor(inputs)
        return {"task": F.cross_entropy(model.classifier(features), labels), **penalties(model, features)}

    def metrics(model: nn.Module) -> dict[str, float]:
        (right,), (checked,) = (evaluate(model, part.images, part.labels).values() for part in (test, validation))
        theta, phi = (float((2 * l2(m)).detach().sqrt()) for m in (model.feature_extractor, model.classifier))
        return {
            "accuracy (%)": right,
            "validation accuracy (%)": checked,
            "norm of θ": round(theta, 4),
            "norm of φ": round(phi, 4),
        }

    model.to(memory_format=torch.channels_last)
    return Task(model, losses, data.batches(images, 64, seed=seed), evaluate=metrics)


def over(weights: Iterable[float], plan: Plan = plans.joint, optimizer: str = "Adam") -> dict[str, Arm]:
    """An arm for each λ of the penalty."""
    return sweep_arms([{"reg": weight} for weight in weights], plan, optimizer)


def late() -> Iterator[Update]:
    """The task alone, then the penalty as well."""
    return plans.staged((Update(losses="task"), LATE), (Update(), None))


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """A comparison for each kind of penalty and optimizer, over its λ's."""
    yield "clean, SGD", Part(clean, over(L2_SGD, optimizer="SGD"), CLEAN, SEEDS)
    yield "clean, Adam", Part(clean, over(L2_ADAM), CLEAN, SEEDS)
    yield "clean, late", Part(clean, over(L2_LATE, plan=late), CLEAN, SEEDS)
    decay = partial(Arm, partial(plans.joint, losses="task"), optimizer="AdamW")
    decays = {f"weight_decay {x:g}": decay(optimizer_options={"weight_decay": x}) for x in DECAY}
    yield "clean, AdamW", Part(clean, decays, CLEAN, SEEDS)
    one = ({"reg_theta": 0.5, "reg_phi": 0}, {"reg_theta": 0, "reg_phi": 0.5})
    penalized, adam = partial(clean, penalties=modules), "Adam"
    yield "clean, one module", Part(penalized, sweep_arms(one, plans.joint, adam), CLEAN, SEEDS)
    yield "wrong, SGD", Part(wrong, over(L2_WRONG, optimizer="SGD"), WRONG, SEEDS)
    yield "wrong, Adam", Part(wrong, over(L2_WRONG), WRONG, SEEDS)
    yield "wrong, activations", Part(partial(wrong, penalties=activations), over(ACTIVATIONS), WRONG, SEEDS)
    pairs = [{"reg_theta": theta, "reg_phi": phi} for theta, phi in product(MODULES, MODULES)]
    yield "θ × φ", Part(partial(penalized, small=True), sweep_arms(pairs, plans.joint, adam), CLEAN, SEEDS)
