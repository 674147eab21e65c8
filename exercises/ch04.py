# Chapter 4: answers in place of the stubs, and the words that they must get.

# %% 4.4 solution
from scipy import stats


def paired(arm, against):
    differences = arm - against
    n = len(differences)
    error = differences.std(ddof=1) / n**0.5
    return differences.mean(), stats.t.ppf(0.975, n - 1) * error


# %% 4.4 wrong: unpaired -> as if they had run from different seeds
def paired(arm, against):
    error = ((arm.var(ddof=1) + against.var(ddof=1)) / 10) ** 0.5
    return arm.mean() - against.mean(), 2.1009 * error  # 18 degrees of freedom


# %% 4.4 wrong: 1.96 -> 1.96 is for many seeds
def paired(arm, against):
    differences = arm - against
    return differences.mean(), 1.96 * differences.std(ddof=1) / len(arm) ** 0.5


# %% 4.4 wrong: the spread of seeds -> how far single seeds spread
def paired(arm, against):
    differences = arm - against
    return differences.mean(), 2.2622 * differences.std(ddof=1)


# %% 4.4 wrong: NumPy's own std -> has n − 1 as its divisor
def paired(arm, against):
    differences = arm - against
    return differences.mean(), 2.2622 * differences.std() / len(arm) ** 0.5


# %% 4.4 wrong: the quantile of ten seeds -> the mean is right, the interval too narrow
def paired(arm, against):
    differences = arm - against
    return differences.mean(), 2.2622 * differences.std(ddof=1) / len(arm) ** 0.5


# %% 4.4 wrong: the quantile of the other side -> a width is not negative. That is the quantile on the other side
from scipy import stats


def paired(arm, against):
    differences = arm - against
    return differences.mean(), stats.t.ppf(0.025, len(arm) - 1) * stats.sem(differences)


# %% 4.4 wrong: one number -> a pair (mean, half width) is asked for
def paired(arm, against):
    return (arm - against).mean()


# %% 4.4 wrong: the other way round -> that is `against` minus `arm`
def paired(arm, against):
    differences = against - arm
    return differences.mean(), 2.2622 * differences.std(ddof=1) / len(arm) ** 0.5


# %% 4.4 wrong: in percent of the rival -> the mean of arm − against is asked for
def paired(arm, against):
    differences = 100 * (arm / against - 1)
    return differences.mean(), 2.2622 * differences.std(ddof=1) / len(arm) ** 0.5


# %% 4.4 wrong: the two ends -> not the two ends of the interval
from scipy import stats


def paired(arm, against):
    differences = arm - against
    return stats.t.interval(0.95, len(arm) - 1, differences.mean(), stats.sem(differences))


# %% 4.4 right: an Interval -> unpaired, ± 2.2 points would be ± 3.3
from jointopt.compare import Interval


def paired(arm, against):
    return Interval.of(arm - against)


# %% 4.4 wrong: subtracted in place -> yours changes `arm` in place
from scipy import stats


def paired(arm, against):
    arm -= against
    return arm.mean(), stats.t.ppf(0.975, len(arm) - 1) * stats.sem(arm)


# %% 4.4 wrong: rounded -> yours is -13.4 ± 2.2: do not round
from scipy import stats


def paired(arm, against):
    differences = arm - against
    half = stats.t.ppf(0.975, len(arm) - 1) * stats.sem(differences)
    return round(differences.mean(), 1), round(half, 1)


# %% 4.4 wrong: the half width rounded -> do not round
from scipy import stats


def paired(arm, against):
    differences = arm - against
    return differences.mean(), round(stats.t.ppf(0.975, len(arm) - 1) * stats.sem(differences), 2)


# %% 4.4 wrong: swapped -> (mean, half width) is asked for, in this order
from scipy import stats


def paired(arm, against):
    differences = arm - against
    return stats.t.ppf(0.975, len(arm) - 1) * stats.sem(differences), differences.mean()


# %% 4.5 solution
from jointopt import Update, plans
from jointopt.compare import Arm

everything, head = Update(losses="task"), Update("classifier", "task")
arm = Arm(lambda: plans.alternating(everything, everything, head))

# %% 4.5 wrong: the first step, too -> moves alone at steps 0, 3, 6, 9 …
from jointopt import Update, plans
from jointopt.compare import Arm

everything, head = Update(losses="task"), Update("classifier", "task")
arm = Arm(lambda: plans.alternating(head, everything, everything))

# %% 4.5 wrong: the features otherwise -> step 0 moves 'feature_extractor' alone
from jointopt import Update, plans
from jointopt.compare import Arm

features, head = Update("feature_extractor", "task"), Update("classifier", "task")
arm = Arm(lambda: plans.alternating(features, features, head))

# %% 4.5 wrong: all losses -> step 0 counts all three losses
from jointopt import Update, plans
from jointopt.compare import Arm

arm = Arm(lambda: plans.alternating(Update(), Update(), Update("classifier")))

# %% 4.5 wrong: a list of 400 -> the plan ends after 400 updates
from jointopt import Update
from jointopt.compare import Arm

everything, head = Update(losses="task"), Update("classifier", "task")
arm = Arm(lambda: [head if step % 3 == 2 else everything for step in range(400)])

# %% 4.5 wrong: a list of 3000 -> the plan ends after 3000 updates
from jointopt import Update
from jointopt.compare import Arm

everything, head = Update(losses="task"), Update("classifier", "task")
arm = Arm(lambda: [everything, everything, head] * 1000)

# %% 4.5 wrong: another optimizer -> leave its other options as they are
from jointopt import Update, plans
from jointopt.compare import Arm

everything, head = Update(losses="task"), Update("classifier", "task")
arm = Arm(lambda: plans.alternating(everything, everything, head), optimizer="SGD")

# %% 4.5 wrong: a function of the steps -> an Arm takes a function without arguments; yours is of (steps)
from jointopt import Update, plans
from jointopt.compare import Arm


def third(steps):
    return plans.alternating(Update(losses="task"), Update(losses="task"), Update("classifier", "task"), steps=steps)


arm = Arm(third)

# %% 4.5 wrong: one stream for all runs -> the second run does not begin anew
from jointopt import Update, plans
from jointopt.compare import Arm

stream = plans.alternating(Update(losses="task"), Update(losses="task"), Update("classifier", "task"))
arm = Arm(lambda: stream)

# %% 4.5 wrong: the plan alone -> an Arm is asked for
from jointopt import Update, plans

arm = plans.alternating(Update(losses="task"), Update(losses="task"), Update("classifier", "task"))

# %% 4.6 solution
from collections import Counter


def steps(plan, modules, updates):
    moved, taken = Counter(), 0
    for update in plan:
        moved.update(modules if update.modules is None else update.modules)
        if max(moved.values()) > updates:
            break
        taken += 1
    return taken


# %% 4.6 wrong: equal steps -> By then each module has moved 200 times
from itertools import islice


def steps(plan, modules, updates):
    return len(list(islice(plan, updates)))


# %% 4.6 wrong: all modules together -> joint training, 400 updates per module: yours takes 200 steps
def steps(plan, modules, updates):
    moved = 0
    for taken, update in enumerate(plan):
        moved += len(update.modules or modules)
        if moved > updates:
            return taken


# %% 4.6 wrong: until the last module is there -> a module moves more than 400 times
def steps(plan, modules, updates):
    moved = dict.fromkeys(modules, 0)
    for taken, update in enumerate(plan):
        for name in update.modules or modules:
            moved[name] += 1
        if min(moved.values()) > updates:
            return taken


# %% 4.6 wrong: one too many -> one too many
def steps(plan, modules, updates):
    moved = dict.fromkeys(modules, 0)
    for taken, update in enumerate(plan, start=1):
        for name in update.modules or modules:
            moved[name] += 1
        if max(moved.values()) > updates:
            return taken


# %% 4.6 wrong: what cannot be paid for is left out -> two steps of the head, then one of the features
def steps(plan, modules, updates):
    moved, taken = dict.fromkeys(modules, 0), 0
    for _ in range(2000):
        names = next(plan).modules or modules
        if all(moved[name] < updates for name in names):
            moved |= {name: moved[name] + 1 for name in names}
            taken += 1
    return taken


# %% 4.6 wrong: the whole plan first -> still asking for updates after 3000
def steps(plan, modules, updates):
    return min(len(list(plan)), updates)


# %% 4.7 solution
from statistics import mean


def tuned(accuracy, settings, seeds):
    found = {setting: mean(accuracy(setting, seed, "validation") for seed in seeds) for setting in settings}
    best = max(found, key=found.get)
    return best, mean(accuracy(best, seed, "test") for seed in seeds)


# %% 4.7 wrong: validation images report, too -> validation images too
from statistics import mean


def tuned(accuracy, settings, seeds):
    found = {setting: mean(accuracy(setting, seed, "validation") for seed in seeds) for setting in settings}
    best = max(found, key=found.get)
    return best, found[best]


# %% 4.7 wrong: test images choose, validation images report -> the best mean validation accuracy
from statistics import mean


def tuned(accuracy, settings, seeds):
    found = {setting: mean(accuracy(setting, seed, "test") for seed in seeds) for setting in settings}
    best = max(found, key=found.get)
    return best, mean(accuracy(best, seed, "validation") for seed in seeds)


# %% 4.7 wrong: the best seed of the best setting -> over all seeds
def tuned(accuracy, settings, seeds):
    found = {setting: sum(accuracy(setting, seed, "validation") for seed in seeds) for setting in settings}
    best = max(found, key=found.get)
    return best, max(accuracy(best, seed, "test") for seed in seeds)


# %% 4.7 wrong: the accuracy alone -> a pair (setting, accuracy) is asked for, not a float
from statistics import mean


def tuned(accuracy, settings, seeds):
    best = max(settings, key=lambda setting: mean(accuracy(setting, seed, "validation") for seed in seeds))
    return mean(accuracy(best, seed, "test") for seed in seeds)


# %% 4.7 wrong: the other way round -> the first of the pair is to be one of the settings
from statistics import mean


def tuned(accuracy, settings, seeds):
    best = max(settings, key=lambda setting: mean(accuracy(setting, seed, "validation") for seed in seeds))
    return mean(accuracy(best, seed, "test") for seed in seeds), best


# %% 4.7 wrong: training images -> held_out is "validation" or "test"
def tuned(accuracy, settings, seeds):
    best = max(settings, key=lambda setting: accuracy(setting, seeds[0], "train"))
    return best, accuracy(best, seeds[0], "test")


# %% 4.7 wrong: a list that is sorted -> yours changes `settings` in place
from statistics import mean


def tuned(accuracy, settings, seeds):
    settings.sort(key=lambda setting: mean(accuracy(setting, seed, "validation") for seed in seeds))
    return settings[-1], mean(accuracy(settings[-1], seed, "test") for seed in seeds)


# %% 4.8 solution
from jointopt.system import seeded


def run_all(make, arms, seeds):
    results = {name: [] for name in arms}
    for seed in seeds:
        for name, run in arms.items():
            with seeded(seed):
                results[name].append(run(make()))
    return results


# %% 4.8 wrong: a new model, the seed once -> begins with a first weight of -0.57, 'its copy' with -0.51.
import torch


def run_all(make, arms, seeds):
    results = {name: [] for name in arms}
    for seed in seeds:
        torch.manual_seed(seed)
        for name, run in arms.items():
            results[name].append(run(make()))
    return results


# %% 4.8 wrong: one model, the seed twice -> the second arm gets a model that the first one has trained
import torch


def run_all(make, arms, seeds):
    results = {name: [] for name in arms}
    for seed in seeds:
        torch.manual_seed(seed)
        model = make()
        for name, run in arms.items():
            torch.manual_seed(seed)
            results[name].append(run(model))
    return results


# %% 4.8 wrong: a deep copy, the seed once -> draws other batches
import copy

import torch


def run_all(make, arms, seeds):
    results = {name: [] for name in arms}
    for seed in seeds:
        torch.manual_seed(seed)
        model = make()
        for name, run in arms.items():
            results[name].append(run(copy.deepcopy(model)))
    return results


# %% 4.8 wrong: state_dict is not a copy -> has moved along
import torch


def run_all(make, arms, seeds):
    results = {name: [] for name in arms}
    for seed in seeds:
        torch.manual_seed(seed)
        model = make()
        start = model.state_dict()
        for name, run in arms.items():
            model.load_state_dict(start)
            torch.manual_seed(seed)
            results[name].append(run(model))
    return results


# %% 4.8 wrong: seed 0 for all -> several seeds begin with the same weights
import torch


def run_all(make, arms, seeds):
    return {name: [run(torch.manual_seed(0) and make()) for _ in seeds] for name, run in arms.items()}


# %% 4.8 wrong: one seed per arm -> seed 8 begins in another way
import torch


def run_all(make, arms, seeds):
    results = {}
    for name, run in arms.items():
        torch.manual_seed(0)
        results[name] = [run(make()) for _seed in seeds]
    return results


# %% 4.8 wrong: the first arm stands for both -> the results of 'its copy' are those of 'a plan'
from jointopt.system import seeded


def run_all(make, arms, seeds):
    first, results = next(iter(arms.values())), []
    for seed in seeds:
        with seeded(seed):
            results.append(first(make()))
    return {name: list(results) for name in arms}


# %% 4.8 wrong: one run stands for all seeds -> the results of 'a plan' are those of one run, several times
from jointopt.system import seeded


def run_all(make, arms, seeds):
    results = {}
    for name, run in arms.items():
        with seeded(seeds[0]):
            results[name] = [run(make())] * len(seeds)
    return results


# %% 4.8 wrong: seeds that are used up -> yours changes `seeds` in place
from jointopt.system import seeded


def run_all(make, arms, seeds):
    results = {name: [] for name in arms}
    while seeds:
        seed = seeds.pop(0)
        for name, run in arms.items():
            with seeded(seed):
                results[name].append(run(make()))
    return results
