"""What the pictures are drawn with."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from jointopt.figures import pixels


def ink(side, at, text, anchor):
    """How many pixels of the text are seen in a picture of this side."""
    image = Image.new("RGB", (side, side), "green")
    pixels.plate(ImageDraw.Draw(image), at, text, "white", "black", anchor)
    return int((np.asarray(image).sum(axis=-1) < 100).sum())


@pytest.mark.parametrize("anchor", ["lb", "rb"])
@pytest.mark.parametrize("at", [(0, 0), (239, 0), (0, 239), (239, 239), (200, 10), (120, 120)])
def test_a_name_is_seen_whole_wherever_its_box_lies(at, anchor):
    name = "american_pit_bull_terrier"
    assert ink(240, at, name, anchor) == ink(1000, (500, 500), name, anchor) > 300


def test_of_a_name_wider_than_the_picture_the_beginning_is_seen():
    image = Image.new("RGB", (100, 40), "green")
    pixels.plate(ImageDraw.Draw(image), (90, 30), "Mm" * 20, "white", "black", "lb")
    assert tuple(np.asarray(image)[20, 0]) == (255, 255, 255)
