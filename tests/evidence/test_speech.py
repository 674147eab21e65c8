"""The rule of the record `speech`, on invented records: that of `captions`, with its own arms and its first metric."""

import numpy as np
import pytest

from evidence.experiments import speech
from evidence.grid import LRS
from jointopt.compare import Comparison, interval

SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # the seeds of an arm, around its mean
_, HALF = interval(SPREAD)
DECIDES, DIRECTION, LANGUAGES = "top-1 (%)", "speech → image (%)", "top-1, other languages (%)"


def comparison(means, others=0.0):
    """others: what the metrics that decide nothing have."""
    runs = {
        seed: {
            arm: {DECIDES: mean + (spread if arm == "joint" else 0), DIRECTION: others, LANGUAGES: others}
            for arm, mean in means.items()
        }
        for seed, spread in enumerate(SPREAD)
    }
    return Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, runs)


def judged(speech_frozen, image_frozen, rates=None, others=0.0):
    """The verdict if joint training is this far ahead of the two arms."""
    rates = dict.fromkeys(speech.ARMS, 1e-3) | (rates or {})
    grid = comparison({f"{arm}, lr {lr:g}": 10.0 + 5 * (lr == rates[arm]) for arm in speech.ARMS for lr in LRS})
    means = {"joint": 80.0, "speech frozen": 80 - speech_frozen, "image frozen": 80 - image_frozen}
    return speech.RULE({"grid": grid, "test": comparison(means, others)})


@pytest.mark.parametrize(
    ("speech_frozen", "image_frozen", "word"),
    [
        (1.1 * HALF, 1.1 * HALF, "holds"),
        (0.9 * HALF, 1.1 * HALF, "holds in part"),  # one of the two is undecided
        (1.1 * HALF, 0.9 * HALF, "holds in part"),
        (-0.9 * HALF, 1.1 * HALF, "holds in part"),
        (-1.1 * HALF, 1.1 * HALF, "does not hold"),  # frozen speech is better
        (1.1 * HALF, -1.1 * HALF, "does not hold"),  # a frozen image encoder is
        (0.9 * HALF, 0.9 * HALF, "does not hold"),
    ],
)
@pytest.mark.parametrize("others", [0.0, 100.0])
def test_the_rule(speech_frozen, image_frozen, word, others):
    verdict = judged(speech_frozen, image_frozen, others=others)
    assert verdict["both encoders have to learn"] == word
    assert verdict["rests on"]["joint minus speech frozen"].startswith(f"{speech_frozen:+.1f} ± ")
    assert verdict["rests on"]["joint minus image frozen"].startswith(f"{image_frozen:+.1f} ± ")


def test_the_verdict_names_the_rate_of_each_arm():
    rates = {"joint": 3e-4, "speech frozen": 1e-3, "image frozen": 3e-3}
    rests = judged(5, 5, rates)["rests on"]
    assert {name: value for name, value in rests.items() if "rate" in name} == {
        f"learning rate of {arm}": lr for arm, lr in rates.items()
    }


def test_each_arm_moves_what_its_name_says():
    moved = {name: next(iter(plan(1))).modules for name, (plan, _) in speech.ARMS.items() if name == "joint"}
    moved |= {name: next(iter(plan())).modules for name, (plan, _) in speech.ARMS.items() if name != "joint"}
    assert {name: modules and sorted(modules) for name, modules in moved.items()} == {
        "joint": None,
        "speech frozen": ["image_encoder", "temperature"],
        "image frozen": ["speech_encoder", "temperature"],
    }


def test_rates_are_chosen_on_validation_voices_with_other_seeds():
    parts = speech.parts({})
    title, part = next(parts)
    assert title == "grid" and all(arm.task_options["held_out"] == "validation" for arm in part.arms.values())
    assert len(part.arms) == 9 and not set(part.seeds) & set(speech.SEEDS)
