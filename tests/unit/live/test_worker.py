"""The thread that takes steps: budgets, jobs between two steps, waiting, errors, the end."""

import signal
import sys
import threading
from contextvars import ContextVar

import pytest
from labtools import until

from jointopt.live.lab import worker as module
from jointopt.live.lab.worker import Worker


@pytest.fixture
def make():
    """Workers that are closed after the test: make(step, watch, report)."""
    workers = []

    def make(step=lambda: None, watch=lambda: None, report=print):
        workers.append(Worker("worker under test", step, watch, report))
        return workers[-1]

    yield make
    for worker in workers:
        worker.close()
        assert not worker.thread.is_alive()


def test_it_takes_the_steps_of_its_budget(make):
    steps = []
    worker = make(lambda: steps.append(worker.budget))
    worker.set_budget(3)
    worker.wait()
    assert steps == [2, 1, 0] and worker.budget == 0  # what is left after each


def test_jobs_are_done_between_two_steps_in_their_order(make):
    at_work, order = threading.Semaphore(0), []
    go_on = threading.Semaphore(0)

    def step():
        at_work.release()
        go_on.acquire()
        order.append("step")

    worker = make(step)
    worker.set_budget(2)
    at_work.acquire()
    for name in "ab":
        worker.do(lambda name=name: order.append(name), wait=False)
    go_on.release(2)
    worker.wait()
    assert order == ["step", "a", "b", "step"]


def test_a_budget_of_none_stops_it_after_the_step_in_progress(make):
    steps = []
    worker = make(lambda: steps.append(1))
    worker.set_budget(float("inf"))
    until(lambda: len(steps) > 10)
    worker.set_budget(0)
    worker.do(lambda: None)
    before = len(steps)
    worker.do(lambda: None)
    assert len(steps) == before


def test_what_a_job_raises_is_raised_where_it_is_waited_for(make):
    def fail():
        raise ValueError("not today")

    worker, done = make(), []
    with pytest.raises(ValueError, match="not today"):
        worker.do(fail)
    worker.do(fail, wait=False)
    worker.do(lambda: done.append(1))  # it lives on
    assert done == [1]


def test_a_job_that_is_asked_for_in_the_thread_itself_is_not_waited_for(make):
    order = []

    def step():
        worker.do(lambda: order.append("job"))
        order.append("step")

    worker = make(step)
    worker.set_budget(1)
    until(lambda: order == ["step", "job"])
    assert not worker.is_current


def test_each_step_more_is_taken_whatever_begins_meanwhile(make):
    interval, steps = sys.getswitchinterval(), []
    worker = make(lambda: steps.append(1))
    try:
        sys.setswitchinterval(1e-6)
        for _ in range(5000):
            worker.set_budget(1, more=True)
        worker.wait()
    finally:
        sys.setswitchinterval(interval)
    assert len(steps) == 5000


def test_an_interrupt_ends_the_waiting_and_not_the_step(make):
    started, go_on, steps = threading.Event(), threading.Event(), []

    def step():
        started.set()
        go_on.wait()
        steps.append(1)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = make(step)
    worker.set_budget(1)
    started.wait()
    with pytest.raises(KeyboardInterrupt):
        threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
        worker.wait()
    signal.signal(signal.SIGINT, before)
    assert steps == []
    go_on.set()
    worker.wait()
    assert steps == [1]


def test_it_is_watched_while_it_works_and_while_it_does_not(make, monkeypatch):
    monkeypatch.setattr(module, "WATCH_EVERY", 0.01)
    watched = []
    worker = make(watch=lambda: watched.append(worker.is_current))
    until(lambda: len(watched) > 3)
    worker.set_budget(float("inf"))
    seen = len(watched)
    until(lambda: len(watched) > seen + 3)
    assert all(watched)


def test_it_lives_on_when_its_watch_fails_and_reports_it(make, monkeypatch):
    monkeypatch.setattr(module, "WATCH_EVERY", 0.01)
    reports, steps = [], []

    def watch():
        raise OSError("the disk is gone")

    def report(error):
        reports.append(str(error))
        raise error  # nor does a report end it

    worker = make(lambda: steps.append(1), watch, report)
    until(lambda: len(reports) > 2)
    worker.set_budget(3)
    worker.wait()
    assert len(steps) == 3 and set(reports) == {"the disk is gone"}


def test_a_closed_worker_takes_no_further_step(make):
    steps = []
    worker = make(lambda: steps.append(1))
    worker.close()
    worker.set_budget(5)
    worker.wait()
    worker.do(lambda: steps.append(2))  # nobody waits for what is not done
    assert worker.closed and steps == []


def test_it_begins_in_the_context_of_its_maker(make):
    setting, seen = ContextVar("setting", default=0), []
    setting.set(3)
    worker = make()
    setting.set(4)
    worker.do(lambda: seen.append(setting.get()))
    assert seen == [3]
