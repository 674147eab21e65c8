"""Runs under test: all steps of one; waiting for a lab's thread, and the messages that a browser would send."""

import threading
import time
from dataclasses import replace
from uuid import uuid4

import torch

from jointopt import plans, train


def take(task, plan, seed=0):
    """All steps of a run, from this seed of torch's own generator, of which detectors draw."""
    torch.manual_seed(seed)
    return list(train(task, plan))


def run(task, steps=20, controls=None, optimizer=None, plan=None):
    """All steps of a run with these options, from one seed."""
    torch.manual_seed(3)
    return list(train(task, plan or plans.joint(steps), controls, optimizer))


def values(answer):
    """What a task's losses answered, with those computed that were still functions."""
    return {name: loss() if callable(loss) else loss for name, loss in answer.items()}


def everything(module):
    """Parameters and all buffers, those that are in no state_dict included."""
    return {name: tensor.clone() for name, tensor in (*module.named_parameters(), *module.named_buffers())}


def same(a, b):
    """Bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def changed(lab):
    """Twenty steps, with a change of each kind in between."""
    lab.run(6)
    lab.controls.set(weight={"reg": 0.3}, lr=0.003)
    lab.run(4)
    lab.controls.freeze("encoder")
    lab.engine.use_optimizer("SGD")
    lab.run(6)
    lab.controls.thaw("encoder")
    lab.run(4)


def breakable(task):
    """The task, whose batches are gone while the list beside it is not empty."""
    broken = []

    def batches(number):
        if broken:
            raise OSError("the disk is gone")
        return task.batches(number)

    return replace(task, batches=batches), broken


def until(holds, seconds=600):  # for what hangs: a machine under load is slow, not wrong
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def drawn_during(work, most):
    """What torch.rand draws here from seed 1 on, `most` numbers at most, while another thread works."""
    thread = threading.Thread(target=work)
    torch.manual_seed(1)
    thread.start()
    drawn = []
    while thread.is_alive() and len(drawn) < most:
        drawn.append(torch.rand(1))
        thread.join(1e-4)
    thread.join()
    return torch.cat(drawn)


class Browser:
    """What a view would send, and what it would hear became of it."""

    def __init__(self, lab):
        self.view, self.outcomes = lab.display.controls, {}
        self.view.send = lambda content, buffers=None: self.outcomes.update(content["outcomes"])

    def __call__(self, kind, **details):
        """Nothing where it was obeyed, else why not."""
        message = str(uuid4())
        self.view.hear({"id": message, "kind": kind, **details})
        return self.outcomes.get(message)
