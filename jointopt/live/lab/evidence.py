"""From anecdote to evidence: the cell that trains the branches of a lab again, from other seeds."""

from collections.abc import Callable

from IPython import get_ipython

from jointopt.live.lab.engine import Engine
from jointopt.live.lab.references import DISPLAYED

SEEDS = 5  # none of them the lab's own: its branches were chosen by what that one showed
IMPORTS = """from functools import partial

from jointopt import tasks
from jointopt.compare import Budget, compare

make = partial({})
"""
UNKNOWN = """from jointopt.compare import Budget, compare

# make(seed) is yours to write: this lab's task, with weights and batches drawn from the seed
"""


def cell(engine: Engine, owner: Callable[[], object]) -> str:
    """It runs as it stands, unless `jointopt.tasks.load` did not make the task: then `make` is the reader's."""
    recipe, branches = engine.task.recipe, engine.branches
    begin, seed = UNKNOWN, 0
    if recipe is not None:
        options = [f"{name}={value!r}" for name, value in recipe["options"].items()]
        begin, seed = IMPORTS.format(", ".join(["tasks.load", f'"{recipe["name"]}"', *options])), recipe["seed"]
    changed = [change.step + 1 for branch in branches for change in branch.log + branch.waiting]
    steps = max(1, *changed, *(len(branch.updates) for branch in branches))
    seeds = f"range({seed + 1}, {seed + 1 + SEEDS})"
    ask = f"result = compare(make, {_name(owner)}.arms(), Budget(steps={steps}), seeds={seeds})"
    return f"{begin}{ask}\nresult.table()"


def _name(owner: Callable[[], object]) -> str:
    """The reader's name for the lab."""
    lab, names = owner(), getattr(get_ipython(), "user_ns", {})
    named = [name for name, value in list(names.items()) if value is lab and not DISPLAYED.fullmatch(name)]
    return named[0] if named and lab is not None else "lab"
