"""How often to do what is good to see but costs time."""

import math
import time
from collections.abc import Callable


class Throttle:
    """About once a second, and less often where one time is expensive: at most `share` of the time in the long run."""

    def __init__(self, share: float):
        self.share = share
        self._next = -math.inf

    def due(self, cost: float = 0.0) -> bool:
        """True if it is time. The next time is then a second from now, or later if it costs that many seconds."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + max(1.0, cost / self.share)
        return True

    def do(self, job: Callable[[], None]) -> None:
        """Do the job if it is time. Its cost is this thread's own time: not what others took meanwhile."""
        if self.due():
            cost = _cost(job)
            self._next = time.monotonic() + max(1.0, cost / self.share)


class Allowance:
    """For what comes in bursts: at most `share` of the time in the long run, of which `most` seconds can be saved up.

    It may be overdrawn by the last job.
    """

    def __init__(self, share: float, most: float):
        self.share, self.most = share, most
        self._saved, self._since = most, time.monotonic()

    def do(self, job: Callable[[], None]) -> bool:
        """Do the job if some time is left for it; answers whether it was done."""
        now = time.monotonic()
        self._saved = min(self.most, self._saved + self.share * (now - self._since))
        self._since = now
        if self._saved <= 0:
            return False
        self._saved -= _cost(job)
        return True


def _cost(job: Callable[[], None]) -> float:
    """Do the job: the seconds that it took of this thread."""
    start = time.thread_time()
    job()
    return time.thread_time() - start
