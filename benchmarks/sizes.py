"""The notebooks from a fresh kernel on one core, and the size of the repository."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # ipykernel brings it

from benchmarks.measure import Row
from tools import execute

ROOT = Path(__file__).resolve().parents[1]
DATA_FILE = "jointopt/data/digits.npz"


def run() -> tuple[list[Row], list[str]]:
    """The rows of the table, and notes beneath it."""
    rows, notes = [], []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        before = _cpu_of_children()
        try:
            with one_core():
                _, seconds, peak = execute.run(path)
        except Exception as error:  # a cell's own error: the other notebooks are still to be measured
            notes.append(f"{path.name} was not measured: {str(error).strip().splitlines()[-1]}")
            continue
        rows.append(Row(f"{path.name}, fresh kernel on one core", [seconds], 45, "s"))
        rows.append(Row(f"{path.name}, peak memory", [peak / 1e9], 1.2, "GB"))
        notes.append(f"{path.name}: {_cpu_of_children() - before:.0f} s of CPU in {seconds:.0f} s of wall clock.")
    rows.append(Row("repository without the data file", [repository() / 1e6], 5, "MB"))
    return rows, notes


def _cpu_of_children() -> float:
    """CPU seconds of all processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def one_core() -> Iterator[None]:
    """What starts inside has one thread, and one core, the idlest, where the system can say so (Linux)."""
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if cores:
        busy = psutil.cpu_percent(interval=1, percpu=True)
        os.sched_setaffinity(0, {min(cores, key=lambda core: busy[core])})
    try:
        yield
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
        if threads is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = threads


def repository() -> int:
    """Bytes of all files that git has or would add, the data file apart."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [ROOT / name for name in names if name and name != DATA_FILE]
    return sum(file.stat().st_size for file in files if file.is_file())
