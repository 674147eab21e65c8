"""The slice of a record: a few runs that a test makes again, and how far apart they come out on other processors.

What hangs on no sum is equal wherever a run is made: steps, FLOPs, first weights, batches. First losses agree in all
but their last digits. Training amplifies these, so that held-out metrics agree only so far, and how far is measured:
the slice is run under JITTERS seeds of noise (tests/jitter), each in a process of its own. Its record keeps mean and
standard deviation of each number, and a run that is made again has to come into the prediction interval of these runs.

Where first weights have been learned (pretrained features), they differ as well; the record says what did not.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.stats import t
from tqdm import tqdm

from evidence import record
from jointopt.compare import records
from jointopt.compare.result import SPENT, Comparison

sys.path.append(str(Path(__file__).parents[1] / "tests" / "jitter"))

import jitter

JITTERS = range(1, 11)
CHANCE = 1e-5  # of one number, to come out farther from the mean than is tolerated; the records have some hundred
# What is tolerated at least: a few test images of a thousand; one of what is counted; of other metrics a part.
POINTS, ONE, PART = 0.3, 1, 0.01
COUNTED = ("classes covered",)
LOSS = 1e-3  # the part of a first loss that is tolerated
EXACT = ("steps", "flops", "weights", "batches")


def runs(name: str, seed: int | None = None) -> Comparison:
    """The slice of the record `name`, made now; under this seed of jitter if there is one."""
    if seed is not None:
        with jitter.noise(seed):  # from here on: a task may be made, and learn, before its runs begin
            return runs(name)
    experiment = record.experiment_of(name)
    title, arms, seeds = experiment.SLICE
    part = next(part for other, part in experiment.parts(records.load(name)) if other == title)
    return part.run(arms, seeds, progress=False)


def keep(name: str, processes: int) -> None:
    """Measure the slice of the record `name` and write it there, beside the content."""
    record.write(name, records.read(name) | {"slice": measured(name, processes)})


def measured(name: str, processes: int, make: Callable[[str, int | None], Comparison] = runs) -> dict:
    """What the record keeps of its slice: {"part", "noise", "runs": arm -> seed -> {"exact", "losses", "figures"}}."""
    part, arms, seeds = record.experiment_of(name).SLICE
    # New processes: a task keeps what it has learned, and another seed of jitter would find it there.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        made = pool.map(make, [name] * (len(JITTERS) + 1), [None, *JITTERS])
        made = list(tqdm(made, f"{name}: its slice", len(JITTERS) + 1, unit="run"))
    runs = {arm: {str(seed): _summary([each.runs[seed][arm] for each in made]) for seed in seeds} for arm in arms}
    return {"part": part, "noise": {"size": jitter.SIZE, "seeds": len(JITTERS)}, "runs": runs}


def _summary(runs: list[dict]) -> dict:
    """Of one arm and seed, the first run being the one without noise."""
    exact, *others = map(_exact, runs)
    return {
        "exact": {name: value for name, value in exact.items() if all(other[name] == value for other in others)},
        "losses": [_spread(losses) for losses in zip(*(run.get("first losses", ()) for run in runs), strict=True)],
        "figures": {name: _spread([run[name] for run in runs[1:]]) for name in runs[0] if name not in SPENT},
    }


def _exact(run: dict) -> dict:
    return {name: (run | run.get("began", {})).get(name) for name in EXACT}


def _spread(values: list[float]) -> list[float]:
    """[mean, standard deviation]."""
    return [float(np.mean(values)), float(np.std(values, ddof=1))]


def disagreements(slice: dict, again: Comparison, losses: bool = True) -> list[str]:
    """In words, each number of a slice that does not come out as it may. slice: what `measured` gave.

    losses: False for the runs on record, which were made before first losses were kept
    """
    words, spreads = [], interval(slice["noise"]["seeds"])
    for arm, of_arm in slice["runs"].items():
        for seed, run in of_arm.items():
            new = again.runs[int(seed)][arm]
            for name, value in run["exact"].items():
                if (is_now := _exact(new)[name]) != value:
                    words.append(f"{arm}, seed {seed}: {name} {is_now}, on record {value}")
            numbers = {name: (new[name], spread) for name, spread in run["figures"].items()}
            if losses:
                first = new.get("first losses", [])
                if len(first) != len(run["losses"]):
                    words.append(f"{arm}, seed {seed}: {len(first)} first losses, on record {len(run['losses'])}")
                numbers |= {f"loss at step {n}": pair for n, pair in enumerate(zip(first, run["losses"], strict=False))}
            for name, (value, (mean, sd)) in numbers.items():
                loss = name.startswith("loss at step") and "weights" in run["exact"]
                most = LOSS * abs(mean) if loss else max(spreads * sd, least(name, mean))
                if not abs(value - mean) <= most:
                    words.append(f"{arm}, seed {seed}: {name} {value:.6g}, on record {mean:.6g} ± {most:.2g}")
    return words


def interval(runs: int) -> float:
    """How many standard deviations of so many runs a further one may be from their mean: Student's t at CHANCE."""
    return float(t.isf(CHANCE / 2, runs - 1) * (1 + 1 / runs) ** 0.5)


def least(name: str, mean: float) -> float:
    """How far from its mean a held-out metric, or the loss of a run whose weights were learned, may be in any case."""
    if name in COUNTED:
        return ONE
    return POINTS if "(%)" in name else PART * abs(mean)
