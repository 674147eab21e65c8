"""A thread that takes steps one after the other, and does what others ask for between two of them."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import copy_context

WATCH_EVERY = 1.0  # seconds


class Worker:
    """Calls `step` in a thread of its own while there is a budget of steps, and does jobs between two of them.

    step    takes one step, and raises nothing
    watch   is called about once a second, between two steps
    report  is called with what watch has raised
    budget  steps to take after the one in progress; infinite: without end

    The thread begins in the context of its maker, where torch's config modules keep what was set.
    """

    def __init__(
        self, name: str, step: Callable[[], None], watch: Callable[[], None], report: Callable[[Exception], None]
    ):
        self.budget, self.closed = 0.0, False
        self._step, self._watch, self._report = step, watch, report
        self._jobs: deque[Callable[[], None]] = deque()
        self._busy = False
        self._changed = threading.Condition()
        self.thread = threading.Thread(target=copy_context().run, args=(self._work,), name=name, daemon=True)
        self.thread.start()

    @property
    def is_current(self) -> bool:
        """True in the thread itself."""
        return threading.current_thread() is self.thread

    def set_budget(self, steps: float, more: bool = False) -> None:
        """Take that many steps from here, or that many more than were still to be taken."""
        with self._changed:  # a step that begins meanwhile takes one off
            self.budget = steps + (self.budget if more else 0)
            self._changed.notify_all()

    def wait(self) -> None:
        """Return when all steps of the budget are taken. Not for the thread itself."""
        with self._changed:
            while (self.budget > 0 or self._busy) and self.thread.is_alive():
                self._changed.wait(0.2)  # not for ever: an interrupt has to get through

    def do(self, job: Callable[[], None], wait: bool = True) -> None:
        """Have the job done between two steps. What it raises is raised here, unless nobody waits for it."""
        done, errors = threading.Event(), []

        def work():
            try:
                job()
            except Exception as error:  # a picture of the reader's own, say: the thread has to live on
                errors.append(error)
            done.set()

        with self._changed:
            self._jobs.append(work)
            self._changed.notify_all()
        while wait and self.thread.is_alive() and not self.is_current and not done.wait(0.2):
            pass
        if errors:
            raise errors[0]

    def close(self) -> None:
        """End the thread after the step in progress; jobs that still wait are not done."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        if not self.is_current:
            self.thread.join(5)

    def _look_around(self) -> None:
        """Watch; the thread lives on whatever that raises, and the report of it too."""
        with contextlib.suppress(Exception):
            try:
                self._watch()
            except Exception as error:
                self._report(error)

    def _work(self) -> None:
        next_watch = time.monotonic() + WATCH_EVERY
        while not self.closed:
            if time.monotonic() >= next_watch:
                self._look_around()
                next_watch = time.monotonic() + WATCH_EVERY
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self.budget > 0 or self.closed, WATCH_EVERY)
                work = None
                if self._jobs:
                    work = self._jobs.popleft()
                elif self.budget > 0:
                    work, self.budget = self._step, self.budget - 1
                self._busy = work is not None
            if work is not None and not self.closed:
                work()
            with self._changed:
                self._busy = False
                self._changed.notify_all()
