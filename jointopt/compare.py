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
from importlib.metadata import version
from itertools import product
from numbers import Integral
from pathlib import Path

import joblib
import torch
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from jointopt.budget import Budget, Spent, described, within
from jointopt.comparison import Comparison, Interval, interval
from jointopt.controls import Controls
from jointopt.files import write_whole
from jointopt.modules import fingerprint
from jointopt.training import NonFiniteError, Task, Update, check_optimizer, make_optimizer, take_step

__all__ = [
    "Arm",
    "Baseline",
    "Comparison",
    "Interval",
    "compare",
    "interval",
    "name_of",
    "run",
    "spec_of",
    "sweep",
    "sweep_arms",
]

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "scikit-image")  # those that a figure may depend on


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
        check_optimizer(self.optimizer, self.optimizer_options)
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
    path      a file that keeps each run when it is finished; called again, it takes up where it stopped. It knows the
              arms, the options of `make` and of the arms, and the budget, but not the code of the task
    processes of one thread each, so that their number changes nothing in the numbers

    ValueError if arms with equal options of the task do not begin with equal weights and batches, if an arm takes no
    step within the budget, or if `path` holds another comparison.
    """
    seeds, path = _whole_numbers(seeds), None if path is None else Path(path)
    _check(arms, budget, processes)
    spec = spec_of(make, arms, budget)
    finished = _finished(path, spec)
    todo = [(seed, name) for seed, name in product(seeds, arms) if name not in finished.get(seed, {})]
    jobs = [partial(_run, make, name, arms[name], budget, seed) for seed, name in todo]
    total = len(seeds) * len(arms)
    with tqdm(total=total, initial=total - len(todo), unit="run", disable=not progress or not todo) as bar:
        for seed, name, found in _in_processes(jobs, processes):
            finished.setdefault(seed, {})[name] = found
            _check_pairs(seed, name, finished[seed], arms)
            if path is not None:
                write_whole(path, json.dumps(Comparison(spec, finished).as_json()) + "\n")
            bar.update()
    return Comparison(spec, {seed: {name: finished[seed][name] for name in arms} for seed in seeds})


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
    convolutional networks took longer (benchmarks/sweep.py). ValueError if two choices have one name.
    """
    return compare(make, sweep_arms(weights, plan, optimizer), budget, **options)


def sweep_arms(
    weights: Iterable[Mapping[str, float]], plan: Callable[[], Iterable[Update]], optimizer: str = "Adam"
) -> dict[str, Arm]:
    """The arms of a sweep, by `name_of` their λ's."""
    arms: dict[str, Arm] = {}
    for choice in weights:
        if (name := name_of(choice)) in arms:
            raise ValueError(f"two choices of a sweep are named {name!r}; λ's are told apart by six digits")
        arms[name] = Arm(plan, choice, optimizer)
    return arms


def name_of(weights: Mapping[str, float]) -> str:
    """The arm's name for a choice of λ's: "reg 0.01"."""
    return ", ".join(f"{loss} {weight:g}" for loss, weight in weights.items())


def run(make: Callable[..., Task], arm: Arm, budget: Budget, seed: int) -> dict:
    """One arm from one seed: its held-out figures, what it spent, and fingerprints of how it began.

    "seconds" are those of the steps alone. A run whose loss is no longer finite ends there, with the weights that it
    has, and says so: "diverged" is True. ValueError if the task has no `evaluate`, or if no step was taken.
    """
    task = make(seed, **arm.task_options)
    if task.evaluate is None:
        raise ValueError("a task that is compared needs its `evaluate`: a function model -> {figure: value}")
    batches = {f"{n} {i}": x for n in (0, 1) for i, x in enumerate(_tensors(task.batches(n)))}
    began = {"weights": fingerprint(task.model.state_dict())[:12], "batches": fingerprint(batches)[:12]}
    optimizer = make_optimizer(task.model, arm.optimizer, **arm.optimizer_options)
    controls, spent, diverged = Controls(arm.weights), Spent(), False
    torch.manual_seed(seed)
    start = time.perf_counter()
    try:
        for number, (update, after) in enumerate(within(budget, arm.plan(), task)):
            take_step(task, number, update, controls, optimizer)
            spent = after
    except NonFiniteError:
        diverged = True
    seconds = time.perf_counter() - start
    if not spent.steps and not diverged:
        raise ValueError(f"no step was taken: the plan is empty, or its first step costs more than {budget}")
    return _found(task.evaluate(task.model), spent, diverged, seconds) | {"began": began}


def _run(make: Callable[..., Task], name: str, arm: Arm | Baseline, budget: Budget, seed: int) -> tuple:
    """(seed, name, what was found), on one thread; the reader's own random numbers stay as they are."""
    with _one_thread(), torch.random.fork_rng(devices=[]):
        if isinstance(arm, Arm):
            return seed, name, run(make, arm, budget, seed)
        start = time.perf_counter()
        figures = arm(seed)
        return seed, name, _found(figures, Spent(), False, time.perf_counter() - start)


def _found(figures: Mapping[str, float], spent: Spent, diverged: bool, seconds: float) -> dict:
    """What is kept of a run."""
    figures = {name: float(value) for name, value in figures.items()}
    work = {**vars(spent), "updates": dict(spent.updates), "diverged": diverged, "seconds": round(seconds, 2)}
    return figures | work


def _check_pairs(seed: int, name: str, runs: Mapping[str, dict], arms: Mapping[str, Arm | Baseline]) -> None:
    """ValueError unless the arm began as the others with equal options of the task did."""
    if isinstance(arm := arms[name], Arm):
        for other, its in arms.items():
            alike = isinstance(its, Arm) and its.task_options == arm.task_options and other in runs
            if alike and runs[other]["began"] != runs[name]["began"]:
                raise ValueError(
                    f"seed {seed}: the arms {other!r} and {name!r} began with other weights or batches than each other;"
                    " the function that makes the task has to draw both from the seed"
                )


def _in_processes(jobs: list[Callable[[], tuple]], processes: int) -> Iterator[tuple]:
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


def _tensors(batch: object) -> Iterator[torch.Tensor]:
    """The tensors of a batch, however they are nested."""
    if isinstance(batch, torch.Tensor):
        yield batch
    elif isinstance(batch, Mapping):
        yield from _tensors(tuple(batch.values()))
    elif isinstance(batch, (tuple, list)):
        for part in batch:
            yield from _tensors(part)


def spec_of(make: Callable[..., Task], arms: Mapping[str, Arm | Baseline], budget: Budget) -> dict:
    """All that was chosen, as plain data: the task and its options, the arms, the budget, the versions, the threads.

    Options that are to be seen here are given by functools.partial. ValueError if one is no plain data.
    """
    spec = {
        "make": make,
        "arms": {
            name: {**vars(arm), "plan": described(arm.plan())} if isinstance(arm, Arm) else {"function": arm}
            for name, arm in arms.items()
        },
        "budget": str(budget),
        "limit": {name: value for name, value in vars(budget).items() if value is not None},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "threads": 1,
    }
    return json.loads(json.dumps(spec, default=_plain))


def _plain(value: object) -> object:
    """For JSON: functions by their names and options, mappings and NumPy's numbers as what they are."""
    if isinstance(value, partial):
        return {"function": value.func, "arguments": value.args, "options": value.keywords}
    if isinstance(value, Mapping):
        return dict(value)
    if callable(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    if hasattr(value, "item"):
        return value.item()
    raise ValueError(f"the options of a task or an arm are plain data or functions, got {type(value).__name__}")


def _finished(path: Path | None, spec: dict) -> dict[int, dict]:
    """The runs that the file holds already."""
    if path is None or not path.exists():
        return {}
    try:
        kept = Comparison.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} holds no comparison ({error}); move it away, or name another file") from error
    if other := [key for key in spec if kept.spec.get(key) != spec[key]]:
        raise ValueError(f"{path} holds another comparison: its {', '.join(other)} differ; name another file")
    return dict(kept.seeds)


def _check(arms: Mapping[str, Arm | Baseline], budget: Budget, processes: int) -> None:
    if not arms:
        raise ValueError("compare() needs at least one arm, {name: Arm(plan)}")
    for name, arm in arms.items():
        if isinstance(arm, Arm):
            _check_plan(name, arm)
        elif not callable(arm):
            raise ValueError(f"the arm {name!r} is an Arm or a function of the seed, got {type(arm).__name__}")
    if not isinstance(budget, Budget):
        raise ValueError(f"a budget is a Budget, as Budget(steps=100), got {budget!r}")
    if isinstance(processes, bool) or not isinstance(processes, int) or processes < 1:
        raise ValueError(f"processes is a whole number ≥ 1, got {processes!r}")


def _check_plan(name: str, arm: Arm) -> None:
    plan = arm.plan()
    if not isinstance(plan, Iterable):
        raise ValueError(f"the plan of {name!r} is a function that gives Updates, it gave {type(plan).__name__}")
    if isinstance(plan, Iterator) and arm.plan() is plan:
        raise ValueError(f"the plan of {name!r} gives the same stream at each call; it has to make a new one")


def _whole_numbers(seeds: Iterable[int]) -> list[int]:
    """The seeds; ValueError unless they are different whole numbers ≥ 0, at least one."""
    given = list(seeds) if isinstance(seeds, Iterable) else seeds
    whole = isinstance(given, list) and all(isinstance(seed, Integral) and seed >= 0 for seed in given)
    if not whole or not given or len(set(given)) < len(given):
        raise ValueError(f"seeds are different whole numbers ≥ 0, at least one, got {given}")
    return [int(seed) for seed in given]
