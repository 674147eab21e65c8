"""The live lab: a training thread, a mailbox for it, and two views in the browser.

The cell that shows the lab returns at once. One thread does all the training; the browser and the reader's cells only
leave wishes, which it grants between two steps.
"""

import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import ipywidgets
from PIL import Image

from jointopt import figures
from jointopt.controls import Controls
from jointopt.live import recording
from jointopt.live.engine import RECENT, Engine, PlanEnded
from jointopt.live.history import History
from jointopt.live.rhythm import Rhythm
from jointopt.live.widget import ControlsView, CurvesView
from jointopt.live.words import marks
from jointopt.training import OPTIMIZERS, Step, Task, Update

FRAMES = 8  # a second, at most
PRESENT = 4.0  # seconds after a sign of life from the browser for which somebody is taken to be looking
HELD_OUT_EVERY = 25  # steps, in a run without a browser
MARKS = 40  # changes marked on the curves: the last ones
# The most that each may take of the training time, in the long run.
SHARES = {"held-out figures": 0.015, "influence": 0.012, "picture": 0.006}

_labs: dict[str, "LiveLab"] = {}  # name -> the lab that now has it


class LiveLab:
    """Train a task live: `LiveLab(task)` as the last line of a cell shows it.

    plan      Updates; None: joint, without end
    controls  λ, frozen modules and learning rate to begin with; a cell may change them later, as the browser does
    name      a second lab of this name replaces the first, so that a cell can be run again
    """

    def __init__(
        self, task: Task, plan: Iterable[Update] | None = None, controls: Controls | None = None, name: str = "main"
    ):
        if not isinstance(task, Task):
            raise ValueError(f"a lab needs a Task, got {type(task).__name__}; jointopt.tasks.load(name) makes one")
        old = _labs.get(name)
        if old is not None:
            old.pause()  # it may be training this very model
        self.engine = Engine(task, plan, controls)
        if old is not None:
            old.close()
        self.name, self.controls, self.note = name, self.engine.controls, ""
        self._error: Exception | None = None
        self._closed = self._headless = False
        self._budget = 0.0  # steps still to take; infinite while playing
        self._jobs: deque[Callable[[], None]] = deque()  # to be done between two steps
        self._wake = threading.Condition()
        self._publishing = threading.Lock()
        self.frames_sent = 0
        self._heard = self._shown = -math.inf  # when the browser last spoke, when it was last sent a frame
        self._last: Step | None = None
        self._set_rhythms()
        self._build_views()
        self.controls.on_change = self._publish
        self._thread = threading.Thread(target=self._work, name=f"jointopt-lab-{name}", daemon=True)
        self._thread.start()
        _labs[name] = self

    def __repr__(self) -> str:
        losses, modules = ", ".join(self.engine.losses), ", ".join(self.engine.modules)
        return f"LiveLab({self.name!r}: losses {losses}; modules {modules})"

    def _repr_mimebundle_(self, **options):
        bundle = self._box._repr_mimebundle_(**options)
        return {**bundle, "text/plain": repr(self)}

    # What a reader calls

    @property
    def history(self) -> History:
        """Every step so far, columns by name."""
        return self.engine.history

    @property
    def playing(self) -> bool:
        """Whether it trains on without being asked for each step."""
        return self._budget == math.inf

    def play(self) -> None:
        """Train until paused."""
        self._set_budget(math.inf)

    def pause(self) -> None:
        """Stop at the next step boundary, and return when it is reached."""
        self._set_budget(0)
        self._do(lambda: None)

    def run(self, n: int) -> Step:
        """Take n steps (a lab that plays is paused first) and return the last one. Needs no browser.

        What goes wrong in a step is raised here. An interrupt stops at the next step boundary: nothing is lost.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ValueError(f"run(n) takes a whole number of steps ≥ 1, got {n!r}")
        self.pause()
        before, self._headless = self.engine.number, True
        try:
            self._set_budget(n)
            with self._wake:
                while self._budget > 0 and self._thread.is_alive():
                    self._wake.wait(0.2)  # not for ever: an interrupt has to get through
        finally:
            self.pause()
            self._headless = False
        ended = isinstance(self._error, PlanEnded) and self.engine.number > before
        if self._error is not None and not ended:
            raise self._error
        return self._last

    def reset(self) -> None:
        """Pause, and go back to the first weights; λ, frozen modules, lr and optimizer stay as they are set."""
        self.pause()
        self._do(self._reset)

    def figure(self) -> figures.Picture:
        """The run so far as a static picture."""
        return figures.run(self.history, marks(self.engine.log))

    def save(self, path: str | Path) -> None:
        """Pause, and write the run as small JSON: task, plan, and every change with its step. No weights, no code."""
        self.pause()
        recording.save(self.engine, Path(path))

    @classmethod
    def replay(cls, path: str | Path, task: Task | None = None, name: str = "main") -> "LiveLab":
        """A lab that has made the saved run again: to the same numbers on the same machine and thread count.

        The file is checked and can run nothing. `task`: needed where `jointopt.tasks.load` did not make the saved one.
        """
        run = recording.load(Path(path))
        lab = cls(recording.task_of(run, task), recording.plan_of(run), name=name)
        lab.engine.schedule(recording.log_of(run))
        if run["steps"]:
            lab.run(run["steps"])
            lab.note = recording.compared(run, lab.engine.start, lab.history)
            lab._do(lambda: lab._show(force=True))
        return lab

    def close(self) -> None:
        """End the thread and remove the views, the box too: a box around closed views breaks the whole notebook."""
        if self._closed:
            return
        self.pause()
        self._closed = True
        with self._wake:
            self._wake.notify_all()
        self._thread.join(5)
        self.controls.on_change = lambda: None
        if _labs.get(self.name) is self:
            del _labs[self.name]
        for view in (self._box, self._controls_view, self._curves_view):
            view.close()

    # From any thread: leave a wish

    def _set_budget(self, steps: float) -> None:
        if self._closed:
            raise RuntimeError(f"this lab is closed: a newer one may have taken its name, {self.name!r}")
        with self._wake:
            if steps > 0:
                self._error, self.note = None, ""
            self._budget = steps
            self._wake.notify_all()
        self._publish()

    def _do(self, job: Callable[[], None], wait: bool = True) -> None:
        """Have the training thread do something between two steps."""
        done = threading.Event()

        def work():
            try:
                job()
            finally:
                done.set()

        with self._wake:
            self._jobs.append(work)
            self._wake.notify_all()
        while wait and self._thread.is_alive() and not done.wait(0.2):
            pass

    def _on_message(self, view: ControlsView, message: dict, buffers: list) -> None:
        """From the browser: on the main thread at first, later on others. Every message is answered."""
        self._heard, error = time.monotonic(), None
        try:
            self._obey(message)
        except (ValueError, TypeError, RuntimeError) as refused:
            error = str(refused)
        view.send({"answer": message.get("id"), "error": error})  # a beat has no id

    def _obey(self, message: dict) -> None:
        kind, name, value = (message.get(key) for key in ("kind", "name", "value"))
        if kind == "weight":
            self.controls.set(weight={name: value})
        elif kind == "lr":
            self.controls.set(lr=value)
        elif kind == "frozen":
            (self.controls.freeze if value else self.controls.thaw)(name)
        elif kind == "optimizer":
            self.engine.use_optimizer(value)
            self._publish()
        elif kind in ("play", "pause", "step"):
            self._set_budget({"play": math.inf, "pause": 0, "step": 1}[kind])
        elif kind == "reset":
            self._set_budget(0)
            self._do(self._reset, wait=False)
        elif kind != "beat":
            raise ValueError(f"no control is named {kind!r}")

    def _publish(self) -> None:
        """Show in the browser how the controls stand."""
        weights = (self.engine.task.weights or dict.fromkeys(self.engine.losses, 1.0)) | self.controls.weights
        state = {
            "weights": weights,
            "frozen": sorted(self.controls.frozen),
            "lr": self.engine.lr,
            "optimizer": self.engine.wanted_optimizer,
            "playing": self.playing,
        }
        with self._publishing:
            if not self._closed:
                self._controls_view.state = state

    # In the training thread

    def _work(self) -> None:
        while not self._closed:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._budget > 0 or self._closed)
                job = self._jobs.popleft() if self._jobs else None
            if job is not None:
                job()
            elif self._budget > 0:
                self._advance()

    def _advance(self) -> None:
        """One step, and what is to be seen of it. Whatever goes wrong pauses the lab and is told; nothing is lost."""
        try:
            if self.engine.number == 0:
                self._evaluate()
            self._last = self.engine.step(self._measure)
            with self._wake:
                self._budget = max(0, self._budget - 1)  # a pause that came meanwhile stays one
                stopped = self._budget == 0
            if self._headless and (stopped or self.engine.number % HELD_OUT_EVERY == 0):
                self._evaluate()
            self._show(force=stopped or self.engine.number == 1)
        except Exception as error:
            self._error, self.note = error, f"paused: {error}"
            self._budget = stopped = 0
            self._show(force=True)
        if not self._budget:
            self._publish()
            with self._wake:
                self._wake.notify_all()

    def _reset(self) -> None:
        self.engine.reset()
        self._last, self._error, self.note = None, None, ""
        self._set_rhythms()
        self._publish()
        self._show(force=True)

    def _set_rhythms(self) -> None:
        self._evaluating, self._drawing = Rhythm(SHARES["held-out figures"]), Rhythm(SHARES["picture"])
        self._measuring: dict[Update, Rhythm] = defaultdict(lambda: Rhythm(SHARES["influence"]))

    def _measure(self, update: Update) -> bool:
        """Whether to measure gradients in this step: now and then, and in the last steps of a run without a browser."""
        if self._headless:
            return self._budget <= max(1, len(set(self.engine.taken[-RECENT:])))
        return self._measuring[update].due(self.engine.measure_seconds)

    def _evaluate(self) -> None:
        """Held-out figures at this point of the run, once."""
        task, held_out = self.engine.task, self.history.held_out
        if task.evaluate is not None and (not held_out or held_out[-1][0] != self.engine.number):
            held_out.append((self.engine.number, task.evaluate(task.model)))

    def _draw(self) -> None:
        if self.engine.task.picture is not None:
            buffer = BytesIO()
            Image.fromarray(self.engine.task.picture(self.engine.task.model)).save(buffer, "PNG", compress_level=1)
            self._curves_view.picture = buffer.getvalue()

    def _show(self, force: bool = False) -> None:
        """Send a frame if somebody is looking; the picture and a held-out figure in rhythms of their own."""
        now = time.monotonic()
        if not force and (now - self._shown < 1 / FRAMES or now - self._heard > PRESENT):
            return
        self._shown = now
        self.frames_sent += 1
        if force and not self._error:
            self._draw()
        elif not self._headless:
            self._drawing.do(self._draw)
            self._evaluating.do(self._evaluate)
        with self._curves_view.hold_sync():  # one message
            self._curves_view.info = {
                "number": self.engine.number,
                "said": self.engine.said,
                "note": self.note,
                "marks": marks(self.engine.log[-MARKS:]),
                "influence": [[*pair, norm] for pair, norm in self.engine.influence().items()],
                "held_out": _thinned(self.history.held_out),
            }
            self._curves_view.frame = self.history.frame()

    def _build_views(self) -> None:
        engine = self.engine
        spec = {"losses": engine.losses, "modules": engine.modules, "name": self.name}
        self._controls_view = ControlsView(spec={**spec, "optimizers": list(OPTIMIZERS)})
        self._curves_view = CurvesView(spec={**spec, "columns": self.history.shown})
        self._controls_view.on_msg(self._on_message)
        self._box = ipywidgets.VBox([self._controls_view, self._curves_view])
        self._publish()


def _thinned(held_out: list[tuple[int, dict[str, float]]], most: int = 64) -> dict:
    """The first held-out figure for the browser, at most about 64 points: its name, steps and values."""
    if not held_out:
        return {"name": "", "points": []}
    name = next(iter(held_out[0][1]))
    every = -(-len(held_out) // most)
    kept = held_out[::-1][::every][::-1]  # the last one always
    return {"name": name, "points": [[step, figures_[name]] for step, figures_ in kept]}
