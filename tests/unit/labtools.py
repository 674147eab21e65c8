"""A lab under test: waiting for its thread, and the messages that a browser would send."""

import time


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


class Browser:
    """What a view would send, and the answers it would get."""

    def __init__(self, lab):
        self.lab, self.answers = lab, []

    def send(self, answer):
        self.answers.append(answer)

    def __call__(self, kind, **details):
        self.lab._on_message(self, {"id": len(self.answers) + 1, "kind": kind, **details}, [])
        return self.answers[-1]["error"]
