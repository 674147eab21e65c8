# Chapter 1: answers in place of the stubs, and the words that they must get.

# %% 1.4 solution
from jointopt import EndToEndModel

lam_mean = 0.01 * sum(p.numel() for p in EndToEndModel(num_classes=10).parameters())

# %% 1.4 wrong: the same λ -> make up for 'mean'
lam_mean = 0.01

# %% 1.4 wrong: divided -> divide where you should multiply
lam_mean = 0.01 / 422_218

# %% 1.4 wrong: forgot the biases -> biases too
from jointopt import EndToEndModel

lam_mean = 0.01 * sum(p.numel() for p in EndToEndModel(num_classes=10).parameters() if p.ndim > 1) * 0.99

# %% 1.5 solution
from math import sqrt


def product(lam_theta, lam_phi):
    return max(1 - sqrt(lam_theta * lam_phi), 0)


# %% 1.5 wrong: the mean of the two -> for λ's 0.4 and 0.1 yours is 0.75
def product(lam_theta, lam_phi):
    return max(1 - (lam_theta + lam_phi) / 2, 0)


# %% 1.5 wrong: below zero -> J is lower at the origin
def product(lam_theta, lam_phi):
    return 1 - (lam_theta * lam_phi) ** 0.5


# %% 1.5 wrong: one λ alone -> a function of (lam_theta, lam_phi) is asked for
def product(lam):
    return max(1 - lam, 0)


# %% 1.6 solution
start = (0.8, -0.8)

# %% 1.6 wrong: the origin -> the saddle itself
start = (0, 0)

# %% 1.6 wrong: the other diagonal -> it ends at θ = 0.95, φ = 0.95
start = (1, 1)

# %% 1.6 wrong: the one in the text -> find another one
start = (-1.5, 1.5)

# %% 1.6 wrong: not quite on the line -> it ends at
start = (0.8, -0.9)

# %% 1.6 wrong: far away -> the run diverges
start = (9.0, -9.0)

# %% 1.6 wrong: off the map -> cannot be used: ValueError
start = (30.0, -30.0)

# %% 1.6 wrong: one number -> a pair of numbers
start = 0.8


# %% 1.7 solution
def point(j):
    theta = j**0.5
    return theta, 1 / theta


# %% 1.7 wrong: the origin -> a point at which J is 0.5
def point(j):
    return 0.0, 0.0


# %% 1.7 wrong: a fixed point far along the valley -> for j = 0.01
def point(j):
    return 0.22, 1 / 0.22


# %% 1.7 wrong: one number -> a pair of numbers
def point(j):
    return j


# %% 1.8 solution
from jointopt import Update


def plan(start, steps):
    for number in range(steps):
        yield Update(losses=["task"]) if number < start else Update()


# %% 1.8 wrong: one step late -> first counted at step 101
from jointopt import Update


def plan(start, steps):
    for number in range(steps):
        yield Update(losses=["task"]) if number <= start else Update()


# %% 1.8 wrong: penalties first -> the task is counted at every step
from jointopt import Update


def plan(start, steps):
    for number in range(steps):
        yield Update(losses=["reg_theta", "reg_phi"]) if number < start else Update()


# %% 1.8 wrong: without end -> goes on after 160 updates
from jointopt import Update, plans


def plan(start, steps):
    return plans.staged((Update(losses=["task"]), start), (Update(), None))


# %% 1.8 wrong: steps after the start -> goes on after 160 updates
from jointopt import Update


def plan(start, steps):
    for _ in range(start):
        yield Update(losses=["task"])
    for _ in range(steps):
        yield Update()


# %% 1.8 wrong: names, not Updates -> yours yields a str
def plan(start, steps):
    return ["task"] * start + ["all"] * (steps - start)


# %% 1.9 solution
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=lam)


# %% 1.9 wrong: AdamW's own decay -> λ does not reach the optimizer
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr)


# %% 1.9 wrong: another optimizer -> Adam is gone
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.SGD(parameters, lr=lr, weight_decay=lam)


# %% 1.9 wrong: λ three times as large -> should leave about 0.8
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=3 * lam)
