"""What the lab says of the memory, from the files and variables that a machine has."""

import pytest

from jointopt.live.lab import LiveLab, memory_limit
from jointopt.live.lab.memory_limit import warning

GB = 2**30
NEAR = "memory: 1.8 of 2.0 GB; shut other notebooks down"


def v2(limit, used, cache=0):
    return {
        "sys/fs/cgroup/memory.max": limit,
        "sys/fs/cgroup/memory.current": used,
        "sys/fs/cgroup/memory.stat": f"anon 5\ninactive_file {cache}\nactive_file 7",
    }


def v1(limit, used, cache=0):
    return {
        "sys/fs/cgroup/memory/memory.limit_in_bytes": limit,
        "sys/fs/cgroup/memory/memory.usage_in_bytes": used,
        "sys/fs/cgroup/memory/memory.stat": f"inactive_file 9\ntotal_inactive_file {cache}",
    }


def process(kilobytes):
    return {"proc/self/status": f"Name:\tpython\nVmRSS:\t {kilobytes} kB\nThreads:\t7"}


@pytest.mark.parametrize("cgroup", [v2, v1])
@pytest.mark.parametrize(
    ("limit", "used", "cache", "environment", "words"),
    [
        (2 * GB, 1.8 * GB, 0, {}, NEAR),
        (2 * GB, 1.59 * GB, 0, {}, ""),
        (2 * GB, 1.9 * GB, 0.1 * GB, {}, NEAR),  # what is only a cache is given back
        (2 * GB, 1.9 * GB, 0.5 * GB, {}, ""),
        (64 * GB, 1.8 * GB, 0, {"MEM_LIMIT": f"{2 * GB}"}, NEAR),  # Binder's, below the container's
        (2 * GB, 1.8 * GB, 0, {"MEM_LIMIT": f"{64 * GB}"}, NEAR),
        (None, 50 * GB, 0, {}, ""),
        (None, 1.8 * GB, 0, {"MEM_LIMIT": f"{2 * GB}"}, NEAR),
        (2 * GB, 1.8 * GB, 0, {"MEM_LIMIT": "plenty"}, NEAR),
    ],
)
def test_a_container(cgroup, limit, used, cache, environment, words, tmp_path):
    nothing = {v2: "max", v1: 2**63 - 4096}[cgroup]
    write(tmp_path, cgroup(nothing if limit is None else limit, int(used), int(cache)))
    assert warning(tmp_path, environment) == words


@pytest.mark.parametrize(
    ("files", "environment", "words"),
    [
        ({}, {}, ""),
        ({}, {"MEM_LIMIT": f"{2 * GB}"}, ""),  # no Linux: what is in use is not known
        (process(1_900_000), {}, ""),
        (process(1_900_000), {"MEM_LIMIT": f"{2 * GB}"}, NEAR),
        (process(1_000_000), {"MEM_LIMIT": f"{2 * GB}"}, ""),
        (process(1_900_000), {"MEM_LIMIT": "0"}, ""),
    ],
)
def test_no_container(files, environment, words, tmp_path):
    write(tmp_path, files)
    assert warning(tmp_path, environment) == words


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")


@pytest.mark.usefixtures("no_lab_is_left")
def test_the_lab_shows_it(task, monkeypatch):
    monkeypatch.setattr(memory_limit, "warning", lambda: NEAR)
    lab = LiveLab(task)
    lab.run(1)
    assert lab.display.curves.info["memory"] == NEAR
