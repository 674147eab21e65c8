# Chapter 10: answers in place of the stubs, and the words that they must get.


# %% 10.6 solution
def networks(cells, operations):
    return sum((operations - 1) ** length for length in range(cells + 1))


# %% 10.6 wrong: the names -> some of them name the same network
def networks(cells, operations):
    return operations**cells


# %% 10.6 wrong: the longest only -> Shorter ones count, too
def networks(cells, operations):
    return (operations - 1) ** cells


# %% 10.6 wrong: without order -> the order of the operations counts
from math import comb


def networks(cells, operations):
    return comb(cells + operations - 1, cells)


# %% 10.6 wrong: none of length zero -> Write down all 64 names
def networks(cells, operations):
    return sum((operations - 1) ** length for length in range(1, cells + 1))


# %% 10.7 solution
from math import comb


def best_of(scores, n):
    ways = [comb(below, n - 1) for below in range(len(scores))]  # in which this one is the best
    return sum(way * score for way, score in zip(ways, sorted(scores), strict=True)) / comb(len(scores), n)


# %% 10.7 wrong: with replacement -> A search tries n different ones
def best_of(scores, n):
    size = len(scores)
    return sum(score * ((k + 1) ** n - k**n) for k, score in enumerate(sorted(scores))) / size**n


# %% 10.7 wrong: the n highest -> the search does not know which these are
def best_of(scores, n):
    return sum(sorted(scores)[-n:]) / n


# %% 10.7 wrong: the best of all -> is sure to find the highest
def best_of(scores, n):
    return max(scores)


# %% 10.7 wrong: drawn a few times -> over all 3 choices the mean of the best is
import random


def best_of(scores, n):
    return sum(max(random.sample(scores, n)) for _ in range(100)) / 100


# %% 10.8 solution
from jointopt import Update

W = Update(["feature_extractor", "classifier"], "task", hold_normalization=False)
A = Update("architecture", ["validation", "cost"], hold_normalization=False)


def plan(wait, pairs):
    for _ in range(wait):
        yield W
    for _ in range(pairs):
        yield from (W, A)


# %% 10.8 wrong: on the images of the weights -> is for the architecture and counts cost and task
from jointopt import Update

W = Update(["feature_extractor", "classifier"], "task", hold_normalization=False)
A = Update("architecture", ["task", "cost"], hold_normalization=False)


def plan(wait, pairs):
    return [W] * wait + [W, A] * pairs


# %% 10.8 wrong: as if frozen -> is held: let it go on
from jointopt import Update

W = Update(["feature_extractor", "classifier"], "task")
A = Update("architecture", ["validation", "cost"])


def plan(wait, pairs):
    return [W] * wait + [W, A] * pairs


# %% 10.8 wrong: pairs taken for updates -> plan(3, 2) ends after 5 updates
from jointopt import Update, plans

W = Update(["feature_extractor", "classifier"], "task", hold_normalization=False)
A = Update("architecture", ["validation", "cost"], hold_normalization=False)


def plan(wait, pairs):
    yield from [W] * wait
    yield from plans.alternating(W, A, steps=pairs)


# %% 10.8 wrong: the architecture first -> update 3, counted from 0, moves architecture; it is the turn of the weights
from jointopt import Update

W = Update(["feature_extractor", "classifier"], "task", hold_normalization=False)
A = Update("architecture", ["validation", "cost"], hold_normalization=False)


def plan(wait, pairs):
    return [W] * wait + [A, W] * pairs


# %% 10.9 solution
def report(validation, test, tried):
    best = validation[tried].mean(1).argmax()
    return test[tried[best]].mean()


# %% 10.9 wrong: another architecture -> Chosen was number
def report(validation, test, tried):
    best = validation[tried].mean(1).argmax()
    return test[best].mean()


# %% 10.9 wrong: the test chooses -> now the test accuracies choose
def report(validation, test, tried):
    best = test[tried].mean(1).argmax()
    return test[tried][best].mean()


# %% 10.9 wrong: the mean of both -> the one that was chosen by validation has a mean of
def report(validation, test, tried):
    best = tried[validation[tried].mean(1).argmax()]
    return (validation[best].mean() + test[best].mean()) / 2


# %% 10.10 solution
from torch import nn
from torch.nn import functional as F


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(16, 32)
        self.layer = nn.Linear(4 * 32, 64)

    def forward(self, words):
        in_a_row = self.words(words).flatten(1)  # (B, 128): each position has weights of its own
        return F.normalize(self.layer(in_a_row), dim=1)


# %% 10.10 wrong: positions are added -> still get the same vector
import torch
from torch import nn
from torch.nn import functional as F


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(16, 32)
        self.positions = nn.Embedding(4, 32)
        self.layer = nn.Linear(32, 64)

    def forward(self, words):
        vectors = self.words(words) + self.positions(torch.arange(4))
        return F.normalize(self.layer(vectors.mean(1)), dim=1)


# %% 10.10 wrong: a deeper network -> still get the same vector
from torch import nn
from torch.nn import functional as F


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(16, 32)
        self.layers = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, words):
        return F.normalize(self.layers(self.words(words).mean(1)), dim=1)


# %% 10.10 wrong: the first word only -> and mean different things
from torch import nn
from torch.nn import functional as F


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(16, 32)
        self.layer = nn.Linear(32, 64)

    def forward(self, words):
        return F.normalize(self.layer(self.words(words)[:, 0]), dim=1)


# %% 10.10 wrong: no unit vectors -> each is to have length 1
from torch import nn


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(16, 32)
        self.layer = nn.Linear(4 * 32, 64)

    def forward(self, words):
        return self.layer(self.words(words).flatten(1))


# %% 10.11 solution
import torch
from torch.nn import functional as F


def loss(scores, same):
    right = torch.arange(len(scores))
    scores = scores.masked_fill(same & ~torch.eye(len(same), dtype=bool), float("-inf"))
    return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2


# %% 10.11 wrong: as before -> still pushed apart
import torch
from torch.nn import functional as F


def loss(scores, same):
    right = torch.arange(len(scores))
    return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2


# %% 10.11 wrong: the diagonal, too -> on the diagonal, have to stay
import torch
from torch.nn import functional as F


def loss(scores, same):
    right = torch.arange(len(scores))
    scores = scores.masked_fill(same, float("-inf"))
    return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2


# %% 10.11 wrong: filled with 0 -> a score of 0 is a score like any other
import torch
from torch.nn import functional as F


def loss(scores, same):
    right = torch.arange(len(scores))
    scores = scores.masked_fill(same & ~torch.eye(len(same), dtype=bool), 0)
    return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2


# %% 10.11 wrong: counted as right -> counted as right answers now
from torch.nn import functional as F


def loss(scores, same):
    right = same / same.sum(1, keepdim=True).double()
    return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2


# %% 10.11 wrong: one direction -> without those pairs it is
import torch
from torch.nn import functional as F


def loss(scores, same):
    scores = scores.masked_fill(same & ~torch.eye(len(same), dtype=bool), float("-inf"))
    return F.cross_entropy(scores, torch.arange(len(scores)))


# %% 10.11 wrong: the value alone -> no gradient comes through it
import torch
from torch.nn import functional as F


def loss(scores, same):
    right = torch.arange(len(scores))
    scores = scores.detach().masked_fill(same & ~torch.eye(len(same), dtype=bool), float("-inf"))
    return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2


# %% 10.12 solution
def least_steps(images, size):
    return images // size + 1


# %% 10.12 wrong: a fraction -> steps are whole
def least_steps(images, size):
    return images / size


# %% 10.12 wrong: a whole pass -> as many as the cache's 128
from math import ceil


def least_steps(images, size):
    return ceil(images / size)


# %% 10.12 wrong: two passes -> after 63 steps the cache costs less already
def least_steps(images, size):
    return 2 * images // size + 1


# %% 10.13 solution
import copy

import torch


def features_of(feature_extractor, images):
    still = copy.deepcopy(feature_extractor).eval()
    with torch.no_grad():
        return torch.cat([still(some) for some in images.split(64)])


# %% 10.13 wrong: left in eval mode -> Sequential was in training mode before, and is left in eval mode
import torch


def features_of(feature_extractor, images):
    feature_extractor.eval()
    with torch.no_grad():
        return torch.cat([feature_extractor(some) for some in images.split(64)])


# %% 10.13 wrong: all of it back to training -> BatchNorm2d was in eval mode before, and is left in training mode
import torch


def features_of(feature_extractor, images):
    feature_extractor.eval()
    with torch.no_grad():
        features = torch.cat([feature_extractor(some) for some in images.split(64)])
    feature_extractor.train()
    return features


# %% 10.13 wrong: with its graph -> keep the graph of all their passes
import copy

import torch


def features_of(feature_extractor, images):
    still = copy.deepcopy(feature_extractor).eval()
    return torch.cat([still(some) for some in images.split(64)])


# %% 10.13 wrong: a copy in training mode -> still depends on the batch or on chance
import copy

import torch


def features_of(feature_extractor, images):
    with torch.no_grad():
        return torch.cat([copy.deepcopy(feature_extractor)(some) for some in images.split(64)])


# %% 10.13 wrong: its parameters frozen -> do not require a gradient any more
import torch

from jointopt.modules import eval_mode


def features_of(feature_extractor, images):
    feature_extractor.requires_grad_(False)
    with eval_mode(feature_extractor):
        return torch.cat([feature_extractor(some) for some in images.split(64)])


# %% 10.13 wrong: a look in training mode afterwards -> but the module's running mean has moved by
import torch

from jointopt.modules import eval_mode


def features_of(feature_extractor, images):
    with torch.no_grad():
        with eval_mode(feature_extractor):
            features = torch.cat([feature_extractor(some) for some in images.split(64)])
        return features.view(len(images), *feature_extractor(images[:2]).shape[1:])
