"""How often is done what is good to see but costs time."""

import pytest

from jointopt.live.lab.throttle import Allowance, Throttle


@pytest.fixture
def clock(monkeypatch):
    """The time, this thread's own time, and a job that takes a tenth of a second of both."""
    now, used = [0.0], [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.thread_time", lambda: used[0])

    def job():
        used[0] += 0.1
        now[0] += 0.1

    return now, used, job


def test_a_throttle_keeps_to_its_share(clock):
    now, used, job = clock
    throttle = Throttle(share=0.02)
    while now[0] < 100:
        throttle.do(job)
        now[0] += 0.05
    assert 0.015 < used[0] / now[0] <= 0.021
    cheap, count = Throttle(share=0.02), 0
    start = now[0]
    while now[0] < start + 10:
        count += cheap.due(cost=0.001)
        now[0] += 0.05
    assert 9 <= count <= 10  # about once a second


def test_an_allowance_lets_a_burst_through_and_keeps_to_its_share_in_the_long_run(clock):
    now, used, job = clock
    allowance = Allowance(share=0.1, most=0.5)
    burst = [allowance.do(job) for _ in range(20)]
    assert 5 <= sum(burst) <= 6 and not burst[-1]
    start = now[0], used[0]
    while now[0] < start[0] + 100:
        allowance.do(job)
        now[0] += 0.05
    assert 0.09 < (used[0] - start[1]) / (now[0] - start[0]) <= 0.11
    now[0] += 1000  # what is saved up has an end
    assert 5 <= sum(allowance.do(job) for _ in range(20)) <= 6
