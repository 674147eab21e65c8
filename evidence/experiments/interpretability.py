"""Do attribution maps point at the digit, and do they depend on what was learned? Digits over clutter (chapter 10).

The exact masks are known: a digit is laid over a photograph. Three plans of the document's network, 100 steps. Linear
CKA says how alike the features of two networks are: each is compared with a joint network of another seed.
"""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice

import numpy as np
import torch
from captum.attr import GuidedBackprop, IntegratedGradients, LayerAttribution, LayerGradCam, Saliency
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn import functional as F

from evidence import claims
from evidence.record import Comparisons, Part, verdict
from jointopt import Task, Update, data, plans, tasks, train
from jointopt.compare import Arm, Budget, Interval
from jointopt.data import digits
from jointopt.modules import eval_mode

STEPS, SEEDS, IMAGES = 100, range(10, 15), 60
BUDGET = Budget(steps=STEPS)
HOT = 78  # pixels of 784: the hottest 10 %
CUTS = 14  # steps of deletion and insertion
OTHER = 100  # added to the seed: the network that features are compared with
CASCADE = ("classifier.fc2", "classifier.fc1", "feature_extractor.conv2", "feature_extractor.conv1")
THETA, PHI = Update("feature_extractor"), Update("classifier")
ARMS = {
    "joint": Arm(plans.joint),
    "staged": Arm(partial(plans.staged, (THETA, STEPS // 2), (PHI, STEPS // 2))),
    "frozen": Arm(partial(plans.alternating, PHI)),
}
SLICE = ("maps", ["frozen"], [10])
MAPS = ("saliency", "integrated gradients", "Grad-CAM")
GUIDED, RANDOM = "guided backpropagation", "random"
MATTERS = 10.0  # points of rank correlation
CLAIM = "the hottest pixels lie on the digit more often than chance has it"
Attribute = Callable[[Tensor, Tensor], Tensor]  # images (N, 3, 28, 28), labels (N,) -> maps (N, 28, 28)


def make(seed: int) -> Task:
    """The task `classification` over clutter, with an `evaluate` that looks at maps."""
    task = tasks.load("classification", seed=seed, data="cluttered")
    return replace(task, evaluate=lambda model: task.evaluate(model) | maps_of(model))


def methods(model: nn.Module) -> dict[str, Attribute]:
    """Each gives the score of a class as maps over the images; the model is in eval mode."""
    last = model.feature_extractor.conv2
    cam = LayerGradCam(model, last)
    return {
        "saliency": lambda x, y: Saliency(model).attribute(x, target=y).amax(1),
        "integrated gradients": lambda x, y: (
            IntegratedGradients(model)
            .attribute(x, baselines=torch.full_like(x, 0.5), target=y, n_steps=16, internal_batch_size=IMAGES)
            .sum(1)
            .abs()
        ),
        "Grad-CAM": lambda x, y: LayerAttribution.interpolate(
            cam.attribute(x, target=y, relu_attributions=True), (28, 28), "bilinear"
        )[:, 0],
        GUIDED: lambda x, y: GuidedBackprop(model).attribute(x, target=y).abs().amax(1),
    }


def maps_of(model: nn.Module) -> dict[str, float]:
    """Scores of the maps, in percent: hot pixels on ink, areas under deletion and insertion, correlations after random.

    "saliency, conv2 and above": the rank correlation of a map with that of the same network when the weights from the
    last layer down to conv2 have been drawn anew (Adebayo et al. 2018); 0 for a map that has one value everywhere.
    """
    images, labels, ink = held()
    found = {"ink (%)": 100 * float(ink.double().mean())}
    with eval_mode(model), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting backward hooks on ReLU")  # captum takes them off again
        maps = {name: attribute(images, labels).detach() for name, attribute in methods(model).items()}
        noise = torch.rand(ink.shape, generator=torch.Generator().manual_seed(0))
        for name, heat in [*((name, maps[name]) for name in MAPS), (RANDOM, noise)]:
            found[f"{name}, on ink (%)"] = on_ink(heat, ink)
            for kind, keep in (("deletion", False), ("insertion", True)):
                found[f"{name}, {kind} (%)"] = 100 * curve(model, images, labels, heat, keep)
        drawn = copy.deepcopy(model)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            for layer in CASCADE:
                drawn.get_submodule(layer).reset_parameters()
                for name, attribute in methods(drawn).items():
                    again = attribute(images, labels).detach()
                    found[f"{name}, {layer.split('.')[1]} and above (%)"] = 100 * correlation(maps[name], again)
    return found


def on_ink(heat: Tensor, ink: Tensor) -> float:
    """Share of the hottest pixels, of each map (N, 28, 28), that lie on the ink (N, 28, 28), in percent."""
    hottest = heat.flatten(1).topk(HOT).indices  # (N, HOT)
    return 100 * float(ink.flatten(1).gather(1, hottest).double().mean())


@torch.no_grad()
def curve(model: nn.Module, images: Tensor, labels: Tensor, heat: Tensor, insert: bool) -> float:
    """Mean probability of the label while pixels, the hottest first, come into a blurred image, or leave a sharp one.

    Petsiuk, Das and Saenko 2018, §3.1: the area under insertion, which is to be large, or deletion, to be small.
    """
    blurred = F.avg_pool2d(F.pad(images, (5,) * 4, mode="reflect"), 11, 1)  # (N, 3, 28, 28)
    rank = heat.flatten(1).argsort(1, descending=True).argsort(1).view(-1, 1, 28, 28)  # 0: the hottest
    found = []
    for count in np.linspace(0, 784, CUTS + 1).round():
        first, rest = (images, blurred) if insert else (blurred, images)
        scores = model(torch.where(rank < count, first, rest))
        found.append(scores.softmax(1).gather(1, labels[:, None]).mean())
    return float(torch.stack(found).mean())


def correlation(maps: Tensor, others: Tensor) -> float:
    """Spearman's, of each map (N, 28, 28) with its other; their mean."""
    ranks = [rankdata(each.flatten(1).double().numpy(), axis=1) for each in (maps, others)]
    a, b = (rank - rank.mean(1, keepdims=True) for rank in ranks)
    size = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return float(np.divide((a * b).sum(1), size, out=np.zeros(len(a)), where=size > 0).mean())


def likeness(seed: int, name: str) -> dict[str, float]:
    """Linear CKA of the network that an arm has trained with a joint one of another seed, and with the images."""
    images = data.load("cluttered", "test").images[:300]
    ours, theirs = activations(trained(seed, ARMS[name].plan), images), activations(joint(seed + OTHER), images)
    alike = {f"CKA, {layer}": cka(ours[layer], theirs[layer]) for layer in ours}
    return alike | {"CKA, features with pixels": cka(ours["features"], images)}


@torch.no_grad()
def activations(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What passes from the feature extractor, (N, 64, 7, 7), and what its hidden layer makes of it, (N, 128)."""
    with eval_mode(model):
        features = model.feature_extractor(images)
        return {"features": features, "hidden": model.classifier.relu(model.classifier.fc1(features.flatten(1)))}


def trained(seed: int, plan: Callable) -> nn.Module:
    """The network of this seed after STEPS steps of a plan."""
    task = tasks.load("classification", seed=seed, data="cluttered")
    torch.manual_seed(seed)  # of the dropout
    for _ in islice(train(task, plan()), STEPS):
        pass
    return task.model


@lru_cache(maxsize=1)
def joint(seed: int) -> nn.Module:
    """The same, jointly; kept for the other plans of a seed."""
    return trained(seed, plans.joint)


def cka(a: Tensor, b: Tensor) -> float:
    """Linear centered kernel alignment of (N, …) and (N, …), 0 … 1: Kornblith, Norouzi, Lee and Hinton 2019, §3."""
    a, b = (x.flatten(1).double() - x.flatten(1).double().mean(0) for x in (a, b))
    a, b = a @ a.T, b @ b.T  # (N, N)
    return float((a * b).sum() / (a.norm() * b.norm()))


@lru_cache(maxsize=1)
def held() -> tuple[Tensor, Tensor, Tensor]:
    """(images (N, 3, 28, 28) that ask for gradients, as captum wants them, labels (N,), ink (N, 28, 28))."""
    test = data.load("cluttered", "test")
    ink = torch.tensor(digits.read(digits.FILE)["test_digits"][:IMAGES]) > 127
    return test.images[:IMAGES].requires_grad_(), test.labels[:IMAGES], ink


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """The maps, at the task's own learning rate; then how alike the features are."""
    yield "maps", Part(make, ARMS, BUDGET, SEEDS)
    yield "features", Part(make, {name: partial(likeness, name=name) for name in ARMS}, BUDGET, SEEDS)


def judged(comparisons: Mapping) -> dict:
    """Guided backpropagation changes less where the classifier is drawn anew than saliency and Grad-CAM do.

    Adebayo et al. 2018, of "joint": with both layers of the classifier drawn anew, the rank correlation with the map as
    it was is higher for guided backpropagation than for saliency, and than for Grad-CAM (both intervals above 0). The
    claim of our own: each of the three maps has more of its hottest pixels on ink than ink has of the image.
    """
    test = comparisons["maps"]
    kept = {name: test.values("joint", f"{name}, fc1 and above (%)") for name in (*MAPS, GUIDED)}
    apart = {name: kept[GUIDED] - kept[name] for name in ("saliency", "Grad-CAM")}
    above = {name: test.values("joint", f"{name}, on ink (%)") - test.values("joint", "ink (%)") for name in MAPS}
    found = {"Adebayo et al., sanity checks": claims.all_of(claims.decide(d, effect=MATTERS) for d in apart.values())}
    rests = {f"{GUIDED} minus {name}, classifier drawn anew": Interval.of(d) for name, d in apart.items()}
    rests |= {f"{name}, on ink minus ink": Interval.of(d) for name, d in above.items()}
    holds = all(Interval.of(d).verdict == "more" for d in above.values())
    return verdict(found | {CLAIM: "holds" if holds else "does not hold"}, rests)


RULE = judged
