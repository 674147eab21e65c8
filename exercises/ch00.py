# Chapter 0: answers in place of the stubs, and the words that they must get.


# %% 0.4 solution
def share(losses, weights, name):
    J = sum(weights[each] * losses[each] for each in losses)
    return weights[name] * losses[name] / J


# %% 0.4 wrong: without λ -> that is its share if every λ is 1
def share(losses, weights, name):
    return losses[name] / sum(losses.values())


# %% 0.4 wrong: not divided -> that is λ·L itself, and J is 2
def share(losses, weights, name):
    return weights[name] * losses[name]


# %% 0.4 wrong: in percent -> A share lies between 0 and 1
def share(losses, weights, name):
    J = sum(weights[each] * losses[each] for each in losses)
    return 100 * weights[name] * losses[name] / J


# %% 0.4 wrong: of the weights -> for 'reg' in J = 1·1.5 + 0.002·250, which is 2
def share(losses, weights, name):
    return weights[name] / sum(weights.values())


# %% 0.5 solution
def best(runs):
    return max(runs, key=lambda run: run["accuracy"])


# %% 0.5 wrong: the loss of the training -> yours takes the one with λ = 0.001 and J = 0.14
def best(runs):
    return min(runs, key=lambda run: run["task"])


# %% 0.5 wrong: the smallest weights -> takes the one with λ = 0.1 and J = 0.61, which reads 88 %
def best(runs):
    return min(runs, key=lambda run: run["reg"])


# %% 0.5 wrong: the accuracy -> not a float
def best(runs):
    return max(run["accuracy"] for run in runs)


# %% 0.5 wrong: upside down -> J = 0.14, which reads 92 % of the held-out digits
def best(runs):
    return sorted(runs, key=lambda run: run["accuracy"])[0]


# %% 0.6 solution
def forget(lab, steps):
    lab.controls.set(weight={"task": 0, "reg": 0.01})
    lab.run(steps)


# %% 0.6 wrong: run first, then set -> in 10 of the 10 steps λ task was 1, not 0
def forget(lab, steps):
    lab.run(steps)
    lab.controls.set(weight={"task": 0, "reg": 0.01})


# %% 0.6 wrong: the other λ stays -> λ reg was 0.0001, not 0.01
def forget(lab, steps):
    lab.controls.set(weight={"task": 0})
    lab.run(steps)


# %% 0.6 wrong: from the beginning -> do not reset the lab
def forget(lab, steps):
    lab.reset()
    lab.controls.set(weight={"task": 0, "reg": 0.01})
    lab.run(steps)


# %% 0.6 wrong: nothing is run -> has taken 3: 10 more were asked for
def forget(lab, steps):
    lab.controls.set(weight={"task": 0, "reg": 0.01})


# %% 0.6 wrong: Play -> lab.play() trains until it is paused
def forget(lab, steps):
    lab.controls.set(weight={"task": 0, "reg": 0.01})
    lab.play()


# %% 0.7 solution
def still(history):
    change = history["change.feature_extractor"] + history["change.classifier"]
    return [step for step, moved in enumerate(change) if moved == 0]


# %% 0.7 wrong: one module alone -> yours returns [2, 3, 4, 5]
def still(history):
    return [step for step, moved in enumerate(history["change.feature_extractor"]) if moved == 0]


# %% 0.7 wrong: either of them -> yours returns [2, 3, 4, 5, 6]
def still(history):
    change = history["change.feature_extractor"] * history["change.classifier"]
    return [step for step, moved in enumerate(change) if moved == 0]


# %% 0.7 wrong: where J stays the same -> yours returns [2, 6]
def still(history):
    total = history["total"]
    return [step for step in range(1, len(total)) if total[step] == total[step - 1]]


# %% 0.7 wrong: counted from 1 -> yours returns [5, 6]
def still(history):
    change = history["change.feature_extractor"] + history["change.classifier"]
    return [step for step, moved in enumerate(change, start=1) if moved == 0]


# %% 0.7 wrong: how many -> not an int
def still(history):
    change = history["change.feature_extractor"] + history["change.classifier"]
    return int((change == 0).sum())


# %% 0.7 wrong: yes or no of each -> not a bool
def still(history):
    return history["change.feature_extractor"] + history["change.classifier"] == 0


# %% 0.8 solution
from jointopt import Update


def plan(start, end, steps):
    for number in range(steps):
        yield Update("classifier") if start <= number < end else Update()


# %% 0.8 wrong: the module to freeze -> the classifier does not move at step 30
from jointopt import Update


def plan(start, end, steps):
    for number in range(steps):
        yield Update("feature_extractor") if start <= number < end else Update()


# %% 0.8 wrong: one step too long -> the feature extractor stands still at step 45
from jointopt import Update


def plan(start, end, steps):
    for number in range(steps):
        yield Update("classifier") if start <= number <= end else Update()


# %% 0.8 wrong: never thawed -> the feature extractor stands still at step 45
from jointopt import Update


def plan(start, end, steps):
    for number in range(steps):
        yield Update("classifier") if number >= start else Update()


# %% 0.8 wrong: three stages of these lengths -> goes on after 60 updates
from jointopt import Update, plans


def plan(start, end, steps):
    return plans.staged((Update(), start), (Update("classifier"), end), (Update(), steps))


# %% 0.8 wrong: the frozen steps are left out -> ends after 45 updates
from jointopt import Update


def plan(start, end, steps):
    for number in range(steps):
        if not start <= number < end:
            yield Update()


# %% 0.8 wrong: the task alone -> name no losses
from jointopt import Update


def plan(start, end, steps):
    for number in range(steps):
        yield Update("classifier", "task") if start <= number < end else Update(losses="task")


# %% 0.9 solution
def first_change(gradient, lr):
    adam = lr * gradient.numel() ** 0.5
    sgd = lr * gradient.norm()
    return adam, sgd


# %% 0.9 wrong: the same for both -> Adam's first step has the norm 0.141, and yours is 0.05
def first_change(gradient, lr):
    return lr * gradient.norm(), lr * gradient.norm()


# %% 0.9 wrong: of one weight -> Adam's first step has the norm 0.141, and yours is 0.1
def first_change(gradient, lr):
    return lr, lr * gradient.norm()


# %% 0.9 wrong: divided by the norm for SGD too -> SGD's first step has the norm 0.05, and yours is 0.1
def first_change(gradient, lr):
    return lr * gradient.numel() ** 0.5, lr * (gradient / gradient.norm()).norm()


# %% 0.9 wrong: one number -> a pair of numbers is asked for
def first_change(gradient, lr):
    return lr * gradient.norm()


# %% 0.10 solution
from torch.nn import functional as F


def step(theta, phi, optimizer, inputs, labels, lam):
    optimizer.zero_grad(set_to_none=True)
    phi.requires_grad_(False)
    scores = phi(theta(inputs))
    squares = sum(p.square().sum() for p in theta.parameters())
    J = F.cross_entropy(scores, labels) + lam * 0.5 * squares
    J.backward()
    optimizer.step()


# %% 0.10 wrong: eval mode -> in one step the classifier has moved by
from torch.nn import functional as F


def step(theta, phi, optimizer, inputs, labels, lam):
    optimizer.zero_grad(set_to_none=True)
    phi.eval()
    scores = phi(theta(inputs))
    squares = sum(p.square().sum() for p in theta.parameters())
    J = F.cross_entropy(scores, labels) + lam * 0.5 * squares
    J.backward()
    optimizer.step()


# %% 0.10 wrong: a gradient of zeros -> its gradient is 0, not absent, and momentum goes on
from torch.nn import functional as F


def step(theta, phi, optimizer, inputs, labels, lam):
    optimizer.zero_grad(set_to_none=True)
    scores = phi(theta(inputs))
    squares = sum(p.square().sum() for p in theta.parameters())
    J = F.cross_entropy(scores, labels) + lam * 0.5 * squares
    J.backward()
    phi.zero_grad(set_to_none=False)
    optimizer.step()


# %% 0.10 wrong: the features are cut off -> in one step the classifier has moved by
from torch.nn import functional as F


def step(theta, phi, optimizer, inputs, labels, lam):
    optimizer.zero_grad(set_to_none=True)
    scores = phi(theta(inputs).detach())
    squares = sum(p.square().sum() for p in theta.parameters())
    J = F.cross_entropy(scores, labels) + lam * 0.5 * squares
    J.backward()
    optimizer.step()


# %% 0.10 wrong: without the penalty -> task + λ·penalty
from torch.nn import functional as F


def step(theta, phi, optimizer, inputs, labels, lam):
    optimizer.zero_grad(set_to_none=True)
    phi.requires_grad_(False)
    J = F.cross_entropy(phi(theta(inputs)), labels)
    J.backward()
    optimizer.step()


# %% 0.10 wrong: gradients, but no step -> it is the one that learns
from torch.nn import functional as F


def step(theta, phi, optimizer, inputs, labels, lam):
    optimizer.zero_grad(set_to_none=True)
    phi.requires_grad_(False)
    squares = sum(p.square().sum() for p in theta.parameters())
    J = F.cross_entropy(phi(theta(inputs)), labels) + lam * 0.5 * squares
    J.backward()


# %% 0.10 wrong: gradients are not cleared -> it still has the gradient of the step before
from torch.nn import functional as F


def step(theta, phi, optimizer, inputs, labels, lam):
    phi.requires_grad_(False)
    squares = sum(p.square().sum() for p in theta.parameters())
    J = F.cross_entropy(phi(theta(inputs)), labels) + lam * 0.5 * squares
    J.backward()
    optimizer.step()


# %% 0.10 wrong: the classifier's alone are cleared -> no older gradient
from torch.nn import functional as F


def step(theta, phi, optimizer, inputs, labels, lam):
    phi.requires_grad_(False).zero_grad(set_to_none=True)
    squares = sum(p.square().sum() for p in theta.parameters())
    J = F.cross_entropy(phi(theta(inputs)), labels) + lam * 0.5 * squares
    J.backward()
    optimizer.step()
