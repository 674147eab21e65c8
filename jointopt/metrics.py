"""Metrics on held-out data: tensors and arrays in, numbers out. They know no model and no task."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from jointopt.checks import check_count, check_labels, check_tensor

# Classification


def binary_accuracy(scores: Tensor, labels: Tensor) -> float:
    """How many of the scores are above 0 where the label is 1, and not where it is 0, in percent. Any equal shapes."""
    return 100 * float(((scores > 0) == (labels == 1)).sum()) / labels.numel()


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = 10) -> float:
    """Expected calibration error in percent: the mean distance of confidence from accuracy.

    probabilities (N, classes), labels int64 (N,). The images are sorted by confidence, the largest probability, into
    `bins` of equal width. The error is the mean of |accuracy − mean confidence| over the bins, each weighted by its
    share of the images. Source: Guo, Pleiss, Sun and Weinberger, ICML 2017, equation 3.

    ValueError for other shapes, numbers that are no probabilities, labels that are no classes, or bins < 1.
    """
    check_count("bins", bins, 1)
    if probabilities.ndim != 2 or not len(probabilities) or labels.shape != probabilities.shape[:1]:
        given = f"{tuple(probabilities.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"probabilities and labels must be (N, classes) and (N,), N ≥ 1, got {given}")
    check_labels("labels", labels, 0, probabilities.shape[1] - 1)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():  # nan is neither
        low, high = probabilities.min().item(), probabilities.max().item()
        raise ValueError(f"probabilities must be in 0 … 1, got {low:g} … {high:g}; of logits take the softmax")
    confidence, predicted = probabilities.cpu().double().max(1)
    excess = confidence - (predicted == labels.cpu()).double()  # over a bin: N_bin · (mean confidence − accuracy)
    bin_of = (confidence * bins).long().clamp(max=bins - 1)
    return 100 * float(torch.zeros(bins).double().index_add(0, bin_of, excess).abs().sum()) / len(labels)


# Detection: for each image {"boxes": (k, 4), "labels": (k,), "scores": (k,)}, and a target without the scores


def average_precision(
    predictions: Sequence[Mapping[str, Tensor]], targets: Sequence[Mapping[str, Tensor]], overlap: float = 0.5
) -> tuple[float, float]:
    """COCO's average precision and recall at an IoU of `overlap`, the means over the classes that occur, in percent.

    Average precision: the area under precision over recall as the boxes are taken by falling score, at 101 recalls.
    Source: Lin et al. 2014 and the rules of its evaluation server, as the package faster-coco-eval computes them.

    ValueError for other numbers of images, and where there is no true box.
    """
    from faster_coco_eval import COCO, COCOeval_faster  # it prints nothing; pycocotools does, from a lab's thread too

    if len(predictions) != len(targets):
        raise ValueError(f"each of {len(targets)} images needs its predicted boxes, got those of {len(predictions)}")
    truth = [dict(row, id=n, iscrowd=0) for n, row in enumerate(_coco_rows(targets), 1)]
    if not truth:
        raise ValueError(f"average precision needs a true box at least, got none in {len(targets)} images")
    images = [{"id": number} for number in range(len(targets))]
    labels = sorted({row["category_id"] for row in truth})
    known = COCO({"images": images, "annotations": truth, "categories": [{"id": label} for label in labels]})
    run = COCOeval_faster(known, known.loadRes(_coco_rows(predictions)), "bbox")
    run.params.iouThrs = np.array([overlap])
    run.params.areaRng, run.params.areaRngLbl, run.params.maxDets = [[0, 1e10]], ["all"], [100]
    run.evaluate()
    run.accumulate()
    precision, recall = run.eval["precision"].mean(axis=(0, 1)), run.eval["recall"].mean(axis=0)  # (classes, 1, 1)
    return 100 * float(precision.mean()), 100 * float(recall.mean())


def _coco_rows(targets: Sequence[Mapping[str, Tensor]]) -> list[dict]:
    """One row per box, as COCO has them: x, y, width, height."""
    rows = []
    for number, target in enumerate(targets):
        scores = target["scores"] if "scores" in target else torch.ones(len(target["boxes"]))
        lists = (target[name].tolist() for name in ("boxes", "labels"))
        for (x1, y1, x2, y2), label, score in zip(*lists, scores.tolist(), strict=True):
            box, area = [x1, y1, x2 - x1, y2 - y1], (x2 - x1) * (y2 - y1)
            rows.append({"image_id": number, "category_id": label, "bbox": box, "area": area, "score": score})
    return rows


def hits(predicted: Mapping[str, Tensor], target: Mapping[str, Tensor], overlap: float = 0.5) -> list[bool]:
    """Per predicted box, the best first: True if it overlaps a true one of its class that no better box has taken."""
    from torchvision.ops import box_iou

    same_class = predicted["labels"][:, None] == target["labels"]  # (k, n)
    overlaps = box_iou(predicted["boxes"], target["boxes"]) * same_class  # (k, n)
    free, right = set(range(len(target["boxes"]))), []
    for row in overlaps.tolist():
        best = max(free, key=row.__getitem__, default=None)
        right.append(best is not None and row[best] >= overlap)
        if right[-1]:
            free.remove(best)
    return right


# Segmentation


def confusion(predicted: Tensor, masks: Tensor, classes: int, ignore: int | None = None) -> Tensor:
    """How many pixels of a class (row) are predicted to be of a class (column), (classes, classes).

    predicted, masks: int64 and of one shape. Pixels whose mask is `ignore` are not counted. ValueError for other
    shapes, types and labels.
    """
    check_tensor("masks", masks, torch.int64, ("n",) * masks.ndim)
    check_tensor("predicted, of the masks' shape,", predicted, torch.int64, tuple(masks.shape))
    if ignore is not None:
        predicted, masks = predicted[masks != ignore], masks[masks != ignore]  # (n,)
    for name, labels in (("masks", masks), ("predicted", predicted)):
        check_labels(name, labels, 0, classes - 1)
    return torch.bincount((masks * classes + predicted).flatten(), minlength=classes**2).view(classes, classes)


def iou(counts: Tensor) -> Tensor:
    """Intersection over union per class, (classes,), of a `confusion`: the part of the pixels that are of the class or
    predicted to be, which is both; nan where there are none."""
    both = counts.diag()
    return both / (counts.sum(0) + counts.sum(1) - both)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of each box of (n, 4) with its partner, (n,); 0 where one of them has no area."""
    sides = torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])  # (n, 2)
    areas = [(x[:, 2:] - x[:, :2]).clamp(min=0).prod(1) for x in (a, b)]
    both = sides.clamp(min=0).prod(1)
    return both / (areas[0] + areas[1] - both).clamp(min=1e-9)


# Generation


def moments(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean (F,) and covariance (F, F) of features (N, F), in float64."""
    values = features.double().numpy()
    return values.mean(0), np.atleast_2d(np.cov(values, rowvar=False))


def frechet_distance(mean_a: np.ndarray, cov_a: np.ndarray, mean_b: np.ndarray, cov_b: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of two Gaussians: ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½).

    tr (Σ_a Σ_b)^½ is the sum of the singular values of Σ_a^½ Σ_b^½, so no root of a product that is not symmetric
    is needed. Source: Dowson and Landau 1982.
    """
    cross = np.linalg.svd(_root(cov_a) @ _root(cov_b), compute_uv=False).sum()
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def _root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance, whose eigenvalues may be below 0 by rounding."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T
