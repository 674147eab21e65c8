"""A run written down for a dashboard while it is made: an iterator around `train()`.

    for step in tracking.tensorboard(train(task, plan, controls), "runs/first", task, controls):
        ...

`wandb` does the same for Weights & Biases. Nothing changes in the run: the same steps come out, with the same numbers.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from os import PathLike
from pathlib import Path

import torch

from jointopt.checks import check_count, check_function, check_type
from jointopt.controls import Controls
from jointopt.modules import left_as_it_was
from jointopt.training import Step, Task


def tensorboard(
    steps: Iterable[Step],
    folder: str | PathLike,
    task: Task | None = None,
    controls: Controls | None = None,
    every: int = 25,
) -> Iterator[Step]:
    """The steps, each written into a run of TensorBoard's as it passes, at its number.

    folder    of this run alone; `tensorboard --logdir` takes the folder around it, and shows all runs in it
    task      for its held-out metrics and its picture, after the first step and after each `every` steps; they stand at
              the number of steps taken, which is one more than that of the last step
    controls  those given to `train()`, for what was changed, in words, at its step

    Needs the package tensorboard. ImportError without it, ValueError for a wrong argument or a folder that holds a run
    (TensorBoard would mix the two), before the first step.
    """
    check_type("folder", folder, str | PathLike, "a path")
    _check(task, controls, every)
    if any(Path(folder).glob("events.out.tfevents.*")):
        raise ValueError(f"{folder} holds a run already: give this one a folder of its own")
    from torch.utils.tensorboard import SummaryWriter  # here: it takes a second

    def written() -> Iterator[Step]:
        with SummaryWriter(str(folder)) as to:
            write = to.add_scalar, to.add_text, partial(to.add_image, dataformats="HWC")
            yield from _written(*write, steps, task, controls, every)

    return written()


def wandb(
    steps: Iterable[Step], run, task: Task | None = None, controls: Controls | None = None, every: int = 25
) -> Iterator[Step]:
    """The steps, each logged to a run of Weights & Biases as it passes, at its number; the run is left open.

    run  what wandb.init() returned; with mode="offline" it needs no account, and writes a folder. The other arguments,
         the names and the numbers are those of `tensorboard`

    Needs the package wandb. ImportError without it, ValueError for a wrong argument, before the first step.
    """
    _check(task, controls, every)
    check_function("a run's log", getattr(run, "log", None), "(dict, step=number)")
    from wandb import Image

    def log(name: str, value: object, number: int) -> None:
        run.log({name: value}, step=number)

    return _written(log, log, lambda name, *of: log(name, Image(of[0]), of[1]), steps, task, controls, every)


def _check(task: object, controls: object, every: object) -> None:
    """Raise ValueError unless these are what both functions take."""
    check_type("task", task, Task | None, "a Task or None")
    check_type("controls", controls, Controls | None, "Controls or None")
    check_count("every", every, 1)


def _written(scalar, text, image, steps, task, controls, every) -> Iterator[Step]:
    """scalar, text, image: functions of a name, a value and the number of a step, in the order of these numbers."""
    written = 0  # of the log
    for step in steps:
        for name, value in numbers(step).items():
            scalar(name, value, step.number)
        log = controls.log if controls is not None else []
        if made := log[written:]:  # since the step before
            text("changes", ", ".join(f"{change.name} = {change.value}" for change in made), step.number)
        written = len(log)
        if task is not None and (step.number == 0 or (step.number + 1) % every == 0):
            _measure(scalar, image, task, step.number + 1)
        yield step


def _measure(scalar, image, task: Task, taken: int) -> None:
    """The held-out metrics and the picture after so many steps; model and random numbers are left as they were."""
    with torch.random.fork_rng(), left_as_it_was(task.model):
        for name, value in (task.evaluate(task.model) if task.evaluate else {}).items():
            scalar(f"held-out/{name}", value, taken)
        if task.picture is not None:
            image("picture", task.picture(task.model), taken)


def numbers(step: Step) -> dict[str, float]:
    """A step's numbers by name: "J", and "loss/…", "weight/…" of each loss; "grad_norm/…", "change/…" of each module.

    "frozen/…" is 1 where a module got no gradient in this step, for whatever reason, else 0: as a curve, a band.
    """
    of_losses = {"loss": step.losses, "weight": step.weights}
    of_modules = {"grad_norm": step.grad_norm, "change": step.change}
    of_modules["frozen"] = {name: float(name not in step.moved) for name in step.grad_norm}
    named = {f"{kind}/{name}": x for kind, of in (of_losses | of_modules).items() for name, x in of.items()}
    return {"J": step.total} | named
