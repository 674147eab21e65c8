"""How often to do what is nice to see but costs time."""

import math
import time
from collections.abc import Callable


class Rhythm:
    """About once a second, and less often where one time is dear: at most `share` of the time in the long run."""

    def __init__(self, share: float):
        self.share = share
        self._next = -math.inf

    def due(self, cost: float = 0.0) -> bool:
        """Whether it is time. If so, the next time is a second from now, or later at a cost of so many seconds."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + max(1.0, cost / self.share)
        return True

    def do(self, job: Callable[[], None]) -> None:
        """Do the job if it is time. Its cost is this thread's own time: not what others took meanwhile."""
        if self.due():
            start = time.thread_time()
            job()
            self._next = time.monotonic() + max(1.0, (time.thread_time() - start) / self.share)
