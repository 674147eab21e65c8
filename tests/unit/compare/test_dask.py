"""compare() on a cluster of Dask's: the numbers of a local run, also where a worker is lost in the middle."""

import os
from functools import partial
from pathlib import Path

import joblib
import pytest
from comparetools import decay
from dask.distributed import Client, LocalCluster

from jointopt import compare as room
from jointopt import plans, tasks
from jointopt.compare import Arm, Budget, compare

ARMS = {"slow": Arm(plans.joint, optimizer="SGD", optimizer_options={"lr": 0.01}), "fast": Arm(plans.joint)}
METRIC = "w (1)"


@pytest.fixture(scope="module")
def cluster():
    quiet = {"dashboard_address": None, "silence_logs": 50}
    with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster, Client(cluster) as client:
        yield client


def fragile(seed, marks):
    """`decay`; the process that makes the first one ends at once, as when its machine is lost."""
    if seed == 2 and not (mark := Path(marks, "lost")).exists():
        mark.write_text(str(os.getpid()))
        os._exit(1)
    Path(marks, f"done {seed} {os.getpid()}").touch()
    return decay(seed)


def test_a_lost_workers_runs_are_made_again_and_the_numbers_are_those_of_a_local_run(cluster, tmp_path, monkeypatch):
    bars = []
    monkeypatch.setattr(room, "tqdm", lambda **options: bars.append(Bar(**options)) or bars[-1])
    here = compare(decay, ARMS, Budget(steps=3), range(4), progress=False)
    bars.clear()
    with joblib.parallel_config("dask"):
        there = compare(partial(fragile, marks=str(tmp_path)), ARMS, Budget(steps=3), range(4), processes=2)
    for arm in ARMS:
        for metric in (METRIC, "steps", "flops"):
            assert (here.values(arm, metric) == there.values(arm, metric)).all()
    assert list(here.runs) == list(there.runs) == [0, 1, 2, 3]
    lost = (tmp_path / "lost").read_text()
    made = {path.name.split()[2] for path in tmp_path.glob("done *")}
    assert lost not in {str(os.getpid())} and str(os.getpid()) not in made  # none of it was made here
    assert (bars[0].total, bars[0].done) == (8, 8)  # each run counts once, made again or not


class Bar:
    """In place of tqdm's."""

    def __init__(self, total, initial, **options):
        self.total, self.done = total, initial

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def update(self):
        self.done += 1


def test_an_application_gives_equal_numbers(cluster):
    make = partial(tasks.load, "pretext", labels=5, size=8)
    arms = {"joint": Arm(partial(plans.joint, losses="task"))}
    here = compare(make, arms, Budget(steps=2), range(2), progress=False)
    with joblib.parallel_config("dask"):
        there = compare(make, arms, Budget(steps=2), range(2), processes=2, progress=False)
    assert (here.values("joint") == there.values("joint")).all()


def unlucky(seed):
    """A baseline that fails."""
    raise ValueError(f"no luck with {seed}")


def test_an_error_in_a_run_comes_back_with_the_name_of_its_arm(cluster):
    with joblib.parallel_config("dask"), pytest.raises(ValueError, match="the arm 'none', seed 3: no luck with 3"):
        compare(decay, {"none": unlucky}, Budget(steps=1), [3], processes=2, progress=False)
