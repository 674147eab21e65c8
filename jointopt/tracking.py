"""A run written down for a dashboard while it is made: iterators around `train()`.

    for step in tracking.tensorboard(train(task, plan, controls), "runs/first", task, controls):
        ...

They change nothing in the run: the same steps come out, with the same numbers.
"""

from collections.abc import Iterable, Iterator
from os import PathLike

from jointopt.checks import check_count
from jointopt.controls import Change, Controls
from jointopt.modules import left_as_it_was
from jointopt.training import Step, Task


def tensorboard(
    steps: Iterable[Step],
    folder: str | PathLike,
    task: Task | None = None,
    controls: Controls | None = None,
    every: int = 25,
) -> Iterator[Step]:
    """The steps, each written into a run of TensorBoard's as it passes.

    folder    of this run; `tensorboard --logdir` takes the folder around it, and shows all runs in it
    task      for its held-out metrics and its picture, after the first step and after each `every` steps
    controls  for what was changed, in words, at its step

    Needs the package tensorboard. ImportError without it, ValueError for `every` below 1, before the first step.
    """
    check_count("every", every, 1)
    from torch.utils.tensorboard import SummaryWriter  # here: it takes a second

    return _written(SummaryWriter, steps, folder, task, controls, every)


def _written(make_writer, steps, folder, task, controls, every) -> Iterator[Step]:
    with make_writer(str(folder)) as writer:
        for step in steps:
            for name, value in numbers(step).items():
                writer.add_scalar(name, value, step.number)
            for change in changes(controls, step.number):
                writer.add_text("changes", f"{change.name} = {change.value}", step.number)
            if task is not None and (step.number == 0 or (step.number + 1) % every == 0):
                for name, value in held_out(task).items():
                    writer.add_scalar(name, value, step.number + 1)
                if task.picture is not None:
                    with left_as_it_was(task.model):
                        writer.add_image("picture", task.picture(task.model), step.number + 1, dataformats="HWC")
            yield step


def numbers(step: Step) -> dict[str, float]:
    """A step's numbers by name: "J", and "loss/…", "weight/…" of each loss; "grad_norm/…", "change/…" of each module.

    "frozen/…" is 1 where a module stood still in this step, for whatever reason, else 0: as a curve, a band.
    """
    of_losses = {"loss": step.losses, "weight": step.weights}
    of_modules = {"grad_norm": step.grad_norm, "change": step.change}
    of_modules["frozen"] = {name: float(name not in step.moved) for name in step.grad_norm}
    named = {f"{kind}/{name}": x for kind, of in (of_losses | of_modules).items() for name, x in of.items()}
    return {"J": step.total} | named


def held_out(task: Task) -> dict[str, float]:
    """The task's metrics as they are now, "held-out/…"; the model is left as it was."""
    if task.evaluate is None:
        return {}
    with left_as_it_was(task.model):
        return {f"held-out/{name}": value for name, value in task.evaluate(task.model).items()}


def changes(controls: Controls | None, number: int) -> list[Change]:
    """What was changed at this step."""
    return [] if controls is None else [change for change in controls.log if change.step == number]
