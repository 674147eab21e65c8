"""Chapter 5, classification: what a head sees, an arm that is fair, calibration, and features that only look frozen."""

from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, tensor, updates
from jointopt.exercises.registry import exercise, prediction
from jointopt.metrics import calibration_error
from jointopt.models import head, shipped
from jointopt.training import Task, train

prediction(
    "5.1",
    "Fifty labels per class are few, but 300 steps move every weight. How much of a start is left by then?",
    unit="points",
    close=2,
)
prediction(
    "5.2",
    "A head can only use what the features give it. What do random features give, if nothing improves them?",
    choices=("moving", "frozen", "alike"),
)
prediction(
    "5.3",
    "By then it has seen each of its 500 training images some twenty times. How sure is it of those?",
    choices=("more", "less", "equal"),
)


@exercise(
    "5.4",
    "The head takes the mean over the last two dimensions. What can you do to 16 numbers that keeps their mean?",
    "Move them: a mirror image, a quarter turn, another order of the positions.",
)
def other_features(answer):
    """A function of features (B, 64, 4, 4) that returns others with the same scores by the ResNet's head."""
    other, pooled = function(answer, "features"), head(10).eval()
    for size in (8, 3):
        features = torch.randn(size, 64, 4, 4).relu()
        changed = tensor(other(features.clone()), size, 64, 4, 4).float()
        with torch.no_grad():
            moved = (pooled(changed) - pooled(features)).abs().max().item()
        if moved > 1e-3:
            raise Wrong(f"the scores moved by up to {moved:.2g}: the mean of some channel is another one now.")
        difference = (changed - features).abs().mean().item()
        if difference < 0.05:
            raise Wrong(f"these are the same features, or nearly: they differ by {difference:.2g} on average.")
    return f"The features differ by {difference:.2f} on average, and the head's scores do not differ."


@exercise(
    "5.5",
    "tasks.load() takes data, network, weights, labels, size, seed and held_out: cells above call it.",
    "The same seed draws the same labels, batches and head. Images that choose a setting are validation images.",
)
def fair_arm(answer):
    """A function of (weights, labels, seed) that makes a task. Of one seed, only the features' first weights differ."""
    from jointopt.tasks.classification import train_and_held_out

    arm, ours, first = function(answer, "weights", "labels", "seed"), shipped.load("vgg"), {}
    for labels, seed in ((3, 0), (10, 0), (3, 1)):
        called, most = f"with labels={labels}, seed={seed}", min(32, 10 * labels)
        pretrained, random = pair = [_task(arm(weights, labels, seed)) for weights in ("clothes", None)]
        for task, wanted in ((pretrained, True), (random, False)):
            state = task.model.feature_extractor.state_dict()
            if {name: p.shape for name, p in state.items()} != {name: p.shape for name, p in ours.items()}:
                raise Wrong("the network is not the small VGG.")
            if all(torch.equal(state[name], p) for name, p in ours.items()) != wanted:
                raise Wrong("weights='clothes' asks for the features that learned clothes, and None for random ones.")
            if len(task.batches(0)[0]) != most:
                raise Wrong(f"{called} a batch has {len(task.batches(0)[0])} images, not {most}.")
            if not callable(task.evaluate):
                raise Wrong("no learning rate can be chosen by a task that evaluates nothing.")
            task.evaluate(seen := _Seen())
            if torch.equal(seen.all(), train_and_held_out("cluttered", "test")[1].images):
                raise Wrong("it evaluates on test images, and what chooses a learning rate is no test any more.")
            if not torch.equal(seen.all(), train_and_held_out("cluttered", "validation")[1].images):
                raise Wrong("it evaluates on other images than the validation images of 'cluttered'.")
        images = [torch.cat([task.batches(n)[0] for n in range(3)]) for task in pair]
        if not torch.equal(*images):
            raise Wrong(f"{called} the two arms see other images, so the features are not all that differs.")
        heads = [torch.cat([p.detach().flatten() for p in task.model.classifier.parameters()]) for task in pair]
        if not torch.equal(*heads):
            raise Wrong(f"{called} the heads begin with other weights, so the features are not all that differs.")
        first[labels, seed] = images[0]
    if torch.equal(first[3, 0], first[3, 1]):
        raise Wrong("seeds 0 and 1 draw the same labeled images: the seed has to reach the task.")
    return "If two such arms end differently, the first weights of their features did it."


def _task(answer: object) -> Task:
    if not isinstance(given(answer), Task):
        raise Wrong(f"the function returns a task; yours returns {kind(answer)}.")
    return answer


class _Seen(nn.Module):
    """A model that keeps the images that it is asked about."""

    def __init__(self):
        super().__init__()
        self.weight, self.images = nn.Parameter(torch.zeros(())), []

    def forward(self, images: Tensor) -> Tensor:
        self.images.append(images.clone())
        return torch.zeros(len(images), 10)

    def all(self) -> Tensor:
        return torch.cat([torch.empty(0, 3, 28, 28), *self.images])


@exercise(
    "5.6",
    "Update(names) moves what is named. A dotted name reaches into a module.",
    "'feature_extractor.layer3' and 'classifier' move, at every step.",
)
def upper_part(answer):
    """A function of steps that returns a plan by which layer3 and the classifier of the ResNet move."""
    from jointopt.models.classifiers import build
    from jointopt.objective import l2

    plan, wanted = function(answer, "steps"), {"feature_extractor.layer3", "classifier"}
    images, labels = torch.rand(8, 3, 28, 28), torch.arange(8)
    for steps in (4, 1):
        taken = updates(plan(steps), steps)
        if len(taken) != steps:
            raise Wrong(f"your plan of {steps} updates ends after {len(taken)}.")
        for update in dict.fromkeys(taken):
            if not update.counts("task"):
                raise Wrong("the task has to be counted at every step.")
            model = build("resnet")
            before = {name: value.clone() for name, value in model.state_dict().items()}
            task = Task(model, lambda m, _: {"task": F.cross_entropy(m(images), labels), "reg": l2(m)}, lambda n: n)
            list(train(task, [update]))
            changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
            moved = {".".join(name.split(".")[: 2 if name.startswith("feature") else 1]) for name in changed}
            if moved - wanted:
                raise Wrong(f"{', '.join(sorted(moved - wanted))} moved: weights, or running statistics.")
            if wanted - moved:
                raise Wrong(f"there is a step at which {' and '.join(sorted(wanted - moved))} did not move.")
    return "Below layer3, weights and running statistics stand still."


@exercise(
    "5.7",
    "What does cross_entropy do to its first argument before it looks at the labels?",
    "It takes their softmax, so it wants scores. The confidence wants probabilities.",
)
def loss_of_scores(answer):
    """A function of (model, images, labels) that returns the cross-entropy of the scores and the mean confidence."""
    both, drawn = function(answer, "model", "images", "labels"), 3 * torch.randn(10, 10)
    for start in (20 * torch.eye(10), drawn, 300 * drawn):
        model, labels = nn.Linear(10, 10, bias=False), torch.arange(10)
        model.weight.data = start.T.clone()  # its scores of the 10 unit vectors
        pair = given(both(model, torch.eye(10), labels))
        try:
            loss, confidence = pair
        except (TypeError, ValueError):
            raise Wrong("the function returns a pair: (loss, confidence).") from None
        if isinstance(loss, Tensor) and not loss.isfinite().all():
            raise Wrong(
                "for scores of some hundreds the loss is not finite: a probability was rounded to 0 on the way."
            )
        scores, got, sure = start, number(loss), number(confidence)
        wanted, twice = (F.cross_entropy(x, labels).item() for x in (scores, scores.softmax(1)))
        if abs(got - twice) < 1e-3 < abs(got - wanted):
            raise Blank(f"of scores that are right and sure, 20 for the label and 0 elsewhere, the loss is {got:.2f}.")
        if got < 0:
            raise Wrong(f"the loss is {got:.2f}, and a cross-entropy is never below 0: where is the logarithm?")
        if abs(got - wanted) > 1e-3 * max(1, wanted):
            raise Wrong(f"the loss is {got:.2f}; the mean cross-entropy of these scores is {wanted:.2f}.")
        if abs(sure - (wanted := scores.softmax(1).amax(1).mean().item())) > 1e-3:
            raise Wrong(f"the confidence is {sure:.2f}; the mean of the largest probabilities is {wanted:.2f}.")
        if not (isinstance(loss, Tensor) and loss.requires_grad):
            raise Wrong("backward() finds no gradient in the loss: it is detached, or a plain number.")
    return "Sure and right, the loss is 0 now; with a softmax too many it could not fall below 1.46."


def _says(sharp: float, count: int = 1000) -> tuple[Tensor, Tensor]:
    """Probabilities (count, 10) of a network whose scores are `sharp` times what they should be, and the labels."""
    scores = 2 * torch.randn(count, 10)
    return (sharp * scores).softmax(1), scores.softmax(1).multinomial(1).ravel()


@exercise(
    "5.8",
    "Sort the images by their largest probability into bins: (10 * confidence).long(), and 1.0 is in the last one.",
    "For each bin with images in it: its share of all, times the distance of accuracy from mean confidence.",
)
def calibration(answer):
    """A function of (p, labels) that returns the expected calibration error in percent, in ten bins."""
    error = function(answer, "p", "labels")
    mixed = [torch.cat(parts) for parts in zip(_says(1.0, 700), _says(6.0, 150), _says(0.2, 150), strict=True)]
    certain = torch.eye(10).repeat(5, 1), torch.cat([torch.arange(10)] * 4 + [torch.zeros(10).long()])
    for what, (p, labels) in {"1,000 images": mixed, "30 images": _says(3.0, 30), "certain": certain}.items():
        got, wanted = number(error(p.clone(), labels.clone())), calibration_error(p, labels)
        confidence, right = p.max(1).values, (p.argmax(1) == labels).float()
        of = "50 images, each with confidence 1.0" if what == "certain" else what
        if abs(got - wanted) < 0.01:
            continue
        if abs(100 * got - wanted) < 0.01:
            raise Wrong(f"{got:.4f} is a share; percent is asked for.")
        if abs(abs(got) - 100 * (confidence.mean() - right.mean()).abs().item()) < 0.01:
            raise Wrong(
                f"for {of}, yours is {got:.1f}: bins that are too sure and bins that are not sure enough cancel."
            )
        raise Wrong(
            f"for {of}, yours is {got:.1f} %; the mean distance, each bin weighted by its share, is {wanted:.1f}."
        )
    return "The package's metrics.calibration_error finds the same."


@exercise(
    "5.9",
    "No scores are given. By what do they differ from p.log(), in each row, and does a softmax see that?",
    "Try many T, say from 0.1 to 10, and keep the one with the smallest F.cross_entropy(p.log() / T, labels).",
)
def temperature(answer):
    """A function of (p, labels) that returns the T at which the scores divided by T have the least cross-entropy."""
    find, tries = function(answer, "p", "labels"), torch.logspace(-1, 1, 161)
    for sharp in (1.8, 0.5, 1.0):
        p, labels = _says(sharp)
        best = tries[torch.stack([F.cross_entropy(p.log() / t, labels) for t in tries]).argmin()].item()
        got = number(find(p.clone(), labels.clone()))
        if got <= 0:
            raise Wrong(f"yours is {got:.2f}; a T below 0 would make the largest score the smallest.")
        if abs(log(got / best)) > 0.08:
            turned = " Are scores multiplied by it?" if abs(log(got * best)) < 0.08 else ""
            raise Wrong(f"where the cross-entropy is lowest at T = {best:.2f} yours is {got:.2f}.{turned}")
    return "Below 1 for a network that is not sure enough, above 1 for one that is too sure."


@exercise(
    "5.10",
    "Print theta.training at each step.",
    "model.train() reaches every layer inside it. The last call decides.",
)
def frozen_for_good(answer):
    """A function of (model, epochs) that trains the head on features that stand still, running statistics included."""
    fit = function(answer, "model", "epochs")
    theta = nn.Sequential(nn.Conv2d(3, 4, 3), norm := nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    phi = nn.Sequential(drop := nn.Dropout(0.5), nn.Linear(4 * 36, 10))
    epochs = [[(1 + torch.randn(8, 3, 8, 8), torch.arange(8)) for _ in range(10)] for _ in range(2)]
    before = [{name: v.clone() for name, v in module.state_dict().items()} for module in (theta, phi)]
    modes = {norm: [], drop: []}
    for layer, seen in modes.items():
        layer.register_forward_pre_hook(lambda layer, _, seen=seen: seen.append(layer.training))
    fit(nn.ModuleDict({"feature_extractor": theta, "classifier": phi}), epochs)
    if any(not torch.equal(p, before[0][name]) for name, p in theta.named_parameters()):
        raise Wrong("weights of the feature extractor moved.")
    if all(torch.equal(p, before[1][name]) for name, p in phi.named_parameters()):
        raise Wrong("the head's weights did not move: nothing was trained.")
    if (moved := (norm.running_mean - before[0]["1.running_mean"]).abs().max().item()) > 0:
        raise Blank(f"after 20 batches a running mean of the frozen BatchNorm has moved by {moved:.2f}.")
    if any(modes[norm]):
        raise Wrong("the running statistics are as they were, but BatchNorm normalized by the batch while you trained.")
    if not all(modes[drop]):
        raise Wrong("the head's dropout was off at some steps: the head is to train in train mode.")
    return "The features stand still, and the head trains as a head does."
