"""A run as a small JSON file: (task, plan, log), no weights, no code. A file from elsewhere is checked before use."""

import json
from collections.abc import Iterable, Iterator
from itertools import chain, groupby, repeat
from pathlib import Path

import torch

from jointopt import tasks
from jointopt.checks import listed
from jointopt.controls import Change, check_change, check_losses
from jointopt.live.lab.engine import Engine
from jointopt.live.lab.history import History
from jointopt.live.lab.plan_menu import is_name
from jointopt.modules import check_names, module_names
from jointopt.optimizers import OPTIMIZERS
from jointopt.system import write_whole
from jointopt.training import Task, Update

FORMAT = "jointopt run 1"
LARGEST = 8_000_000  # bytes
LONGEST = 10_000_000  # steps


def save(engine: Engine, path: Path) -> None:
    """Write the run; a file that is there is replaced as a whole or not at all.

    What waits for the next step is logged at that step, whose number is "steps"; but not a plan that was chosen and not
    begun, for of plans only the updates that were taken are in the file.
    """
    distinct = list(dict.fromkeys(engine.taken))
    run = {
        "format": FORMAT,
        "task": engine.task.recipe,
        "modules": engine.modules,
        "losses": engine.losses,
        "start": engine.start,
        "steps": engine.number,
        "updates": [
            [_sorted(update.modules), _sorted(update.losses), *([] if update.hold_normalization else [False])]
            for update in distinct
        ],
        "plan": [[distinct.index(update), len(list(same))] for update, same in groupby(engine.taken)],
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
    except KeyError as error:
        raise ValueError(f"{path} is not a saved run, or is broken: the entry {error} is missing") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
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
    for names, counted, *_ in run["updates"]:
        check_names(names or (), task.model)
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


def compared(run: dict, start: str, history: History) -> str:
    """In words: whether the replay began with the same weights and came to the same J."""
    if start != run["start"]:
        return f"replayed {run['steps']} steps from other first weights than the saved run's: the numbers differ"
    total = history["total"][-1]
    if total == run["total"]:
        return f"replayed {run['steps']} steps to the same numbers"
    return (
        f"replayed {run['steps']} steps: J = {total:.6g}, the file says {run['total']:.6g}"
        f" (made with torch {run['torch']} and {run['threads']} threads)"
    )


def _check(run: object) -> None:
    """ValueError unless the run has the form that `save` writes."""
    if not isinstance(run, dict) or run.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    _expect(_is_names(run["modules"]) and _is_names(run["losses"]), "modules and losses are lists of names")
    _expect(run["task"] is None or _is_recipe(run["task"]), "the task is a name, a seed and plain options")
    _expect(_is_count(run["steps"]) and run["steps"] <= LONGEST, f"steps is a whole number up to {LONGEST}")
    _expect(
        isinstance(run["total"], float) if run["steps"] else run["total"] is None, "total is the J of the last step"
    )
    _expect(
        all(isinstance(run[key], str) for key in ("start", "torch")) and _is_count(run["threads"]),
        "start, torch, threads",
    )
    _expect(isinstance(run["updates"], list) and isinstance(run["plan"], list), "updates and plan are lists")
    for modules, losses, *turns in run["updates"]:
        _expect(turns in ([], [False]), "an update has names, and False where its normalization is not held")
        _expect(
            all(names is None or (names and _is_names(names)) for names in (modules, losses)), "an update has names"
        )
    for index, count in run["plan"]:
        _expect(_is_count(index) and index < len(run["updates"]) and _is_count(count), "a plan counts updates")
    _expect(sum(count for _, count in run["plan"]) == run["steps"], "the plan has as many updates as there are steps")
    for entry in run["log"]:
        _expect(_change(entry).step <= run["steps"], "a change lies within the run")


def _change(entry: object) -> Change:
    if isinstance(entry, list) and len(entry) == 3 and entry[1] == "optimizer":
        _expect(_is_count(entry[0]) and entry[2] in OPTIMIZERS, f"an optimizer is one of {listed(OPTIMIZERS)}")
        return Change(*entry)
    if isinstance(entry, list) and len(entry) == 3 and entry[1] == "plan":
        _expect(_is_count(entry[0]) and is_name(entry[2]), "a plan has a name, of less than 200 characters")
        return Change(*entry)
    return check_change(entry)


def _is_recipe(recipe: object) -> bool:
    return (
        isinstance(recipe, dict)
        and recipe.keys() == {"name", "seed", "options"}
        and isinstance(recipe["name"], str)
        and _is_count(recipe["seed"])
        and not recipe["options"].keys() & {"name", "seed"}
        and all(isinstance(value, (str, int, float, bool)) for value in recipe["options"].values())
    )


def _is_names(names: object) -> bool:
    return isinstance(names, list) and all(map(is_name, names))


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def _expect(holds: object, what: str) -> None:
    if not holds:
        raise ValueError(f"expected: {what}")


def _sorted(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
