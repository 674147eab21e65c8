# Chapter 5: answers in place of the stubs, and the words that they must get.

# %% 5.4 solution
def other(features):
    return features.flip(-1)  # a mirror image of each channel


# %% 5.4 wrong: the same -> these are the same features, or nearly
def other(features):
    return features * 1.0


# %% 5.4 wrong: one position brighter -> the mean of some channel is another one now
def other(features):
    features[:, :, 0, 0] += 1
    return features


# %% 5.4 wrong: channels in another order -> the mean of some channel is another one now
def other(features):
    return features.flip(1)


# %% 5.4 wrong: as the head leaves them -> a tensor of shape (8, 64, 4, 4) is asked for
def other(features):
    return features.mean((2, 3))


# %% 5.5 solution
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", labels=labels, size=32, held_out="validation")
    return tasks.load("classification", weights=weights, seed=seed, **few)


# %% 5.5 wrong: the default of held_out -> it evaluates on test images
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", labels=labels, size=32)
    return tasks.load("classification", weights=weights, seed=seed, **few)


# %% 5.5 wrong: a seed for each arm -> the two arms see other images
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", labels=labels, size=32, held_out="validation")
    return tasks.load("classification", weights=weights, seed=2 * seed + (weights is None), **few)


# %% 5.5 wrong: no seed -> the seed has to reach the task
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", labels=labels, size=32, held_out="validation")
    return tasks.load("classification", weights=weights, **few)


# %% 5.5 wrong: a new head for the pretrained arm -> the heads begin with other weights
from jointopt import tasks
from jointopt.models.classifiers import vgg_head


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", labels=labels, size=32, held_out="validation")
    task = tasks.load("classification", weights=weights, seed=seed, **few)
    if weights == "clothes":
        task.model.classifier = vgg_head(classes=10)
    return task


# %% 5.5 wrong: all labels -> with labels=3, seed=0 a batch has 32 images, not 30
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", size=32, held_out="validation")
    return tasks.load("classification", weights=weights, seed=seed, **few)


# %% 5.5 wrong: batches of 64 -> with labels=10, seed=0 a batch has 64 images, not 32
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", labels=labels, held_out="validation")
    return tasks.load("classification", weights=weights, seed=seed, **few)


# %% 5.5 wrong: one start -> None for random ones
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", labels=labels, size=32, held_out="validation")
    return tasks.load("classification", weights="clothes", seed=seed, **few)


# %% 5.5 wrong: plain digits -> other images than the validation images of 'cluttered'
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(network="vgg", labels=labels, size=32, held_out="validation")
    return tasks.load("classification", weights=weights, seed=seed, **few)


# %% 5.5 wrong: the document's network -> not the small VGG
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", labels=labels, size=32, held_out="validation")
    return tasks.load("classification", weights=weights, seed=seed, **few)


# %% 5.5 wrong: the network alone -> yours returns a Pipeline
from jointopt import tasks


def arm(weights, labels, seed):
    few = dict(data="cluttered", network="vgg", labels=labels, size=32, held_out="validation")
    return tasks.load("classification", weights=weights, seed=seed, **few).model


# %% 5.6 solution
from jointopt import Update, plans


def upper(steps):
    return plans.alternating(Update(["feature_extractor.layer3", "classifier"]), steps=steps)


# %% 5.6 wrong: the layer alone -> there is a step at which classifier did not move
from jointopt import Update, plans


def upper(steps):
    return plans.alternating(Update("feature_extractor.layer3"), steps=steps)


# %% 5.6 wrong: what is to freeze is named -> feature_extractor.conv1, feature_extractor.layer1
from jointopt import Update, plans


def upper(steps):
    frozen = [f"feature_extractor.{name}" for name in ("conv1", "layer1", "layer2")]
    return plans.alternating(Update(frozen), steps=steps)


# %% 5.6 wrong: in turns -> did not move
from jointopt import Update, plans


def upper(steps):
    return plans.alternating(Update("feature_extractor.layer3"), Update("classifier"), steps=steps)


# %% 5.6 wrong: the statistics go on -> feature_extractor.bn1, feature_extractor.layer1
from jointopt import Update, plans


def upper(steps):
    update = Update(["feature_extractor.layer3", "classifier"], hold_normalization=False)
    return plans.alternating(update, steps=steps)


# %% 5.6 wrong: no path -> no module with parameters is named 'layer3'
from jointopt import Update, plans


def upper(steps):
    return plans.alternating(Update(["layer3", "classifier"]), steps=steps)


# %% 5.6 wrong: without end -> the plan goes on after 4 updates
from jointopt import Update, plans


def upper(steps):
    return plans.alternating(Update(["feature_extractor.layer3", "classifier"]))


# %% 5.6 wrong: one update -> your plan of 4 updates ends after 1
from jointopt import Update


def upper(steps):
    yield Update(["feature_extractor.layer3", "classifier"])


# %% 5.6 wrong: the penalty alone -> the task has to be counted at every step
from jointopt import Update, plans


def upper(steps):
    return plans.alternating(Update(["feature_extractor.layer3", "classifier"], losses="reg"), steps=steps)


# %% 5.7 solution
from torch.nn.functional import cross_entropy


def loss_and_confidence(model, images, labels):
    scores = model(images)  # (B, 10)
    return cross_entropy(scores, labels), scores.softmax(1).amax(1).mean()


# %% 5.7 wrong: no softmax at all -> the confidence is 20.00
from torch.nn import functional as F


def loss_and_confidence(model, images, labels):
    p = model(images)
    return F.cross_entropy(p, labels), p.amax(1).mean()


# %% 5.7 wrong: no logarithm -> where is the logarithm?
from torch.nn import functional as F


def loss_and_confidence(model, images, labels):
    p = model(images).softmax(1)
    return F.nll_loss(p, labels), p.amax(1).mean()


# %% 5.7 wrong: the logarithm of what was rounded to 0 -> a probability was rounded to 0
from torch.nn import functional as F


def loss_and_confidence(model, images, labels):
    p = model(images).softmax(1)
    return F.nll_loss(p.log(), labels), p.amax(1).mean()


# %% 5.7 wrong: the loss alone -> the function returns a pair
from torch.nn import functional as F


def loss_and_confidence(model, images, labels):
    return F.cross_entropy(model(images), labels)


# %% 5.7 wrong: a sum -> the mean cross-entropy of these scores is
from torch.nn import functional as F


def loss_and_confidence(model, images, labels):
    scores = model(images)
    return F.cross_entropy(scores, labels, reduction="sum"), scores.softmax(1).amax(1).mean()


# %% 5.7 wrong: numbers to print -> backward() finds no gradient
from torch.nn import functional as F


def loss_and_confidence(model, images, labels):
    scores = model(images)
    return F.cross_entropy(scores, labels).item(), scores.softmax(1).amax(1).mean().item()


# %% 5.8 solution
def calibration_error(p, labels):
    confidence, predicted = p.max(1)  # (N,), (N,)
    right = (predicted == labels).float()
    bin_of = (10 * confidence).long().clamp(max=9)
    total = 0.0
    for number in range(10):
        inside = bin_of == number
        if inside.any():
            total += inside.float().mean() * (right[inside].mean() - confidence[inside].mean()).abs()
    return 100 * total


# %% 5.8 wrong: over all images at once -> bins that are not sure enough cancel
def calibration_error(p, labels):
    confidence, predicted = p.max(1)
    return 100 * (confidence.mean() - (predicted == labels).float().mean()).abs()


# %% 5.8 wrong: bins of equal weight -> each bin weighted by its share
def calibration_error(p, labels):
    confidence, predicted = p.max(1)
    right = (predicted == labels).float()
    bin_of = (10 * confidence).long().clamp(max=9)
    bins = [bin_of == number for number in range(10) if (bin_of == number).any()]
    return 100 * sum((right[b].mean() - confidence[b].mean()).abs() for b in bins) / len(bins)


# %% 5.8 wrong: a share -> percent is asked for
def calibration_error(p, labels):
    confidence, predicted = p.max(1)
    right = (predicted == labels).float()
    bin_of = (10 * confidence).long().clamp(max=9)
    excess = [(confidence - right)[bin_of == number].sum().abs() for number in range(10)]
    return sum(excess) / len(p)


# %% 5.8 wrong: empty bins -> a finite number is asked for, not nan
def calibration_error(p, labels):
    confidence, predicted = p.max(1)
    right = (predicted == labels).float()
    bin_of = (10 * confidence).long().clamp(max=9)
    bins = [bin_of == number for number in range(10)]
    return 100 * sum(b.float().mean() * (right[b].mean() - confidence[b].mean()).abs() for b in bins)


# %% 5.8 wrong: an eleventh bin -> for 50 images, each with confidence 1.0, yours is 0.0 %
def calibration_error(p, labels):
    confidence, predicted = p.max(1)
    right = (predicted == labels).float()
    total = 0.0
    for number in range(10):
        inside = (number / 10 <= confidence) & (confidence < (number + 1) / 10)
        total += (confidence - right)[inside].sum().abs()
    return 100 * total / len(p)


# %% 5.9 solution
from torch.nn import functional as F


def best_temperature(p, labels):
    tried = [1.02**n for n in range(-110, 111)]  # from 0.11 to 8.8
    return min(tried, key=lambda T: F.cross_entropy(p.log() / T, labels))


# %% 5.9 wrong: multiplied -> Are scores multiplied by it?
from torch.nn import functional as F


def best_temperature(p, labels):
    tried = [1.02**n for n in range(-110, 111)]
    return min(tried, key=lambda T: F.cross_entropy(p.log() * T, labels))


# %% 5.9 wrong: by accuracy -> yours is 0.11
def best_temperature(p, labels):
    tried = [1.02**n for n in range(-110, 111)]
    return max(tried, key=lambda T: ((p.log() / T).argmax(1) == labels).float().mean())


# %% 5.9 wrong: probabilities divided -> where the cross-entropy is lowest at T =
from torch.nn import functional as F


def best_temperature(p, labels):
    tried = [1.02**n for n in range(-110, 111)]
    return min(tried, key=lambda T: F.cross_entropy(p / T, labels))


# %% 5.9 wrong: never below 1 -> yours is 1.00
from torch.nn import functional as F


def best_temperature(p, labels):
    tried = [1 + n / 20 for n in range(60)]
    return min(tried, key=lambda T: F.cross_entropy(p.log() / T, labels))


# %% 5.9 wrong: below 0 -> would make the largest score the smallest
from torch.nn import functional as F


def best_temperature(p, labels):
    tried = [1.02**n for n in range(-110, 111)]
    return min((-T for T in tried), key=lambda T: F.cross_entropy(p.log() / T, labels))


# %% 5.10 solution
import torch


def fit_head(model, epochs):
    theta, phi = model["feature_extractor"], model["classifier"]
    theta.requires_grad_(False)
    optimizer = torch.optim.Adam(phi.parameters(), lr=0.003)
    for batches in epochs:
        model.train()
        theta.eval()  # after every model.train()
        for inputs, labels in batches:
            loss = torch.nn.functional.cross_entropy(phi(theta(inputs)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()  # to look at the validation images here


# %% 5.10 wrong: all in eval mode -> the head's dropout was off
import torch
from torch.nn import functional as F


def fit_head(model, epochs):
    theta, phi = model["feature_extractor"], model["classifier"]
    theta.requires_grad_(False)
    optimizer = torch.optim.Adam(phi.parameters(), lr=0.003)
    for batches in epochs:
        model.eval()
        for inputs, labels in batches:
            loss = F.cross_entropy(phi(theta(inputs)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()


# %% 5.10 wrong: train mode in the first epoch alone -> the head's dropout was off
import torch
from torch.nn import functional as F


def fit_head(model, epochs):
    theta, phi = model["feature_extractor"], model["classifier"]
    theta.requires_grad_(False).eval()
    optimizer = torch.optim.Adam(phi.parameters(), lr=0.003)
    for batches in epochs:
        for inputs, labels in batches:
            loss = F.cross_entropy(phi(theta(inputs)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()


# %% 5.10 wrong: statistics put back -> BatchNorm normalized by the batch while you trained
import copy

import torch
from torch.nn import functional as F


def fit_head(model, epochs):
    theta, phi = model["feature_extractor"], model["classifier"]
    theta.requires_grad_(False)
    before = copy.deepcopy(theta.state_dict())
    optimizer = torch.optim.Adam(phi.parameters(), lr=0.003)
    for batches in epochs:
        model.train()
        for inputs, labels in batches:
            loss = F.cross_entropy(phi(theta(inputs)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
    theta.load_state_dict(before)


# %% 5.10 wrong: everything moves -> weights of the feature extractor moved
import torch
from torch.nn import functional as F


def fit_head(model, epochs):
    theta, phi = model["feature_extractor"], model["classifier"]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for batches in epochs:
        model.train()
        for inputs, labels in batches:
            loss = F.cross_entropy(phi(theta(inputs)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()


# %% 5.10 wrong: no gradient for the head -> nothing was trained
def fit_head(model, epochs):
    for batches in epochs:
        for inputs, _ in batches:
            model["feature_extractor"].eval()(inputs)
