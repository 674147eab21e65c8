"""Make the pretrained encoder of segmentation: `python -m tools.make_encoder`, some ten minutes on one core.

The task "segmentation" on scenes of the seven digits that its own scenes do not show, up to nine in each, with data
augmentation; models/SOURCES.md says more.
"""

from pathlib import Path

import numpy as np

from evidence.grid import falling
from jointopt import plans, tasks
from jointopt.compare import Arm
from jointopt.models import shipped
from jointopt.optimizers import make_optimizer
from jointopt.training import Task, train
from tools.make_weights import FIRST, write

DIGITS = "0135689"
STEPS, SCENES, CROWD, LR = 9000, 10_000, 9, 6e-3  # CROWD: digits in a scene, at most; LR: peak of a rate that falls


def pretrain(steps: int = STEPS, stop: int | None = None, **options) -> tuple[Task, list[float]]:
    """The task after joint training, from seed 0, and the total loss of each step.

    stop: the steps that are taken, of `steps` for which the rate is made. options: of the task.
    """
    options = {"scenes": SCENES, "most": CROWD, "augment": 1.0} | options
    task = tasks.load("segmentation", 0, classes=DIGITS, held_out="validation", **options)
    arm = falling(Arm(plans.joint, None, "Adam", {"lr": LR}), steps)
    optimizer = make_optimizer(task.model, lr=LR)
    taken = train(task, plans.joint(steps if stop is None else stop), arm.controls(), optimizer)
    return task, [step.total for step in taken]


def make_arrays(**options) -> dict[str, np.ndarray]:
    """The arrays that the file holds; shipped.py describes them."""
    task, losses = pretrain(**options)
    found = task.evaluate(task.model) | {"first losses (nats)": losses[:FIRST]}
    arrays = {f"encoder/{name}": np.atleast_1d(np.float32(value)) for name, value in found.items()}
    weights = task.model.encoder.state_dict().items()
    return arrays | {f"encoder.{name}": value.contiguous().numpy() for name, value in weights}


def main(path: Path = shipped.ENCODER, **options) -> None:
    """Write the file of the encoder."""
    write(path, make_arrays(**options), shipped.ENCODER_SHA256)


if __name__ == "__main__":
    main()
