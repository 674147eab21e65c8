"""A reader's code, run with care: it ends, it prints nothing, and it leaves random numbers and models as they were."""

import copy
import io
import random
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import numpy as np
from torch import Tensor, nn

from jointopt.system import seeded

PATIENCE = 60.0  # CPU seconds of this thread: a machine under load is slow, not endless


class Endless(BaseException):
    """The answer was still running when its time was over. A reader's `except Exception` does not catch it."""


@contextmanager
def careful(answer: object) -> Iterator[object]:
    """The answer, a copy of it if it is a model or a tensor. Within the block, its code is bounded and silent."""
    copied = copy.deepcopy(answer) if isinstance(answer, nn.Module) or _leaf(answer) else answer
    silent, states = io.StringIO(), (random.getstate(), np.random.get_state())  # noqa: NPY002
    try:
        with seeded(0), redirect_stdout(silent), redirect_stderr(silent), warnings.catch_warnings(), _bounded():
            warnings.simplefilter("ignore")
            random.seed(0)
            np.random.seed(0)  # noqa: NPY002
            yield copied
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def _leaf(answer: object) -> bool:
    """True for a tensor that can be copied: one that was computed from others cannot, and nothing here changes it."""
    return isinstance(answer, Tensor) and answer.is_leaf


@contextmanager
def _bounded() -> Iterator[None]:
    """Within the block, code of the notebook that goes on for more than PATIENCE raises Endless.

    Only the notebook's own code is looked at, so that training costs no more than it did. A loop within one call of a
    library, as in `list(itertools.count())`, is not seen.
    """
    before, end = sys.gettrace(), time.thread_time() + PATIENCE

    def look(frame, event, argument):
        if time.thread_time() > end:
            raise Endless(f"it was still running after {PATIENCE:g} s of work. Does each loop end?")
        return look

    def call(frame, event, argument):
        if frame.f_globals.get("__name__") != "__main__":
            return None
        frame.f_trace_opcodes = True  # `while True: pass` has no next line
        return look(frame, event, argument)

    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(before)


def failure(error: BaseException) -> str:
    """What an answer raised, in one line, with the reader's own line in which that happened, if it was there."""
    words = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}".removesuffix(": ")
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    summary = traceback.extract_tb(error.__traceback__)
    own = [each for frame, each in zip(frames, summary, strict=True) if frame.f_globals.get("__name__") == "__main__"]
    if not own:  # our check could do nothing with it
        return f"your answer cannot be used: {words}"
    return f"your answer raised {words}" + (f" (in: {own[-1].line})" if own[-1].line else "")
