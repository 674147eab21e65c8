"""What the benchmark of the lab runs inside the kernel, beside a lab that a browser shows."""

import time

from jointopt import Task, plans, train
from jointopt.live import LiveLab


def playing(lab: LiveLab, seconds: float) -> float:
    """CPU seconds a step of this whole process while the lab plays, measured from one step boundary to another."""
    lab.play()
    time.sleep(1)  # after a pause all that comes now and then is due at once
    start, cpu = _boundary(lab), time.process_time()
    time.sleep(seconds)
    end, cpu = _boundary(lab), time.process_time() - cpu
    lab.pause()
    return cpu / (end - start)


def alone(task: Task, seconds: float) -> float:
    """CPU seconds a step of this whole process while `for step in train(...)` runs and nothing else does."""
    end, start = time.monotonic() + seconds, None
    for step in train(task, plans.joint()):
        if start is None:  # the first step makes the optimizer's state
            start = time.process_time()
        if step.number and time.monotonic() > end:
            break
    return (time.process_time() - start) / step.number


def frame(lab: LiveLab, repeats: int, frames: int = 10) -> tuple[list[float], int]:
    """CPU seconds of this whole process for each frame of a paused lab, and the most bytes of history in one.

    Each frame has one more row, as after a step. Without the picture and the held-out figure, which have rhythms of
    their own. What runs anyway is subtracted. The run is spoiled.
    """
    seconds, size = [], 0
    for _ in range(repeats):
        idle, busy = (_while_sending(lab, n) for n in (0, frames))
        seconds.append((busy - idle) / frames)
        size = max(size, len(lab.display.curves.frame))
    return seconds, size


def _while_sending(lab: LiveLab, frames: int) -> float:
    def send():
        lab.history.append(lab.engine.last)
        lab.display.send(f"{time.monotonic()}")

    start = time.process_time()
    for _ in range(frames):
        lab._trainer.worker.do(send)
    time.sleep(0.2)  # the thread that sends has finished by then
    return time.process_time() - start


def watch(lab: LiveLab) -> None:
    """From now on note when each step starts and ends, and each message of the browser arrives."""
    step, obey, notes = lab.engine.step, lab.display.controls.obey, {"steps": {}, "arrivals": []}

    def timed_step(*args):
        number, start = lab.engine.number, time.time()
        try:
            return step(*args)
        finally:
            notes["steps"][number] = (start, time.time())

    def noted_obey(message):
        notes["arrivals"].append((time.time(), lab.engine.number))
        obey(message)

    lab.engine.step, lab.display.controls.obey, lab.watched = timed_step, noted_obey, notes


def last_change(lab: LiveLab, after: float) -> dict | None:
    """The step that used the last change of λ, counted from the one in progress at its arrival, its start and end."""
    changes = [change.step for change in lab.engine.log if change.name == "weight.reg"]
    arrivals = [number for moment, number in lab.watched["arrivals"] if moment > after]
    if not arrivals or not changes or changes[-1] not in lab.watched["steps"] or changes[-1] < arrivals[0]:
        return None
    used = changes[-1]
    start, end = lab.watched["steps"][used]
    return {"steps": used - arrivals[0], "start": start, "end": end}


def _boundary(lab: LiveLab) -> int:
    """Wait for the end of a step, and answer how many were taken."""
    number = lab.engine.number
    while lab.engine.number == number:
        time.sleep(0.001)
    return number + 1
