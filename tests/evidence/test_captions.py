"""The rule of the record `captions`, on invented records."""

import numpy as np
import pytest

from evidence.experiments import captions
from evidence.grid import LRS
from jointopt.compare import Comparison, interval

SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # the seeds of an arm, around its mean
_, HALF = interval(SPREAD)


def comparison(means):
    runs = {
        seed: {arm: {"top-1 (%)": mean + (spread if arm == "joint" else 0)} for arm, mean in means.items()}
        for seed, spread in enumerate(SPREAD)
    }
    return Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, runs)


@pytest.mark.parametrize(
    ("text", "image", "word"),
    [
        (1.1 * HALF, 1.1 * HALF, "holds"),
        (0.9 * HALF, 50, "holds in part"),  # one of the two is undecided
        (-1.1 * HALF, 50, "does not hold"),  # frozen text is better
        (0.9 * HALF, 0.9 * HALF, "does not hold"),
    ],
)
def test_the_rule(text, image, word):
    grid = comparison({f"{arm}, lr {lr:g}": 10.0 + 5 * (lr == 1e-3) for arm in captions.ARMS for lr in LRS})
    test = comparison({"joint": 60.0, "text frozen": 60 - text, "image frozen": 60 - image})
    verdict = captions.RULE({"grid": grid, "test": test})
    assert verdict["both encoders have to learn"] == word
    assert verdict["rests on"]["learning rate of joint"] == 1e-3
    assert verdict["rests on"]["joint minus image frozen"].startswith(f"{image:+.1f} ± ")
