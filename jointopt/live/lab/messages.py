"""What the browser asks of a lab, and what is done about it."""

import math
from functools import partial

from jointopt.live.lab.status_line import LEFT, NO_NUMBER


def obey(trainer, message: dict) -> None:
    """Have the trainer do what the browser asks for; ValueError or RuntimeError says why it does not.

    trainer: a Trainer, whose module imports this one
    """
    kind, name, value = (message.get(key) for key in ("kind", "name", "value"))
    engine, controls, worker = trainer.engine, trainer.engine.controls, trainer.worker
    if kind in ("weight", "lr") and isinstance(value, str):  # what was typed is no number, or 0 by rounding
        raise ValueError(f"{NO_NUMBER}, got {value!r}")
    if kind in ("play", "step", "reset", "branch", "go_to", "use_branch") and trainer.headless:
        raise RuntimeError("a cell runs this lab: wait for it, or press Pause")
    match kind:
        case "weight":
            controls.set(weight={name: value})
        case "lr":
            controls.set(lr={name: value} if name else value)
        case "frozen":
            (controls.freeze if value else controls.thaw)(name)
        case "optimizer":
            engine.use_optimizer(value)
        case "plan":
            trainer.use_plan(value)
        case "play" | "pause":
            trainer.set_budget(math.inf if kind == "play" else 0)
        case "leave":  # with Escape, from a slide: what plays to a step that was named pauses there
            if worker.budget == math.inf:
                trainer.note = LEFT
                trainer.set_budget(0)
        case "step":
            trainer.set_budget(1, more=True)  # a second press during a step is a second step
        case "go_to" if isinstance(value, int) and value > engine.number:
            worker.do(partial(trainer.play_to, value), wait=False)
        case "go_to" if value == engine.number:
            trainer.set_budget(0)  # it is there
        case "branch" | "go_to":
            trainer.branch(engine.number if value is None else value, wait=False)
        case "use_branch":
            trainer.use_branch(value, wait=False)
        case "reset":
            trainer.reset(value == "all" or (value == "settings" and engine.number == 0), wait=False)
        case "look":
            worker.do(lambda: trainer.display.first_look(trainer.note), wait=False)
        case _:
            raise ValueError(f"no control is named {kind!r}")
