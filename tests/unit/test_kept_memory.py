"""Freed memory is kept where glibc is, and nothing breaks where it is not."""

import ctypes
import platform
import subprocess
import sys

from jointopt import system

FAULTS = """
import resource, threading
from jointopt import plans, tasks, train
steps = train(tasks.load("classification"), plans.joint())
def take():
    for _ in range(8): next(steps)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(10): next(steps)
    print((resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before) // 10)
thread = threading.Thread(target=take); thread.start(); thread.join()
"""


def test_a_step_in_a_thread_takes_its_memory_from_the_last_one():
    if platform.libc_ver()[0] != "glibc":
        assert system.keep_freed_memory() is False
        return
    assert system.keep_freed_memory()
    ran = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 500  # some 3,000 without


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert system.keep_freed_memory() is False
