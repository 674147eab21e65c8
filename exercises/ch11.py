# Chapter 11: answers in place of the stubs, and the words that they must get.


# %% 11.5 solution
def probability(p, k):
    return (1 + (2 * p - 1) ** k) / 2


# %% 11.5 wrong: all guesses right -> A sum can be right although some are wrong
def probability(p, k):
    return p**k


# %% 11.5 wrong: half of the rest by luck -> for p = 0.9 and k = 1 yours is 0.95
def probability(p, k):
    return p**k + (1 - p**k) / 2


# %% 11.5 wrong: all right or all wrong -> for p = 0.9 and k = 1 yours is 1.
def probability(p, k):
    return p**k + (1 - p) ** k


# %% 11.5 wrong: a product of excesses -> for p = 0.9 and k = 2 yours is 0.66. Write down the 4 cases
def probability(p, k):
    return 0.5 + (p - 0.5) ** k


# %% 11.6 solution
def batches(ratio, cosine):
    return cosine**2 / (ratio * (1 - cosine**2))


# %% 11.6 wrong: whatever the cosine -> the chapter's rule
def batches(ratio, cosine):
    return 1 / ratio


# %% 11.6 wrong: a cosine without its square -> after that many the cosine is 0.949
def batches(ratio, cosine):
    return cosine / (ratio * (1 - cosine))


# %% 11.6 wrong: a ratio that is not squared -> after that many the cosine is
def batches(ratio, cosine):
    return (cosine**2 / (1 - cosine**2)) ** 0.5 / ratio


# %% 11.7 solution
import torch


def ratio_of(model, batches):
    votes = []
    for inputs, odd in batches:
        labeled = -((2 * odd - 1) * model(inputs)[:, 0]).mean() / 2
        vote = torch.autograd.grad(labeled, list(model.parameters()))
        votes.append(torch.cat([part.flatten() for part in vote]))
    votes = torch.stack(votes)  # (batches, weights)
    noise = votes.var(0).sum()
    signal = votes.mean(0).square().sum() - noise / len(votes)
    return (signal / noise).item()


# %% 11.7 wrong: labels of 0 and 1 -> where the labels are coin flips, the ratio is now
import torch


def ratio_of(model, batches):
    votes = []
    for inputs, odd in batches:
        labeled = -(odd * model(inputs)[:, 0]).mean()
        vote = torch.autograd.grad(labeled, list(model.parameters()))
        votes.append(torch.cat([part.flatten() for part in vote]))
    votes = torch.stack(votes)
    noise = votes.var(0).sum()
    signal = votes.mean(0).square().sum() - noise / len(votes)
    return (signal / noise).item()


# %% 11.7 wrong: the mean taken from the votes -> : too little
import torch
from torch.nn import functional as F


def ratio_of(model, batches):
    votes = []
    for inputs, odd in batches:
        loss = F.binary_cross_entropy_with_logits(model(inputs)[:, 0], odd)
        vote = torch.autograd.grad(loss, list(model.parameters()))
        votes.append(torch.cat([part.flatten() for part in vote]))
    votes = torch.stack(votes)
    votes = votes - votes.mean(0)
    noise = votes.var(0).sum()
    signal = votes.mean(0).square().sum() - noise / len(votes)
    return (signal / noise).item()


# %% 11.7 wrong: scores, without labels -> where the labels are coin flips, the ratio is now
import torch


def ratio_of(model, batches):
    votes = []
    for inputs, _ in batches:
        vote = torch.autograd.grad(-model(inputs)[:, 0].mean() / 2, list(model.parameters()))
        votes.append(torch.cat([part.flatten() for part in vote]))
    votes = torch.stack(votes)
    noise = votes.var(0).sum()
    signal = votes.mean(0).square().sum() - noise / len(votes)
    return (signal / noise).item()


# %% 11.7 wrong: the noise of the mean kept -> the mean of 120 votes has noise of its own
import torch


def ratio_of(model, batches):
    votes = []
    for inputs, odd in batches:
        labeled = -((2 * odd - 1) * model(inputs)[:, 0]).mean() / 2
        vote = torch.autograd.grad(labeled, list(model.parameters()))
        votes.append(torch.cat([part.flatten() for part in vote]))
    votes = torch.stack(votes)
    return (votes.mean(0).square().sum() / votes.var(0).sum()).item()


# %% 11.8 solution
from jointopt import Update, plans


def plan(easy, frozen, steps):
    everything, head = Update(losses="task"), Update("classifier", "task")
    return plans.staged((everything, easy), (head, frozen), (everything, steps - easy - frozen))


# %% 11.8 wrong: the other one frozen -> at step 100 of plan(100, 100, 300) the classifier alone moves
from jointopt import Update, plans


def plan(easy, frozen, steps):
    everything, features = Update(losses="task"), Update("feature_extractor", "task")
    return plans.staged((everything, easy), (features, frozen), (everything, steps - easy - frozen))


# %% 11.8 wrong: never thawed -> at step 200 of plan(100, 100, 300) both modules move
from jointopt import Update, plans


def plan(easy, frozen, steps):
    return plans.staged((Update(losses="task"), easy), (Update("classifier", "task"), steps - easy))


# %% 11.8 wrong: all losses -> end to end, 'task' alone counts
from jointopt import Update, plans


def plan(easy, frozen, steps):
    return plans.staged((Update(), easy), (Update("classifier"), frozen), (Update(), steps - easy - frozen))


# %% 11.8 wrong: too long -> goes on after 300 updates
from jointopt import Update, plans


def plan(easy, frozen, steps):
    everything, head = Update(losses="task"), Update("classifier", "task")
    return plans.staged((everything, easy), (head, frozen), (everything, steps))


# %% 11.8 wrong: the head first of all -> at step 0 of plan(100, 100, 300) both modules move
from jointopt import plans


def plan(easy, frozen, steps):
    return plans.lp_ft("classifier", frozen, steps, losses="task")


# %% 11.9 solution
import torch


def digits_loss(scores, digits):
    target = 2.0 * (digits % 2) - 1  # −1 even, 1 odd
    return torch.nn.functional.mse_loss(torch.tanh(scores), target)


# %% 11.9 wrong: a cross-entropy of what is squashed -> at right numbers, −0.99 and 0.99, it is 0.3
import torch
from torch.nn import functional as F


def digits_loss(scores, digits):
    return F.binary_cross_entropy_with_logits(torch.tanh(scores), (digits % 2).float())


# %% 11.9 wrong: the scores themselves -> for a 7 at 0.76
from torch.nn import functional as F


def digits_loss(scores, digits):
    return F.mse_loss(scores, 2.0 * (digits % 2) - 1)


# %% 11.9 wrong: a sign the wrong way -> the other way round
import torch
from torch.nn import functional as F


def digits_loss(scores, digits):
    return F.mse_loss(torch.tanh(scores), 1 - 2.0 * (digits % 2))


# %% 11.9 wrong: detached -> no gradient flows
import torch
from torch.nn import functional as F


def digits_loss(scores, digits):
    return F.mse_loss(torch.tanh(scores).detach(), 2.0 * (digits % 2) - 1)


# %% 11.9 wrong: a sum -> 15 times the mean squared error
import torch
from torch.nn import functional as F


def digits_loss(scores, digits):
    return F.mse_loss(torch.tanh(scores), 2.0 * (digits % 2) - 1, reduction="sum")


# %% 11.10 solution
import torch


def corrected(scores, odd):
    least = scores.abs().argmin(1, keepdim=True)  # (N, 1)
    truth = 2.0 * odd - 1  # (N, k)
    return torch.tanh(scores).scatter(1, least, truth.gather(1, least))


# %% 11.10 wrong: the surest one -> for the scores 3, -0.2, -4
import torch


def corrected(scores, odd):
    surest = scores.argmax(1, keepdim=True)
    truth = 2.0 * odd - 1
    return torch.tanh(scores).scatter(1, surest, truth.gather(1, surest))


# %% 11.10 wrong: 0 for even -> expected -0.762, -0.964, -1
import torch


def corrected(scores, odd):
    least = scores.abs().argmin(1, keepdim=True)
    return torch.tanh(scores).scatter(1, least, odd.float().gather(1, least))


# %% 11.10 wrong: all of them -> one number per sum is corrected
def corrected(scores, odd):
    return 2.0 * odd - 1


# %% 11.10 wrong: in the scores that were given -> return a new tensor
def corrected(scores, odd):
    least = scores.abs().argmin(1, keepdim=True)
    truth = 2.0 * odd - 1
    return scores.tanh_().scatter_(1, least, truth.gather(1, least))


# %% 11.11 solution
from dataclasses import replace

from jointopt import tasks


def exchanged(weights, batches):
    task = tasks.load("parity", seed=weights, digits=2)
    return replace(task, batches=tasks.load("parity", seed=batches, digits=2).batches)


# %% 11.11 wrong: the other way -> the weights of seed 11 and the batches of seed 10
from dataclasses import replace

from jointopt import tasks


def exchanged(weights, batches):
    task = tasks.load("parity", seed=weights, digits=2)
    return replace(task, model=tasks.load("parity", seed=batches, digits=2).model)


# %% 11.11 wrong: one seed for both -> the first weights of exchanged(10, 11) are those of seed 11
from jointopt import tasks


def exchanged(weights, batches):
    return tasks.load("parity", seed=batches, digits=2)


# %% 11.11 wrong: the generator is seeded -> are those of seed 10
import torch

from jointopt import tasks


def exchanged(weights, batches):
    task = tasks.load("parity", seed=weights, digits=2)
    torch.manual_seed(batches)
    return task


# %% 11.11 wrong: three digits -> sums of two digits are asked for
from dataclasses import replace

from jointopt import tasks


def exchanged(weights, batches):
    task = tasks.load("parity", seed=weights, digits=3)
    return replace(task, batches=tasks.load("parity", seed=batches, digits=3).batches)
