"""Spoken digits that ship with the package: spectrograms of what a program, espeak-ng, has said in many voices.

heard, unheard = of(TRAINING), of(TEST)          # Images: spectrograms (N, 1, 32, 40) in [0, 1], labels in turn
seven = of(["en-us+m1"]).images[7, 0]            # (32, 40): the lowest band first; a column is 16 ms

`python -m tools.make_speech` makes the file, and says what a spectrogram is. It holds uint8 arrays: spectrograms
(N, 32, 40), in dB above a floor that lies DECIBELS beneath the loudest of each utterance; labels (N,); and voices (N,),
their numbers in VOICES. A voice says the ten digits in turn, twice: low and slow, then high and fast.
"""

from collections.abc import Collection
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch

from jointopt.checks import check_name, some_names
from jointopt.data.digits import CLASSES
from jointopt.data.images import Images
from jointopt.system import read_arrays

BANDS, FRAMES = 32, 40  # of a spectrogram
DECIBELS = 60  # between its floor and the loudest that it holds
ACCENTS = ("en-us", "en-gb-x-rp", "en-gb-scotland")  # "en-gb" would say the same for each speaker


def _in_all_accents(*speakers: str) -> tuple[str, ...]:
    return tuple(f"{accent}+{speaker}" for accent, speaker in product(ACCENTS, speakers))


# Names of espeak-ng: an accent and a speaker, m for male, f for female. No speaker is in two of these sets.
VALIDATION = _in_all_accents("m6", "f5")
TRAINING = _in_all_accents("m1", "m2", "m3", "m5", "m8", "f1", "f3") + VALIDATION
TEST = _in_all_accents("m4", "m7", "f2", "f4")
LANGUAGES = ("de", "nl", "fr", "es", "it", "pl", "ru", "cmn")  # each in espeak-ng's own voice
VOICES = (*TRAINING, *TEST, *LANGUAGES)
FILE = Path(__file__).with_name("speech.npz")
SHA256 = "7271b4ad043a83358da46d4f5a61c527febf094d206d6eb9092dadb2d15674e2"
read = partial(read_arrays, what="the file of speech", sha256=SHA256, script="tools.make_speech")  # path -> arrays


def of(voices: Collection[str]) -> Images:
    """What some of VOICES say, voice by voice, as float32 in [0, 1]: 0 is the floor, 1 the loudest of an utterance.

    Each call returns new tensors. ValueError for a voice that is not there, or for none; OSError as in `read_arrays`.
    """
    names = some_names(voices, "speech needs a voice at least")
    for name in names:
        check_name("voice", name, VOICES)
    arrays = read(FILE)
    chosen = np.isin(arrays["voices"], [VOICES.index(name) for name in names])  # (N,)
    levels = torch.from_numpy(arrays["spectrograms"][chosen])[:, None]  # (n, 1, 32, 40) uint8
    return Images(levels / DECIBELS, torch.from_numpy(arrays["labels"][chosen]).long(), CLASSES)
