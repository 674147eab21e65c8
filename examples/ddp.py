"""A task on several processes, each with a GPU or a share of a CPU: torch's DistributedDataParallel around its model.

    torchrun --standalone --nproc-per-node=2 examples/ddp.py

Each process takes a share of every batch, and DDP averages the gradients. `train()` keeps the model itself, so that its
modules have the names that they have without DDP, and freeze by them.

Of shares of equal size the plain average is the gradient of the whole batch. Of unequal ones each has to count as much
as it has images. Two things are of a share and not of the batch, and make another gradient: the mean and the deviation
of batch normalization, and what dropout drops.
Source: Li et al., PyTorch Distributed, VLDB 2020.
"""

import os
from dataclasses import replace

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from jointopt import Controls, Task, plans, tasks, train

CASES = ((32, False), (33, False), (33, True))  # images of a batch; whether each share counts by its size


def shared(task: Task, scaled: bool = True) -> Task:
    """The task as this process trains it: a share of each batch, on the model's device; gradients averaged over all.

    Its losses have to call the model (not its modules) and answer tensors, means over the images of a batch. They are
    those of the share, times its part of the batch and the number of processes; scaled=False leaves out this factor.
    """
    rank, world = distributed.get_rank(), distributed.get_world_size()
    device = next(task.model.parameters()).device
    wrapped = DistributedDataParallel(task.model, find_unused_parameters=True)  # frozen modules have no gradient

    def batches(number: int) -> tuple[list[Tensor], float]:
        whole = task.batches(number)
        share = [x.tensor_split(world)[rank].to(device) for x in whole]
        return share, len(share[0]) * world / len(whole[0]) if scaled else 1.0

    def losses(model: nn.Module, batch: tuple[list[Tensor], float]) -> dict[str, Tensor]:
        share, factor = batch
        return {name: factor * loss for name, loss in task.losses(wrapped, share).items()}

    return replace(task, batches=batches, losses=losses)


def gradient(task: Task) -> Tensor:
    """That of J in a first step, as one vector; the weights stay."""
    list(train(task, plans.joint(1), optimizer=torch.optim.SGD(task.model.parameters(), lr=0.0)))
    return torch.cat([p.grad.flatten() for p in task.model.parameters()])


def load(size: int) -> Task:
    """The document's model on this process's device, without its dropout."""
    task = tasks.load("classification", seed=0, size=size)
    task.model.classifier.dropout.p = 0.0
    device = f"cuda:{os.environ['LOCAL_RANK']}" if torch.cuda.is_available() else "cpu"
    task.model.to(device)
    return replace(task, batches=lambda number: [x.to(device) for x in task.batches(number)])


def apart(size: int, scaled: bool) -> float:
    """How far the averaged gradient is from that of one process with the whole batch, as a part of the latter."""
    alone = gradient(load(size))
    return float((gradient(shared(load(size), scaled)) - alone).norm() / alone.norm())


def moved(steps: int = 4) -> list[tuple[str, ...]]:
    """The modules that moved in each step, with the feature extractor frozen from the third step on."""
    task, controls, names = shared(load(32)), Controls(), []
    for step in train(task, plans.joint(steps), controls):
        names.append(step.moved)
        if step.number == 1:
            controls.freeze("feature_extractor")
    return names


def main() -> None:
    """What this process sees; the first of them prints."""
    torch.set_num_threads(1)
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    world = distributed.get_world_size()
    lines = [f"{world} processes; is the averaged gradient that of one process?"]
    for size, scaled in CASES:
        shares = [len(share) for share in torch.arange(size).tensor_split(world)]
        how = "each counted by its size" if scaled else "plain average"
        lines.append(f"shares of {' + '.join(map(str, shares))} images, {how}: {apart(size, scaled) < 1e-3}")
    lines += [f"step {number} moved {', '.join(names)}" for number, names in enumerate(moved())]
    if distributed.get_rank() == 0:
        print(*lines, sep="\n")  # noqa: T201
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
