"""Make docs/lab.webp, the moving picture in the README: the lab of chapter 0 in a real JupyterLab and Chromium.

    python -m tools.record_lab

Play, drag the λ of the regularizer, freeze the feature extractor, thaw it. Needs what the browser tests need, and takes
a minute. On a busy machine the lab takes more steps from one frame to the next: look at the picture before you commit.
"""

import io
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))  # the server, the notebook and the lab are those of the tests

from lab_page import NOTEBOOK, NOTEBOOKS, Lab, shown  # noqa: E402
from lab_server import Notebook, Server, launch, until  # noqa: E402

PICTURE = ROOT / "docs" / "lab.webp"
WINDOW = {"width": 1106, "height": 1200}  # pixels: in which all of the lab is seen, in a file of less than 1 MB
MARGIN = 5  # pixels around the lab
PERIOD = 0.2  # seconds from one frame to the next
COLORS = 128  # with so few, lossless is smaller than lossy, and text stays sharp
ALONE = ".jp-Cell:not(:has(.jo)) { visibility: hidden; }"  # the lab grows as it shows more: no cell is seen below it
# A screenshot has no mouse pointer: this draws one. It lets every event through.
POINTER = """() => {
  const tip = document.createElement('div');
  tip.innerHTML = '<svg width="22" height="30"><path d="M1 1v22l6-5 4 10 4-2-4-9h8z" fill="#fff" stroke="#000"/></svg>';
  tip.style.cssText = 'position: fixed; z-index: 99999; pointer-events: none; left: -99px';
  document.body.append(tip);
  addEventListener('mousemove', (e) => { tip.style.left = `${e.clientX}px`; tip.style.top = `${e.clientY}px`; }, true);
}"""


class Film:
    """Frames of a page, and the mouse that is seen in them."""

    def __init__(self, page: Page):
        self.page, self.frames, self.last = page, [], 0.0
        self.pointer = (page.viewport_size["width"] / 2, page.viewport_size["height"] / 2)
        page.evaluate(POINTER)
        page.mouse.move(*self.pointer)

    def watch(self, frames: int) -> None:
        """Take frames, each at least a period after the one before."""
        for _ in range(frames):
            time.sleep(max(0, self.last + PERIOD - time.monotonic()))
            self.last = time.monotonic()
            self.frames.append(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))

    def move(self, x: float, y: float, frames: int = 4) -> None:
        """Move the mouse in a line, with a frame at each of its positions."""
        (x0, y0), self.pointer = self.pointer, (x, y)
        for i in range(1, frames + 1):
            self.page.mouse.move(x0 + (x - x0) * i / frames, y0 + (y - y0) * i / frames)
            self.watch(1)

    def click(self, target: Locator) -> None:
        """Move to the middle of it, and click."""
        box = target.bounding_box()
        self.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.click(*self.pointer)

    def drag(self, slider: Locator, start: float, end: float) -> None:
        """Drag a slider's thumb from one part of its length to another."""
        box = slider.bounding_box()
        y = box["y"] + box["height"] / 2
        self.move(box["x"] + start * box["width"], y)
        self.page.mouse.down()
        self.move(box["x"] + end * box["width"], y, frames=8)
        self.page.mouse.up()

    def save(self, path: Path, part: tuple[float, float, float, float]) -> None:
        """Write this part (left, top, right, bottom) of all frames as an animated WebP without end."""
        frames = [frame.crop(part) for frame in self.frames]
        palette = frames[-1].quantize(COLORS, method=Image.Quantize.FASTOCTREE)  # keeps the rarer hues
        few = [frame.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB") for frame in frames]
        durations = [round(1000 * PERIOD)] * (len(few) - 1) + [3000]  # milliseconds; the last one stays
        path.parent.mkdir(exist_ok=True)
        few[0].save(path, save_all=True, append_images=few[1:], duration=durations, lossless=True, quality=60, method=4)


def play(lab: Lab, film: Film) -> None:
    """What the film shows."""
    film.watch(3)
    film.click(lab.play)
    film.watch(14)
    film.drag(lab.slider, 0.3, 0.52)
    film.watch(12)
    film.click(lab.freeze("feature_extractor"))
    film.watch(14)
    film.click(lab.freeze("feature_extractor"))
    film.watch(10)


def part_of(page: Page) -> tuple[float, float, float, float]:
    """Where the lab is on the page, left, top, right, bottom."""
    boxes = [page.locator(view).bounding_box() for view in (".jo-controls", ".jo-curves")]
    left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
    right, bottom = max(box["x"] + box["width"] for box in boxes), boxes[-1]["y"] + boxes[-1]["height"]
    return left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN


def main() -> None:
    """Record, and write the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder), Path(folder) / "home")
        try:
            page = launch(playwright).new_page(viewport=WINDOW)
            notebook = Notebook(page, server, server.copy_of(NOTEBOOKS / NOTEBOOK))
            notebook.command("application:toggle-left-area")
            page.add_style_tag(content=ALONE)
            lab = shown(notebook)
            notebook.kernel("lab.run(12)")  # so that the first frame, which some viewers show alone, has curves
            until(lambda: lab.step() == 12 and page.locator(".jo-picture").is_visible(), "the lab's picture")
            film = Film(page)
            play(lab, film)
            part = part_of(page)
        finally:
            server.close()
    film.save(PICTURE, part)
    print(f"{PICTURE}: {len(film.frames)} frames, {PICTURE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
