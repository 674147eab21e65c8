# Chapter 7: answers in place of the stubs, and the words that they must get.


# %% 7.4 solution
def mean_iou(foreground, background, classes):
    return (background + classes * foreground) / (1 + classes)


# %% 7.4 wrong: half of each -> the background is not half of the mean
def mean_iou(foreground, background, classes):
    return (foreground + background) / 2


# %% 7.4 wrong: forgot to count the background -> without the background
def mean_iou(foreground, background, classes):
    return (background + classes * foreground) / classes


# %% 7.4 wrong: one class's worth of foreground -> take their mean
def mean_iou(foreground, background, classes):
    return (background + foreground) / (1 + classes)


# %% 7.5 solution
from jointopt import tasks

decoder = tasks.load("segmentation").model.decoder
decoder_weights = sum(p.numel() for p in decoder.parameters())
decoder_weights += decoder.middle[0].weight.numel() + decoder.fine[0].weight.numel()  # 32 and 16 more channels

# %% 7.5 wrong: only the new ones -> are new
decoder_weights = 9 * 32 * 32 + 9 * 16 * 16

# %% 7.5 wrong: one of the two -> one of the two skip connections
decoder_weights = 14_224 + 9 * 32 * 32

# %% 7.5 wrong: everything doubles -> twice all of it
decoder_weights = 2 * 14_224

# %% 7.5 wrong: the 1×1 convolutions too -> 28,304 are too many
decoder_weights = 14_224 + 9 * 32 * 32 + 9 * 16 * 16 + 64 * 32 + 32 * 16


# %% 7.6 solution
def at_rest(cross_entropy, boxes):
    return 0.5 / cross_entropy, 0.5 / boxes


# %% 7.6 wrong: each weighted loss is 1 -> are -0.5 and -0.5, not 0
def at_rest(cross_entropy, boxes):
    return 1 / cross_entropy, 1 / boxes


# %% 7.6 wrong: forgot the half of the second -> are +0 and +0.25, not 0
def at_rest(cross_entropy, boxes):
    return 0.5 / cross_entropy, 0.25 / boxes


# %% 7.6 wrong: s and not the weights -> so it is positive
from math import log


def at_rest(cross_entropy, boxes):
    return log(2 * cross_entropy), log(boxes)


# %% 7.6 wrong: the ratio -> two weights, that of cross-entropy first
def at_rest(cross_entropy, boxes):
    return cross_entropy / boxes


# %% 7.7 solution
def foreground_iou(predicted, masks, classes):
    known = masks != 255
    p, y = predicted[known], masks[known]
    each = []
    for c in range(1, classes + 1):
        both, either = ((p == c) & (y == c)).sum(), ((p == c) | (y == c)).sum()
        if either:
            each.append(100 * both / either)
    return sum(each) / len(each)


# %% 7.7 wrong: the background too -> the background is among your classes
def foreground_iou(predicted, masks, classes):
    known = masks != 255
    p, y = predicted[known], masks[known]
    each = [((p == c) & (y == c)).sum() / ((p == c) | (y == c)).sum() for c in range(classes + 1)]
    return 100 * sum(each) / len(each)


# %% 7.7 wrong: Dice -> that is Dice
def foreground_iou(predicted, masks, classes):
    known = masks != 255
    p, y = predicted[known], masks[known]
    each = [2 * ((p == c) & (y == c)).sum() / ((p == c).sum() + (y == c).sum()) for c in range(1, classes + 1)]
    return 100 * sum(each) / len(each)


# %% 7.7 wrong: a share -> percent are asked for
def foreground_iou(predicted, masks, classes):
    each = [((predicted == c) & (masks == c)).sum() / ((predicted == c) | (masks == c)).sum() for c in range(1, 4)]
    return sum(each) / len(each)


# %% 7.7 wrong: scene by scene -> sum the pixels over the scenes
def foreground_iou(predicted, masks, classes):
    values = []
    for p, y in zip(predicted, masks, strict=True):
        for c in range(1, classes + 1):
            both, either = ((p == c) & (y == c) & (y != 255)).sum(), (((p == c) | (y == c)) & (y != 255)).sum()
            if either:
                values.append(both / either)
    return 100 * sum(values) / len(values)


# %% 7.7 wrong: 0 divided by 0 -> yours is nan
def foreground_iou(predicted, masks, classes):
    known = masks != 255
    p, y = predicted[known], masks[known]
    each = [((p == c) & (y == c)).sum() / ((p == c) | (y == c)).sum() for c in range(1, classes + 1)]
    return 100 * sum(each) / len(each)


# %% 7.7 wrong: 0 for a class that is nowhere -> such a class is left out
def foreground_iou(predicted, masks, classes):
    known = masks != 255
    p, y = predicted[known], masks[known]
    each = [((p == c) & (y == c)).sum() / ((p == c) | (y == c)).sum().clamp(min=1) for c in range(1, classes + 1)]
    return 100 * sum(each) / len(each)


# %% 7.7 wrong: only classes that are predicted -> such a class has an IoU of 0
def foreground_iou(predicted, masks, classes):
    known = masks != 255
    p, y = predicted[known], masks[known]
    there = [c for c in range(1, classes + 1) if (p == c).any()]
    return 100 * sum(((p == c) & (y == c)).sum() / ((p == c) | (y == c)).sum() for c in there) / len(there)


# %% 7.7 wrong: what is not classified -> do they count as errors?
def foreground_iou(predicted, masks, classes):
    each = []
    for c in range(1, classes + 1):
        p, y = predicted == c, masks == c
        if (p | y).any():
            each.append((p & y).sum() / (p | y).sum())
    return 100 * sum(each) / len(each)


# %% 7.8 solution
from jointopt import Update, plans


def turns(n, steps):
    return plans.alternating(*[Update("encoder")] * n, *[Update(("decoder", "head"))] * n, steps=steps)


# %% 7.8 wrong: turns of one -> step 1 moves decoder and head, not encoder
from jointopt import Update, plans


def turns(n, steps):
    return plans.alternating(Update("encoder"), Update(("decoder", "head")), steps=steps)


# %% 7.8 wrong: only the head -> moves head, not decoder and head
from jointopt import Update, plans


def turns(n, steps):
    return plans.alternating(*[Update("encoder")] * n, *[Update("head")] * n, steps=steps)


# %% 7.8 wrong: without end -> goes on after 45 updates
from jointopt import Update, plans


def turns(n, steps):
    return plans.alternating(*[Update("encoder")] * n, *[Update(("decoder", "head"))] * n)


# %% 7.8 wrong: a turn each -> ends after 20 updates
from jointopt import Update, plans


def turns(n, steps):
    return plans.staged((Update("encoder"), n), (Update(("decoder", "head")), n))


# %% 7.9 solution
from torch.nn import functional as F


def soft_dice(scores, masks):
    p = scores.softmax(1)[:, 1:]
    y = F.one_hot(masks, 4).permute(0, 3, 1, 2)[:, 1:]
    overlap, sizes = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return 1 - ((2 * overlap + 1) / (sizes + 1)).mean()


# %% 7.9 wrong: rows for columns -> Which axes changed roles?
from torch.nn import functional as F


def soft_dice(scores, masks):
    p = scores.softmax(1)[:, 1:]
    y = F.one_hot(masks, 4).transpose(1, 3)[:, 1:]
    overlap, sizes = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return 1 - ((2 * overlap + 1) / (sizes + 1)).mean()


# %% 7.9 wrong: Dice of the prediction -> no gradient reaches the scores
from torch.nn import functional as F


def soft_dice(scores, masks):
    p, y = (F.one_hot(each, 4).movedim(-1, 1)[:, 1:] for each in (scores.argmax(1), masks))
    overlap, sizes = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return 1 - ((2 * overlap + 1) / (sizes + 1)).mean()


# %% 7.9 wrong: the background too -> Change nothing but the bug
from torch.nn import functional as F


def soft_dice(scores, masks):
    p, y = scores.softmax(1), F.one_hot(masks, 4).movedim(-1, 1)
    overlap, sizes = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return 1 - ((2 * overlap + 1) / (sizes + 1)).mean()


# %% 7.10 solution
import torch


def train_both(model, losses, steps):
    s = torch.zeros(2, requires_grad=True)  # log σ² of the two tasks
    optimizer = torch.optim.Adam([*model.parameters(), s], lr=0.01)
    for number in range(steps):
        cross_entropy, boxes = losses(model, number)
        J = torch.exp(-s[0]) * cross_entropy + torch.exp(-s[1]) * boxes / 2 + s.sum() / 2
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
    return torch.exp(-s[0]).item(), torch.exp(-s[1]).item() / 2


# %% 7.10 wrong: the weights alone -> the model stands still
import torch


def train_both(model, losses, steps):
    s = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([s], lr=0.01)
    for number in range(steps):
        cross_entropy, boxes = losses(model, number)
        J = torch.exp(-s[0]) * cross_entropy + torch.exp(-s[1]) * boxes / 2 + s.sum() / 2
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
    return torch.exp(-s[0]).item(), torch.exp(-s[1]).item() / 2


# %% 7.10 wrong: without the logarithms -> both have fallen
import torch


def train_both(model, losses, steps):
    s = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([*model.parameters(), s], lr=0.01)
    for number in range(steps):
        cross_entropy, boxes = losses(model, number)
        J = torch.exp(-s[0]) * cross_entropy + torch.exp(-s[1]) * boxes / 2
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
    return torch.exp(-s[0]).item(), torch.exp(-s[1]).item() / 2


# %% 7.10 wrong: climbs in s -> the smaller loss is to weigh more
import torch


def train_both(model, losses, steps):
    s = torch.zeros(2, requires_grad=True)
    optimizers = torch.optim.Adam(model.parameters(), lr=0.01), torch.optim.Adam([s], lr=0.01, maximize=True)
    for number in range(steps):
        cross_entropy, boxes = losses(model, number)
        J = torch.exp(-s[0]) * cross_entropy + torch.exp(-s[1]) * boxes / 2 + s.sum() / 2
        for optimizer in optimizers:
            optimizer.zero_grad()
        J.backward()
        for optimizer in optimizers:
            optimizer.step()
    return torch.exp(-s[0]).item(), torch.exp(-s[1]).item() / 2
