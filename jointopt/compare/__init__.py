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
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib.metadata import version
from itertools import product
from numbers import Integral
from pathlib import Path

import joblib
import torch
from tqdm.auto import tqdm

from jointopt.checks import check_count, check_function, check_type
from jointopt.compare import records
from jointopt.compare.arms import Arm, Baseline, began, run, run_alone
from jointopt.compare.baselines import hog_logistic
from jointopt.compare.budget import Budget, cost, described
from jointopt.compare.result import Comparison
from jointopt.schedules import Schedule
from jointopt.statistics import Interval, crossing, how_sure, interval
from jointopt.system import write_whole
from jointopt.training import Task, Update

__all__ = ["Arm", "Baseline", "Budget", "Comparison", "Interval", "compare", "cost", "crossing", "hog_logistic"]
__all__ += ["how_sure", "interval", "name_of", "records", "run", "spec_of", "sweep", "sweep_arms"]

# Those that a metric may depend on.
LIBRARIES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "scikit-image", "faster-coco-eval")


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

    make      (seed, **arm.task_options) -> Task with its `evaluate`; it draws weights and batches from the seed
    path      a file that keeps each run when it is finished; called again, it resumes where it stopped, with further
              seeds and arms if there are any. It knows the arms, the options of `make` and of the arms, the budget, and
              how a run began, but not the rest of the task's code
    processes of one thread each, so that their number changes no result; two are worthwhile for comparisons over about
              a minute. What was set in torch before (autocast, default dtype or device) is not set in further processes

    ValueError if arms with equal options of the task do not begin with equal weights and batches, if two seeds do, if
    an arm takes no step within the budget or makes a change after it, or if `path` holds another comparison.
    """
    seeds, path = _whole_numbers(seeds), None if path is None else Path(path)
    _check(make, arms, budget, processes)
    spec = spec_of(make, arms, budget)
    kept = _load(path, spec, make, arms)
    runs = dict(kept.runs)
    todo = [(seed, name) for seed, name in product(seeds, arms) if name not in runs.get(seed, {})]
    jobs = [joblib.delayed(run_alone)(make, name, arms[name], budget, seed) for seed, name in todo]
    workers = joblib.Parallel(max(1, min(processes, len(jobs))), return_as="generator_unordered")
    total = len(seeds) * len(arms)
    with tqdm(total=total, initial=total - len(todo), unit="run", disable=not progress or not todo) as bar:
        try:
            for seed, name, result in workers(jobs):
                runs.setdefault(seed, {})[name] = result
                _check_pairs(seed, name, runs, arms)
                if path is not None:
                    write_whole(path, json.dumps(Comparison(kept.spec, runs).as_json()) + "\n")
                bar.update()
        except KeyboardInterrupt:
            where = f"are kept in {path}; the same call goes on from there" if path else "are lost; a path keeps them"
            done = sum(name in runs.get(seed, {}) for seed, name in product(seeds, arms))
            raise KeyboardInterrupt(f"{done} of {total} runs {where}") from None
    return Comparison(spec, {seed: {name: runs[seed][name] for name in arms} for seed in seeds})


def sweep(
    make: Callable[..., Task],
    weights: Iterable[Mapping[str, float]],
    plan: Callable[[], Iterable[Update]],
    budget: Budget,
    optimizer: str | None = None,
    **options,
) -> Comparison:
    """Train with each choice of λ's, all from equal weights on equal batches; the options are those of `compare`.

    sweep(make, [{"reg": 0}, {"reg": 0.01}], plans.joint, Budget(steps=300)).curve("reg")
    A grid of two λ's has a `.heat_map(rows, columns)`. The choices are trained one after the other: stacked by vmap,
    convolutional networks took longer (benchmarks/sweep.py). ValueError if two choices have one name.
    """
    return compare(make, sweep_arms(weights, plan, optimizer), budget, **options)


def sweep_arms(
    weights: Iterable[Mapping[str, float]], plan: Callable[[], Iterable[Update]], optimizer: str | None = None
) -> dict[str, Arm]:
    """The arms of a sweep, by `name_of` their λ's."""
    arms: dict[str, Arm] = {}
    for choice in weights:
        if (name := name_of(choice)) in arms:
            raise ValueError(f"two choices of a sweep are named {name!r}; λ's are distinguished by six digits")
        arms[name] = Arm(plan, choice, optimizer)
    return arms


def name_of(weights: Mapping[str, float]) -> str:
    """The arm's name for a choice of λ's: "reg 0.01"."""
    return ", ".join(f"{loss} {weight:g}" for loss, weight in weights.items())


def _check_pairs(seed: int, name: str, runs: Mapping[int, Mapping[str, dict]], arms: Mapping) -> None:
    """ValueError unless the arm began as others with equal options of the task did, and as no other seed did."""
    if not isinstance(arm := arms[name], Arm):
        return
    start = runs[seed][name]["began"]
    for other, another in ((other, arms.get(other)) for other in runs[seed]):
        alike = isinstance(another, Arm) and another.task_options == arm.task_options
        if alike and runs[seed][other]["began"] != start:
            raise ValueError(
                f"seed {seed}: the arms {other!r} and {name!r} began with other weights or batches than each other;"
                " the function that makes the task has to draw both from the seed"
            )
    if twins := [other for other in runs if other != seed and runs[other].get(name, {}).get("began") == start]:
        raise ValueError(
            f"the seeds {twins[0]} and {seed} began with the same weights and batches; the function that makes"
            " the task has to draw from its seed, else all seeds are one"
        )


def spec_of(make: Callable[..., Task], arms: Mapping[str, Arm | Baseline], budget: Budget) -> dict:
    """All that was chosen, as plain data: the task and its options, the arms, the budget, the versions, the threads.

    Options that are to be seen here are given by functools.partial. ValueError if one is no plain data.
    """
    spec = {
        "make": make,
        "arms": {name: _described(arm) if isinstance(arm, Arm) else {"function": arm} for name, arm in arms.items()},
        "budget": str(budget),
        "limit": {name: value for name, value in vars(budget).items() if value is not None},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "threads": 1,
    }
    return json.loads(json.dumps(spec, default=_plain))


def _described(arm: Arm) -> dict:
    """The arm as plain data. Records of arms without changes do not have that word."""
    parts = {name: value for name, value in vars(arm).items() if name != "changes" or value}
    return {**parts, "plan": described(arm.plan())}


def _plain(value: object) -> object:
    """For JSON: functions by their names and options, mappings and NumPy's numbers as what they are."""
    if isinstance(value, partial):
        return {"function": value.func, "arguments": value.args, "options": value.keywords}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Schedule):
        return value.points
    if callable(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    if hasattr(value, "item"):
        return value.item()
    raise ValueError(f"the options of a task or an arm are plain data or functions, got {type(value).__name__}")


def _load(path: Path | None, spec: dict, make: Callable[..., Task], arms: Mapping[str, Arm | Baseline]) -> Comparison:
    """The runs that the file has already; its spec with the arms that it has and those that are asked for.

    ValueError if they are of another comparison, or if the first of them would not begin now as it did.
    """
    if path is None or not path.exists():
        return Comparison(spec, {})
    try:
        kept = Comparison.from_json(json.loads(path.read_text(encoding="utf-8")))
        changed = [f"arm {name!r}" for name, arm in spec["arms"].items() if kept.spec["arms"].get(name, arm) != arm]
        other = [key for key in spec if key != "arms" and kept.spec.get(key) != spec[key]] + changed
    except (ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} holds no comparison ({error}); move it away, or name another file") from error
    if other:
        raise ValueError(f"{path} holds another comparison: its {', '.join(other)} differ; name another file")
    for seed, name in ((seed, name) for seed, of_seed in kept.runs.items() for name in of_seed):
        if isinstance(arm := arms.get(name), Arm):
            with torch.random.fork_rng(devices=[]):
                if began(make(seed, **arm.task_options)) != kept.runs[seed][name]["began"]:
                    raise ValueError(f"{path} holds runs that began with other weights or batches; name another file")
            break
    return Comparison({**spec, "arms": kept.spec["arms"] | spec["arms"]}, kept.runs)


def _check(make: object, arms: Mapping[str, Arm | Baseline], budget: Budget, processes: int) -> None:
    check_function("make", make, "seed -> Task")
    if not arms:
        raise ValueError("compare() needs at least one arm, {name: Arm(plan)}")
    check_type("a budget", budget, Budget, "a Budget", "; Budget(steps=100) is one")
    for name, arm in arms.items():
        if isinstance(arm, Arm):
            _check_plan(name, arm)
            _check_changes(name, arm, budget)
        elif not callable(arm):
            raise ValueError(f"the arm {name!r} is an Arm or a function of the seed, got {type(arm).__name__}")
    check_count("processes", processes, 1)


def _check_plan(name: str, arm: Arm) -> None:
    plan = arm.plan()
    if not isinstance(plan, Iterable):
        raise ValueError(f"the plan of {name!r} is a function that gives Updates, it gave {type(plan).__name__}")
    if isinstance(plan, Iterator) and arm.plan() is plan:
        raise ValueError(f"the plan of {name!r} gives the same stream at each call; it has to make a new one")
    if not isinstance(first := next(iter(plan), None), Update):
        raise ValueError(f"the plan of {name!r} gives Updates, one at least; its first is {first!r}")


def _check_changes(name: str, arm: Arm, budget: Budget) -> None:
    """Without its last changes an arm is not what its name says: two that differ by them would come out as equal."""
    last = max(arm.changes, key=lambda change: change[0], default=None)
    if last is not None and budget.steps is not None and last[0] >= budget.steps:
        raise ValueError(
            f"the arm {name!r} changes {last[1]} at step {last[0]}, which a budget of {budget.steps} steps does not"
            f" reach: Budget(steps={last[0] + 1}) or more"
        )


def _whole_numbers(seeds: Iterable[int]) -> list[int]:
    """The seeds; ValueError unless they are different whole numbers ≥ 0, at least one."""
    given = list(seeds) if isinstance(seeds, Iterable) else seeds
    whole = isinstance(given, list) and all(isinstance(seed, Integral) and seed >= 0 for seed in given)
    if not whole or not given or len(set(given)) < len(given):
        raise ValueError(f"seeds are different whole numbers ≥ 0, at least one, got {given}")
    return [int(seed) for seed in given]
