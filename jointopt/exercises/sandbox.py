"""A reader's code, run with care: it ends, it prints nothing, and it leaves random numbers and models as they were.

It runs in this very process, since models and functions of a notebook cannot be sent to another one. So it is ended
only where Python asks in between: see `_bounded`. The trace, the clock and gradient mode are this thread's. Memory,
the default dtype and what torch draws from are the whole process's: a lab that plays meanwhile draws from a generator
of its own, and has room for its steps.
"""

import copy
import io
import linecache
import random
import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from jointopt.system import seeded

try:
    import resource
except ImportError:  # Windows
    resource = None

RARELY = 1000  # events between two looks at this thread's clock, which are slow
PATIENCE = 60.0  # CPU seconds of this thread: a machine under load is slow, not endless
SLEEP = 600.0  # seconds that may pass, for what waits and takes no CPU time
ROOM = 1 << 30  # bytes; the chapters' checks and solutions take up to 160 MB
OF_A_THREAD = 16 << 20  # bytes; torch may begin its threads within the block, and aborts without room for their stacks
OURS = frozenset({"jointopt.plans", "jointopt.training"})  # where a stream without end passes through Python


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
    with _within_memory(), _states_kept(), seeded(0), torch.enable_grad(), quiet[0], quiet[1], quiet[2], _bounded():
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
    """Within it, code of the notebook that works for more than PATIENCE or waits for more than SLEEP raises Endless.

    Only the notebook's own code is looked at, and each update of a plan or step of `train`, so that training costs no
    more than it did: `list(plans.joint())` is ended, too. A loop within one call of a library is not seen. On Linux it
    is ended if it fills the memory, as `list(itertools.count())` does: see `_within_memory`. From within Python nothing
    can end `sum(itertools.count())`, nor `time.sleep(10**9)`; the stop button ends the latter, a restart the former.
    """
    before, rarely, fired = sys.gettrace(), cycle([*[False] * (RARELY - 1), True]), []
    end, latest = time.thread_time() + PATIENCE, time.monotonic() + SLEEP

    def look(frame, event, argument):
        if next(rarely) and time.thread_time() > end:
            fired.append(Endless(f"it was still running after {PATIENCE:g} s of work. Does each loop end?"))
        elif time.monotonic() > latest:
            fired.append(Endless(f"it was still running after {SLEEP:g} s. Does it wait for something?"))
        if fired:
            raise fired[0]
        return look

    def call(frame, event, argument):
        module = frame.f_globals.get("__name__")
        if module == "__main__":
            frame.f_trace_opcodes = sys.version_info < (3, 12)  # there `while True: pass` has no next line
            return look(frame, event, argument)
        if module in OURS:
            look(frame, event, argument)
        return None

    sys.settrace(call)
    try:
        yield
        if fired:  # a bare `except:` has caught it, and nothing was looked at any more
            raise fired[0]
    finally:
        sys.settrace(before)


@contextmanager
def _within_memory() -> Iterator[None]:
    """Within the block, what takes more than ROOM raises Endless; on Linux alone, in place of a kernel that dies.

    Without it a list without end takes some 20 to 50 GB before PATIENCE is over, and nothing looks at it meanwhile.
    """
    before = _limit_memory()
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "alloc" not in str(error):  # torch's own word for it
            raise
        raise Endless(f"it took more than {ROOM / 2**30:g} GB of memory. Does something grow without end?") from None
    finally:
        if before:
            resource.setrlimit(resource.RLIMIT_DATA, before)


def _limit_memory() -> tuple[int, int] | None:
    """Set the limit. Answers the one before; None where there is none to set, or a GPU's driver may ask for more."""
    if resource is None or torch.cuda.is_available() or not (status := Path("/proc/self/status")).exists():
        return None
    if (held := re.search(r"^VmData:\s+(\d+) kB", status.read_text(), re.M)) is None:
        return None
    soft, hard = before = resource.getrlimit(resource.RLIMIT_DATA)
    most = (int(held[1]) << 10) + ROOM + OF_A_THREAD * torch.get_num_threads()
    if soft != resource.RLIM_INFINITY and soft <= most:  # somebody has set a lower one
        return None
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    return before


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
