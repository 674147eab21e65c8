"""The metrics agree with torchmetrics, torchvision, scipy and arithmetic by hand."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from fake_sets import objects

from jointopt.data.scenes import held_out, scenes
from jointopt.data.scenes.labeled import labeled
from jointopt.metrics import (
    average_precision,
    binary_accuracy,
    box_iou,
    calibration_error,
    confusion,
    frechet_distance,
    hits,
    iou,
)

# Classification


@pytest.mark.parametrize("shape", [(40,), (20, 3)])
def test_binary_accuracy_agrees_with_torchmetrics(shape):
    from torchmetrics.functional.classification import binary_accuracy as expected

    generator = torch.Generator().manual_seed(0)
    scores, labels = torch.randn(shape, generator=generator), torch.randint(2, shape, generator=generator)
    assert binary_accuracy(scores, labels) == pytest.approx(100 * expected(scores, labels).item(), abs=1e-4)


@pytest.mark.parametrize("bins", [1, 7, 10, 15])
def test_calibration_error_agrees_with_torchmetrics(bins):
    from torchmetrics.functional.classification import multiclass_calibration_error

    generator = torch.Generator().manual_seed(bins)
    probabilities = torch.randn(500, 10, generator=generator).mul(2).softmax(1)
    labels = torch.randint(10, (500,), generator=generator)
    expected = 100 * multiclass_calibration_error(probabilities, labels, num_classes=10, n_bins=bins, norm="l1").item()
    assert calibration_error(probabilities, labels, bins) == pytest.approx(expected, abs=1e-3)


def test_calibration_error_by_hand():
    sure_and_right, sure_and_wrong = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    label = torch.tensor([0])
    assert calibration_error(sure_and_right, label) == 0
    assert calibration_error(sure_and_wrong, label) == 100
    four = torch.tensor([[0.75, 0.25]]).expand(4, 2)
    assert calibration_error(four, torch.tensor([0, 0, 0, 1])) == pytest.approx(0)
    assert calibration_error(four, torch.tensor([0, 1, 1, 1])) == pytest.approx(50)
    low_and_right, high_and_wrong = torch.tensor([[0.6, 0.4]]), torch.tensor([[0.1, 0.9]])  # 40 below, 90 above
    assert calibration_error(torch.cat([low_and_right, high_and_wrong]), torch.tensor([0, 0])) == (pytest.approx(65))


@pytest.mark.parametrize(
    ("probabilities", "labels", "bins", "message"),
    [
        (torch.rand(4), torch.zeros(4).long(), 10, r"got \(4,\) and \(4,\)"),
        (torch.rand(4, 3), torch.zeros(5).long(), 10, r"got \(4, 3\) and \(5,\)"),
        (torch.rand(0, 3), torch.zeros(0).long(), 10, r"N ≥ 1, got \(0, 3\)"),
        (torch.rand(4, 3), torch.tensor([0, 1, 2, 3]), 10, "labels must be in 0 … 2, got 3"),
        (torch.tensor([[-1.0, 3.5]]), torch.tensor([1]), 10, r"must be in 0 … 1, got -1 … 3\.5; of logits take"),
        (torch.tensor([[math.nan, 0.5]]), torch.tensor([1]), 10, "must be in 0 … 1, got nan … nan"),
        (torch.rand(4, 3), torch.zeros(4).long(), 0, "bins must be a whole number ≥ 1, got 0"),
    ],
)
def test_calibration_error_refuses(probabilities, labels, bins, message):
    with pytest.raises(ValueError, match=message):
        calibration_error(probabilities, labels, bins)


# Detection


def truth(count):
    """The objects of test scenes, as targets of a detector."""
    held = held_out.draw(count, "test", 0, "247")
    return [{"boxes": boxes, "labels": labels + 1} for boxes, labels in zip(held.boxes, held.labels, strict=True)]


def test_perfect_predictions_give_100_and_none_0():
    targets = truth(6)
    perfect = [target | {"scores": torch.ones(len(target["labels"]))} for target in targets]
    assert average_precision(perfect, targets) == (100.0, 100.0)
    nothing = [objects(scores=[])] * 6
    assert average_precision(nothing, targets) == (0.0, 0.0)
    elsewhere = [each | {"labels": each["labels"] % 3 + 1} for each in perfect]
    assert average_precision(elsewhere, targets)[0] < 30


def test_average_precision_without_a_true_box_are_refused():
    with pytest.raises(ValueError, match="needs a true box at least, got none in 2 images"):
        average_precision([objects(scores=[])] * 2, [objects()] * 2)


@pytest.mark.parametrize(
    ("found", "precision", "recall"),
    [
        (objects((1, 0, 0, 10, 10), scores=[0.9]), 51 / 1.01, 50.0),  # one of two: precision 1 at 51 of 101 recalls
        (objects((1, 0, 0, 10, 10), (1, 0, 0, 10, 9), scores=[0.9, 0.8]), 51 / 1.01, 50.0),  # a box counts once
        (objects((1, 0, 0, 10, 10), (1, 40, 40, 50, 49), scores=[0.9, 0.8]), 100.0, 100.0),
        (objects((1, 70, 70, 80, 80), (1, 0, 0, 10, 10), scores=[0.9, 0.8]), 51 / 2.02, 50.0),  # a wrong one is surest
        (objects((1, 0, 0, 10, 5), scores=[0.9]), 51 / 1.01, 50.0),  # an IoU of 0.5 is enough
        (objects((1, 0, 0, 10, 4.9), scores=[0.9]), 0.0, 0.0),
        (objects((2, 0, 0, 10, 10), scores=[0.9]), 0.0, 0.0),
    ],
)
def test_average_precision_by_hand(found, precision, recall):
    two = objects((1, 0, 0, 10, 10), (1, 40, 40, 50, 50))
    assert average_precision([found], [two]) == pytest.approx((precision, recall))


def test_the_overlap_from_which_a_box_is_found_can_be_chosen():
    true, found = objects((1, 0, 0, 10, 10)), objects((1, 0, 0, 10, 6), scores=[1])  # IoU 0.6
    assert [average_precision([found], [true], overlap) for overlap in (0.6, 0.7)] == [(100.0, 100.0), (0.0, 0.0)]
    assert hits(found, true, 0.6) == [True] and hits(found, true, 0.7) == [False]


def test_average_precision_agrees_with_torchmetrics():
    """Which computes them by pycocotools. Boxes are true ones, moved, some of another class, and boxes anywhere."""
    from torchmetrics.detection import MeanAveragePrecision

    targets = truth(40)
    generator = torch.Generator().manual_seed(0)
    found = []
    for target in targets:
        boxes = target["boxes"].repeat(2, 1)
        boxes = boxes + 4 * torch.randn(boxes.shape, generator=generator)
        boxes[:, 2:] = torch.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        labels = target["labels"].repeat(2)
        other = torch.rand(len(labels), generator=generator) < 0.3
        scores = torch.rand(len(labels), generator=generator)
        found.append({"boxes": boxes, "labels": torch.where(other, labels % 3 + 1, labels), "scores": scores})
    # Its own recalls are rounded to float32, which matters where a recall is met exactly.
    metric = MeanAveragePrecision(iou_thresholds=[0.5], rec_thresholds=np.linspace(0, 1, 101).tolist())
    metric.update(found, targets)
    its, ours = metric.compute(), average_precision(found, targets)
    assert 20 < ours[0] < 80
    assert ours == pytest.approx((100 * float(its["map"]), 100 * float(its["mar_100"])), abs=1e-4)


def test_a_found_box_is_right_once():
    true = objects((1, 0, 0, 10, 10), (2, 0, 0, 10, 10))
    found = objects((1, 0, 0, 10, 10), (1, 0, 0, 10, 9), (2, 0, 0, 10, 9), (2, 50, 50, 60, 60), scores=[1, 1, 1, 1])
    assert hits(found, true) == [True, False, True, False]
    near = objects((1, 0, 0, 10, 4.9), (2, 0, 0, 10, 5.1), scores=[1, 1])  # IoU 0.49 and 0.51
    assert hits(near, true) == [False, True]
    assert hits(objects(scores=[]), true) == [] and hits(found, objects()) == [False] * 4


@pytest.mark.parametrize("count", [0, 1, 3])
def test_average_precision_needs_the_found_boxes_of_each_image(count):
    true = objects((1, 0, 0, 10, 10))
    with pytest.raises(ValueError, match=f"each of 2 images needs its predicted boxes, got those of {count}"):
        average_precision([objects((1, 0, 0, 10, 10), scores=[1])] * count, [true] * 2)


# Segmentation

MASKS = torch.randint(4, (2, 8, 8), generator=torch.Generator().manual_seed(1))
VOID = MASKS.clone()
VOID[:, :, ::3] = 255


def test_iou_by_hand():
    masks = torch.tensor([[[0, 0, 1, 1], [0, 0, 2, 2]]])
    predicted = torch.tensor([[[0, 1, 1, 1], [0, 0, 2, 0]]])
    counts = confusion(predicted, masks, 4)
    assert counts.tolist() == [[3, 1, 0, 0], [0, 2, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert iou(counts)[:3].tolist() == pytest.approx([3 / 5, 2 / 3, 1 / 2]) and iou(counts)[3].isnan()


def test_iou_agrees_with_torchmetrics():
    from torchmetrics import JaccardIndex
    from torchmetrics.segmentation import MeanIoU

    generator = torch.Generator().manual_seed(0)
    held = labeled(scenes(10, "test", classes="247"))
    masks = held.masks.long()
    noise = torch.rand(masks.shape, generator=generator)
    predicted = torch.where(noise < 0.1, torch.randint(4, masks.shape, generator=generator), masks.roll(1, 2))
    ours = iou(confusion(predicted, masks, 4))
    index = JaccardIndex(task="multiclass", num_classes=4, average=None)
    assert torch.allclose(ours, index(predicted, masks), atol=1e-6) and 0.1 < ours[1:].mean() < 0.9
    # Its mean is over images, too; all in one image it is ours.
    mean = MeanIoU(num_classes=4, include_background=False, input_format="index")
    mean.update(predicted.reshape(1, -1, 96), masks.reshape(1, -1, 96))
    assert float(mean.compute()) == pytest.approx(float(ours[1:].mean()), abs=1e-6)


def test_box_iou_agrees_with_torchvision():
    from torchvision import ops

    corner, side = torch.rand(2, 50, 2, generator=torch.Generator().manual_seed(0)) * 20
    a = torch.cat([corner, corner + side], 1)
    b = a.roll(1, 0)
    assert torch.allclose(box_iou(a, b), ops.box_iou(a, b).diag(), atol=1e-6)
    inside_out = torch.tensor([[10.0, 10, 5, 20]])
    assert box_iou(inside_out, torch.tensor([[0.0, 0, 30, 30]])) == box_iou(inside_out, inside_out) == 0


@pytest.mark.parametrize(
    ("predicted", "masks", "message"),
    [
        (MASKS[:, None], MASKS, r"predicted, of the masks' shape, must be int64 \(2, 8, 8\), got int64 \(2, 1, 8, 8\)"),
        (MASKS, MASKS[:, None], r"must be int64 \(2, 1, 8, 8\), got int64 \(2, 8, 8\)"),
        (MASKS.byte(), MASKS, "predicted, .* got uint8"),
        (MASKS, MASKS.byte(), r"masks must be int64 \(n, n, n\), got uint8"),
        (MASKS + 1, MASKS, "predicted must be in 0 … 3, got 4"),
        (MASKS - 1, MASKS, "predicted must be in 0 … 3, got -1"),
        (MASKS, VOID, "masks must be in 0 … 3, got 255"),
    ],
)
def test_confusion_of_unequal_shapes_and_of_no_classes_is_refused(predicted, masks, message):
    with pytest.raises(ValueError, match=message):
        confusion(predicted, masks, 4)


# Generation


def gaussian(seed, dimension=6):
    random = np.random.RandomState(seed)
    factor = random.standard_normal((dimension, dimension))
    return random.standard_normal(dimension), factor @ factor.T


def test_the_distance_of_gaussians_with_independent_parts_has_a_closed_form():
    """‖μ_a − μ_b‖² + Σ (σ_a − σ_b)², in whatever directions."""
    random = np.random.RandomState(0)
    a, b = random.rand(2, 5) * 3
    turn = np.linalg.qr(random.standard_normal((5, 5)))[0]
    mean_a, mean_b = random.standard_normal((2, 5))
    distance = frechet_distance(mean_a, turn @ np.diag(a**2) @ turn.T, mean_b, turn @ np.diag(b**2) @ turn.T)
    assert distance == pytest.approx(((mean_a - mean_b) ** 2).sum() + ((a - b) ** 2).sum())
    one = frechet_distance(np.array([1.0]), np.array([[4.0]]), np.array([-2.0]), np.array([[0.25]]))
    assert one == pytest.approx(9 + 1.5**2)


@pytest.mark.parametrize("seed", range(5))
def test_the_distance_agrees_with_the_matrix_root_of_scipy(seed):
    (mean_a, cov_a), (mean_b, cov_b) = gaussian(seed), gaussian(seed + 50)
    middle = np.trace(scipy.linalg.sqrtm(cov_a @ cov_b).real)
    expected = ((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * middle
    assert frechet_distance(mean_a, cov_a, mean_b, cov_b) == pytest.approx(expected)
    assert frechet_distance(mean_b, cov_b, mean_a, cov_a) == pytest.approx(expected)


def test_equal_and_singular_gaussians():
    mean, cov = gaussian(0)
    assert frechet_distance(mean, cov, mean, cov) == pytest.approx(0, abs=1e-9)
    direction = np.outer(mean, mean)  # rank 1: all in one direction
    assert frechet_distance(mean, direction, mean, 0 * cov) == pytest.approx(np.trace(direction))
