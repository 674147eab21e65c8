"""A run as a small JSON file: task, and of each branch plan and log; no weights, no code. A file is checked before use.

Format 1 was of runs without branches; it is read as a run of one.
"""

import json
import math
from collections.abc import Iterator
from itertools import chain, groupby, islice, repeat
from pathlib import Path

import torch
from jsonschema import Draft4Validator  # in later drafts 5.0 is an integer too
from jsonschema.exceptions import best_match

from jointopt import tasks
from jointopt.checks import listed
from jointopt.controls import Change, check_change, check_losses
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.plan_menu import check_plan_name
from jointopt.modules import check_names, module_names
from jointopt.optimizers import check_optimizer
from jointopt.schedules import Schedule, without_functions
from jointopt.system import write_whole
from jointopt.training import Task, Update

FORMAT = "jointopt run 2"
SCHEMA = json.loads(Path(__file__).with_name("saved_run.schema.json").read_text(encoding="utf-8"))
LARGEST = 8_000_000  # bytes


def save(engine: Engine, path: Path) -> None:
    """Write the run with its branches; a file that is there is replaced as a whole or not at all.

    A branch has its steps and changes from the fork on. What waits for its next step is logged at that step, whose
    number is "steps"; but not a plan that was chosen and not begun: of plans, the file has only the updates whose steps
    were taken. A function of the step that is no Schedule is saved as what it answered, and stays at the last of it.
    """
    branches = engine.branches
    waiting = [[change for change in branch.waiting if change.name != "plan"] for branch in branches]
    distinct = list(dict.fromkeys(chain.from_iterable(branch.updates for branch in branches)))
    names = [branch.name for branch in branches]
    run = {
        "format": FORMAT,
        "task": engine.task.recipe,
        "modules": engine.modules,
        "losses": engine.losses,
        "start": engine.start,
        "updates": [
            [part and sorted(part) for part in (update.modules, update.losses)]
            + ([] if update.hold_normalization else [False])
            for update in distinct
        ],
        "branches": [
            {
                "parent": None if branch.parent is None else names.index(branch.parent),
                "fork": branch.fork,
                "steps": len(branch.updates),
                "plan": [
                    [distinct.index(update), len(list(same))] for update, same in groupby(branch.updates[branch.fork :])
                ],
                "log": [[step, name, _plain(value, step)] for step, name, value in branch.changes + late],
                "total": branch.history["total"][-1] if branch.updates else None,
            }
            for branch, late in zip(branches, waiting, strict=True)
        ],
        "current": names.index(engine.current.name),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    text = json.dumps(run, ensure_ascii=False) + "\n"
    if (size := len(text.encode())) > LARGEST:
        raise ValueError(f"this run is too long for a file: {size} bytes, {LARGEST} at most")
    write_whole(path, text)


def _plain(value: object, step: int) -> object:
    """The value of a change that was made at this step, as plain data."""
    value = without_functions(value, step)
    return value.plain if isinstance(value, Schedule) else value


def load(path: Path) -> dict:
    """Read and check a saved run. ValueError says what is wrong with the file."""
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is no saved run: {path.stat().st_size} bytes, expected at most {LARGEST}")
    try:
        run = _of_this_format(json.loads(path.read_text(encoding="utf-8")))
        _check(run)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a saved run, or is broken: {error}") from error
    return run


def task_of(run: dict, task: Task | None) -> Task:
    """The task of a checked run: the given one, or the one that `jointopt.tasks.load` makes again."""
    recipe = run["task"]
    if task is None:
        if recipe is None:
            raise ValueError("this run's task was not made by jointopt.tasks.load: give it, replay(path, task=...)")
        task = tasks.load(recipe["name"], recipe["seed"], **recipe["options"])
    elif recipe is not None and task.recipe != recipe:
        raise ValueError(f"this run is of another task: {recipe}, got {task.recipe}")
    modules, losses = module_names(task.model), task.weights
    if modules != run["modules"] or (losses is not None and list(losses) != run["losses"]):
        raise ValueError(
            f"this run is of another task: modules {listed(run['modules'])} and losses {listed(run['losses'])},"
            f" got {listed(modules)} and {listed(losses or ())}"
        )
    for moved, counted, *_ in run["updates"]:
        check_names(moved or (), task.model)
        check_losses(counted or (), run["losses"])
    for change in chain.from_iterable(map(log_of, run["branches"])):
        kind, _, target = change.name.partition(".")
        if kind in ("frozen", "lr") and target:
            check_names([target], task.model)
        elif kind == "weight":
            check_losses([target], run["losses"])
    return task


class RecordedPlan:
    """The updates of a checked run's branch, from step 0 on; where all are one and the same it goes on with that."""

    def __init__(self, run: dict, branch: int):
        self._updates, self._run, self._branch = [Update(*update) for update in run["updates"]], run, branch

    def __iter__(self) -> Iterator[Update]:
        turns = _turns_of(self._run["branches"], self._branch)
        recorded = chain.from_iterable(repeat(self._updates[i], count) for i, count in turns)
        return chain(recorded, repeat(self._updates[0])) if len(self._updates) == 1 else recorded


def _turns_of(branches: list[dict], number: int | None) -> Iterator[tuple[int, int]]:
    """Of one branch, from step 0 on: (index of an update, steps that repeat it)."""
    lineage, end = [], math.inf  # a branch, and the step at which the next one leaves it
    while number is not None:
        branch = branches[number]
        lineage.append((branch, end))
        number, end = branch["parent"], min(branch["fork"], end)
    for branch, end in reversed(lineage):
        step = branch["fork"]
        for update, count in branch["plan"]:
            if step >= end:
                break
            yield update, min(count, end - step)
            step += count


def log_of(branch: dict) -> list[Change]:
    """The recorded changes."""
    return [_change(entry) for entry in branch["log"]]


def replay_note(run: dict, replayed: Engine) -> str:
    """In words: whether the replay began with the same weights, and its branches ended with the same J."""
    steps = sum(branch["steps"] - branch["fork"] for branch in run["branches"])
    what = f"replayed {steps} steps" + (f" in {n} branches" if (n := len(run["branches"])) > 1 else "")
    if replayed.start != run["start"]:
        return f"{what} from other first weights than the saved run's: the numbers differ"
    for branch, saved in zip(replayed.branches, run["branches"], strict=True):
        total = branch.history["total"][-1] if branch.updates else None
        if total != saved["total"]:
            where = f" in branch {branch.name}" if n > 1 else ""
            made = f"made with torch {run['torch']} and {run['threads']} threads"
            return f"{what}: J = {total:.6g}{where}, the file says {saved['total']:.6g} ({made})"
    return f"{what} to the same numbers"


def _of_this_format(run: object) -> object:
    """A run of format 1 is one of a single branch."""
    if not isinstance(run, dict) or run.get("format") != "jointopt run 1":
        return run
    branch = {key: run.pop(key) for key in ("steps", "plan", "log", "total") if key in run}
    return run | {"format": FORMAT, "branches": [{"parent": None, "fork": 0, **branch}], "current": 0}


def _check(run: object) -> None:
    """ValueError unless the run has the form that `save` writes."""
    if error := best_match(islice(Draft4Validator(SCHEMA).iter_errors(run), 100)):  # there may be a million
        message = error.message if len(error.message) < 200 else f"{error.message[:100]} … {error.message[-100:]}"
        description = error.schema.get("description")
        raise ValueError(f"{error.json_path}: {message}" + (f", expected {description}" if description else ""))
    # What no schema can say: how the parts fit together.
    branches, updates = run["branches"], len(run["updates"])
    if run["current"] >= len(branches):
        raise ValueError(f"expected the number of one of {len(branches)} branches, got current = {run['current']}")
    for number, branch in enumerate(branches):
        try:
            _check_branch(branch, number, branches, updates)
        except ValueError as error:
            raise ValueError(f"$.branches[{number}]: {error}") from error


def _check_branch(branch: dict, number: int, branches: list[dict], updates: int) -> None:
    parent, fork, steps, total = (branch[key] for key in ("parent", "fork", "steps", "total"))
    if number == 0 and (parent is not None or fork):
        raise ValueError(f"the first branch has no parent and its fork is 0, got {parent} and {fork}")
    if number and (parent is None or parent >= number):
        raise ValueError(f"expected a branch before this one as its parent, got {parent}")
    most = branches[parent]["steps"] if number else 0
    if not fork <= min(most, steps):
        raise ValueError(f"expected a fork within its own {steps} steps and the {most} of its parent, got {fork}")
    if (total is None) != (steps == 0):
        raise ValueError(f"expected the total J of the last of {steps} steps, null if there are none, got {total}")
    if unknown := [index for index, _ in branch["plan"] if index >= updates]:
        raise ValueError(f"expected a plan of updates 0 to {updates - 1}, got {unknown[0]}")
    if (planned := sum(count for _, count in branch["plan"])) != steps - fork:
        raise ValueError(f"expected a plan of {steps - fork} updates, one for each step, got {planned}")
    if wrong := [list(change) for change in log_of(branch) if not fork <= change.step <= steps]:
        raise ValueError(f"expected changes within steps {fork} to {steps}, got {wrong[0]}")


def _change(entry: list) -> Change:
    _, name, value = entry
    if name == "optimizer":
        check_optimizer(value)
    elif name == "plan":
        check_plan_name(value)
    else:
        return check_change(entry)
    return Change(*entry)
