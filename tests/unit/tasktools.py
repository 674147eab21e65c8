"""Every application, with options that make it quick."""

import copy
from dataclasses import replace
from functools import cache

import pytest

from jointopt import tasks

SCENES = dict(scenes=12, held_out_scenes=4, size=4)
SMALL = {  # options that make a task quick; one that is not named here is loaded as it is, and may check no batch
    "classification": dict(labels=5),
    "pretext": dict(labels=5, size=8),
    "transfer": dict(labels=5, size=8, depth=2, pretrained=2),
    "generation": dict(size=8, width=4),
    "captions": dict(size=8, held_out_scenes=12),
    "speech": {},
    "search": dict(size=8, width=4, cost=0.1),
    "detection": SCENES,
    "one_stage": SCENES,
    "parity": dict(size=8),
    "segmentation": SCENES | dict(second="boxes", weighting="learned"),
}
each = pytest.mark.parametrize("name", tasks.names())


def load(name, seed=0, **options):
    return tasks.load(name, seed, **SMALL.get(name, {}) | options)


loaded = cache(load)


def fresh(name):
    """The application from seed 0, with a model of its own."""
    known = loaded(name)
    return replace(known, model=copy.deepcopy(known.model))
