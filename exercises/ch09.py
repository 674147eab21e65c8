# Chapter 9: answers in place of the stubs, and the words that they must get.


# %% 9.5 solution
def long_run(lr, beta):
    return lr / (1 - beta)


# %% 9.5 wrong: a mean, not a sum -> for lr = 0.01 and beta = 0.9 yours is 0.001
def long_run(lr, beta):
    return lr * (1 - beta)


# %% 9.5 wrong: always ten -> for lr = 0.01 and beta = 0.5 yours is 0.1
def long_run(lr, beta):
    return 10 * lr


# %% 9.5 wrong: the first steps alone -> momentum's steps are 0.1 long in the end
def long_run(lr, beta):
    return lr * (1 + beta)


# %% 9.6 solution
def same_path(name, lr, factor):
    return lr / factor if name in ("SGD", "momentum") else lr


# %% 9.6 wrong: nothing changes -> SGD on 100·J at your rate of 0.01 moves 100 times as far
def same_path(name, lr, factor):
    return lr


# %% 9.6 wrong: all alike -> RMSprop on 100·J at your rate of 0.0001 moves 0.01
def same_path(name, lr, factor):
    return lr / factor


# %% 9.6 wrong: the other way round -> SGD on 100·J at your rate of 1 moves 1e+04
def same_path(name, lr, factor):
    return lr * factor if name in ("SGD", "momentum") else lr


# %% 9.6 wrong: momentum takes care of it -> momentum on 100·J
def same_path(name, lr, factor):
    return lr / factor if name == "SGD" else lr


# %% 9.7 solution
def decoupled(rule, lam):
    def decays(w, g, memory, lr):
        return rule(w * (1 - lr * lam), g, memory, lr)

    return decays


# %% 9.7 wrong: in the gradient -> Is the decay in g
def decoupled(rule, lam):
    return lambda w, g, memory, lr: rule(w, g + lam * w, memory, lr)


# %% 9.7 wrong: without the rate -> w = 2 becomes 1 for lr = 0.1 and λ = 0.5
def decoupled(rule, lam):
    return lambda w, g, memory, lr: rule(w * (1 - lam), g, memory, lr)


# %% 9.7 wrong: the step decays, too -> around adam, after 12 steps
def decoupled(rule, lam):
    return lambda w, g, memory, lr: rule(w, g, memory, lr) * (1 - lr * lam)


# %% 9.7 wrong: no memory -> around adam, after 12 steps
def decoupled(rule, lam):
    return lambda w, g, memory, lr: rule(w * (1 - lr * lam), g, {}, lr)


# %% 9.7 wrong: the number, not a rule -> a function of (w, g, memory, lr) is asked for, not a float
def decoupled(rule, lam):
    return 1 - 0.001 * lam


# %% 9.8 solution
def lion(w, g, memory, lr):
    m = memory.get("m", 0)
    v = 0.9 * m + 0.1 * g
    memory["m"] = 0.99 * m + 0.01 * g
    return w - lr * v.sign()


# %% 9.8 wrong: no mean -> it follows the sign of g alone
def lion(w, g, memory, lr):
    return w - lr * g.sign()


# %% 9.8 wrong: one mean for both -> of 40 weights the other way
def lion(w, g, memory, lr):
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    return w - lr * memory["m"].sign()


# %% 9.8 wrong: the new mean in the step -> look again at which m v is made of
def lion(w, g, memory, lr):
    m = memory["m"] = 0.99 * memory.get("m", 0) + 0.01 * g
    return w - lr * (0.9 * m + 0.1 * g).sign()


# %% 9.8 wrong: no sign -> in the first step a weight moves by
def lion(w, g, memory, lr):
    m = memory.get("m", 0)
    v = 0.9 * m + 0.1 * g
    memory["m"] = 0.99 * m + 0.01 * g
    return w - lr * v


# %% 9.9 solution
def step(model, optimizer, loss_of, parts):
    optimizer.zero_grad()
    for part in parts:
        (loss_of(model, part) / len(parts)).backward()
    optimizer.step()


# %% 9.9 wrong: a smaller rate -> but Adam's are 0.25 times as long
def step(model, optimizer, loss_of, parts):
    optimizer.zero_grad()
    for part in parts:
        loss_of(model, part).backward()
    for group in optimizer.param_groups:
        group["lr"] /= len(parts)
    optimizer.step()
    for group in optimizer.param_groups:
        group["lr"] *= len(parts)


# %% 9.9 wrong: the last part alone -> with 4 parts SGD's first step is
def step(model, optimizer, loss_of, parts):
    for part in parts:
        optimizer.zero_grad()
        loss_of(model, part).backward()
    optimizer.step()


# %% 9.9 wrong: a step for each part -> the optimizer takes 8 steps, not 2
def step(model, optimizer, loss_of, parts):
    for part in parts:
        optimizer.zero_grad()
        loss_of(model, part).backward()
        optimizer.step()


# %% 9.9 wrong: gradients that stay -> SGD's second step is
def step(model, optimizer, loss_of, parts):
    for part in parts:
        (loss_of(model, part) / len(parts)).backward()
    optimizer.step()


# %% 9.10 solution
from jointopt import Controls, plans, schedules, tracking, train


def recorded(task, folder, steps):
    controls = Controls(weights={"reg": schedules.linear((0, 0.0), (10, 0.1))})
    for _ in tracking.tensorboard(train(task, plans.joint(steps), controls), folder, task, controls):
        pass


# %% 9.10 wrong: nothing pulls it -> nothing is recorded in the folder
from jointopt import Controls, plans, schedules, tracking, train


def recorded(task, folder, steps):
    controls = Controls(weights={"reg": schedules.linear((0, 0.0), (10, 0.1))})
    return tracking.tensorboard(train(task, plans.joint(steps), controls), folder, task, controls)


# %% 9.10 wrong: the controls miss train -> at step 0 weight/reg is recorded as 0.5
from jointopt import Controls, plans, schedules, tracking, train


def recorded(task, folder, steps):
    controls = Controls(weights={"reg": schedules.linear((0, 0.0), (10, 0.1))})
    for _ in tracking.tensorboard(train(task, plans.joint(steps)), folder, task, controls):
        pass


# %% 9.10 wrong: set after the step -> at step 1 weight/reg is recorded as 0, and 0.01
from jointopt import Controls, plans, tracking, train


def recorded(task, folder, steps):
    controls = Controls(weights={"reg": 0.0})
    for step in tracking.tensorboard(train(task, plans.joint(steps), controls), folder, task, controls):
        controls.set(weight={"reg": min(step.number / 100, 0.1)})


# %% 9.10 wrong: ten steps alone -> those that are recorded are 0 to 9
from jointopt import Controls, plans, schedules, tracking, train


def recorded(task, folder, steps):
    controls = Controls(weights={"reg": schedules.linear((0, 0.0), (10, 0.1))})
    for _ in tracking.tensorboard(train(task, plans.joint(10), controls), folder, task, controls):
        pass


# %% 9.11 solution
from statistics import mean


def table(accuracy, grids, tuning_seeds, test_seeds):
    rows = {}
    for name, rates in grids.items():
        tuned = {rate: mean(accuracy(name, rate, seed, "validation") for seed in tuning_seeds) for rate in rates}
        best = max(tuned, key=tuned.get)
        rows[name] = mean(accuracy(name, best, seed, "test") for seed in test_seeds)
    return rows


# %% 9.11 wrong: reports what it tuned -> measured on the images and seeds that chose its rate
from statistics import mean


def table(accuracy, grids, tuning_seeds, test_seeds):
    return {
        name: max(mean(accuracy(name, rate, seed, "validation") for seed in tuning_seeds) for rate in rates)
        for name, rates in grids.items()
    }


# %% 9.11 wrong: other seeds, same images -> at the rate that validation images and tuning seeds choose
from statistics import mean


def table(accuracy, grids, tuning_seeds, test_seeds):
    rows = {}
    for name, rates in grids.items():
        tuned = {rate: mean(accuracy(name, rate, seed, "test") for seed in tuning_seeds) for rate in rates}
        best = max(tuned, key=tuned.get)
        rows[name] = mean(accuracy(name, best, seed, "test") for seed in test_seeds)
    return rows


# %% 9.11 wrong: one seed for each rate -> at the rate that validation images and tuning seeds choose
from statistics import mean


def table(accuracy, grids, tuning_seeds, test_seeds):
    rows = {}
    for name, rates in grids.items():
        best = max(rates, key=lambda rate: accuracy(name, rate, tuning_seeds[0], "validation"))
        rows[name] = mean(accuracy(name, best, seed, "test") for seed in test_seeds)
    return rows


# %% 9.11 wrong: the rate, not the accuracy -> is reported with
from statistics import mean


def table(accuracy, grids, tuning_seeds, test_seeds):
    return {
        name: max(rates, key=lambda rate: mean(accuracy(name, rate, seed, "validation") for seed in tuning_seeds))
        for name, rates in grids.items()
    }
