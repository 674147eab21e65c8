"""The thread that trains for a lab, the mailbox for it, and the views that it feeds."""

import atexit
import math
import threading
import time
import weakref
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial

import torch

from jointopt.controls import Controls
from jointopt.live.lab.display import Display
from jointopt.live.lab.engine import RECENT, Engine, PlanEnded
from jointopt.live.lab.plan_menu import Plans
from jointopt.live.lab.references import is_named
from jointopt.live.lab.thread_settings import ThreadSettings
from jointopt.live.lab.throttle import Rhythm
from jointopt.modules import left_as_it_was
from jointopt.training import Step, Task, Update

HELD_OUT_EVERY = 25  # steps, in a run without a browser
# The most that each may take of the training time while it plays, in the long run.
HELD_OUT_SHARE, INFLUENCE_SHARE = 0.02, 0.008
LOOK = 1.0  # seconds from one look at whether anybody is left to the next
LEFT = "paused: nobody has looked for a while, and no name in a cell refers to this lab"

_trainers: dict[str, "Trainer"] = {}  # name -> the trainer that now has it


@atexit.register
def _stop_all() -> None:
    """A thread inside torch when Python ends aborts the process."""
    for trainer in list(_trainers.values()):
        trainer.pause()


class Trainer:
    """Trains a task in a thread of its own; every other thread leaves wishes, which it grants between two steps.

    owner  the lab that a reader has a name for. The trainer does not keep it alive: see `_left_alone`.
    """

    def __init__(self, task: Task, plan: Plans, controls: Controls | None, name: str, owner: object):
        old = _trainers.get(name)
        for other in _trainers.values():
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
        self.displayed = False  # whether a view of it has been asked for
        self.last: Step | None = None
        self._owner = weakref.ref(owner)
        self._error: Exception | None = None
        self.closed = self._headless = False
        self._budget = 0.0  # steps still to take; infinite while playing
        self._jobs: deque[Callable[[], None]] = deque()  # to be done between two steps
        self._wake = threading.Condition()
        self._look_next = time.monotonic() + LOOK
        self._set_rhythms()
        self.display = Display(self.engine, name, lambda message: self.obey(message))
        self.publish()
        self.controls.on_change = self.publish
        self._settings = ThreadSettings()
        run = self._settings.context.run
        self.thread = threading.Thread(target=run, args=(self._work,), name=f"jointopt-lab-{name}", daemon=True)
        self.thread.start()
        _trainers[name] = self

    @property
    def playing(self) -> bool:
        """Whether it trains on without being asked for each step."""
        return self._budget == math.inf

    # From any thread

    def pause(self) -> None:
        """Stop at the next step boundary, and return when it is reached."""
        self.set_budget(0)
        self.do(lambda: None)

    def run(self, n: int) -> Step:
        """See LiveLab.run."""
        if threading.current_thread() is self.thread:
            raise RuntimeError("run() was called from inside a step of this lab: it would wait for itself")
        self.pause()
        before, self._headless = self.engine.number, True
        try:
            self.set_budget(n)
            with self._wake:
                while self._budget > 0 and self.thread.is_alive():
                    self._wake.wait(0.2)  # not for ever: an interrupt has to get through
        finally:
            try:
                self.pause()
            finally:  # a second interrupt, while the step is waited for
                self._headless = False
        ended = isinstance(self._error, PlanEnded) and self.engine.number > before
        if self._error is not None and not ended:
            raise self._error
        return self.last

    def reset(self, settings: bool = False, wait: bool = True) -> None:
        """See LiveLab.reset."""
        self.set_budget(0)
        self.do(partial(self._reset, settings), wait)

    def close(self) -> None:
        """End the thread and remove the views."""
        if self.closed:
            return
        self.pause()
        self.closed = True
        with self._wake:
            self._wake.notify_all()
        if threading.current_thread() is not self.thread:
            self.thread.join(5)
        self.controls.on_change = lambda: None
        if _trainers.get(self.name) is self:
            del _trainers[self.name]
        self.display.close()

    def set_budget(self, steps: float) -> None:
        """Take so many steps from here."""
        if self.closed:
            raise RuntimeError(
                f"this lab is closed: a newer one may have taken its name, {self.name!r};"
                " LiveLab(task, name='second') has one of its own"
            )
        with self._wake:
            if steps > 0:
                self._error, self.note = None, ""
            self._budget = steps
            self._wake.notify_all()
        self.publish()

    def do(self, job: Callable[[], None], wait: bool = True) -> None:
        """Have the training thread do something between two steps."""
        done, failed = threading.Event(), []

        def work():
            try:
                job()
            except Exception as error:  # a picture of the reader's own, say: the thread has to live on
                failed.append(error)
                self.note = _paused(error)
            done.set()

        with self._wake:
            self._jobs.append(work)
            self._wake.notify_all()
        wait = wait and threading.current_thread() is not self.thread  # called from inside a step, it waits for itself
        while wait and self.thread.is_alive() and not done.wait(0.2):
            pass
        if failed:
            raise failed[0]

    def obey(self, message: dict) -> None:
        """From the browser, in whatever thread."""
        kind, name, value = (message.get(key) for key in ("kind", "name", "value"))
        if kind in ("weight", "lr") and isinstance(value, str):  # what was typed is no number, or 0 by rounding
            raise ValueError(
                "expected a finite number ≥ 0 in decimal notation, such as 0.05 or 5e-2 (the least above 0 is 5e-324),"
                f" got {value!r}"
            )
        if kind == "weight":
            self.controls.set(weight={name: value})
        elif kind == "lr":
            self.controls.set(lr=value)
        elif kind == "frozen":
            (self.controls.freeze if value else self.controls.thaw)(name)
        elif kind == "optimizer":
            self.engine.use_optimizer(value)
            self.publish()
        elif kind == "plan":
            self.use_plan(value)
        elif kind in ("play", "step", "reset") and self._headless:
            raise RuntimeError("a cell runs this lab: wait for it, or press Pause")
        elif kind in ("play", "pause"):
            self.set_budget(math.inf if kind == "play" else 0)
        elif kind == "step":
            self.set_budget(self._budget + 1)  # a second press during a step is a second step
        elif kind == "reset":
            self.reset(wait=False)
        else:
            raise ValueError(f"no control is named {kind!r}")

    def use_plan(self, name: str) -> None:
        """See LiveLab.use_plan."""
        self.engine.menu.choose(name)
        self.publish()

    def publish(self) -> None:
        """Show how the controls stand."""
        self.display.publish(self.playing)

    # In the training thread

    def _work(self) -> None:
        while not self.closed:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._budget > 0 or self.closed, LOOK)
                job = self._jobs.popleft() if self._jobs else None
            with self._settings.in_force():
                if job is not None:
                    job()
                elif self._left_alone():
                    self._let_go()
                elif self._budget > 0:
                    self._advance()

    def _left_alone(self) -> bool:
        """Whether nobody has looked for a while, and the reader has no name for the lab: looked at now and then."""
        if time.monotonic() < self._look_next:
            return False
        self._look_next = time.monotonic() + LOOK
        return self.display.deserted() and not is_named(self._owner)

    def _let_go(self) -> None:
        """What nobody can reach ends. A view that was shown may be looked at again: there it pauses."""
        if not self.displayed:
            self.close()
        elif self._budget > 0:
            self._budget, self.note = 0, LEFT
            self.display.send(self.note)
            self.publish()

    def _advance(self) -> None:
        """One step, and what is to be seen of it. Whatever goes wrong pauses the lab and is told; nothing is lost."""
        try:
            if self.engine.number == 0:
                self._evaluate()
            self.last = self.engine.step(self._measure)
            torch.clear_autocast_cache()  # of the weights before this step
            with self._wake:
                self._budget = max(0, self._budget - 1)  # a pause that came meanwhile stays one
                stopped = self._budget == 0
            if stopped or (self._headless and self.engine.number % HELD_OUT_EVERY == 0):
                self._evaluate()
            if stopped or self.engine.number == 1:
                self.show()
            elif self.display.due():
                self.display.draw_now_and_then()
                if not self._headless:  # there, at fixed steps
                    self._evaluating.do(self._evaluate)
                self.display.send(self.note)
        except Exception as error:
            self._error, self.note = error, _paused(error)
            self._budget = 0
            self.display.send(self.note)
        if self._budget == 0:
            self.publish()
            with self._wake:
                self._wake.notify_all()

    def _reset(self, settings: bool = False) -> None:
        self.engine.reset(settings)
        self.last, self._error, self.note = None, None, ""
        self._set_rhythms()
        self.publish()
        self.show()

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
        task, held_out = self.engine.task, self.engine.history.held_out
        if task.evaluate is not None and (not held_out or held_out[-1][0] != self.engine.number):
            with left_as_it_was(task.model):  # one that forgets train() would have the lab train in eval mode
                found = {name: float(value) for name, value in task.evaluate(task.model).items()}
            if not found or (held_out and found.keys() != held_out[0][1].keys()):
                expected = f"the figures {list(held_out[0][1])}" if held_out else "at least one figure"
                raise ValueError(f"task.evaluate must answer {expected}, got {found}")
            held_out.append((self.engine.number, found))

    def show(self) -> None:
        """One frame and the picture, as they are now; in the training thread."""
        self.display.draw()
        self.display.send(self.note)


def _paused(error: Exception) -> str:
    """Why it paused; an error without a text by its type."""
    return f"paused: {str(error) or type(error).__name__}"
