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
            start = time.thread_time()
            job()
            self._next = time.monotonic() + max(1.0, (time.thread_time() - start) / self.share)
