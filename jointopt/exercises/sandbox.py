"""A reader's code, run with care: it ends, it prints nothing, and it leaves random numbers and models as they were."""

import copy
import io
import linecache
import random
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import count

import numpy as np
import torch
from torch import Tensor, nn

from jointopt.system import seeded

RARELY = 1000  # events between two looks at the clock, which are slow
PATIENCE = 60.0  # CPU seconds of this thread: a machine under load is slow, not endless


class Endless(BaseException):
    """The answer was still running when its time was over. A reader's `except Exception` does not catch it."""


@contextmanager
def careful(answer: object) -> Iterator[object]:
    """The answer, a copy of it if it is a model or a tensor. Within the block, its code is bounded and silent.

    Random numbers and torch's modes stay as they were. Models that an answer keeps within itself are not copied.
    """
    copied = copy.deepcopy(answer) if isinstance(answer, nn.Module) or _leaf(answer) else answer
    silent = io.StringIO()
    quiet = redirect_stdout(silent), redirect_stderr(silent), warnings.catch_warnings()
    with _states_kept(), seeded(0), torch.enable_grad(), quiet[0], quiet[1], quiet[2], _bounded():
        warnings.simplefilter("ignore")
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        yield copied


@contextmanager
def _states_kept() -> Iterator[None]:
    """Python's, NumPy's and the GPUs' random numbers, and the modes of torch that an answer may set for good."""
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    dtype, deterministic = torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)  # noqa: NPY002
        if gpus:
            torch.cuda.set_rng_state_all(gpus)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic)


def _leaf(answer: object) -> bool:
    """True for a tensor that can be copied: one that was computed from others cannot, and nothing here changes it."""
    return isinstance(answer, Tensor) and answer.is_leaf


@contextmanager
def _bounded() -> Iterator[None]:
    """Within the block, code of the notebook that goes on for more than PATIENCE raises Endless.

    Only the notebook's own code is looked at, so that training costs no more than it did. A loop within one call of a
    library, as in `list(itertools.count())`, is not seen.
    """
    before, end, events = sys.gettrace(), time.thread_time() + PATIENCE, count(1)
    fired = []

    def look(frame, event, argument):
        if next(events) % RARELY == 0 and time.thread_time() > end:
            fired.append(Endless(f"it was still running after {PATIENCE:g} s of work. Does each loop end?"))
            raise fired[0]
        return look

    def call(frame, event, argument):
        if frame.f_globals.get("__name__") != "__main__":
            return None
        frame.f_trace_opcodes = sys.version_info < (3, 12)  # there `while True: pass` has no next line
        return look(frame, event, argument)

    sys.settrace(call)
    try:
        yield
        if fired:  # a bare `except:` has caught it, and nothing was looked at any more
            raise fired[0]
    finally:
        sys.settrace(before)


def failure(error: BaseException) -> str:
    """What an answer raised, in one line, with the reader's own line in which that happened, if it was there."""
    words = ": ".join(filter(None, [type(error).__name__, _first_words(error)]))
    own = [each for each in traceback.walk_tb(error.__traceback__) if each[0].f_globals.get("__name__") == "__main__"]
    if not own:  # our check could do nothing with it
        return f"your answer cannot be used: {words}"
    frame, number = own[-1]
    line = linecache.getline(frame.f_code.co_filename, number).strip()
    return f"your answer raised {words}" + (f" (in: {line})" if line else "")


def _first_words(error: BaseException) -> str:
    """The first line of its message; the second one too, where the first ends in a colon."""
    try:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    except Exception:  # a message of its own that fails
        return ""
    return " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
