"""Clipping, accumulation, autocast: each equals the plain loop bit for bit."""

from dataclasses import replace

import torch
from labtools import everything, run, same
from torch import nn

from jointopt import Task, plans, train
from jointopt.optimizers import make_optimizer


def plain_loop(task, optimizer, step):
    torch.manual_seed(3)
    for number in range(4):
        optimizer.zero_grad()
        step(number)
        optimizer.step()


def test_clipping_is_a_hook_of_the_optimizer(make):
    ours, theirs = make(), make()
    optimizer = make_optimizer(ours.model)
    parameters = list(ours.model.parameters())
    optimizer.register_step_pre_hook(lambda *_: nn.utils.clip_grad_norm_(parameters, 0.1) and None)
    run(ours, 4, optimizer=optimizer)

    def step(number):
        losses = theirs.losses(theirs.model, theirs.batches(number))
        (losses["task"] * 1.0 + losses["reg"] * 0.01).backward()
        nn.utils.clip_grad_norm_(theirs.model.parameters(), 0.1)

    plain_loop(theirs, make_optimizer(theirs.model), step)
    assert same(everything(ours.model), everything(theirs.model))


def test_accumulation_is_a_batch_of_parts():
    def parts(number):
        return [torch.randn(8, 4, generator=torch.Generator().manual_seed(4 * number + i)) for i in range(4)]

    def model():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))

    def loss(model, x):
        return model(x).square().mean() / 4

    ours, theirs = model(), model()
    task = Task(ours, lambda model, batch: {"task": sum(loss(model, x) for x in batch)}, parts)
    list(train(task, plans.joint(4), optimizer=make_optimizer(ours)))
    optimizer = make_optimizer(theirs)
    for number in range(4):
        optimizer.zero_grad()
        for x in reversed(parts(number)):  # the graph of a sum runs backward from its last part
            loss(theirs, x).backward()
        optimizer.step()
    assert same(everything(ours), everything(theirs))


def test_autocast_is_a_block_within_the_losses(make):
    def cast(task):
        def losses(model, batch):
            with torch.autocast("cpu", torch.bfloat16):
                return task.losses(model, batch)

        return replace(task, losses=losses)

    ours, theirs = cast(make()), cast(make())
    run(ours, 4)

    def step(number):
        losses = theirs.losses(theirs.model, theirs.batches(number))
        (losses["task"] * 1.0 + losses["reg"] * 0.01).backward()

    plain_loop(theirs, make_optimizer(theirs.model), step)
    assert same(everything(ours.model), everything(theirs.model))
