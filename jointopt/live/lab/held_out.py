"""When the held-out metrics are measured: at fixed steps in a cell's `run`, else often where something has changed."""

import math
from collections.abc import Callable

from jointopt.live.lab.engine import Engine
from jointopt.live.lab.status_line import SAME_GESTURE
from jointopt.live.lab.throttle import Allowance, Throttle

EVERY = 25  # steps, in a run without a browser
AFTER = (5, 10, 25, 50, 100)  # steps after a change, while it plays
SHARE = 0.02  # the most of the training time that the regular ones may take then, in the long run
CLOSE_SHARE, CLOSE_MOST = 0.1, 1.0  # the same of those after a change, and the seconds of them that may come in a row


class HeldOut:
    """While it plays, regular values are hundreds of steps apart: what a change did would be one straight line.

    So there is one before the first step of a new phase of the plan, or of a person's change, and a few after it. A
    slider that is dragged is one change: there is one before it, and some after its end. And there is one wherever
    another branch has one, so that two futures can be compared at an equal step.

    fixed  answers whether it is a run without a browser, whose values have to be at the same steps each time
    """

    def __init__(self, engine: Engine, fixed: Callable[[], bool]):
        self._engine, self._fixed = engine, fixed
        self._regular, self._close = Throttle(SHARE), Allowance(CLOSE_SHARE, CLOSE_MOST)
        self._changed, self._names = -math.inf, []  # the step of a person's last change, and what was changed
        self._due: list[int] = []  # steps taken, at which one is wanted
        self._theirs = {step for branch in engine.others for step, _ in branch.history.held_out}

    def before_step(self) -> None:
        """The metrics, if the run begins, or the next step does something new."""
        engine, number = self._engine, self._engine.number
        if number == 0:
            engine.evaluate()
        if self._fixed():
            return
        phase, changed = engine.begins_phase, engine.is_changed
        if not phase and not changed:
            return
        names = [change.name for change in engine.pending]
        dragged = not phase and names == self._names and number - self._changed < SAME_GESTURE
        if changed:
            self._changed, self._names = number, names
        self._due = [number + n for n in AFTER if n >= SAME_GESTURE or not dragged]
        if not dragged:
            self._close.do(engine.evaluate)

    def after_step(self) -> None:
        """The metrics, if some are due by now. Where there was no time for them they come later."""
        engine, number = self._engine, self._engine.number
        if number % EVERY == 0 if self._fixed() else number in self._theirs:
            engine.evaluate()
        elif self._due and number >= self._due[0] and not self._fixed() and self._close.do(engine.evaluate):
            self._due = [n for n in self._due if n > number]

    def now_and_then(self) -> None:
        """The metrics, if it is time."""
        if not self._fixed():
            self._regular.do(self._engine.evaluate)
