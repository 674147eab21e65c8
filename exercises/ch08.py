# Chapter 8: answers in place of the stubs, and the words that they must get.

# %% 8.5 solution
import torch


def times_as_steep(u):
    return torch.exp(-u)


# %% 8.5 wrong: the other way round -> that is the saturating loss over ours
def times_as_steep(u):
    return u.exp()


# %% 8.5 wrong: the losses, not their slopes -> the ratio is positive
from torch.nn import functional as F


def times_as_steep(u):
    return F.softplus(-u) / -F.softplus(u)


# %% 8.5 wrong: our slope is taken to be 1 -> autograd finds 403.4
def times_as_steep(u):
    return 1 / u.sigmoid()


# %% 8.6 solution
from jointopt import Update, plans


def plan(k, rounds):
    D = Update("discriminator", ("discriminator", "penalty"), hold_normalization=False)
    G = Update("generator", "generator", hold_normalization=False)
    return plans.alternating(*[D] * k, G, steps=rounds * (k + 1))


# %% 8.6 wrong: as in the lab -> in the discriminator's turn the other one is frozen
from jointopt import Update, plans


def plan(k, rounds):
    D = Update("discriminator", ("discriminator", "penalty"))
    G = Update("generator", "generator")
    return plans.alternating(*[D] * k, G, steps=rounds * (k + 1))


# %% 8.6 wrong: rounds taken for steps -> plan(1, 3) ends after 3 of 6 updates
from jointopt import Update, plans


def plan(k, rounds):
    D, G = (Update(player, player, hold_normalization=False) for player in ("discriminator", "generator"))
    return plans.alternating(*[D] * k, G, steps=rounds)


# %% 8.6 wrong: without the penalty -> the discriminator's update counts discriminator, not discriminator and penalty
from jointopt import Update


def plan(k, rounds):
    D, G = (Update(player, player, hold_normalization=False) for player in ("discriminator", "generator"))
    return ([D] * k + [G]) * rounds


# %% 8.6 wrong: the generator first -> plan(1, 3): update 0, counted from 0, moves generator
from jointopt import Update


def plan(k, rounds):
    D, G = (Update(player, player, hold_normalization=False) for player in ("discriminator", "generator"))
    return ([G] + [D] * k) * rounds


# %% 8.7 solution
from torch.nn import functional as F


def pair(generator, discriminator, of_g, of_d, real, z):
    fake = generator(z)
    of_d.zero_grad()
    loss_d = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()
    loss_d.backward()
    of_d.step()

    of_g.zero_grad()
    loss_g = F.softplus(-discriminator(fake)).mean()
    loss_g.backward()
    of_g.step()


# %% 8.7 wrong: no detach at all -> Trying to backward through the graph a second time
from torch.nn import functional as F


def pair(generator, discriminator, of_g, of_d, real, z):
    fake = generator(z)
    of_d.zero_grad()
    (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()).backward()
    of_d.step()
    of_g.zero_grad()
    F.softplus(-discriminator(fake)).mean().backward()
    of_g.step()


# %% 8.7 wrong: both losses first -> they do not take turns
from torch.nn import functional as F


def pair(generator, discriminator, of_g, of_d, real, z):
    of_g.zero_grad()
    F.softplus(-discriminator(generator(z))).mean().backward()
    of_d.zero_grad()
    fake = generator(z).detach()
    (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()).backward()
    of_d.step()
    of_g.step()


# %% 8.7 wrong: one sum -> the generator moves away
from torch.nn import functional as F


def pair(generator, discriminator, of_g, of_d, real, z):
    fake = generator(z)
    of_d.zero_grad()
    of_g.zero_grad()
    (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()).backward()
    of_d.step()
    of_g.step()


# %% 8.8 solution
from torch.nn import functional as F


def loop(generator, discriminator, of_g, of_d, batches):
    for real, z in batches:
        fake = generator(z)
        loss_d = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()
        of_d.zero_grad()
        loss_d.backward()
        of_d.step()

        loss_g = F.softplus(-discriminator(fake)).mean()
        of_g.zero_grad()
        loss_g.backward()
        of_g.step()


# %% 8.8 wrong: cleared between backward and step -> in the first pair of updates the discriminator does not move
from torch.nn import functional as F


def loop(generator, discriminator, of_g, of_d, batches):
    for real, z in batches:
        fake = generator(z)
        (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()).backward()
        of_d.zero_grad()
        of_d.step()
        F.softplus(-discriminator(fake)).mean().backward()
        of_g.zero_grad()
        of_g.step()


# %% 8.8 wrong: detached in both turns -> in the first pair of updates the generator does not move
from torch.nn import functional as F


def loop(generator, discriminator, of_g, of_d, batches):
    for real, z in batches:
        fake = generator(z).detach()
        of_d.zero_grad()
        (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()).backward()
        of_d.step()
        of_g.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        of_g.step()


# %% 8.8 wrong: cleared once, before the loop -> in the second pair of updates the discriminator's step differs by
from torch.nn import functional as F


def loop(generator, discriminator, of_g, of_d, batches):
    of_d.zero_grad()
    of_g.zero_grad()
    for real, z in batches:
        fake = generator(z)
        (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()).backward()
        of_d.step()
        F.softplus(-discriminator(fake)).mean().backward()
        of_g.step()


# %% 8.9 solution
def least_penalty(eta):
    return (1 - (1 - eta**2) ** 0.5) / eta


# %% 8.9 wrong: half of the step -> for η = 0.5 yours is 0.25; with it the radius grows
def least_penalty(eta):
    return eta / 2


# %% 8.9 wrong: the whole step -> for η = 0.1 yours is 0.1; with 0.099 the steps spiral inwards already
def least_penalty(eta):
    return eta


# %% 8.10 solution
def real_images_reach(features, distance):
    half = len(features) // 2
    return distance(features[:half], features[half:])


# %% 8.10 wrong: a half against all -> 100 images of 200 are on both sides
def real_images_reach(features, distance):
    half = len(features) // 2
    return distance(features[:half], features)


# %% 8.10 wrong: a few only -> half of the 200 images is 100; yours compares 10 with 10
def real_images_reach(features, distance):
    return distance(features[:10], features[10:20])


# %% 8.10 wrong: moved a little -> not among the held-out features
def real_images_reach(features, distance):
    return distance(features, features + 0.1)


# %% 8.11 solution
import torch


class Extragradient(torch.optim.SGD):
    """Two calls of step() make one step."""

    start = None

    @torch.no_grad()
    def step(self, closure=None):
        parameters = [p for group in self.param_groups for p in group["params"]]
        if self.start is None:  # the first call goes ahead
            self.start = [p.clone() for p in parameters]
        else:  # the second goes back, and takes the slopes found ahead
            for p, kept in zip(parameters, self.start, strict=True):
                p.copy_(kept)
            self.start = None
        super().step()


# %% 8.11 wrong: half a step at each call -> a step ahead leads to (0.9, 1.1)
import torch


class Extragradient(torch.optim.SGD):
    def __init__(self, parameters, lr):
        super().__init__(parameters, lr=lr / 2)


# %% 8.11 wrong: kept, but not copied -> it has to go from the start
import torch


class Extragradient(torch.optim.SGD):
    start = None

    @torch.no_grad()
    def step(self, closure=None):
        parameters = [p for group in self.param_groups for p in group["params"]]
        if self.start is None:
            self.start = [p.detach() for p in parameters]
        else:
            for p, kept in zip(parameters, self.start, strict=True):
                p.copy_(kept)
            self.start = None
        super().step()


# %% 8.11 wrong: back to the first start each time -> step 2, two calls each, ends at
import torch


class Extragradient(torch.optim.SGD):
    start, calls = None, 0

    @torch.no_grad()
    def step(self, closure=None):
        parameters = [p for group in self.param_groups for p in group["params"]]
        if self.start is None:
            self.start = [p.clone() for p in parameters]
        if self.calls % 2:
            for p, kept in zip(parameters, self.start, strict=True):
                p.copy_(kept)
        self.calls += 1
        super().step()
