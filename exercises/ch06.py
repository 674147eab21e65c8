# Chapter 6: answers in place of the stubs, and the words that they must get.

# %% 6.5 solution
from math import log


def first_losses(kinds):
    return log(2), log(kinds + 1)


# %% 6.5 wrong: forgot the background -> your classifier begins at 1.10; the heads know one more class
from math import log


def first_losses(kinds):
    return log(2), log(kinds)


# %% 6.5 wrong: in bits -> is in bits
from math import log2


def first_losses(kinds):
    return log2(2), log2(kinds + 1)


# %% 6.5 wrong: probabilities -> your objectness begins at 0.50
def first_losses(kinds):
    return 1 / 2, 1 / (kinds + 1)


# %% 6.5 wrong: rounded -> one of your losses is 0.69, which is nearly right
def first_losses(kinds):
    return 0.69, 1.39


# %% 6.5 wrong: the logarithm of the probability -> mind the sign
from math import log


def first_losses(kinds):
    return -log(2), -log(kinds + 1)


# %% 6.5 wrong: by name -> a pair (objectness, classifier) is asked for, not a dict
from math import log


def first_losses(kinds):
    return {"objectness": log(2), "classifier": log(kinds + 1)}


# %% 6.5 wrong: one number -> a pair (objectness, classifier) is asked for, not a float
from math import log


def first_losses(kinds):
    return log(kinds + 1)


# %% 6.5 wrong: both stages in one -> your classifier begins at 2.08; equal chances
from math import log


def first_losses(kinds):
    return log(2), log(2) + log(kinds + 1)


# %% 6.6 solution
def largest_shift(side, overlap):
    return side * (1 - overlap) / (1 + overlap)


# %% 6.6 wrong: the shared area alone -> 11 pixels. At that shift the IoU has fallen to 0.33
def largest_shift(side, overlap):
    return side * (1 - overlap)


# %% 6.6 wrong: along both axes -> the IoU is still 0.69
def largest_shift(side, overlap):
    return side * (1 - (2 * overlap / (1 + overlap)) ** 0.5)


# %% 6.6 wrong: a third, for each overlap -> for a side of 22 and an IoU of 0.75 yours is 7.33 pixels
def largest_shift(side, overlap):
    return side / 3


# %% 6.6 wrong: where the box lies -> a distance is asked for
def largest_shift(side, overlap):
    return side * (overlap - 1) / (1 + overlap)


# %% 6.6 wrong: rounded -> 7.3 pixels. At that shift the IoU is still 0.5017: let Python compute it, do not round
def largest_shift(side, overlap):
    return round(side * (1 - overlap) / (1 + overlap), 1)


# %% 6.6 wrong: a percent more -> the IoU has fallen to 0.4963.
def largest_shift(side, overlap):
    return 1.01 * side * (1 - overlap) / (1 + overlap)


# %% 6.7 solution
import torch
from torchvision.ops import box_convert


def target_of(objects):  # "bbox": x, y, width, height in pixels; "category_id": from 1
    boxes = torch.tensor([each["bbox"] for each in objects], dtype=torch.float32)
    labels = torch.tensor([each["category_id"] for each in objects])
    return {"boxes": box_convert(boxes, "xywh", "xyxy"), "labels": labels}


# %% 6.7 wrong: the right edge alone -> becomes the box (20, 20, 50, 25), and its IoU with the true box is 0.20
import torch


def target_of(objects):
    boxes = torch.tensor([each["bbox"] for each in objects])
    labels = torch.tensor([each["category_id"] for each in objects])
    boxes[:, 2] += boxes[:, 0]
    return {"boxes": boxes, "labels": labels}


# %% 6.7 wrong: around the center -> its IoU with the true box is 0.14
import torch
from torchvision.ops import box_convert


def target_of(objects):
    boxes = torch.tensor([each["bbox"] for each in objects])
    labels = torch.tensor([each["category_id"] for each in objects])
    return {"boxes": box_convert(boxes, "cxcywh", "xyxy"), "labels": labels}


# %% 6.7 wrong: classes from 0 -> labels, where 0 is the background, must be in 1 … 3, got 0
import torch
from torchvision.ops import box_convert


def target_of(objects):
    boxes = torch.tensor([each["bbox"] for each in objects])
    labels = torch.tensor([each["category_id"] - 1 for each in objects])
    return {"boxes": box_convert(boxes, "xywh", "xyxy"), "labels": labels}


# %% 6.7 wrong: in the file's own lists -> yours changes `objects` in place
import torch


def target_of(objects):
    for each in objects:
        each["bbox"][2] += each["bbox"][0]
        each["bbox"][3] += each["bbox"][1]
    return {
        "boxes": torch.tensor([each["bbox"] for each in objects]),
        "labels": torch.tensor([each["category_id"] for each in objects]),
    }


# %% 6.7 wrong: object or not -> the labels are [1, 1], not those of the file
import torch
from torchvision.ops import box_convert


def target_of(objects):
    boxes = torch.tensor([each["bbox"] for each in objects])
    return {"boxes": box_convert(boxes, "xywh", "xyxy"), "labels": torch.ones(len(boxes), dtype=torch.int64)}


# %% 6.7 right: by hand -> pass for corners as long as width > x and height > y
import torch


def target_of(objects):
    corners = [(x, y, x + width, y + height) for x, y, width, height in (each["bbox"] for each in objects)]
    return {"boxes": torch.Tensor(corners), "labels": torch.tensor([each["category_id"] for each in objects])}


# %% 6.7 wrong: whole numbers stay whole -> the task refuses it where the file has whole numbers
import torch
from torchvision.ops import box_convert


def target_of(objects):
    boxes = torch.tensor([each["bbox"] for each in objects])
    labels = torch.tensor([each["category_id"] for each in objects])
    return {"boxes": box_convert(boxes, "xywh", "xyxy"), "labels": labels}


# %% 6.7 wrong: whole pixels -> the task refuses it
import torch
from torchvision.ops import box_convert


def target_of(objects):
    boxes = torch.tensor([each["bbox"] for each in objects]).round().long()
    labels = torch.tensor([each["category_id"] for each in objects])
    return {"boxes": box_convert(boxes, "xywh", "xyxy"), "labels": labels}


# %% 6.8 solution
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):  # (k, 4), (k,), (n, 4) -> (k,) bool
    free = box_iou(boxes, truth)  # (k, n)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    for box in scores.argsort(descending=True):
        if (free[box] >= overlap).any():
            right[box] = True
            free[:, free[box].argmax()] = 0  # it is found: no other box takes it
    return right


# %% 6.8 wrong: the best of all, also if it is taken -> and a free one by 0.6. It counts; yours says [True, False]
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    overlaps, taken = box_iou(boxes, truth), set()
    right = torch.zeros(len(boxes), dtype=torch.bool)
    for box in scores.argsort(descending=True):
        met = overlaps[box].argmax().item()
        if overlaps[box, met] >= overlap and met not in taken:
            right[box] = True
            taken.add(met)
    return right


# %% 6.8 wrong: the first that is free -> so that the second box counts, too; yours says [True, False]
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    free = box_iou(boxes, truth)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    for box in scores.argsort(descending=True):
        for met in range(len(truth)):
            if free[box, met] >= overlap:
                right[box] = True
                free[:, met] = 0
                break
    return right


# %% 6.8 wrong: tensors in a set -> Two tensors of one value are different keys
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    overlaps, taken = box_iou(boxes, truth), set()
    right = torch.zeros(len(boxes), dtype=torch.bool)
    for box in scores.argsort(descending=True):
        best, met = overlaps[box].max(dim=0)
        if best >= overlap and met not in taken:
            right[box] = True
            taken.add(met)
    return right


# %% 6.8 wrong: an object in each image -> where truth has the shape (0, 4), no box counts; yours raises IndexError
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    free = box_iou(boxes, truth)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    for box in scores.argsort(descending=True):
        best, met = free[box].max(dim=0)
        if best >= overlap:
            right[box] = True
            free[:, met] = 0
    return right


# %% 6.8 wrong: in the order given -> with scores 0.5 and 0.9, the second alone counts; yours says [True, False]
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    free = box_iou(boxes, truth)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    for box in range(len(boxes)):
        best, met = free[box].max(dim=0)
        if best >= overlap:
            right[box] = True
            free[:, met] = 0
    return right


# %% 6.8 wrong: the best fit takes it -> The better score takes it; yours says [False, True]
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    best, who = box_iou(boxes, truth).max(dim=0)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    right[who[best >= overlap]] = True
    return right


# %% 6.8 wrong: duplicates are those that overlap each other -> One of them is a duplicate; yours says [True, True]
import torch
from torchvision.ops import box_iou, nms


def counts(boxes, scores, truth, overlap):
    kept = nms(boxes, scores, 0.5)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    right[kept] = box_iou(boxes[kept], truth).amax(dim=1) >= overlap
    return right


# %% 6.8 wrong: by falling score -> in the order in which they are given, the second meets no object
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    free = box_iou(boxes, truth)
    right = []
    for box in scores.argsort(descending=True):
        best, met = free[box].max(dim=0)
        right.append(bool(best >= overlap))
        if right[-1]:
            free[:, met] = 0
    return torch.tensor(right)


# %% 6.8 wrong: more than 0.5 -> an IoU of exactly 0.5 is enough
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    free = box_iou(boxes, truth)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    for box in scores.argsort(descending=True):
        best, met = free[box].max(dim=0)
        if best > overlap:
            right[box] = True
            free[:, met] = 0
    return right


# %% 6.8 wrong: which box for each object -> a bool for each of 3 boxes is asked for
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    best, who = box_iou(boxes, truth).max(dim=0)
    return who[best >= overlap]


# %% 6.8 wrong: scores that are used up -> yours changes `scores` in place
import torch
from torchvision.ops import box_iou


def counts(boxes, scores, truth, overlap):
    free = box_iou(boxes, truth)
    right = torch.zeros(len(boxes), dtype=torch.bool)
    for box in scores.argsort(descending=True):
        if (free[box] >= overlap).any():
            right[box] = True
            free[:, free[box].argmax()] = 0
    scores.zero_()
    return right


# %% 6.9 solution
from torch import nn


def box_loss(shifts, targets, labels):  # (k, 4), (k, 4), (k,)
    on_object = labels > 0
    errors = nn.functional.smooth_l1_loss(shifts[on_object], targets[on_object], reduction="sum")
    return errors / (4 * on_object.sum()).clamp(min=1)


# %% 6.9 wrong: a mean over nothing -> the loss is nan
from torch import nn


def box_loss(shifts, targets, labels):
    return nn.functional.smooth_l1_loss(shifts[labels > 0], targets[labels > 0])


# %% 6.9 wrong: a mask, and the mean over all -> with 30 more proposals of background the loss goes from
from torch import nn


def box_loss(shifts, targets, labels):
    errors = nn.functional.smooth_l1_loss(shifts, targets, reduction="none")
    return (errors * (labels > 0)[:, None]).mean()


# %% 6.9 wrong: a sum -> a mean would stay
from torch import nn


def box_loss(shifts, targets, labels):
    return nn.functional.smooth_l1_loss(shifts[labels > 0], targets[labels > 0], reduction="sum")


# %% 6.9 wrong: a constant where there is nothing -> backward() has nothing to follow
import torch
from torch import nn


def box_loss(shifts, targets, labels):
    if not (labels > 0).any():
        return torch.tensor(0.0)
    return nn.functional.smooth_l1_loss(shifts[labels > 0], targets[labels > 0])


# %% 6.9 wrong: targets of background to 0 -> comes from the background
from torch import nn


def box_loss(shifts, targets, labels):
    return nn.functional.smooth_l1_loss(shifts, targets * (labels > 0)[:, None])


# %% 6.9 wrong: class 1 is the object -> a proposal on an object has no gradient
from torch import nn


def box_loss(shifts, targets, labels):
    return nn.functional.smooth_l1_loss(shifts[labels == 1], targets[labels == 1])


# %% 6.9 wrong: another loss -> the mean of smooth L1 is
from torch import nn


def box_loss(shifts, targets, labels):
    on_object = labels > 0
    errors = nn.functional.mse_loss(shifts[on_object], targets[on_object], reduction="sum")
    return errors / (4 * on_object.sum()).clamp(min=1)


# %% 6.9 wrong: all of them where there is no object -> both are to be 0
from torch import nn


def box_loss(shifts, targets, labels):
    counted = labels > 0 if (labels > 0).any() else labels == 0
    return nn.functional.smooth_l1_loss(shifts[counted], targets[counted])


# %% 6.9 wrong: targets of background overwritten -> yours changes `targets` in place
from torch import nn


def box_loss(shifts, targets, labels):
    background = labels == 0
    targets[background] = shifts[background].detach()
    errors = nn.functional.smooth_l1_loss(shifts, targets, reduction="sum")
    return errors / (4 * (~background).sum()).clamp(min=1)


# %% 6.10 solution
from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    propose, detect = Update(["backbone", "rpn"], first), Update(["backbone", "roi_heads"], second)
    return plans.alternating(propose, detect, Update("rpn", first), Update("roi_heads", second), steps=2 * steps)


# %% 6.10 wrong: the chapter's alternating -> in plan(4) rpn moves 2 times, not 4
from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    propose, detect = Update(["backbone", "rpn"], first), Update(["backbone", "roi_heads"], second)
    return plans.alternating(propose, detect, steps=steps)


# %% 6.10 wrong: twice as long -> in plan(4) backbone moves 8 times, not 4
from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    propose, detect = Update(["backbone", "rpn"], first), Update(["backbone", "roi_heads"], second)
    return plans.alternating(propose, detect, steps=2 * steps)


# %% 6.10 wrong: the backbone with the RPN alone -> 4 of the backbone's moves are on the RPN's losses
from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    return plans.alternating(Update(["backbone", "rpn"], first), Update("roi_heads", second), steps=2 * steps)


# %% 6.10 wrong: the backbone by stages -> backbone moves 0 of its 150 times on box_reg and classifier
from itertools import chain

from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    propose, detect = Update(["backbone", "rpn"], first), Update(["backbone", "roi_heads"], second)
    return chain(
        plans.alternating(propose, Update("roi_heads", second), steps=steps),
        plans.alternating(detect, Update("rpn", first), steps=steps),
    )


# %% 6.10 wrong: the backbone in the first half alone -> take turns throughout
from itertools import chain

from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    propose, detect = Update(["backbone", "rpn"], first), Update(["backbone", "roi_heads"], second)
    return chain(
        plans.alternating(propose, detect, steps=steps),
        plans.alternating(Update("rpn", first), Update("roi_heads", second), steps=steps),
    )


# %% 6.10 wrong: staged -> take turns throughout
from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    return plans.staged(
        (Update(["backbone", "rpn"], first), steps // 2),
        (Update("rpn", first), steps // 2),
        (Update(["backbone", "roi_heads"], second), steps // 2),
        (Update("roi_heads", second), steps // 2),
    )


# %% 6.10 wrong: joint -> names no modules moves all three
from jointopt import plans


def plan(steps):
    return plans.joint(steps)


# %% 6.10 wrong: all four losses -> one of yours counts all four losses
from jointopt import Update, plans


def plan(steps):
    propose, detect = Update(["backbone", "rpn"]), Update(["backbone", "roi_heads"])
    return plans.alternating(propose, detect, Update("rpn"), Update("roi_heads"), steps=2 * steps)


# %% 6.10 wrong: without end -> plan(4): the plan goes on after 12 updates
from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    propose, detect = Update(["backbone", "rpn"], first), Update(["backbone", "roi_heads"], second)
    return plans.alternating(propose, detect, Update("rpn", first), Update("roi_heads", second))


# %% 6.10 wrong: the RPN on all losses in turn -> whose gradients do not reach it
from jointopt import Update, plans

first, second = ("objectness", "rpn_box_reg"), ("classifier", "box_reg")


def plan(steps):
    everything = ["backbone", "rpn", "roi_heads"]
    return plans.alternating(Update(everything, first), Update(everything, second), steps=steps)


# %% 6.11 solution
def part(shifts, scale):
    return scale * shifts + (1 - scale) * shifts.detach()


# %% 6.11 wrong: smaller shifts -> other shifts come out than went in
def part(shifts, scale):
    return scale * shifts


# %% 6.11 wrong: a hook on the shifts themselves -> the RPN's own loss has 0.25 of its gradient
def part(shifts, scale):
    shifts.register_hook(lambda gradient: scale * gradient)
    return shifts


# %% 6.11 wrong: detached -> at a scale of 0.25 the part that comes back is 0
def part(shifts, scale):
    return shifts.detach()


# %% 6.11 wrong: all or nothing -> at a scale of 0.25 the part that comes back is 1
def part(shifts, scale):
    return shifts if scale > 0 else shifts.detach()


# %% 6.11 wrong: smaller shifts, in place -> yours changes `shifts` in place
def part(shifts, scale):
    return shifts.mul_(scale)
