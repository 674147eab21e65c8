"""What the benchmark of the lab does in a kernel still fits the lab; its numbers are for `python -m benchmarks`."""

import pytest

from benchmarks import in_kernel
from jointopt import tasks
from jointopt.live import LiveLab


@pytest.fixture
def lab():
    lab = LiveLab(tasks.load("classification", size=16), name="bench")
    lab.run(2)
    yield lab
    lab.close()


def test_each_frame_comes_after_one_more_row(lab):
    rows = len(lab.history)
    seconds, size = in_kernel.frame(lab, repeats=1, frames=3)
    assert len(seconds) == 1 and size > 0
    assert len(lab.history) == rows + 3


def test_playing_and_alone_take_steps(lab):
    assert in_kernel.playing(lab, 0.1) > 0 and in_kernel.alone(lab.engine.task, 0.1) > 0


def test_the_step_that_used_a_change_is_found(lab):
    in_kernel.watch(lab)
    lab.display.controls.hear({"id": 1, "kind": "weight", "name": "reg", "value": 0.1})
    lab.run(1)
    assert in_kernel.last_change(lab, after=0.0)["steps"] == 0
