"""Pictures of two digits, and captions that say which is where: "3 left of 7", which is also "7 right of 3".

texts, tokens = TEXTS, tokenized(TEXTS)          # all 360 captions; as words, (360, 4)
images, which = drawn(digits, 500, seed=0)       # (500, 1, 40, 40), and the number of each one's caption, (500,)
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from jointopt.checks import check_name
from jointopt.data.images import Images

SIDE, DIGIT = 40, 18  # pixels: of the picture, of a digit in it
RELATIONS = {"left of": (0, 1), "right of": (0, -1), "above": (1, 1), "below": (1, -1)}  # axis (x, y), direction
TEXTS = tuple(f"{a} {relation} {b}" for a in range(10) for relation in RELATIONS for b in range(10) if a != b)
WORDS = ("", *map(str, range(10)), "left", "right", "above", "below", "of")  # "": no word
LONGEST = 4  # words


def tokenized(texts: Iterable[str]) -> Tensor:
    """The numbers of their words, (n, 4) int64, with 0 after the last. ValueError for a word that no caption has."""
    rows = []
    for text in texts:
        words = text.split()
        if not 1 <= len(words) <= LONGEST:
            raise ValueError(f"a caption must have 1 to {LONGEST} words, as '3 left of 7', got {text!r}")
        for word in words:
            check_name("word of a caption", word, WORDS[1:])
        rows.append([WORDS.index(word) for word in words] + [0] * (LONGEST - len(words)))
    return torch.tensor(rows)


def meaning(text: str) -> tuple[str, str, str]:
    """What two captions have in common that say the same: "7 right of 3" is ("3", "left of", "7")."""
    first, rest = text.split(" ", 1)
    relation, second = rest.rsplit(" ", 1)
    axis, direction = RELATIONS[relation]
    if direction < 0:
        first, second = second, first
    return first, "above" if axis else "left of", second


def same_meaning() -> Tensor:
    """True where two of TEXTS say the same, (360, 360): each says what itself and one other say."""
    meanings = [meaning(text) for text in TEXTS]
    numbers = torch.tensor([sorted(set(meanings)).index(each) for each in meanings])
    return numbers[:, None] == numbers


def drawn(digits: Images, count: int, *seed: int) -> tuple[Tensor, Tensor]:
    """(pictures (count, 1, 40, 40) in [0, 1], numbers of their captions in TEXTS, (count,)), drawn by the seed.

    Each caption is as likely as any other, and each of its digits. Along the caption's axis they are 18 to 22 pixels
    apart, across it at most 6.
    """
    rng = np.random.RandomState(seed)
    which = rng.randint(len(TEXTS), size=count)
    small = _small(digits)
    canvas = np.zeros((count, SIDE, SIDE), np.float32)
    slack = SIDE - 2 * DIGIT
    for image, number in zip(canvas, which, strict=True):
        first, relation, second = meaning(TEXTS[number])
        along = rng.randint(slack // 2 + 1), DIGIT + slack // 2 + rng.randint(slack // 2 + 1)
        middle = rng.randint(SIDE - DIGIT + 1)
        across = middle, int(np.clip(middle + rng.randint(-6, 7), 0, SIDE - DIGIT))
        for name, start, side in zip((first, second), along, across, strict=True):
            x, y = (start, side) if relation == "left of" else (side, start)
            image[y : y + DIGIT, x : x + DIGIT] += small[name][rng.randint(len(small[name]))]
    return torch.from_numpy(canvas)[:, None].clamp_(0, 1), torch.from_numpy(which).long()


@lru_cache(maxsize=4)
def _small(digits: Images) -> dict[str, np.ndarray]:
    """Digit -> all of its images, (n, 18, 18)."""
    small = F.interpolate(digits.images[:, :1], (DIGIT, DIGIT), mode="bilinear", antialias=True)[:, 0].numpy()
    return {str(label): small[digits.labels.numpy() == label] for label in range(10)}
