"""What a lab shows in the browser: two views, frames at a bounded rate, and nothing while nobody looks."""

import math
import threading
import time
from collections.abc import Callable
from io import BytesIO

import ipywidgets
from PIL import Image

from jointopt.controls import Change
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.memory_limit import MemoryWatch
from jointopt.live.lab.status_line import in_short, marks
from jointopt.live.lab.throttle import Rhythm
from jointopt.live.lab.views import ControlsView, CurvesView
from jointopt.modules import left_as_it_was
from jointopt.optimizers import OPTIMIZERS

FRAMES = 8  # a second, at most
PRESENT = 4.0  # seconds after a sign of life from the browser for which somebody is taken to be looking
AWAY = 60.0  # seconds without a sign of life after which nobody is taken to come back soon
MARKS = 40  # changes marked on the curves: the last ones
POINTS = 64  # held-out figures sent: about so many
PICTURE_SHARE = 0.004  # of the training time, in the long run


class Display:
    """The controls and the curves of an engine, in one box."""

    def __init__(self, engine: Engine, name: str, obey: Callable[[dict], None]):
        self.engine = engine
        self.frames_sent = 0
        self._number = 0  # of the state that is published next
        spec = {"losses": engine.losses, "modules": engine.modules, "name": name}
        self.controls = ControlsView(spec={**spec, "optimizers": list(OPTIMIZERS), "plans": engine.menu.names})
        self.curves = CurvesView(spec={**spec, "columns": engine.history.shown})
        self.controls.obey, self.controls.notice = obey, self._notice
        self.box = ipywidgets.VBox([self.controls, self.curves])
        self._made = time.monotonic()
        self._heard = self._shown = -math.inf  # when the browser last spoke, when it was last sent a frame
        self._memory = MemoryWatch()
        self._drawing = Rhythm(PICTURE_SHARE)
        self._publishing = threading.Lock()  # between closing and the threads that still have something to say
        self._closed = False

    def _notice(self, message: dict) -> None:
        """A sign of life from the browser. What it has missed is sent again."""
        self._heard = time.monotonic()
        number = self.controls.state.get("number")
        if message.get("shown", number) != number:
            self.controls.send_state("state")
            self.curves.send_state(["info", "frame", "picture"])

    def publish(self, playing: bool) -> None:
        """Show how the controls stand."""
        with self._publishing:
            if not self._closed:
                self.controls.state = {**self._settings(), "playing": playing, "number": self._number}
                self._number += 1

    def _settings(self) -> dict:
        engine = self.engine
        return {
            "weights": (engine.task.weights or dict.fromkeys(engine.losses, 1.0)) | engine.controls.weights,
            "frozen": sorted(engine.controls.frozen),
            "lr": engine.lr,
            "optimizer": engine.wanted_optimizer,
            "plan": engine.menu.chosen,
            "ended": engine.menu.ended,
            "next": [in_short(change) for change in self._awaited()],
        }

    def _awaited(self) -> list[Change]:
        """What the next step will do otherwise than the last one."""
        engine = self.engine
        if engine.number == 0:  # how a run begins is no change
            return []
        plan = [] if engine.menu.chosen == engine.menu.followed else [Change(engine.number, "plan", engine.menu.chosen)]
        return plan + engine.pending

    def deserted(self) -> bool:
        """Whether nobody has looked for a while."""
        return time.monotonic() - max(self._made, self._heard) > AWAY

    def due(self) -> bool:
        """Whether somebody is looking and it is time for another frame."""
        now = time.monotonic()
        return now - self._shown >= 1 / FRAMES and now - self._heard <= PRESENT

    def send(self, note: str) -> None:
        """One frame: the whole run, decimated, with what there is to say of it."""
        self._shown = time.monotonic()
        self.frames_sent += 1
        history = self.engine.history
        with self.curves.hold_sync():  # one message
            self.curves.info = {
                "number": self.engine.number,
                "said": self.engine.said,
                "note": note,
                "memory": self._memory.words,
                "marks": marks(self.engine.log[-MARKS:]),
                "influence": [[*pair, norm] for pair, norm in self.engine.influence().items()],
                "held_out": thinned(history.held_out),
            }
            self.curves.frame = history.frame()

    def draw_now_and_then(self) -> None:
        """The task's picture, about once a second."""
        self._drawing.do(self.draw)

    def draw(self) -> None:
        """The task's picture as it is now."""
        task = self.engine.task
        if task.picture is not None:
            buffer = BytesIO()
            with left_as_it_was(task.model):
                picture = task.picture(task.model)
            Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
            self.curves.picture = buffer.getvalue()

    def close(self) -> None:
        """Remove the views, and the box too: a box around closed views breaks the whole notebook."""
        with self._publishing:
            self._closed = True
        for view in (self.box, self.controls, self.curves):
            view.layout.close()
            view.close()


def thinned(held_out: list[tuple[int, dict[str, float]]]) -> dict:
    """The first held-out figure, for the browser: its name, and about POINTS points (steps taken, value)."""
    if not held_out:
        return {"name": "", "points": []}
    name = next(iter(held_out[0][1]))
    every = -(-len(held_out) // POINTS)
    points = [[step, figures[name]] for step, figures in held_out[::-1][::every][::-1]]
    return {"name": name, "points": [point for point in points if math.isfinite(point[1])]}  # JSON has no nan
