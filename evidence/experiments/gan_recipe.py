"""What makes a GAN better in the same number of updates, and how far 2,000 lead.

"worth" takes away, one at a time, what a pilot found to help: Adam without momentum in place of RMSprop, a rate that
falls, a weaker penalty. "none" is what the task has by itself, and what Mescheder et al. 2018 train with. "full" goes
on to 2,000. Both players move in turn. Nothing is chosen, and no claim is decided.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from evidence import grid
from evidence.experiments.generation import D, G
from evidence.record import Comparisons, Part
from jointopt import plans, tasks
from jointopt.compare import Arm, Budget

SIZE, FULL = 600, 2000  # updates of each player
SEEDS = range(10, 15)
PENALTY, LR = 0.3, 6e-3  # of the pilot
RISES = 0.02  # the share of the steps in which a rate rises
ADAM = Arm(partial(plans.alternating, D, G), None, "Adam", {"lr": LR, "betas": (0.0, 0.99)})
RMSPROP = replace(ADAM, optimizer="RMSprop", optimizer_options={"lr": 2e-3})
SLICE = ("worth", ["none"], [10])
make = partial(tasks.load, "generation", penalty=PENALTY)


def falling(arm: Arm, updates: int) -> Arm:
    """The arm at a rate that rises to its own and falls, within this many updates of each player."""
    return grid.falling(arm, 2 * updates, rises=RISES)


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """What each choice is worth, then the long run."""
    every, stronger = falling(ADAM, SIZE), {"penalty": 1.0}
    arms = {
        "all": every,
        "RMSprop": falling(RMSPROP, SIZE),
        "constant rate": replace(ADAM, optimizer_options={**ADAM.optimizer_options, "lr": LR / 2}),  # about the mean
        "λ 1": replace(every, task_options=stronger),
        "none": replace(RMSPROP, task_options=stronger),
    }
    yield "worth", Part(make, arms, Budget(updates=SIZE), SEEDS)
    yield "full", Part(make, {"all": falling(ADAM, FULL)}, Budget(updates=FULL), SEEDS)
