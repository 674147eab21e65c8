"""Do an image encoder and a speech encoder have to learn jointly? Written and spoken digits, 600 steps (chapter 10).

"image frozen" leaves the image encoder as it was drawn, and the speech encoder learns to point to what it answers;
"speech frozen" is the reverse. The temperature is learned in all three. The voices of the test are not trained on.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.experiments.captions import both_have_to_learn
from evidence.record import Comparisons, Part
from jointopt import Update, plans, tasks
from jointopt.compare import Budget

STEPS = 600
GRID_SEEDS, SEEDS = range(2), range(10, 18)
ARMS = {
    "joint": (plans.joint, {}),
    "speech frozen": (partial(plans.alternating, Update(["image_encoder", "temperature"])), {}),
    "image frozen": (partial(plans.alternating, Update(["speech_encoder", "temperature"])), {}),
}
SLICE = ("test", ["image frozen"], [10])


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """Each arm at each of three rates, on validation images and voices; then each at its own."""
    make, budget = partial(tasks.load, "speech"), Budget(steps=STEPS)
    yield "grid", grid.search(make, ARMS, budget, seeds=GRID_SEEDS)
    yield "test", Part(make, grid.best(comparisons["grid"], ARMS), budget, SEEDS)


RULE = partial(both_have_to_learn, arms=ARMS)
