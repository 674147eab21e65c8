"""Chapter 2, the training flow: what reaches each module, what a step costs, and what holds a module still."""

import copy
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, tensor, updates
from jointopt.exercises.registry import exercise, prediction

prediction(
    "2.1",
    "The message that the feature extractor gets is a product of the classifier's weights and the loss's slope.",
    choices=("vanishes", "shrinks", "stays"),
)
prediction(
    "2.2",
    "A step is a forward and a backward pass. Which of the two becomes shorter, and how often is each weight used?",
    unit="%",
    close=7,
)
prediction(
    "2.3",
    "Adam moves a weight along a mean of its gradients. What is that mean after one zero?",
    choices=("moves", "stays"),
)
prediction(
    "2.4",
    "Random features are still features: the classifier above them is trained.",
    choices=("under 5", "5 to 30", "over 30"),
)


def _model(*layers: nn.Module) -> nn.Module:
    """A feature extractor of these layers, that gives eight numbers, and a classifier of three classes."""
    classifier = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))
    return nn.Sequential(OrderedDict(feature_extractor=nn.Sequential(*layers), classifier=classifier))


def _batches(count: int) -> list[tuple[Tensor, Tensor]]:
    return [(torch.randn(16, 6) + 1, torch.randint(3, (16,))) for _ in range(count)]


def _weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()]).clone()


@exercise(
    "2.5",
    "One image is a batch of one: images[n : n + 1].",
    "A norm first and then the mean, or the mean first and then a norm: the two numbers are these two.",
    "torch.autograd.grad(loss, weight) returns the gradient and leaves nothing behind in .grad.",
)
def two_norms(answer):
    """The mean norm of the images' own gradients, and the norm of the gradient of their mean loss."""
    measure = function(answer, "model", "weight", "images", "labels")
    model = _model(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten()).eval()
    weight = model.feature_extractor[0].weight
    for size in (6, 12):
        images, labels = torch.rand(size, 3, 8, 8), torch.randint(3, (size,))
        pair = given(measure(model, weight, images, labels))
        try:
            single, whole = (number(each) for each in pair)
        except (TypeError, ValueError):
            raise Wrong("the function returns a pair of numbers.") from None
        losses = F.cross_entropy(model(images), labels, reduction="none")
        own = torch.stack([torch.autograd.grad(loss, weight, retain_graph=True)[0].flatten() for loss in losses])
        of_one, of_mean = own.norm(dim=1).mean().item(), own.mean(dim=0).norm().item()
        where = f"for {size} images yours are {single:.3g} and {whole:.3g}"
        if _near(single, of_mean) and _near(whole, of_one):
            raise Wrong(f"{where}: the two are right, in the other order.")
        if _near(single, own.cumsum(dim=0).norm(dim=1).mean().item()):
            raise Wrong(f"{where}: the first grows from image to image. What is in .grad when the next one comes?")
        if not _near(single, of_one):
            raise Wrong(f"{where}: the first is not the mean of the norms of the images' own gradients.")
        if _near(whole, of_mean * size):
            raise Wrong(f"{where}: the second is the norm of a sum; the loss of a batch is a mean.")
        if not _near(whole, of_mean):
            raise Wrong(f"{where}: the second is not the norm of the mean loss's gradient. Was .grad empty before?")
    return "The less the images agree, the smaller the second is against the first."


def _near(got: float, wanted: float) -> bool:
    return abs(got - wanted) < 2e-3 * wanted


WORK = {"conv1": 677_376, "conv2": 3_612_672, "fc1": 401_408, "fc2": 1_280}


def _share(moving: list[str]) -> float:
    names, total = list(WORK), sum(WORK.values())
    lowest = min(map(names.index, moving))
    backward = sum(WORK[name] for name in moving) + sum(WORK[name] for name in names[lowest + 1 :])
    return (total + backward) / (3 * total - WORK["conv1"])


@exercise(
    "2.6",
    "Three kinds of work: the forward pass, the gradient in the weights of a layer, the gradient in its inputs.",
    "The gradient in a layer's inputs is needed if a layer below it moves, whether or not the layer itself does.",
)
def cost_of_a_step(answer):
    """The multiplications of a step in which only these layers move, as a share of those of a joint step."""
    cost = function(answer, "moving")
    cases = (["conv1", "conv2", "fc1", "fc2"], ["fc1", "fc2"], ["conv1", "conv2"], ["conv2", "fc1", "fc2"])
    for moving in (*cases, ["conv1"], ["fc2"], ["conv1", "fc2"], ["fc2", "conv2"]):
        got, wanted = number(cost(list(moving))), _share(moving)
        where = f"where {' and '.join(moving)} move{'s' * (len(moving) == 1)}, yours is {got:.3g}"
        if got > 10:
            raise Wrong(f"{where}: a share of a joint step is asked for, so that all four layers give 1.")
        if got < wanted - 0.005:
            raise Wrong(
                f"{where}, which is too little. Is the forward pass in it? What does the gradient pass on its way?"
            )
        if got > wanted + 0.005:
            raise Wrong(f"{where}, which is too much. Is a gradient counted that no moving layer needs?")
    return "By this count, with only conv1 held still, a step costs 0.68 of a joint one; we measured 0.56."


@exercise(
    "2.7",
    "How many cheap steps does budget − start pay for?",
    "An Update names what moves: Update('classifier').",
)
def plan_within_a_budget(answer):
    """`start` joint steps at cost 1, then the classifier alone at `cost`, as long as the budget lasts."""
    plan = function(answer, "start", "budget", "cost")
    for start, budget, cost in ((20, 100, 0.38), (1, 10, 0.38), (5, 8, 0.97), (3, 7, 0.5)):
        cheap = int((budget - start) / cost + 1e-6)
        where, most = f"plan({start}, {budget}, {cost})", start + cheap + budget + 50
        stream = given(plan(start, budget, cost))
        try:
            taken = updates(stream, most)
        except Wrong as wrong:
            raise Wrong(f"{where}: {wrong}") from None
        for step, update in enumerate(taken):
            moves = sorted(update.modules or ("classifier", "feature_extractor"))
            if moves != ["classifier", "feature_extractor"][: 2 if step < start else 1]:
                raise Wrong(f"in {where} step {step} moves {' and '.join(moves)}; steps count from 0.")
            if update.losses is not None:
                raise Wrong("all losses have to be counted at every step: name none.")
        spent = min(len(taken), start) + max(len(taken) - start, 0) * cost
        if len(taken) > start + cheap:
            raise Wrong(f"{where} takes {len(taken)} steps and spends {spent:.2f}, more than its budget.")
        if len(taken) < start + cheap:
            raise Wrong(f"{where} takes {len(taken)} steps and spends {spent:.2f}: the budget pays for more.")
    return "20 joint steps and 210 cheap ones cost no more than 100 joint ones."


@exercise(
    "2.8",
    "One mean for each of the maps: over all images and all positions.",
    "A map may be 0 everywhere. What is added to the variance in BatchNorm, and why?",
)
def standardized_maps(answer):
    """A function that gives each map of (B, C, H, W) mean 0 and variance 1."""
    standardize = function(answer, "features")
    light = torch.rand(32, 1, 1, 1) * 2  # some images are bright
    maps = (torch.randn(32, 6, 7, 7).relu() + light) * torch.linspace(0.5, 4, 6).view(6, 1, 1)
    dead = maps * torch.tensor([1.0, 1, 0, 1, 1, 1]).view(6, 1, 1)
    for where, features in (("", maps), ("", maps[:20, :3, :5, :4]), ("where a map is 0 everywhere, ", dead)):
        features = features.clone().requires_grad_()
        result = given(standardize(features))
        try:
            got = tensor(result, *features.shape)
        except Wrong as wrong:
            raise Wrong(f"{where}{wrong}") from None
        if not result.requires_grad:
            raise Wrong("no gradient passes through it, so that nothing below it could learn.")
        wanted = F.batch_norm(features.detach(), None, None, training=True)
        for name, of in (("mean", torch.mean), ("variance", torch.var)):
            values, aims = of(got, dim=(0, 2, 3)), of(wanted, dim=(0, 2, 3))
            worst = int((values - aims).abs().argmax())
            if abs(values[worst] - aims[worst]) > 0.05:
                raise Wrong(
                    f"{where}map {worst} comes out with {name} {values[worst]:.2f}, not {aims[worst].abs():.0f}."
                )
        if (got - wanted).abs().max() > 0.1:
            raise Wrong("each map has mean 0 and variance 1, but a bright image is no brighter than a dark one now.")
    return "That is all that the layer between the modules does to its input in train mode."


@exercise(
    "2.9",
    "What must be computed so that a gradient can pass through the classifier?",
    "Frozen means: no gradient for its own parameters. That is said to the parameters, not to the computation.",
)
def losses_of_a_frozen_head(answer):
    """Two losses; the classifier keeps no gradient, the feature extractor gets that of both losses."""
    losses = function(answer, "model", "batch")
    model = _model(nn.Linear(6, 8), nn.Tanh()).eval()
    parts = list(model.feature_extractor.parameters())
    for images, labels in _batches(2):
        model.requires_grad_(True).zero_grad()
        features = model.feature_extractor(images)
        task, size = F.cross_entropy(model.classifier(features), labels), 1e-3 * features.square().mean()
        of_task, of_size = (
            torch.cat([g.flatten() for g in torch.autograd.grad(loss, parts, retain_graph=True)])
            for loss in (task, size)
        )
        found = given(losses(model, (images, labels)))
        if not isinstance(found, dict) or set(found) != {"task", "size"}:
            got = f"has {', '.join(map(repr, found))}" if isinstance(found, dict) else f"is {kind(found)}"
            raise Wrong(f"the losses are a dict with 'task' and 'size'; yours {got}.")
        for name, wanted in (("task", task), ("size", size)):
            if not _near(got := tensor(found[name]).item(), wanted.item()):
                raise Wrong(f"{name!r} is {got:.3g}; for this batch it was {wanted.item():.3g}.")
        sum(found.values()).backward()
        got = torch.cat([torch.zeros(p.numel()) if p.grad is None else p.grad.flatten() for p in parts])
        head = any(p.grad is not None for p in model.classifier.parameters())
        reaches, wanted = (got - of_size).norm(), of_task.norm()
        if reaches < 1e-3 * wanted and not head:
            raise Blank("of the task's gradient nothing reaches the feature extractor, and no error says so.")
        if head:
            also = "" if reaches > 1e-3 * wanted else ", and the task's still does not reach the feature extractor"
            raise Wrong(f"now the classifier gets a gradient: it is not frozen{also}.")
        if (got - of_task - of_size).norm() > 1e-3 * wanted:
            raise Wrong("the feature extractor gets another gradient than the two losses have together.")
    return "The feature extractor gets the task's gradient again, and the classifier keeps none."


@exercise(
    "2.10",
    "Print model.feature_extractor.training within the inner loop.",
    "model.train() reaches every module inside it. What has to be said after it, each time?",
)
def head_over_batchnorm(answer):
    """A loop that trains the classifier alone, over a feature extractor with BatchNorm, for some epochs."""
    train_head = function(answer, "model", "optimizer", "batches", "epochs")
    model = _model(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU()).eval()
    theta, phi, batches = model.feature_extractor, model.classifier, _batches(5)
    before, pristine = (_weights(theta), _weights(phi)), copy.deepcopy(theta)
    mean, off, modes = theta[1].running_mean.clone(), [], []
    theta.register_forward_hook(lambda _, given, out: off.append((out - pristine(given[0])).abs().max().item()))
    phi[2].register_forward_pre_hook(lambda layer, _: modes.append(layer.training))
    train_head(model, torch.optim.SGD(model.parameters(), lr=0.1), list(batches), 2)
    if torch.equal(_weights(phi), before[1]):
        raise Wrong("the classifier has not moved: it is to be trained.")
    if len(modes) != 10:
        raise Wrong(f"2 epochs of 5 batches are 10 forward passes; the classifier has seen {len(modes)}.")
    if not torch.equal(_weights(theta), before[0]):
        raise Wrong("the weights of the feature extractor have moved: they are to be frozen.")
    moved = (theta[1].running_mean - mean).abs().max().item()
    if moved > 1e-6:
        raise Blank(f"after 10 steps no weight below the classifier has moved, but a running mean has, by {moved:.2f}.")
    if max(off, default=0.0) > 1e-4:
        raise Wrong("the running mean stands still now, but the features of an image still depend on its batch.")
    if not all(modes):
        raise Wrong("the features stand still now, but the classifier is in eval mode: its dropout is off.")
    return "Neither weights nor features move, and the classifier's dropout is on."


@exercise(
    "2.11",
    "What is in the feature extractor's .grad at the moment at which it is frozen?",
    "Frozen at batch 6: two of four batches have left gradients there. Whose may go, whose have to stay?",
    "None is no gradient. Zero is one: momentum moves on.",
)
def frozen_between_two_steps(answer):
    """Four batches a step; from batch `freeze_at` on the feature extractor stands still, the classifier goes on."""
    loop = function(answer, "model", "optimizer", "batches", "freeze_at")
    for freeze_at, count in ((6, 16), (5, 12), (8, 16)):
        model, batches = _model(nn.Linear(6, 8), nn.Tanh()).eval(), _batches(count)
        right, buggy = copy.deepcopy(model), copy.deepcopy(model)
        loop(model, _momentum(model), list(batches), freeze_at)
        _four_a_step(right, batches, freeze_at, clear=True)
        _four_a_step(buggy, batches, freeze_at, clear=False)
        wanted = _weights(right.feature_extractor)
        moved = (_weights(model.feature_extractor) - wanted).norm().item()
        as_given = (_weights(buggy.feature_extractor) - wanted).norm().item()
        where = f"frozen at batch {freeze_at}, the feature extractor"
        if moved > 1e-4 and abs(moved - as_given) < 1e-2 * as_given:
            raise Blank(f"{where} has moved once more after that, by {moved:.2f}.")
        if moved > 1e-4:
            raise Wrong(f"{where} is {moved:.3f} away from the weights that its last step before that gave it.")
        if (_weights(model.classifier) - _weights(right.classifier)).norm() > 1e-3:
            raise Wrong(
                f"{where} stands still, but the classifier ends elsewhere than with one step on every four batches."
                " Has it lost a gradient?"
            )
    return "The feature extractor stands still, and the classifier has lost nothing."


def _momentum(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)


def _four_a_step(model: nn.Module, batches: list, freeze_at: int, clear: bool) -> None:
    optimizer = _momentum(model)
    for count, (images, labels) in enumerate(batches):
        if count == freeze_at:
            model.feature_extractor.requires_grad_(False)
            for p in model.feature_extractor.parameters() if clear else ():
                p.grad = None
        (F.cross_entropy(model(images), labels) / 4).backward()
        if count % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
