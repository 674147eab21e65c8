"""A run as a small JSON file: (task, plan, log), no weights, no code. A file from elsewhere is checked before use."""

import json
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
from jointopt.system import write_whole
from jointopt.training import Task, Update

SCHEMA = json.loads(Path(__file__).with_name("saved_run.schema.json").read_text(encoding="utf-8"))
LARGEST = 8_000_000  # bytes


def save(engine: Engine, path: Path) -> None:
    """Write the run; a file that is there is replaced as a whole or not at all.

    What waits for the next step is logged at that step, whose number is "steps"; but not a plan that was chosen and not
    begun: of plans, the file has only the updates whose steps were taken.
    """
    distinct = list(dict.fromkeys(engine.updates))
    run = {
        "format": "jointopt run 1",
        "task": engine.task.recipe,
        "modules": engine.modules,
        "losses": engine.losses,
        "start": engine.start,
        "steps": engine.number,
        "updates": [
            [names and sorted(names) for names in (update.modules, update.losses)]
            + ([] if update.hold_normalization else [False])
            for update in distinct
        ],
        "plan": [[distinct.index(update), len(list(same))] for update, same in groupby(engine.updates)],
        "log": [list(change) for change in engine.log + engine.pending],
        "total": engine.history["total"][-1] if engine.number else None,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    write_whole(path, json.dumps(run, ensure_ascii=False) + "\n")


def load(path: Path) -> dict:
    """Read and check a saved run. ValueError says what is wrong with the file."""
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is no saved run: {path.stat().st_size} bytes, expected at most {LARGEST}")
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
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
    for change in log_of(run):
        kind, _, target = change.name.partition(".")
        if kind == "frozen":
            check_names([target], task.model)
        elif kind == "weight":
            check_losses([target], run["losses"])
    return task


def plan_of(run: dict) -> Iterator[Update]:
    """The recorded updates; a plan that repeats one update goes on with it."""
    updates = [Update(*update) for update in run["updates"]]
    recorded = chain.from_iterable(repeat(updates[i], count) for i, count in run["plan"])
    return chain(recorded, repeat(updates[0])) if len(updates) == 1 else recorded


def log_of(run: dict) -> list[Change]:
    """The recorded changes."""
    return [_change(entry) for entry in run["log"]]


def replay_note(run: dict, replayed: Engine) -> str:
    """In words: whether the replay began with the same weights and ended with the same J."""
    if replayed.start != run["start"]:
        return f"replayed {run['steps']} steps from other first weights than the saved run's: the numbers differ"
    total = replayed.history["total"][-1]
    if total == run["total"]:
        return f"replayed {run['steps']} steps to the same numbers"
    return (
        f"replayed {run['steps']} steps: J = {total:.6g}, the file says {run['total']:.6g}"
        f" (made with torch {run['torch']} and {run['threads']} threads)"
    )


def _check(run: object) -> None:
    """ValueError unless the run has the form that `save` writes."""
    if error := best_match(islice(Draft4Validator(SCHEMA).iter_errors(run), 100)):  # there may be a million
        message = error.message if len(error.message) < 200 else f"{error.message[:100]} … {error.message[-100:]}"
        description = error.schema.get("description")
        raise ValueError(f"{error.json_path}: {message}" + (f", expected {description}" if description else ""))
    # What no schema can say: how the parts fit together.
    steps, total, updates = run["steps"], run["total"], len(run["updates"])
    if (total is None) != (steps == 0):
        raise ValueError(f"expected the total J of the last of {steps} steps, null if there are none, got {total}")
    if unknown := [index for index, _ in run["plan"] if index >= updates]:
        raise ValueError(f"expected a plan of updates 0 to {updates - 1}, got {unknown[0]}")
    if (planned := sum(count for _, count in run["plan"])) != steps:
        raise ValueError(f"expected a plan of {steps} updates, one for each step, got {planned}")
    if late := [list(change) for change in log_of(run) if change.step > steps]:
        raise ValueError(f"expected changes within {steps} steps, got {late[0]}")


def _change(entry: list) -> Change:
    _, name, value = entry
    if name == "optimizer":
        check_optimizer(value)
    elif name == "plan":
        check_plan_name(value)
    else:
        return check_change(entry)
    return Change(*entry)
