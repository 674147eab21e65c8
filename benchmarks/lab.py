"""The lab with a browser attached: what watching costs, how fast a change gets through, and another cell."""

import json
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page, sync_playwright

from benchmarks.measure import Row, ratios
from tools.execute import METADATA

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "browser"))  # the server and the notebook are those of the tests

from lab_server import Notebook, Server, launch, until  # noqa: E402

SETUP = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
import torch; torch.set_num_threads(1)
from benchmarks import in_kernel
from jointopt import tasks
from jointopt.live import LiveLab
lab, task = LiveLab(tasks.load("classification")), tasks.load("classification")
lab"""
REPEATS = 5
PLAYING, ALONE = 9, 4  # seconds; a held-out figure comes every few seconds, and a block is to hold its share of them
FRAMES_WINDOWS, CHANGES, CELLS = 4, 20, 20


def run() -> tuple[list[Row], list[str]]:
    """The rows of the table, and notes beneath it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root, home = Path(folder, "notebooks"), Path(folder, "home")
        root.mkdir()
        home.mkdir()
        nbformat.write(new_notebook(cells=[new_code_cell(SETUP)], metadata=METADATA), root / "lab.ipynb")
        with closing(Server(root, home)) as server, closing(launch(playwright)) as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            notebook = Notebook(page, server, "lab.ipynb")
            notebook.run_cell(0)
            page.get_by_role("button", name="Play", exact=True).wait_for(timeout=120_000)
            until(lambda: not notebook.busy(), "the lab's cell to end")
            return _measure(notebook)


def _measure(notebook) -> tuple[list[Row], list[str]]:
    page = notebook.page
    playing, alone = _cpu_per_step(notebook)
    frame, size = _ask(notebook, "in_kernel.frame(lab, 15)")
    notebook.kernel("lab.play()")
    frames, rate = _frames_a_second(notebook)
    steps, started, ended = _changes(notebook)
    cells = [_another_cell(page) for _ in range(CELLS)]
    notebook.kernel("lab.pause()")
    paused = [_another_cell(page) for _ in range(CELLS)]
    rows = [
        Row("lab playing, browser attached / train() alone, kernel's CPU per step", ratios(playing, alone), 1.05),
        Row("kernel's CPU per frame", [1e3 * x for x in frame], 1, "ms"),
        Row("different frames drawn in the browser", frames, 10, "a second", at_least=True),
        Row("steps from a change's arrival to the step that used it", steps, 1, "step"),
        Row("another cell while the lab trains, from execute to idle", cells, 150, "ms"),
    ]
    cpu, bare, start, end, idle = map(statistics.median, (playing, alone, started, ended, paused))
    return rows, [
        f"The lab: {1e3 * cpu:.1f} ms of CPU per step against {1e3 * bare:.1f}; {rate:.0f} steps a second; a frame "
        f"carries up to {size / 1024:.1f} KB of history.",
        f"From a key press on λ to the start of the step that used it {start:.0f} ms, to its end {end:.0f} ms; another "
        f"cell while the lab is paused {idle:.0f} ms (medians).",
    ]


def _cpu_per_step(notebook) -> tuple[list[float], list[float]]:
    """CPU seconds a step in the lab, and of train() alone around it, when the browser's heartbeat rests."""
    playing, around = [], []
    _ask(notebook, f"in_kernel.playing(lab, {ALONE})")  # warm up
    before = _alone(notebook)
    for _ in range(REPEATS):
        _hide(notebook.page, False)
        notebook.page.wait_for_timeout(1200)  # a heartbeat
        playing.append(_ask(notebook, f"in_kernel.playing(lab, {PLAYING})"))
        after = _alone(notebook)
        around.append((before + after) / 2)
        before = after
    _hide(notebook.page, False)
    return playing, around


def _alone(notebook) -> float:
    _hide(notebook.page, True)
    return _ask(notebook, f"in_kernel.alone(task, {ALONE})")


def _hide(page: Page, hidden: bool) -> None:
    """Have the front end believe that nobody sees its tab."""
    page.evaluate(
        "(hidden) => Object.defineProperty(document, 'hidden', {get: () => hidden, configurable: true})", hidden
    )


def _frames_a_second(notebook) -> tuple[list[float], float]:
    """Different frames drawn a second, in windows of two seconds, and the steps trained a second meanwhile."""
    notebook.page.wait_for_timeout(1500)
    script = """() => new Promise((resolve) => {
      const root = document.querySelector('.jo-curves'), seen = new Set(), start = performance.now();
      const watcher = new MutationObserver(() => seen.add(root.dataset.step));
      watcher.observe(root, { attributes: true, attributeFilter: ['data-step'] });
      setTimeout(() => { watcher.disconnect(); resolve(1000 * seen.size / (performance.now() - start)); }, 2000); })"""
    start, steps = time.monotonic(), _ask(notebook, "lab.engine.number")
    frames = [notebook.page.evaluate(script) for _ in range(FRAMES_WINDOWS)]
    steps = _ask(notebook, "lab.engine.number") - steps
    return frames, steps / (time.monotonic() - start)


def _changes(notebook) -> tuple[list[float], list[float], list[float]]:
    """λ moved by keyboard: steps from arrival to use; ms from key press to start and end of the step that used it."""
    page = notebook.page
    notebook.kernel("in_kernel.watch(lab)")
    page.evaluate("() => window.addEventListener('keydown', () => { window.pressed = Date.now() / 1000; }, true)")
    page.get_by_role("slider", name="λ of reg, logarithmic").focus()
    steps, started, ended = [], [], []
    for i in range(CHANGES):
        page.wait_for_timeout(200 + 37 * (i % 7))  # not in step with the frames
        page.keyboard.press("ArrowRight" if i % 2 else "ArrowLeft")
        pressed = page.evaluate("() => window.pressed")
        change = until(lambda: _ask(notebook, f"in_kernel.last_change(lab, {pressed})"), "the change")  # noqa: B023
        steps.append(change["steps"])
        started.append(1e3 * (change["start"] - pressed))
        ended.append(1e3 * (change["end"] - pressed))
    return steps, started, ended


def _ask(notebook, expression: str) -> object:
    """The value of an expression in the kernel, through JSON."""
    answer = notebook.kernel(f"import json; print(json.dumps({expression}))")
    try:
        return json.loads(answer)
    except ValueError:
        raise RuntimeError(f"the kernel answered {answer!r} to {expression}") from None


def _another_cell(page: Page) -> float:
    """Milliseconds from execute to idle of a small cell, as the browser sees it."""
    page.wait_for_timeout(150)
    return page.evaluate(
        """async () => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          const start = performance.now(); await kernel.requestExecute({code: 'sum(range(1000))'}).done;
          return performance.now() - start; }"""
    )
