# Chapter 1: answers in place of the stubs, and the words that they must get.

# %% 1.4 solution
from jointopt import EndToEndModel

lam_mean = 0.01 * sum(p.numel() for p in EndToEndModel(num_classes=10).parameters())

# %% 1.4 wrong: the same λ -> make up for 'mean'
lam_mean = 0.01

# %% 1.4 wrong: the other sign -> only a λ above 0
lam_mean = -4222.18

# %% 1.4 wrong: divided -> divide where you should multiply
lam_mean = 0.01 / 422_218

# %% 1.4 wrong: forgot the biases -> 4219.8 fits if weights alone count. The biases are trained, too
from jointopt import EndToEndModel

lam_mean = 0.01 * sum(p.numel() for p in EndToEndModel(num_classes=10).parameters() if p.ndim > 1)

# %% 1.4 wrong: about -> pulled 0.9947 times as hard as before. How many numbers are trained
lam_mean = 4200

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


# %% 1.5 wrong: nothing from 1 on -> for λ's 2 and 0.1 yours is 0
def product(lam_theta, lam_phi):
    return 0 if lam_theta > 1 else max(1 - (lam_theta * lam_phi) ** 0.5, 0)


# %% 1.5 wrong: nothing from 1 on, the other one -> for λ's 0.2 and 1.5 yours is 0
def product(lam_theta, lam_phi):
    return 0 if lam_phi > 1 else max(1 - (lam_theta * lam_phi) ** 0.5, 0)


# %% 1.5 wrong: nothing where the mean is above 1 -> gradient descent ends at another product
def product(lam_theta, lam_phi):
    return 0 if lam_theta + lam_phi > 2 else 1 - (lam_theta * lam_phi) ** 0.5


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

# %% 1.6 wrong: one number -> a pair (theta, phi) is asked for, not a float
start = 0.8

# %% 1.6 wrong: by name -> a pair (theta, phi) is asked for, not a dict
start = {"theta": 1.0, "phi": -1.0}

# %% 1.6 wrong: three numbers -> two values; yours has more than 2
start = (0.8, -0.8, 0.1)

# %% 1.6 wrong: the other diagonal, as far -> from there it ends at θ = 0.95, φ = 0.95
start = (1.5, 1.5)

# %% 1.6 wrong: the other diagonal, as far on its other side -> from there it ends at θ = -0.95, φ = -0.95
start = (-1.5, -1.5)


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


# %% 1.7 wrong: for small j alone -> for j = 10 yours returns a point at which J is 25
def point(j):
    return j, 1 / j


# %% 1.7 wrong: for smaller j's alone -> for j = 100 yours returns a point at which J is 625
def point(j):
    return j / 2, 2 / j


# %% 1.7 wrong: a fixed point very far along it -> for j = 1e-20 yours returns a point at which J is 2.5e-19
def point(j):
    return 1e-9, 1e9


# %% 1.7 wrong: at j, not below it -> a point at which J is 0.01, not below it
from math import sqrt


def point(j):
    theta = 2 * sqrt(j)
    return theta, 1 / theta


# %% 1.7 wrong: one number -> a pair (theta, phi) is asked for, not a float
def point(j):
    return j


# %% 1.7 wrong: a floor -> the same point for a larger j and for j = 1e-300
def point(j):
    theta = max(1e-60, min(j, 0.1))
    return theta, 1 / theta


# %% 1.7 right: beyond what floats hold -> there is no minimum
def point(j):
    theta = min(j, 0.1) ** 4
    return theta, 1 / theta


# %% 1.7 wrong: a fixed point that floats can hardly hold -> the same point for a larger j and for j = 1e-100
def point(j):
    return 1e-30, 1e30


# %% 1.7 wrong: a fixed point at which J is 0 in floats -> the same point for a larger j and for j = 1e-100
def point(j):
    return 1e-200, 1e200


# %% 1.7 right: nearer to the origin than asked for -> there is no minimum
def point(j):
    theta = min(1e-30, j)
    return theta, 1 / theta


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


# %% 1.8 wrong: without one of the penalties -> in plan(100, 160) reg_phi is not counted from step 100 on
from jointopt import Update


def plan(start, steps):
    for number in range(steps):
        yield Update(losses=("task", "reg_theta") if number >= start else "task")


# %% 1.8 wrong: one of the penalties from the start -> in plan(100, 160) reg_phi is first counted at step 0
from jointopt import Update


def plan(start, steps):
    for number in range(steps):
        yield Update(losses=["task", "reg_phi"]) if number < start else Update()


# %% 1.8 wrong: a loss of another task -> there is no loss 'reg'; they are task, reg_theta and reg_phi
from jointopt import Update


def plan(start, steps):
    for number in range(steps):
        yield Update(losses=["task"] if number < start else ["task", "reg"])


# %% 1.8 wrong: the task alone to the end -> reg_theta is not counted from step 100 on
from jointopt import plans


def plan(start, steps):
    return plans.joint(steps, losses="task")


# %% 1.8 wrong: penalties first -> the task has to be counted at every step
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


# %% 1.8 right: names both modules -> A λ that comes late is a plan, too
from jointopt import Update

both = ["feature_extractor", "classifier"]


def plan(start, steps):
    return [Update(both, "task")] * start + [Update(both)] * (steps - start)


# %% 1.8 right: names the layers -> A λ that comes late is a plan, too
from jointopt import Update, plans

layers = ["feature_extractor.conv1", "feature_extractor.conv2", "classifier"]


def plan(start, steps):
    return plans.staged((Update(layers, "task"), start), (Update(layers), steps - start))


# %% 1.8 right: names the losses -> A λ that comes late is a plan, too
from jointopt import Update


def plan(start, steps):
    for number in range(steps):
        yield Update(losses="task" if number < start else ["task", "reg_theta", "reg_phi"])


# %% 1.8 wrong: one layer stands still -> in plan(100, 160) step 0 does not move feature_extractor.conv2
from jointopt import Update

layers = ["feature_extractor.conv1", "classifier"]


def plan(start, steps):
    return [Update(layers, "task")] * start + [Update()] * (steps - start)


# %% 1.8 wrong: the classifier late -> in plan(100, 160) step 100 does not move feature_extractor.conv1
from jointopt import Update


def plan(start, steps):
    return [Update(losses="task")] * start + [Update("classifier")] * (steps - start)


# %% 1.8 wrong: a module of another task -> no module with parameters is named 'backbone'
from jointopt import Update


def plan(start, steps):
    return [Update(["backbone", "classifier"], "task")] * start + [Update()] * (steps - start)


# %% 1.9 solution
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=lam)


# %% 1.9 wrong: AdamW's own decay -> λ is not used: a weight shrinks to 0.96 at λ = 0 and to 0.96 at λ = 0.1
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr)


# %% 1.9 wrong: times lr -> times as strong. Which optimizers multiply λ by lr themselves?
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=lr * lam)


# %% 1.9 wrong: over lr, with Adam -> under the same λ
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.Adam(parameters, lr=lr, weight_decay=lam / lr)


# %% 1.9 wrong: RMSprop -> under the same λ
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.RMSprop(parameters, lr=lr, weight_decay=lam)


# %% 1.9 wrong: the class itself -> this is the class AdamW, whose third argument is not λ
import torch

adam_with_decay = torch.optim.AdamW

# %% 1.9 wrong: NAdam -> NAdam takes other steps than Adam does
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.NAdam(parameters, lr=lr, weight_decay=lam, decoupled_weight_decay=True)


# %% 1.9 wrong: another optimizer -> Adam is gone
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.SGD(parameters, lr=lr, weight_decay=lam)


# %% 1.9 wrong: λ three times as large -> yours leaves 0.55 and is 3 times as strong
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=3 * lam)


# %% 1.9 right: by hand, after the step -> has shrunk to 0.80, one with ±0.01 to 0.80
import torch


def adam_with_decay(parameters, lr, lam):
    optimizer = torch.optim.Adam(parameters, lr=lr)

    @torch.no_grad()
    def decay(*_):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p -= lr * lam * p

    optimizer.register_step_post_hook(decay)
    return optimizer


# %% 1.9 wrong: half of λ -> at lr = 0.01 and λ = 0.1; yours leaves 0.90 and is 0.5 times as strong
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=lam / 2)


# %% 1.9 wrong: a third more -> and is 1.3 times as strong
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=1.3 * lam)


# %% 1.9 wrong: a little more -> and is 1.05 times as strong
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=1.05 * lam)


# %% 1.9 wrong: as strong at one lr alone -> leaves 0.30 of a weight after 200 steps at lr = 0.02 and λ = 0.3
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=lam * 0.01 / lr)


# %% 1.9 wrong: over lr -> yours leaves 0.00 and is far stronger
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=lam / lr)


# %% 1.9 wrong: a fixed λ -> λ is not used: a weight shrinks to 0.80 at λ = 0 and to 0.80 at λ = 0.1
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=0.1)


# %% 1.9 wrong: a fixed lr -> lr is not used: three steps move a weight by 0.03 at lr = 0.01 and by 0.03 at lr = 0.02
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, lr=0.01, weight_decay=lam)


# %% 1.9 wrong: the default lr -> lr is not used: three steps move a weight by 0.003 at lr = 0.01
import torch


def adam_with_decay(parameters, lr, lam):
    return torch.optim.AdamW(parameters, weight_decay=lam)


# %% 1.9 wrong: matrices alone -> λ does not reach every weight: it acts on a matrix, but not on a vector
import torch


def adam_with_decay(parameters, lr, lam):
    parameters = list(parameters)
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": lam},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr)
