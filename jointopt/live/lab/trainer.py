"""What trains for a lab: a run, the thread that steps through it, and the views that show it."""

import atexit
import math
import time
import weakref
from collections import defaultdict
from collections.abc import Callable
from functools import partial

from jointopt.checks import check_name
from jointopt.controls import Controls
from jointopt.live.lab.branches import Branch
from jointopt.live.lab.display import Display
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.held_out import HeldOut
from jointopt.live.lab.messages import obey
from jointopt.live.lab.plan_menu import Plan, Plans
from jointopt.live.lab.references import is_named
from jointopt.live.lab.run import RECENT, PlanEnded
from jointopt.live.lab.status_line import DESERTED, FORGETFUL, UNWATCHED, duration, paused
from jointopt.live.lab.throttle import Throttle
from jointopt.live.lab.worker import Worker
from jointopt.training import Step, Task, Update

PICTURE_SHARE, INFLUENCE_SHARE = 0.004, 0.008  # the most of the training time while it plays, in the long run
AWAY = 60.0  # seconds without a message from the browser after which nobody is taken to come back soon

_trainers: dict[str, "Trainer"] = {}  # name -> the trainer that now has it


@atexit.register
def _stop_all() -> None:
    """A thread inside torch when Python ends aborts the process."""
    for trainer in list(_trainers.values()):
        trainer.pause()


class Trainer:
    """Trains a task in its own thread, as the reader's cells and the browser ask for it.

    owner      the lab that a reader has a name for. The trainer does not keep it alive: see `_watch`
    note       why it paused by itself, or how a replay compares; else empty
    displayed  True once a view of it has been asked for
    patience   seconds that it plays on for when nobody looks
    headless   True while a cell runs it
    """

    def __init__(
        self, task: Task, plan: Plans, controls: Controls | None, name: str, owner: object, patience: float = math.inf
    ):
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
        self.name, self.note, self.displayed, self.patience, self._played = name, "", False, patience, -math.inf
        self._owner, self.headless, self._error = weakref.ref(owner), False, None
        self._stale = False  # True where a step was taken that is not shown as the last one
        self._make_throttles()
        self.display = Display(self.engine, name, partial(obey, self), lambda: self.playing, self._owner)
        self.worker = Worker(f"jointopt-lab-{name}", self._take_step, self._watch, self._report)
        self.engine.controls.on_change = self.display.publish
        self.display.publish()
        _trainers[name] = self

    # From any thread

    @property
    def playing(self) -> bool:
        """True if it trains on without being asked for each step: for good, or to a step that was named."""
        return self.worker.budget > 1

    def check_open(self) -> None:
        """RuntimeError if the thread has ended."""
        if self.worker.closed:
            raise RuntimeError(
                f"this lab is closed: a newer one may have taken its name, {self.name!r};"
                " LiveLab(task, name='second') has one of its own"
            )

    def set_budget(self, steps: float, more: bool = False) -> None:
        """Take that many steps from here, or that many more than were still to be taken."""
        self.check_open()
        if steps > 0:
            self._error, self.note, self._played = None, "", time.monotonic()
        self.worker.set_budget(steps, more)
        self.display.publish()
        if steps == 0:
            self.worker.do(self._show_stop, wait=False)

    def pause(self) -> None:
        """See LiveLab.pause."""
        self.set_budget(0)
        self.worker.do(lambda: None)

    def run(self, n: int) -> Step:
        """See LiveLab.run."""
        if self.worker.is_current:
            raise RuntimeError("run() was called from inside a step of this lab: it would wait for itself")
        self.pause()
        before, self.headless = self.engine.number, True
        try:
            self.set_budget(n)
            self.worker.wait()
        finally:
            try:
                self.pause()
            finally:  # a second interrupt, while the step is waited for
                self.headless = False
        ended = isinstance(self._error, PlanEnded) and self.engine.number > before
        if self._error is not None and not ended:
            raise self._error
        return self.engine.last

    def reset(self, settings: bool = False, wait: bool = True) -> None:
        """See LiveLab.reset."""
        self.set_budget(0)
        self.worker.do(partial(self._reset, settings), wait)

    def branch(self, step: int, plan: Plan | None = None, wait: bool = True) -> Branch | None:
        """See LiveLab.branch. plan: in a replay, the updates of the branch."""
        self.engine.check_step(step)

        def go() -> Branch:
            branch = self.engine.branch(step, plan)
            if plan is None:
                words = f"branch {branch.name}: back before step {step}; {branch.parent} stays, pale"
                self.engine.status_line.text = words
                self.engine.evaluate_fork()
            return branch

        return self._go_to(go, wait)

    def use_branch(self, name: str, wait: bool = True) -> None:
        """See LiveLab.use_branch."""
        check_name("branch", name, [branch.name for branch in self.engine.branches])
        self._go_to(lambda: self.engine.use_branch(name), wait)

    def use_plan(self, name: str) -> None:
        """See LiveLab.use_plan."""
        self.engine.menu.choose(name)
        self.display.publish()

    def close(self) -> None:
        """End the thread and remove the views."""
        if self.worker.closed:
            return
        self.pause()
        self.worker.close()
        self.engine.controls.on_change = lambda: None
        if _trainers.get(self.name) is self:
            del _trainers[self.name]
        self.display.close()

    # In the worker's thread

    def _take_step(self) -> None:
        """One step, and what is to be seen of it. Whatever goes wrong pauses the lab; nothing is lost."""
        self._stale = True
        try:
            self._held_out.before_step()
            self.engine.step(self._is_measured)
            if self.worker.budget > 0:
                self._held_out.after_step()
                if self.engine.number == 1:
                    self.show()
                elif self.display.due():
                    self._picture.do(self.display.draw)
                    self._held_out.now_and_then()
                    self.display.send(self.note)
        except Exception as error:
            self._fail(error)
        self._show_stop()

    def _show_stop(self) -> None:
        """Show where it stopped, but for errors. Also a job: a pause may come after the last step looked for one."""
        if self.worker.budget > 0 or not self._stale:
            return
        try:
            self.engine.evaluate()
            self.show()
            self._stale = self.display.curves.info["playing"]  # True: Play was pressed meanwhile
            self.display.publish()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._error, self.note, self._stale = error, paused(error), False
        self.worker.set_budget(0)
        self.display.send(self.note)
        self.display.publish()

    def _is_measured(self, update: Update) -> bool:
        """True if this step measures gradients: now and then, and in the last steps of a run without a browser."""
        if self.headless:
            return self.worker.budget < max(1, len(set(self.engine.updates[-RECENT:])))
        return self._influence[update].due(self.engine.measure_seconds)

    def show(self) -> None:
        """One frame and the picture, as they are now."""
        self.display.draw()
        self.display.send(self.note)

    def _reset(self, settings: bool) -> None:
        self.engine.reset(settings)
        self._error, self.note, self.display.was_reset = None, "", not settings
        self._make_throttles()
        self.display.publish()
        try:
            self.show()
        except Exception as error:
            self.note = paused(error)
            raise

    def _go_to(self, go: Callable[[], Branch | None], wait: bool) -> Branch | None:
        """Pause, and have the engine go to another branch, between two steps."""
        arrived: list[Branch | None] = []

        def work():
            try:
                arrived.append(go())
                self._make_throttles()  # those of the branch that was left have steps in mind
                self.note, self._error = "" if self.engine.current.repeats else FORGETFUL, None
                self.display.draw()
            except Exception as error:
                self.note = paused(error)
                raise
            finally:
                self.display.send(self.note)
                self.display.publish()

        self.set_budget(0)
        self.worker.do(work, wait)
        return arrived[0] if arrived else None

    def play_to(self, step: int) -> None:
        """On to a step that was still to come; it may have passed meanwhile."""
        number, left = self.engine.number, step - self.engine.number
        words = f"from step {number} on to step {step}, then a pause" if left > 0 else f"paused: step {step} is behind"
        self.engine.status_line.text = words
        self._stale = True  # these words are to be shown, also where no step follows
        self.set_budget(max(0, left))

    def _make_throttles(self) -> None:
        self._held_out, self._picture = HeldOut(self.engine, lambda: self.headless), Throttle(PICTURE_SHARE)
        self._influence: dict[Update, Throttle] = defaultdict(lambda: Throttle(INFLUENCE_SHARE))

    def _watch(self) -> None:
        """End what nobody can reach any more; pause what nobody looks at, or can look at again: it takes a core."""
        unseen = min(self.display.unseen(), time.monotonic() - self._played)
        if self.worker.budget > 0 and not self.headless and unseen > self.patience:
            self._pause(f"paused: nobody has looked for {duration(self.patience)}; Play goes on")
        if self.display.unseen() <= AWAY or is_named(self._owner):
            return
        if not self.displayed:
            self.close()
        elif self.worker.budget > 0:
            self._pause(DESERTED)

    def _report(self, error: Exception) -> None:
        """What went wrong in `_watch`: without it the lab trains on, but does not stop where nobody looks."""
        self.note = f"{UNWATCHED}: {error!r}"
        self.display.send(self.note)

    def _pause(self, note: str) -> None:
        """Between two steps, by itself; the note says why."""
        self.note = note  # first: who sees that it paused is to see why
        self.display.send(note)
        self.worker.set_budget(0)
        self.display.publish()
        self._show_stop()
