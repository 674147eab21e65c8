"""What the pictures of the tasks are drawn with: legible on any background, and never by color alone."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from PIL import Image, ImageDraw, ImageFont

RIGHT, WRONG = "#0072B2", "#D55E00"
COLORS = (RIGHT, WRONG, "#009E73", "#E69F00", "#56B4E9", "#CC79A7")  # of classes, which have a hatch too
SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))  # of a pixel: its neighbors


@lru_cache(maxsize=1)
def font() -> ImageFont.FreeTypeFont:
    """The captions' font: to load it for each tile takes as long as all the rest of the picture."""
    return ImageFont.load_default(size=17)


def dashed(drawing: ImageDraw.ImageDraw, box: Sequence[int]) -> None:
    """A frame in black and white by turns, which is seen on any background."""
    x1, y1, x2, y2 = box
    drawing.rectangle(box, outline="black", width=2)
    for x, y in product(range(x1, x2, 12), (y1, y2)):
        drawing.line([(x, y), (min(x + 6, x2), y)], fill="white", width=2)
    for x, y in product((x1, x2), range(y1, y2, 12)):
        drawing.line([(x, y), (x, min(y + 6, y2))], fill="white", width=2)


def plate(drawing: ImageDraw.ImageDraw, at: tuple[float, float], text: str, ground: str, ink: str, anchor: str) -> None:
    """Text on a plate, legible on any background; moved into the picture where it would reach out of it."""
    x1, y1, x2, y2 = drawing.textbbox(at, text, font(), anchor)
    sides = zip(at, (x1, y1), (x2, y2), drawing.im.size, strict=True)
    at = [place + max(-start, min(0, side - 1 - end)) for place, start, end, side in sides]
    drawing.rectangle(drawing.textbbox(at, text, font(), anchor), fill=ground, outline=ground, width=2)
    drawing.text(at, text, ink, font(), anchor)


def cross(drawing: ImageDraw.ImageDraw, x: int, y: int) -> None:
    """A cross in the corner whose upper right end is (x, y), as tiles of classification mark what is wrong."""
    drawing.rectangle((x - 16, y, x, y + 16), fill="white", outline=WRONG, width=2)
    drawing.line((x - 12, y + 4, x - 4, y + 12), fill=WRONG, width=3)
    drawing.line((x - 12, y + 12, x - 4, y + 4), fill=WRONG, width=3)


def mark_wrong(drawing: ImageDraw.ImageDraw, box: Sequence[int]) -> None:
    """A thick frame and a cross in its corner: never by color alone."""
    drawing.rectangle(box, outline=WRONG, width=4)
    cross(drawing, box[2] - 2, box[1] + 3)


def paint(canvas: np.ndarray, classes: np.ndarray) -> None:
    """Color and hatch the classes (h, w), but for the background, over the canvas (h, w, 3), in place."""
    y, x = np.indices(classes.shape)
    hatches = [(x + y) % 8 < 3, y % 8 < 3, x % 8 < 3, (x - y) % 8 < 3]
    for number in range(1, int(classes.max()) + 1):
        here = classes == number
        color = np.array(Image.new("RGB", (1, 1), COLORS[(number - 1) % len(COLORS)]))[0, 0]
        canvas[here] = (0.3 * canvas[here] + 0.7 * color).astype(np.uint8)
        canvas[here & hatches[(number - 1) % len(hatches)]] = 255


def outline(canvas: np.ndarray, classes: np.ndarray) -> None:
    """A black line around each region of (h, w) and a white one within it, seen on any background; in place."""
    around = np.pad(classes, 1, mode="edge")
    neighbors = [around[1 + dy : around.shape[0] - 1 + dy, 1 + dx : around.shape[1] - 1 + dx] for dy, dx in SIDES]
    edge = np.any([other != classes for other in neighbors], axis=0)
    canvas[edge & (classes == 0)] = 0
    canvas[edge & (classes > 0)] = 255
