"""May the confidence of a network be trusted: on new images, on turned ones, and on images of no digit (chapter 11)?

Digits over clutter, the document's network, 20 or 300 labels per class, learned jointly; or its features stay as they
were drawn. The last 1,000 training images, which nobody trains on, choose one temperature (Guo et al. 2017).
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

from evidence import claims
from evidence.record import Comparisons, Part, verdict
from jointopt import Task, Update, data, plans
from jointopt.compare import Arm, Budget, Interval
from jointopt.data import digits
from jointopt.data.images import floats
from jointopt.metrics import calibration_error
from jointopt.tasks import classification

STEPS, SEEDS, FEW, MANY = 250, range(10, 18), 20, 300
ANGLES = (0, 15, 30, 45, 60)  # degrees
STRANGE = ("photograph", "clothes", "inverted")  # images unlike those that were trained on; the last are digits
ARMS = {
    "joint, 20 labels": Arm(plans.joint, task_options={"labels": FEW}),
    "frozen, 20 labels": Arm(partial(plans.alternating, Update("classifier")), task_options={"labels": FEW}),
    "joint, 300 labels": Arm(plans.joint, task_options={"labels": MANY}),
}
JUDGED = next(iter(ARMS))
SLICE = ("test", ["frozen, 20 labels"], [10])
ECE, TEMPERED = "calibration error (%)", "calibration error, tempered (%)"
POINTS = 5.0  # of calibration error, between 0 and 60 degrees, that would matter
AREA = 10.0  # points of the area under the ROC curve, above the 50 of a coin, that would matter
CLAIM = "a network is less sure of images unlike those that it was trained on"


def make(seed: int, labels: int) -> Task:
    """The task `classification` over clutter, with an `evaluate` that looks at confidence."""
    task = classification.make(seed, "cluttered", labels=labels, held_out="validation")
    return replace(task, evaluate=measured)


def measured(model: nn.Module) -> dict[str, float]:
    """Accuracy, temperature, calibration errors, mean confidences and areas under the ROC curve, in percent.

    Turned digits lie over the same crops, which stay upright. An area compares the confidence on test images with that
    on others: 50 is a coin, and 100 says that each test image has more than each of the others.
    """
    _, held = classification.train_and_held_out("cluttered", "validation")
    labels, others = seen()
    scores = {kind: classification.scores_of(model, images) for kind, images in others.items()}  # (1000, 10) each
    heat = temperature(classification.scores_of(model, held.images), held.labels)
    upright = scores["0°"].softmax(1)
    sure, right = upright.amax(1), upright.argmax(1) == labels
    found = {"accuracy (%)": share(right), "temperature": heat, ECE: calibration_error(upright, labels)}
    for angle in ANGLES:
        kind = f"{angle}°"
        tempered = (scores[kind] / heat).softmax(1)
        end = f", {kind} (%)" if angle else " (%)"
        found |= {f"accuracy{end}": share(tempered.argmax(1) == labels), f"confidence{end}": share(tempered.amax(1))}
        found["calibration error, tempered" + end] = calibration_error(tempered, labels)
    found["accuracy, inverted (%)"] = share(scores["inverted"].argmax(1) == labels)
    found["AUROC, errors (%)"] = area(sure[right], sure[~right])
    for kind in STRANGE:
        found[f"confidence, {kind} (%)"] = share((scores[kind] / heat).softmax(1).amax(1))
        found[f"AUROC, {kind} (%)"] = area(sure, scores[kind].softmax(1).amax(1))
    return found


def temperature(scores: Tensor, labels: Tensor) -> float:
    """The T > 0 at which softmax(scores / T) has the least cross-entropy on these labels: Guo et al. 2017, §4.2."""
    loss = lambda log: float(F.cross_entropy(scores.double() / np.exp(log), labels))  # noqa: E731
    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def area(known: Tensor, strange: Tensor) -> float:
    """Under the ROC curve of a score that is to be higher for what is known, in percent; 50 where either is empty."""
    if not len(known) or not len(strange):
        return 50.0
    truth = np.r_[np.ones(len(known)), np.zeros(len(strange))]
    return 100 * float(roc_auc_score(truth, torch.cat([known, strange]).double().numpy()))


def share(values: Tensor) -> float:
    """Their mean in percent."""
    return 100 * float(values.double().mean())


@lru_cache(maxsize=1)
def seen() -> tuple[Tensor, dict[str, Tensor]]:
    """(labels (1000,), images (1000, 3, 28, 28) of each kind): turned digits, and what is unlike those trained on."""
    arrays = digits.read(digits.FILE)
    gray, under = torch.tensor(arrays["test_digits"]), arrays["test_backgrounds"]
    over = lambda strokes: floats(torch.from_numpy(digits.clutter(strokes.numpy(), under, 1)[0]))  # noqa: E731
    turned = {
        f"{angle}°": over(transforms.rotate(gray[:, None], angle, InterpolationMode.BILINEAR)[:, 0]) for angle in ANGLES
    }
    photographs, inverted = over(torch.zeros_like(gray)), 1 - data.load("digits", "test").images
    clothes = data.load("fashion_mnist", "test").part(slice(len(gray))).images
    strange = dict(zip(STRANGE, (photographs, clothes, inverted), strict=True))
    return torch.tensor(arrays["test_labels"]).long(), turned | strange


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """One comparison, at the task's own learning rate."""
    yield "test", Part(make, ARMS, Budget(steps=STEPS), SEEDS)


def trusted(comparisons: Comparisons) -> dict:
    """Confidence can be repaired on new digits, wears off as digits turn, and warns of errors and of what is no digit.

    Each of "joint, 20 labels". Guo et al. 2017: the temperature lowers the calibration error (interval above 0).
    Ovadia et al. 2019: with it, the error is larger at 60 degrees than at 0 (interval above 0). Hendrycks and Gimpel
    2017: right answers have more confidence than errors, and test images more than photographs without a digit and than
    clothes (three intervals above 50 %). The claim of our own adds inverted digits.
    """
    value = partial(comparisons["test"].values, JUDGED)
    saved, before = value(ECE) - value(TEMPERED), value(ECE)
    drift = value("calibration error, tempered, 60° (%)") - value(TEMPERED)
    areas = {kind: value(f"AUROC, {kind} (%)") for kind in ("errors", *STRANGE)}
    warns = [claims.decide(areas[kind] - 50, effect=AREA) for kind in ("errors", "photograph", "clothes")]
    guo = claims.decide(saved, effect=claims.scaled(16.53, 1.26, float(before.mean())))
    found = {
        "Guo et al., temperature scaling": guo,
        "Ovadia et al., rotated digits": claims.decide(drift, effect=POINTS),
        "Hendrycks and Gimpel, maximum softmax": claims.all_of(warns),
    }
    holds = all(Interval.of(values - 50).verdict == "more" for values in areas.values())
    rests = {
        "calibration error": str(Interval.of(before)),
        "temperature": str(Interval.of(value("temperature"))),
        "calibration error before minus after": Interval.of(saved),
        "calibration error, 60° minus 0°": Interval.of(drift),
    } | {f"area, {kind}": str(Interval.of(values)) for kind, values in areas.items()}
    return verdict(found | {CLAIM: "holds" if holds else "does not hold"}, rests)


RULE = trusted
