"""Going back in the lab: what snapshots cost while it trains, how long a way back takes, and how large they are."""

import time
from collections.abc import Iterator

import torch

from benchmarks.measure import Row, interleaved, ratios
from jointopt import tasks
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.run import Run

REPEATS, STEPS = 12, 100  # blocks, long enough to hold their share of snapshots
BACK = (500, 433, 367, 250, 120, 61, 7)  # steps


def run() -> tuple[list[Row], list[str]]:
    """The rows of the table, and notes beneath it."""
    torch.set_num_threads(1)
    engine = Engine(tasks.load("classification"))
    with_snapshots, without = interleaved(
        _steps(engine), _steps(Run(tasks.load("classification"))), repeats=REPEATS, steps=STEPS
    )
    rows = [Row("a step that may be gone back to / one that may not, CPU", ratios(with_snapshots, without), 1.01)]
    number = engine.number
    ways = [_way_back(engine, number - back) for back in BACK]
    rows.append(Row(f"a way back of up to 500 steps in a run of {number}, the document's model", ways, 2, "s"))
    return rows, [f"Snapshots, each: {', '.join(f'{name} {_size(name):.1f} MB' for name in tasks.names())}."]


def _steps(run: Run) -> Iterator:
    while True:
        yield run.step()


def _way_back(engine: Engine, number: int) -> float:
    start = time.perf_counter()
    engine.branch(number)
    seconds = time.perf_counter() - start
    engine.use_branch("A")
    return seconds


def _size(name: str) -> float:
    """Of a snapshot after two steps, in MB."""
    engine = Engine(tasks.load(name))
    engine.step()
    engine.step()
    engine.branch(2)
    return engine.current.snapshots[2].bytes / 2**20
