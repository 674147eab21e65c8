"""Do an image encoder and a text encoder have to learn jointly? Two digits and their caption, 400 steps (chapter 10).

"image frozen" leaves the image encoder as it was drawn, and the text encoder learns to point to what it answers; "text
frozen" is the reverse. The temperature is learned in all three.
"""

from collections.abc import Iterator
from functools import partial

from evidence import grid
from evidence.record import Comparisons, Part
from jointopt import Update, plans, tasks
from jointopt.compare import Budget

STEPS = 400
GRID_SEEDS, SEEDS = range(2), range(10, 18)
ARMS = {
    "joint": (plans.joint, {}),
    "text frozen": (partial(plans.alternating, Update(["image_encoder", "temperature"])), {}),
    "image frozen": (partial(plans.alternating, Update(["text_encoder", "temperature"])), {}),
}
SLICE = ("test", ["image frozen"], [10])


def parts(comparisons: Comparisons) -> Iterator[tuple[str, Part]]:
    """Each arm at each of three rates, on validation pictures; then each at its own."""
    make, budget = partial(tasks.load, "captions"), Budget(steps=STEPS)
    yield "grid", grid.search(make, ARMS, budget, seeds=GRID_SEEDS)
    yield "test", Part(make, grid.best(comparisons["grid"], ARMS), budget, SEEDS)


def both_have_to_learn(comparisons: Comparisons, arms: grid.Arms = ARMS) -> dict:
    """Joint training is better than either encoder frozen (95 % intervals): against both, one, or none of them.

    arms: "joint", then one for each encoder that is frozen. The metric is the first that the task has.
    """
    joint, *frozen = arms
    differences = {f"joint minus {arm}": comparisons["test"].difference(joint, arm) for arm in frozen}
    verdicts = [difference.verdict for difference in differences.values()]
    word = "holds" if set(verdicts) == {"more"} else "holds in part" if "more" in verdicts else "does not hold"
    if "less" in verdicts:
        word = "does not hold"
    rests_on = {name: f"{difference:+}" for name, difference in differences.items()}
    rates = {f"learning rate of {arm}": grid.best_lr(comparisons["grid"], arm) for arm in arms}
    return {"both encoders have to learn": word, "rests on": rests_on | rates}


RULE = both_have_to_learn
