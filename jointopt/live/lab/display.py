"""What a lab shows in the browser: two views, frames at a bounded rate, and nothing while nobody looks."""

import math
import threading
import time
from collections.abc import Callable
from io import BytesIO
from uuid import uuid4

import anywidget
import ipywidgets
import numpy as np
import traitlets
from PIL import Image

from jointopt.controls import Change, Settings
from jointopt.live.lab import evidence, memory_limit
from jointopt.live.lab.branches import Branch
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.status_line import dated, in_short, marks, stays
from jointopt.live.shared.view import View, front_end
from jointopt.modules import left_as_it_was
from jointopt.optimizers import OPTIMIZERS
from jointopt.schedules import Schedule, Value, known_at, words

FRAMES = 12  # a second, on average at most
PRESENT = 4.0  # seconds after a message from the browser for which somebody is taken to be looking
MARKS, CHANGES = 40, 400  # that are shown on the curves, the last ones; of the log, among which they are looked for
POINTS = 240  # held-out values sent, about: those near a change are to be seen for some minutes
COURSE_POINTS = 45  # of a function of the step that are drawn


class ControlsView(View):
    """Browser → kernel."""

    _esm = front_end("lab/controls.js")
    spec = traitlets.Dict().tag(sync=True)  # names; written once
    state = traitlets.Dict().tag(sync=True, in_force=True)  # how the controls stand


class CurvesView(anywidget.AnyWidget):
    """Kernel → browser. A view of its own: frames are lost where both sides write to the same one."""

    _esm, _css = front_end("lab/curves.js"), View._css
    spec = traitlets.Dict().tag(sync=True)  # names; written once
    info = traitlets.Dict().tag(sync=True)  # step, words, marks, influence, held-out metrics
    frame = traitlets.Bytes().tag(sync=True)  # the whole run, decimated: see History.frame
    others = traitlets.List().tag(sync=True)  # the other branches: names, steps in common, frames
    picture = traitlets.Bytes().tag(sync=True)  # PNG


class Display:
    """The controls and the curves of a run, in one box.

    obey     does what a message from the browser asks for, see View; and "look", when one comes for the first time
    playing  answers whether the run goes on without being asked for each step
    owner    answers the lab that a reader has a name for, if there is one
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        obey: Callable[[dict], None],
        playing: Callable[[], bool],
        owner: Callable[[], object] = lambda: None,
    ):
        self.engine, self._playing, self._owner = engine, playing, owner
        self.frames_sent, self._looked_at = 0, False
        self.was_reset = False  # at step 0 Reset, pressed again, sets the settings back
        self._number = -1  # of the state that was published last
        # "lab": a page may have labs of several kernels, whose names are the same.
        spec = {"losses": engine.losses, "modules": engine.modules, "name": name, "lab": uuid4().hex}
        self.controls = ControlsView(spec={**spec, "optimizers": list(OPTIMIZERS), "plans": engine.menu.names})
        evaluates = engine.task.evaluate is not None
        self.curves = CurvesView(spec={**spec, "columns": engine.history.shown, "evaluates": evaluates})
        self._obey = self.controls.obey = obey
        self.controls.notice = self._notice
        self.box = ipywidgets.VBox([self.controls, self.curves])
        self._made = time.monotonic()
        self._last_message = -math.inf  # from the browser
        self._next_frame = -math.inf  # to it, at the earliest
        self._publishing = threading.Lock()  # between closing and the threads that still have something to say
        self._closed = False
        self._others: tuple[Branch, int] = engine.current, 0  # what was sent: the other branches of this one

    def lay_out(self, view: str | None) -> None:
        """In both views: "slide", or None, as the page asks."""
        for each in (self.controls, self.curves):
            each.spec = {**each.spec, "view": view}

    def _notice(self, message: dict) -> None:
        """The browser is there. What it has missed is sent again."""
        self._last_message = time.monotonic()
        number = self.controls.state.get("number")
        if message.get("shown", number) != number:
            self.controls.send_state("state")
            self.curves.send_state(["info", "frame", "others", "picture"])
        if not self._looked_at and not self.frames_sent:
            self._obey({"kind": "look"})
        self._looked_at = True

    def publish(self, resent: bool = True) -> None:
        """Show how the controls stand; from any thread. resent: should it be lost, the browser asks for it again."""
        with self._publishing:
            if not self._closed:
                self._number += resent
                self.controls.state = self._state()

    def _state(self) -> dict:
        engine, settings = self.engine, self.engine.controls.settings
        weights, lrs = (_numbers(values, engine.number) for values in (settings.weights, settings.lrs))
        branches = engine.branches if engine.others else []  # a choice of one is not shown, and its log may be long
        return {
            "number": self._number,
            "step": engine.number,
            "playing": self._playing(),
            "weights": (engine.task.weights or dict.fromkeys(engine.losses, 1.0)) | weights,
            "frozen": sorted(settings.frozen),
            "lr": engine.lr,
            "lrs": lrs,
            "courses": self._courses(settings),
            "optimizer": engine.next_optimizer,
            "plan": engine.menu.chosen,
            "ended": engine.menu.ended,
            "branches": [{"name": branch.name, "words": in_words(branch)} for branch in branches],
            "branch": engine.current.name,
            "cell": evidence.cell(engine, self._owner) if engine.others else "",
            "kept": engine.kept if self.was_reset else [],
            "next": [in_short(change) for change in self._pending()],
        }

    def _courses(self, settings: Settings) -> dict[str, dict]:
        """The controls that change with the step: a schedule to its end and beyond, of a function what it answered."""
        courses = {}
        for name, function in settings.functions.items():
            if isinstance(function, Schedule):
                steps = range(max(int(1.1 * function.end), self.engine.number, 10) + 1)
            else:
                steps = sorted(list(function.answers)) or [0]
            steps = [steps[i] for i in np.unique(np.linspace(0, len(steps) - 1, COURSE_POINTS).astype(int))]
            values = [known_at(function, step) or 0.0 for step in steps]
            courses[name] = {"steps": steps, "values": values, "words": words(function)}
        return courses

    def _pending(self) -> list[Change]:
        """What the next step will do otherwise than the last one."""
        engine = self.engine
        if engine.number == 0:  # how a run begins is no change
            return []
        plan = [] if engine.menu.chosen == engine.menu.followed else [Change(engine.number, "plan", engine.menu.chosen)]
        return plan + engine.pending

    def unseen(self) -> float:
        """Seconds since somebody looked, or since it was made."""
        return time.monotonic() - max(self._made, self._last_message)

    def due(self) -> bool:
        """True if somebody is looking, and it is time for another frame."""
        now = time.monotonic()
        return now >= self._next_frame and now - self._last_message <= PRESENT

    def send(self, note: str) -> None:
        """One frame: the whole run, decimated, with what there is to say of it."""
        now = time.monotonic()
        self._next_frame = max(min(self._next_frame, now) + 1 / FRAMES, now)  # one that was late delays no other
        self.frames_sent += 1
        history = self.engine.history
        with self.curves.hold_sync():  # one message
            self.curves.info = {
                "number": self.engine.number,
                "branch": self.engine.current.name,
                "status": self.engine.status_line.text or self._kept_in_words(),
                "note": note,
                "playing": self._playing(),
                "memory": memory_limit.warning(),
                "marks": self._marks(self.engine.current),
                "influence": [[*pair, norm] for pair, norm in self.engine.influence().items()],
                "held_out": thinned(history.held_out),
            }
            self.curves.frame = history.frame()
            self._send_others()
        if self.engine.controls.settings.functions:  # their controls move with the steps
            self.publish(resent=False)

    def _kept_in_words(self) -> str:
        """At the start: what is set otherwise than at the first one, where Reset sets it back."""
        is_at_start = self.engine.number == 0 and not self.engine.others
        return stays(self.engine.kept) if self.was_reset and is_at_start else ""

    def _marks(self, branch: Branch, first: int = 0) -> list[tuple[int, str]]:
        """The last changes of a branch, and where it began, from step `first` on."""
        log = self.engine.log if branch is self.engine.current else branch.log
        forks = [] if branch.parent is None else [(branch.fork, f"branch {branch.name} from {branch.parent}")]
        found = sorted([*forks, *marks(log[-CHANGES:])[-MARKS:]], key=lambda mark: mark[0])
        return [mark for mark in found if mark[0] >= first]

    def _send_others(self) -> None:
        """The branches that are not followed, once after each fork: they stand still."""
        shown = self.engine.current, len(self.engine.others)
        if shown == self._others:
            return
        self._others = shown
        self.curves.others = [
            {
                "name": branch.name,
                "shared": self.engine.shared(branch),
                "steps": len(branch.updates),
                "marks": self._marks(branch, self.engine.shared(branch)),
                "held_out": thinned(branch.history.held_out),
                "frame": branch.history.frame(),
            }
            for branch in self.engine.others
        ]

    def first_look(self, note: str) -> None:
        """A frame and the picture before the first step: a fresh lab would be an empty page."""
        if not self.frames_sent:
            self.send(note)  # first: the picture is the task's own, and may fail
            self.draw()

    def draw(self) -> None:
        """The task's picture as it is now."""
        task = self.engine.task
        if task.picture is not None:
            buffer = BytesIO()
            with self.engine.modes.in_force(), left_as_it_was(task.model):
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


def _numbers(values: dict[str, Value], step: int) -> dict[str, float]:
    """Those that are known at this step."""
    known = {name: known_at(value, step) for name, value in values.items()}
    return {name: number for name, number in known.items() if number is not None}


def in_words(branch: Branch) -> str:
    """Where a branch began, and what was changed since, and when."""
    dates = dated(branch.changes, branch.first_change)
    changes = [words if when == str(branch.fork) else f"{words} at {when}" for when, words in dates]
    most = [*changes[:2], "…"] if len(changes) > 3 else changes
    began = branch.name if branch.parent is None else f"{branch.name} from step {branch.fork} of {branch.parent}"
    return ": ".join([began, ", ".join(most)] if most else [began])


def thinned(held_out: list[tuple[int, dict[str, float]]]) -> dict:
    """The first held-out metric, for the browser: its name, and about POINTS points (steps taken, value)."""
    if not held_out:
        return {"name": "", "points": []}
    name = next(iter(held_out[0][1]))
    every = -(-len(held_out) // POINTS)
    points = [[step, metrics[name]] for step, metrics in held_out[::-1][::every][::-1]]
    return {"name": name, "points": [point for point in points if math.isfinite(point[1])]}  # JSON has no nan
