"""What the joint gradient adds: how the gradient that reaches θ depends on the head that it comes through.

Along joint training, at the steps AT, on all labeled training images and without dropout: the gradient in the feature
extractor through the trained head, against the one through a head drawn anew (the mean over DRAWS of them), through
the head as it began, and, to see how alike two gradients can be, through the trained head on other labeled images.
Then what it is worth: the accuracy that is reached where the head, or the feature extractor, stays as it was drawn.
"""

import copy
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from evidence import grid
from evidence.record import Part
from jointopt import Task, Update, plans, tasks
from jointopt.budget import Budget
from jointopt.compare import Comparison
from jointopt.tasks import pretext
from jointopt.training import make_optimizer, train

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
Gradients = Callable[[Task, Head, pretext.Images, int], list[Tensor]]  # those to compare with the trained head's


def gradient(features: nn.Module, head: nn.Module, images: pretext.Images) -> Tensor:
    """∂L_task/∂θ through this head, all weights in a row, (n,). No dropout; channels standardized by the images."""
    head = copy.deepcopy(head).train()
    for layer in head.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    loss = nn.functional.cross_entropy(head(features(images.images)), images.labels)
    return torch.cat([g.ravel() for g in torch.autograd.grad(loss, list(features.parameters()))])


def new_heads(task: Task, first: Head, images: pretext.Images, seed: int) -> list[Tensor]:
    """Through DRAWS heads that nobody trained."""
    found = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1000)
        for _ in range(DRAWS):
            head = copy.deepcopy(first)
            for layer in head.modules():
                if isinstance(layer, nn.Linear):
                    layer.reset_parameters()
            found.append(gradient(task.model.feature_extractor, head, images))
    return found


def first_head(task: Task, first: Head, images: pretext.Images, seed: int) -> list[Tensor]:
    """Through the head as it began."""
    return [gradient(task.model.feature_extractor, first, images)]


def other_images(task: Task, first: Head, images: pretext.Images, seed: int) -> list[Tensor]:
    """Through the trained head, on as many other images, none of which is trained on."""
    return [gradient(task.model.feature_extractor, task.model.classifier, halves(seed)[1])]


def halves(seed: int) -> tuple[pretext.Images, pretext.Images]:
    """The labeled training images of the task with this seed, and as many others."""
    both = pretext.choose(pretext.split("cluttered", "test")[0], 2 * LABELS, seed)
    half = len(both) // 2
    return pretext.part(both, slice(half)), pretext.part(both, slice(half, None))


def along(others: Gradients, seed: int) -> dict[str, float]:
    """Train jointly; cosine and ratio of 2-norms, others' over the trained head's, at each of AT."""
    task = tasks.load("pretext", seed=seed, labels=LABELS)
    images, _ = halves(seed)
    first, found = copy.deepcopy(task.model.classifier), {}

    def look(step: int) -> None:
        through_trained = gradient(task.model.feature_extractor, task.model.classifier, images)
        compared = others(task, first, images, seed)
        cosines = [torch.cosine_similarity(g, through_trained, dim=0) for g in compared]
        ratios = [g.norm() / through_trained.norm() for g in compared]
        found[f"cosine, step {step}"] = float(torch.stack(cosines).mean())
        found[f"ratio of norms, step {step}"] = float(torch.stack(ratios).mean())

    look(0)
    torch.manual_seed(seed)
    for step in train(task, plans.joint(STEPS, losses="task"), optimizer=make_optimizer(task.model)):
        if step.number + 1 in AT:
            look(step.number + 1)
    return found


def parts(found: dict[str, Comparison]) -> Iterator[tuple[str, Part]]:
    """The gradients; then the grid of learning rates and the accuracy."""
    heads = {"new random head": new_heads, "head as it began": first_head, "other images": other_images}
    make, budget = partial(tasks.load, "pretext", labels=LABELS), Budget(steps=STEPS)
    yield "gradients", Part(make, {name: partial(along, others) for name, others in heads.items()}, budget)
    yield "grid", grid.search(make, ARMS, budget)
    yield "accuracy", Part(make, grid.best(found["grid"], ARMS), budget)
