"""The live lab: a training thread, a mailbox for it, and two views in the browser.

The cell that shows the lab returns at once. One thread does all the training; the browser and the reader's cells only
leave wishes, which it grants between two steps.
"""

import atexit
import copy
import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from jointopt import figures
from jointopt.controls import Controls
from jointopt.live import recording
from jointopt.live.display import Display
from jointopt.live.engine import RECENT, Engine, PlanEnded
from jointopt.live.history import History
from jointopt.live.menu import Plans
from jointopt.live.rhythm import Rhythm
from jointopt.live.thread import ThreadSettings
from jointopt.live.words import marks
from jointopt.modules import left_as_it_was
from jointopt.training import Step, Task, Update

HELD_OUT_EVERY = 25  # steps, in a run without a browser
# The most that each may take of the training time while it plays, in the long run.
HELD_OUT_SHARE, INFLUENCE_SHARE = 0.02, 0.008

_labs: dict[str, "LiveLab"] = {}  # name -> the lab that now has it


@atexit.register
def _stop_all() -> None:
    """A thread inside torch when Python ends aborts the process."""
    for lab in list(_labs.values()):
        lab.pause()


class LiveLab:
    """Train a task live: `LiveLab(task)` as the last line of a cell shows it.

    plan      Updates; None: joint, without end; {name: Updates}: a menu to choose from, which begins with the first
    controls  λ, frozen modules and learning rate to begin with; a cell may change them later, as the browser does
    name      a second lab of this name replaces the first, so that a cell can be run again

    It trains in a thread of its own, under the autocast, default device and options of torch.compile of the cell that
    made it.
    """

    def __init__(self, task: Task, plan: Plans = None, controls: Controls | None = None, name: str = "main"):
        if not isinstance(task, Task):
            raise ValueError(f"a lab needs a Task, got {type(task).__name__}; jointopt.tasks.load(name) makes one")
        old = _labs.get(name)
        for other in _labs.values():
            if other is not old and other.engine.task.model is task.model:
                raise ValueError(
                    f"the lab {other.name!r} trains this very model: load the task again, or close that lab"
                )
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
        self._last: Step | None = None
        self._set_rhythms()
        self.display = Display(self.engine, name, lambda message: self._obey(message))
        self._publish()
        self.controls.on_change = self._publish
        self._settings = ThreadSettings()
        run = self._settings.context.run
        self._thread = threading.Thread(target=run, args=(self._work,), name=f"jointopt-lab-{name}", daemon=True)
        self._thread.start()
        _labs[name] = self

    def __repr__(self) -> str:
        losses, modules = ", ".join(self.engine.losses), ", ".join(self.engine.modules)
        return f"LiveLab({self.name!r}: losses {losses}; modules {modules})"

    def _repr_mimebundle_(self, **options):
        bundle = self.display.box._repr_mimebundle_(**options)
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

        Fewer where the plan ends; `note` says so. What goes wrong in a step is raised here.
        An interrupt stops at the next step boundary: nothing is lost.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ValueError(f"run(n) takes a whole number of steps ≥ 1, got {n!r}")
        if threading.current_thread() is self._thread:
            raise RuntimeError("run() was called from inside a step of this lab: it would wait for itself")
        self.pause()
        before, self._headless = self.engine.number, True
        try:
            self._set_budget(n)
            with self._wake:
                while self._budget > 0 and self._thread.is_alive():
                    self._wake.wait(0.2)  # not for ever: an interrupt has to get through
        finally:
            try:
                self.pause()
            finally:  # a second interrupt, while the step is waited for
                self._headless = False
        ended = isinstance(self._error, PlanEnded) and self.engine.number > before
        if self._error is not None and not ended:
            raise self._error
        return self._last

    def reset(self, settings: bool = False) -> None:
        """Pause, and go back to the first weights and batches, with an optimizer that remembers nothing.

        λ, frozen modules, learning rate, optimizer and plan stay as they are set; with settings=True they, too, are
        again as the lab began.
        """
        self.pause()
        self._do(partial(self._reset, settings))

    def use_plan(self, name: str) -> None:
        """Begin another plan of the menu at the next step, with weights and optimizer as they are.

        The plan that is under way goes on where it was; one that has ended begins again.
        """
        self.engine.menu.choose(name)
        self._publish()

    def figure(self) -> figures.Picture:
        """The run so far as a static picture."""
        history = copy.copy(self.history)  # as long as it is now: the lab may train on
        history.held_out = list(history.held_out)
        return figures.run(history, marks(self.engine.log))

    def save(self, path: str | Path) -> None:
        """Pause, and write the run as small JSON: task, plan, and every change with its step. No weights, no code.

        A change that waits for the next step is in the file, and waits again after a replay.
        """
        self.pause()
        self._do(lambda: recording.save(self.engine, Path(path)))  # not in this thread: the browser may press Play

    @classmethod
    def replay(cls, path: str | Path, task: Task | None = None, name: str = "main") -> "LiveLab":
        """A lab that has made the saved run again: to the same numbers on the same machine and thread count.

        The file is checked and can run nothing. `task`: needed where `jointopt.tasks.load` did not make the saved one.
        """
        run = recording.load(Path(path))
        lab = cls(recording.task_of(run, task), recording.plan_of(run), name=name)
        log = recording.log_of(run)
        lab.engine.schedule(change for change in log if change.step < run["steps"])
        if run["steps"]:
            lab.run(run["steps"])
            lab.note = recording.compared(run, lab.engine.start, lab.history)
            lab._do(lab._show)
        lab.engine.make(change for change in log if change.step == run["steps"])
        lab._publish()
        return lab

    def close(self) -> None:
        """End the thread and remove the views."""
        if self._closed:
            return
        self.pause()
        self._closed = True
        with self._wake:
            self._wake.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)
        self.controls.on_change = lambda: None
        if _labs.get(self.name) is self:
            del _labs[self.name]
        self.display.close()

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
        done, failed = threading.Event(), []

        def work():
            try:
                job()
            except Exception as error:  # a picture of the reader's own, say: the thread has to live on
                failed.append(error)
                self.note = f"paused: {error}"
            done.set()

        with self._wake:
            self._jobs.append(work)
            self._wake.notify_all()
        wait = wait and threading.current_thread() is not self._thread  # called from inside a step, it waits for itself
        while wait and self._thread.is_alive() and not done.wait(0.2):
            pass
        if failed:
            raise failed[0]

    def _obey(self, message: dict) -> None:
        """From the browser, in whatever thread."""
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
        elif kind == "plan":
            self.use_plan(value)
        elif kind in ("play", "step", "reset") and self._headless:
            raise RuntimeError("a cell runs this lab: wait for it, or press Pause")
        elif kind in ("play", "pause"):
            self._set_budget(math.inf if kind == "play" else 0)
        elif kind == "step":
            self._set_budget(self._budget + 1)  # a second press during a step is a second step
        elif kind == "reset":
            self._set_budget(0)
            self._do(self._reset, wait=False)
        else:
            raise ValueError(f"no control is named {kind!r}")

    def _publish(self) -> None:
        self.display.publish(self.playing)

    # In the training thread

    def _work(self) -> None:
        while not self._closed:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._budget > 0 or self._closed)
                job = self._jobs.popleft() if self._jobs else None
            with self._settings.in_force():
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
            torch.clear_autocast_cache()  # of the weights before this step
            with self._wake:
                self._budget = max(0, self._budget - 1)  # a pause that came meanwhile stays one
                stopped = self._budget == 0
            if stopped or (self._headless and self.engine.number % HELD_OUT_EVERY == 0):
                self._evaluate()
            if stopped or self.engine.number == 1:
                self._show()
            elif self.display.due():
                self.display.draw_now_and_then()
                if not self._headless:  # there, at fixed steps
                    self._evaluating.do(self._evaluate)
                self.display.send(self.note)
        except Exception as error:
            self._error, self.note = error, f"paused: {error}"
            self._budget = 0
            self.display.send(self.note)
        if self._budget == 0:
            self._publish()
            with self._wake:
                self._wake.notify_all()

    def _reset(self, settings: bool = False) -> None:
        self.engine.reset(settings)
        self._last, self._error, self.note = None, None, ""
        self._set_rhythms()
        self._publish()
        self._show()

    def _set_rhythms(self) -> None:
        self._evaluating = Rhythm(HELD_OUT_SHARE)
        self._measuring: dict[Update, Rhythm] = defaultdict(lambda: Rhythm(INFLUENCE_SHARE))

    def _measure(self, update: Update) -> bool:
        """Whether to measure gradients in this step: now and then, and in the last steps of a run without a browser."""
        if self._headless:
            return self._budget <= max(1, len(set(self.engine.taken[-RECENT:])))
        return self._measuring[update].due(self.engine.measure_seconds)

    def _evaluate(self) -> None:
        """Held-out figures at this point of the run, once."""
        task, held_out = self.engine.task, self.history.held_out
        if task.evaluate is not None and (not held_out or held_out[-1][0] != self.engine.number):
            with left_as_it_was(task.model):  # one that forgets train() would have the lab train in eval mode
                found = {name: float(value) for name, value in task.evaluate(task.model).items()}
            if not found or (held_out and found.keys() != held_out[0][1].keys()):
                expected = f"the figures {list(held_out[0][1])}" if held_out else "at least one figure"
                raise ValueError(f"task.evaluate must answer {expected}, got {found}")
            held_out.append((self.engine.number, found))

    def _show(self) -> None:
        self.display.draw()
        self.display.send(self.note)
