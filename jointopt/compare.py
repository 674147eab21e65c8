"""Compare plans fairly: equal first weights, equal batches, a budget that is named, several seeds, paired intervals.

make = functools.partial(jointopt.tasks.load, "pretext", labels=200)
arms = {
    "joint": Arm(lambda: plans.joint(losses="task")),
    "frozen": Arm(lambda: plans.alternating(Update("classifier", "task"))),
}
result = compare(make, arms, Budget(updates=500), seeds=range(10), path="run.json", processes=2)
result.table()                  # mean, 95 % interval, n
result.differences("frozen")    # seed by seed, with their interval: does joint training win?
result.figure()                 # one point per seed
"""

import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import tee
from pathlib import Path

import joblib
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from jointopt.budget import Budget, Spent, described, within
from jointopt.comparison import Comparison, Interval, interval
from jointopt.controls import Controls
from jointopt.files import write_whole
from jointopt.modules import fingerprint
from jointopt.training import NonFiniteError, Task, Update, check_optimizer, make_optimizer, train

__all__ = ["Arm", "Baseline", "Comparison", "Interval", "compare", "interval", "name_of", "run", "sweep"]


@dataclass(frozen=True)
class Arm:
    """One side of a comparison.

    plan               a function without arguments that gives the Updates, from the first on, more than can be paid for
    weights            {loss: λ} in place of the task's own
    optimizer          a name of jointopt.training.OPTIMIZERS
    optimizer_options  lr, weight_decay, … in place of its defaults
    task_options       given to the function that makes the task
    """

    plan: Callable[[], Iterable[Update]]
    weights: Mapping[str, float] | None = None
    optimizer: str = "Adam"
    optimizer_options: Mapping[str, object] = field(default_factory=dict)
    task_options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self):
        if not callable(self.plan):
            got = type(self.plan).__name__
            raise ValueError(f"an arm's plan is a function that gives a plan, as lambda: plans.joint(), got {got}")
        check_optimizer(self.optimizer)
        Controls(self.weights)  # it checks them


Baseline = Callable[[int], dict[str, float]]  # seed -> held-out figures: what is not trained by a plan at all


def compare(
    make: Callable[..., Task],
    arms: Mapping[str, Arm | Baseline],
    budget: Budget,
    seeds: Iterable[int] = range(5),
    path: str | Path | None = None,
    processes: int = 1,
    progress: bool = True,
) -> Comparison:
    """Train every arm from every seed, each within the budget.

    make      (seed, **arm.task_options) -> Task with its `evaluate`; the same seed gives the same weights and batches
    path      a file that keeps each seed when its runs are finished; called again, it takes up where it stopped.
              It knows the arms, their settings and the budget, but not the code of the task
    processes of one thread each, so that their number changes nothing in the numbers

    ValueError if the arms of a seed do not begin with equal weights and batches, or if `path` holds another comparison.
    """
    seeds, path = list(seeds), None if path is None else Path(path)
    _check(arms, seeds, processes)
    spec = _spec(arms, budget)
    finished = _finished(path, spec)
    todo = [seed for seed in seeds if seed not in finished]
    jobs = [partial(_run_seed, make, dict(arms), budget, seed) for seed in todo]
    bar = tqdm(total=len(seeds), initial=len(seeds) - len(todo), unit="seed", disable=not progress or not todo)
    with bar:
        for seed, runs in _in_processes(jobs, processes):
            finished[seed] = runs
            if path is not None:
                write_whole(path, json.dumps(Comparison(spec, finished).as_json()) + "\n")
            bar.update()
    return Comparison(spec, {seed: finished[seed] for seed in seeds})


def sweep(
    make: Callable[..., Task],
    weights: Iterable[Mapping[str, float]],
    plan: Callable[[], Iterable[Update]],
    budget: Budget,
    optimizer: str = "Adam",
    **options,
) -> Comparison:
    """Train with each choice of λ's, all from equal weights on equal batches; the options are those of `compare`.

    sweep(make, [{"reg": 0}, {"reg": 0.01}], plans.joint, Budget(steps=300)).curve("reg")
    A grid of two λ's has a `.heat_map(rows, columns)`. The choices are trained one after the other: stacked by vmap,
    convolutional networks took longer (benchmarks/sweep.py).
    """
    arms = {name_of(choice): Arm(plan, choice, optimizer) for choice in weights}
    return compare(make, arms, budget, **options)


def name_of(weights: Mapping[str, float]) -> str:
    """The arm's name for a choice of λ's: "reg 0.01"."""
    return ", ".join(f"{loss} {weight:g}" for loss, weight in weights.items())


def run(make: Callable[..., Task], arm: Arm, budget: Budget, seed: int) -> tuple[dict, str]:
    """One arm from one seed: its held-out figures and what it spent, and a fingerprint of how it began.

    A run whose loss is no longer finite ends there, with the weights that it has, and says so: "diverged" is True.
    """
    task = make(seed, **arm.task_options)
    if task.evaluate is None:
        raise ValueError("a task that is compared needs its `evaluate`: a function model -> {figure: value}")
    start = fingerprint(task.model.state_dict() | _tensors(task.batches(0)))
    optimizer = make_optimizer(task.model, arm.optimizer, **arm.optimizer_options)
    spent, diverged = Spent(), False
    with torch.random.fork_rng(devices=[]):  # the reader's own random numbers stay as they are
        torch.manual_seed(seed)
        plan, spending = tee(within(budget, arm.plan(), task))
        try:
            for _ in train(task, (update for update, _ in plan), Controls(arm.weights), optimizer):
                spent = next(spending)[1]
        except NonFiniteError:
            diverged = True
    return _found(task.evaluate(task.model), spent, diverged), start


def _run_seed(make: Callable[..., Task], arms: Mapping, budget: Budget, seed: int) -> tuple[int, dict[str, dict]]:
    runs: dict[str, dict] = {}
    starts: dict[str, str] = {}  # options -> fingerprint
    with _one_thread():
        for name, arm in arms.items():
            began = time.perf_counter()
            if isinstance(arm, Arm):
                runs[name], start = run(make, arm, budget, seed)
                if starts.setdefault(repr(sorted(arm.task_options.items())), start) != start:
                    raise ValueError(
                        f"seed {seed}: the arm {name!r} began with other weights or batches than one before it;"
                        " the function that makes the task has to draw both from the seed"
                    )
            else:
                runs[name] = _found(arm(seed), Spent(), diverged=False)
            runs[name]["seconds"] = round(time.perf_counter() - began, 2)
    return seed, runs


def _found(figures: Mapping[str, float], spent: Spent, diverged: bool) -> dict:
    """What is kept of a run."""
    figures = {name: float(value) for name, value in figures.items()}
    return {**figures, **vars(spent), "updates": dict(spent.updates), "diverged": diverged}


def _in_processes(jobs: list[Callable[[], tuple]], processes: int) -> Iterator[tuple[int, dict]]:
    """What the jobs answer, as they are finished."""
    if processes == 1 or len(jobs) < 2:
        yield from (job() for job in jobs)
    else:
        workers = joblib.Parallel(n_jobs=min(processes, len(jobs)), return_as="generator_unordered")
        yield from workers(joblib.delayed(job)() for job in jobs)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums come out the same on any number of threads only if it is always the same number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):  # NumPy's and scikit-learn's: several on a busy machine are a hundred times slower
            yield
    finally:
        torch.set_num_threads(threads)


def _tensors(batch: object) -> dict[str, torch.Tensor]:
    parts = batch if isinstance(batch, (tuple, list)) else [batch]
    return {f"batch {i}": part for i, part in enumerate(parts) if isinstance(part, torch.Tensor)}


def _spec(arms: Mapping[str, Arm | Baseline], budget: Budget) -> dict:
    """All that was chosen, as plain data."""
    plain = {
        name: {**vars(arm), "plan": described(arm.plan())} if isinstance(arm, Arm) else "a function of the seed"
        for name, arm in arms.items()
    }
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    return json.loads(json.dumps({"budget": str(budget), "arms": plain, "versions": versions, "threads": 1}))


def _finished(path: Path | None, spec: dict) -> dict[int, dict]:
    """The seeds that the file holds already."""
    if path is None or not path.exists():
        return {}
    try:
        kept = Comparison.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} holds no comparison ({error}); move it away, or name another file") from error
    if other := [key for key in spec if kept.spec.get(key) != spec[key]]:
        raise ValueError(f"{path} holds another comparison: its {', '.join(other)} differ; name another file")
    return dict(kept.seeds)


def _check(arms: Mapping[str, Arm | Baseline], seeds: list[int], processes: int) -> None:
    if not arms:
        raise ValueError("compare() needs at least one arm, {name: Arm(plan)}")
    for name, arm in arms.items():
        if not callable(arm) and not isinstance(arm, Arm):
            raise ValueError(f"the arm {name!r} is an Arm or a function of the seed, got {type(arm).__name__}")
    if not seeds or len(set(seeds)) < len(seeds) or not all(isinstance(seed, int) and seed >= 0 for seed in seeds):
        raise ValueError(f"seeds are different whole numbers ≥ 0, at least one, got {seeds}")
    if isinstance(processes, bool) or not isinstance(processes, int) or processes < 1:
        raise ValueError(f"processes is a whole number ≥ 1, got {processes!r}")
