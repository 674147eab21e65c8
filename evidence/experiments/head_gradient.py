"""What the joint gradient adds: how the gradient that reaches θ depends on the head that it comes through.

Along joint training, at the steps AT, on all labeled training images and without dropout: the gradient in the feature
extractor through the trained head, against the one through a head drawn anew (the mean over DRAWS of them), through
the head as it began, and, to see how alike two gradients can be, through the trained head on other labeled images.
Then what it is worth: the accuracy that is reached where the head, or the feature extractor, stays as it was drawn.
"""

import copy
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from evidence import grid
from evidence.record import Comparisons, Part
from jointopt import Update, plans, tasks
from jointopt.compare import Budget
from jointopt.data import Images
from jointopt.optimizers import make_optimizer
from jointopt.tasks.classification import choose, train_and_held_out
from jointopt.training import train

LABELS, STEPS = 200, 1000
AT = (0, 10, 30, 100, 300, 1000)  # steps taken before the gradients are compared
DRAWS = 5
SLICE = ("accuracy", ["feature extractor frozen"], [10])
ARMS = {
    "joint": (partial(plans.joint, losses="task"), {}),
    "head frozen": (partial(plans.alternating, Update("feature_extractor", "task")), {}),
    "feature extractor frozen": (partial(plans.alternating, Update("classifier", "task")), {}),
}
Head = nn.Module


def gradient(features: nn.Module, head: Head, images: Images) -> Tensor:
    """∂L_task/∂θ through this head, all weights in a row, (n,). No dropout; channels standardized by the images."""
    head = copy.deepcopy(head).train()
    for layer in head.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    loss = nn.functional.cross_entropy(head(features(images.images)), images.labels)
    return torch.cat([g.ravel() for g in torch.autograd.grad(loss, list(features.parameters()))])


def new_heads(first: Head, seed: int) -> list[Head]:
    """DRAWS heads that nobody trained."""
    heads = [copy.deepcopy(first) for _ in range(DRAWS)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1000)
        for head in heads:
            for layer in head.modules():
                if isinstance(layer, nn.Linear):
                    layer.reset_parameters()
    return heads


def halves(seed: int) -> tuple[Images, Images]:
    """The labeled training images of the task with this seed, and as many others."""
    both = choose(train_and_held_out("cluttered", "test")[0], 2 * LABELS, seed)
    half = len(both) // 2
    return both.part(slice(half)), both.part(slice(half, None))


def along(seed: int) -> dict[str, float]:
    """Train jointly; at each of AT, each kind of gradient against that through the trained head.

    Cosine, and ratio of the 2-norms, its own over the trained head's: "other images: cosine, step 10".
    """
    task = tasks.load("pretext", seed=seed, labels=LABELS)
    features, trained = task.model.feature_extractor, task.model.classifier
    images, others = halves(seed)
    first, metrics = copy.deepcopy(trained), {}
    kinds = {
        "new random head": [(head, images) for head in new_heads(first, seed)],
        "head as it began": [(first, images)],
        "other images": [(trained, others)],  # as many, none of which is trained on
    }

    def look(step: int) -> None:
        through_trained = gradient(features, trained, images)
        for kind, pairs in kinds.items():
            gradients = [gradient(features, head, seen) for head, seen in pairs]
            cosines = [torch.cosine_similarity(g, through_trained, dim=0) for g in gradients]
            ratios = [g.norm() / through_trained.norm() for g in gradients]
            metrics[f"{kind}: cosine, step {step}"] = float(torch.stack(cosines).mean())
            metrics[f"{kind}: ratio of norms, step {step}"] = float(torch.stack(ratios).mean())

    look(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step in train(task, plans.joint(STEPS, losses="task"), optimizer=make_optimizer(task.model)):
            if step.number + 1 in AT:
                look(step.number + 1)
    return metrics


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The gradients; then the grid of learning rates and the accuracy."""
    make, budget = partial(tasks.load, "pretext", labels=LABELS), Budget(steps=STEPS)
    yield "gradients", Part(make, {"joint": along}, budget)
    yield "grid", grid.search(make, ARMS, budget)
    yield "accuracy", Part(make, grid.best(comparisons["grid"], ARMS), budget)
