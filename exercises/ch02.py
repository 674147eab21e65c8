# Chapter 2: answers in place of the stubs, and the words that they must get.

# %% 2.5 solution
import torch
from torch.nn import functional as F


def two_norms(model, weight, images, labels):
    def norm(images, labels):
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(images), labels), weight)
        return gradient.norm().item()

    own = [norm(images[n : n + 1], labels[n : n + 1]) for n in range(len(images))]
    return sum(own) / len(own), norm(images, labels)


# %% 2.5 wrong: never cleared -> the first grows from image to image
from torch.nn import functional as F


def two_norms(model, weight, images, labels):
    own = []
    for n in range(len(images)):
        F.cross_entropy(model(images[n : n + 1]), labels[n : n + 1]).backward()
        own.append(weight.grad.norm().item())
    model.zero_grad()
    F.cross_entropy(model(images), labels).backward()
    return sum(own) / len(own), weight.grad.norm().item()


# %% 2.5 wrong: a sum over the batch -> the second is the norm of a sum
import torch
from torch.nn import functional as F


def two_norms(model, weight, images, labels):
    def norm(images, labels):
        loss = F.cross_entropy(model(images), labels, reduction="sum")
        return torch.autograd.grad(loss, weight)[0].norm()

    own = [norm(images[n : n + 1], labels[n : n + 1]) for n in range(len(images))]
    return sum(own) / len(own), norm(images, labels)


# %% 2.5 wrong: exchanged -> in the other order
import torch
from torch.nn import functional as F


def two_norms(model, weight, images, labels):
    losses = F.cross_entropy(model(images), labels, reduction="none")
    own = torch.stack([torch.autograd.grad(loss, weight, retain_graph=True)[0].flatten() for loss in losses])
    return own.mean(dim=0).norm(), own.norm(dim=1).mean()


# %% 2.6 solution
multiplications = {"conv1": 677_376, "conv2": 3_612_672, "fc1": 401_408, "fc2": 1_280}  # from below to above


def cost(moving):
    layers = list(multiplications)
    lowest = min(layers.index(layer) for layer in moving)
    forward = sum(multiplications.values())
    in_weights = sum(multiplications[layer] for layer in moving)
    in_inputs = sum(multiplications[layer] for layer in layers[lowest + 1 :])  # of the lowest itself nobody needs it
    joint = 3 * forward - multiplications["conv1"]
    return (forward + in_weights + in_inputs) / joint


# %% 2.6 wrong: nothing passes through what is frozen -> where conv1 and conv2 move, yours is 0.94, which is too little
multiplications = {"conv1": 677_376, "conv2": 3_612_672, "fc1": 401_408, "fc2": 1_280}  # from below to above


def cost(moving):
    forward = sum(multiplications.values())
    in_weights = sum(multiplications[layer] for layer in moving)
    in_inputs = sum(multiplications[layer] for layer in moving[1:])
    return (forward + in_weights + in_inputs) / (3 * forward - multiplications["conv1"])


# %% 2.6 wrong: the backward pass never ends -> where fc1 and fc2 move, yours is 0.68, which is too much
multiplications = {"conv1": 677_376, "conv2": 3_612_672, "fc1": 401_408, "fc2": 1_280}  # from below to above


def cost(moving):
    forward = sum(multiplications.values())
    in_weights = sum(multiplications[layer] for layer in moving)
    joint = 3 * forward - multiplications["conv1"]
    return (joint - forward + in_weights) / joint


# %% 2.7 solution
from jointopt import Update


def plan(start, budget, cost):
    for _ in range(start):
        yield Update()
    for _ in range(int((budget - start) / cost)):
        yield Update("classifier")


# %% 2.7 wrong: as many steps as the budget -> takes 100 steps and spends 50.40: the budget pays for more
from jointopt import Update, plans


def plan(start, budget, cost):
    return plans.staged((Update(), start), (Update("classifier"), budget - start))


# %% 2.7 wrong: rounded up -> more than its budget
from math import ceil

from jointopt import Update


def plan(start, budget, cost):
    for _ in range(start):
        yield Update()
    for _ in range(ceil((budget - start) / cost)):
        yield Update("classifier")


# %% 2.7 wrong: named what stands still -> step 20 moves feature_extractor
from jointopt import Update, plans


def plan(start, budget, cost):
    return plans.staged((Update(), start), (Update("feature_extractor"), int((budget - start) / cost)))


# %% 2.8 solution
def standardize(features):
    over = (0, 2, 3)  # images and positions
    mean = features.mean(dim=over, keepdim=True)  # (1, C, 1, 1)
    variance = features.var(dim=over, keepdim=True, unbiased=False)  # (1, C, 1, 1)
    return (features - mean) / (variance + 1e-5).sqrt()


# %% 2.8 wrong: one mean for all maps -> comes out with mean
def standardize(features):
    return (features - features.mean()) / (features.std() + 1e-5)


# %% 2.8 wrong: each image by itself -> a bright image is no brighter than a dark one
def standardize(features):
    mean = features.mean(dim=(2, 3), keepdim=True)
    return (features - mean) / (features.var(dim=(2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()


# %% 2.8 wrong: nothing added -> where a map is 0 everywhere, there are nan
def standardize(features):
    mean, deviation = features.mean(dim=(0, 2, 3), keepdim=True), features.std(dim=(0, 2, 3), keepdim=True)
    return (features - mean) / deviation


# %% 2.9 solution
from torch.nn import functional as F


def two_losses(model, batch):
    images, labels = batch
    model.classifier.requires_grad_(False)  # frozen
    features = model.feature_extractor(images)
    scores = model.classifier(features)
    return {"task": F.cross_entropy(scores, labels), "size": 1e-3 * features.square().mean()}


# %% 2.9 wrong: thawed -> it is not frozen.
from torch.nn import functional as F


def two_losses(model, batch):
    images, labels = batch
    features = model.feature_extractor(images)
    scores = model.classifier(features)
    return {"task": F.cross_entropy(scores, labels), "size": 1e-3 * features.square().mean()}


# %% 2.9 wrong: cut on the other side -> still does not reach the feature extractor
from torch.nn import functional as F


def two_losses(model, batch):
    images, labels = batch
    features = model.feature_extractor(images)
    scores = model.classifier(features.detach())
    return {"task": F.cross_entropy(scores, labels), "size": 1e-3 * features.square().mean()}


# %% 2.10 solution
from torch.nn import functional as F


def train_head(model, optimizer, batches, epochs):
    model.feature_extractor.requires_grad_(False)
    for _ in range(epochs):
        model.train()
        model.feature_extractor.eval()  # after each train(), which reaches it too
        for images, labels in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% 2.10 wrong: all in eval mode -> its dropout is off
from torch.nn import functional as F


def train_head(model, optimizer, batches, epochs):
    model.feature_extractor.requires_grad_(False)
    model.eval()
    for _ in range(epochs):
        for images, labels in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% 2.10 wrong: statistics that stand, and are not used -> the features of an image still depend on its batch
from torch.nn import functional as F


def train_head(model, optimizer, batches, epochs):
    model.feature_extractor.requires_grad_(False)
    for layer in model.feature_extractor.modules():
        if hasattr(layer, "momentum"):
            layer.momentum = 0.0
    for _ in range(epochs):
        model.train()
        for images, labels in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% 2.10 wrong: eval mode instead of frozen -> the weights of the feature extractor have moved
from torch.nn import functional as F


def train_head(model, optimizer, batches, epochs):
    for _ in range(epochs):
        model.classifier.train()
        for images, labels in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% 2.11 solution
from torch.nn import functional as F


def train_and_freeze(model, optimizer, batches, freeze_at):
    for number, (images, labels) in enumerate(batches):
        if number == freeze_at:
            model.feature_extractor.requires_grad_(False)
            model.feature_extractor.zero_grad()  # to None: what the batches before have left there goes
        (F.cross_entropy(model(images), labels) / 4).backward()
        if number % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()


# %% 2.11 wrong: all gradients cleared -> Has it lost a gradient?
from torch.nn import functional as F


def train_and_freeze(model, optimizer, batches, freeze_at):
    for number, (images, labels) in enumerate(batches):
        if number == freeze_at:
            model.feature_extractor.requires_grad_(False)
            optimizer.zero_grad()
        (F.cross_entropy(model(images), labels) / 4).backward()
        if number % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()


# %% 2.11 wrong: zeroed -> away from the weights that its last step before that gave it
from torch.nn import functional as F


def train_and_freeze(model, optimizer, batches, freeze_at):
    for number, (images, labels) in enumerate(batches):
        if number == freeze_at:
            model.feature_extractor.requires_grad_(False)
            model.feature_extractor.zero_grad(set_to_none=False)
        (F.cross_entropy(model(images), labels) / 4).backward()
        if number % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
