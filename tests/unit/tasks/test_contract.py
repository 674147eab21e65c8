"""What every application keeps, whatever it is: a file that is added to jointopt/tasks is tested here for free."""

import copy
import inspect
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import torch
from labtools import take
from tasktools import SMALL, each, fresh, load, loaded

from jointopt import Update, plans, tasks, train
from jointopt.checks import tensors_of
from jointopt.compare import Arm, compare
from jointopt.compare.budget import Budget
from jointopt.live import LiveLab
from jointopt.modules import module_names


@pytest.fixture
def task(name):
    return fresh(name)


def equal(a, b):
    """All tensors of two batches, bit for bit."""
    a, b = list(tensors_of(a)), list(tensors_of(b))
    return len(a) == len(b) > 0 and all(map(torch.equal, a, b))


def on(task, batch):
    return replace(task, batches=lambda number: batch)


# Loading


@each
def test_it_is_known_by_its_name_and_options(name):
    with pytest.raises(ValueError, match=f"the task '{name}' has no option 'sise'; it has '"):
        load(name, sise=3)
    for seed in (-1, 2**32, 1.5, None, True):
        with pytest.raises(ValueError, match="seed must be a whole number from 0 to 4294967295, got"):
            load(name, seed)


WRONG = [
    ("held_out", "train", "held_out must be one of 'test', 'validation', got 'train'"),
    ("held_out", ["test"], r"held_out must be one of 'test', 'validation', got \['test'\]"),
    ("data", "digit", "no data set is named 'digit'; there are|data must be one of .*, got 'digit'"),
    ("size", 0, r"size must be a whole number from 1 to \d+, got 0"),
    ("size", 2.0, r"size must be a whole number from 1 to \d+, got 2\.0"),
    ("labels", 0, r"labels per class must be a whole number from 1 to \d+, got 0"),
    ("labels", True, r"labels per class must be a whole number from 1 to \d+, got True"),
    ("labels", 9999, r"labels per class must be a whole number from 1 to \d+, got 9999"),
    ("scenes", 0, "scenes must be a whole number ≥ 1, got 0"),
    ("held_out_scenes", True, "held_out_scenes must be a whole number ≥ 1, got True"),
]


@each
@pytest.mark.parametrize(("option", "value", "message"), WRONG)
def test_an_option_that_cannot_be_is_named(name, option, value, message):
    if option not in inspect.signature(import_module(f"jointopt.tasks.{name}").make).parameters:
        message = f"has no option '{option}'"
    with pytest.raises(ValueError, match=message):
        load(name, **{option: value})


@each
def test_the_seed_draws_weights_and_batches_and_nothing_else(name, task, state):
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    again, other = load(name), load(name, 1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert state.same(state(task.model), state(again.model)) and not state.same(state(task.model), state(other.model))
    assert equal(task.batches(3), again.batches(3)) and not equal(task.batches(3), other.batches(3))


@each
def test_the_same_number_is_the_same_batch_in_any_order(name, task):
    first = [copy.deepcopy(task.batches(number)) for number in (0, 1, 7)]
    assert all(equal(task.batches(number), batch) for number, batch in zip((7, 1, 0), first[::-1], strict=True))
    assert not equal(first[0], first[1])


@each
def test_a_recipe_makes_the_task_again(name, task, state):
    recipe = json.loads(json.dumps(task.recipe))
    assert recipe == {"name": name, "seed": 0, "options": SMALL.get(name, {})}
    again = tasks.load(recipe["name"], recipe["seed"], **recipe["options"])
    assert state.same(state(task.model), state(again.model)) and equal(task.batches(1), again.batches(1))


# Training


@each
def test_every_loss_is_finite_and_every_module_moves(name, task):
    (step,) = take(task, plans.joint(1))
    assert list(step.losses) == list(task.weights or step.losses) and all(map(math.isfinite, step.losses.values()))
    assert step.moved == tuple(module_names(task.model)) and all(change > 0 for change in step.change.values())
    (step,) = take(on(task, one_of(task.batches(0))), plans.joint(1))  # a batch of one is a batch
    assert math.isfinite(step.total)


def one_of(batch):
    return tuple(part[:1] for part in batch)


@each
def test_a_frozen_module_stands_still_bit_for_bit_and_the_others_move(name, state):
    modules = module_names(loaded(name).model)
    for frozen in modules:
        task = fresh(name)
        take(task, plans.joint(1))  # so that all have moments in an optimizer's memory, and buffers that moved
        before = {module: state(task.model.get_submodule(module)) for module in modules}
        steps = take(task, [Update([module for module in modules if module != frozen])] * 2)
        moved = {m for m in modules if not state.same(before[m], state(task.model.get_submodule(m)))}
        assert moved == set(modules) - {frozen}
        assert all(step.change[frozen] == step.grad_norm[frozen] == 0 for step in steps)


@each
def test_a_saved_run_is_replayed_to_the_same_numbers(name, tmp_path, no_lab_is_left):
    losses, frozen = list(loaded(name).weights or ()), module_names(loaded(name).model)[0]
    lab = LiveLab(load(name))
    lab.run(2)
    lab.controls.set(weight=dict.fromkeys(losses[-1:], 3.0))
    lab.controls.freeze(frozen)
    lab.run(2)
    lab.save(tmp_path / "run.json")
    torch.rand(3)
    again = LiveLab.replay(tmp_path / "run.json", name="again")
    assert again.note == "replayed 4 steps to the same numbers"
    assert all(list(again.history[column]) == list(lab.history[column]) for column in lab.history.columns)
    assert list(lab.history[f"change.{frozen}"] > 0) == [True, True, False, False]


@each
def test_plans_are_compared(name):
    if loaded(name).evaluate is None:
        pytest.skip("it has no metric to compare")
    first, *others = module_names(loaded(name).model)
    arms = {"joint": Arm(plans.joint), "frozen": Arm(partial(plans.alternating, Update(others)))}
    runs = compare(partial(load, name), arms, Budget(steps=2), seeds=[0], progress=False).runs[0]
    assert runs["joint"]["flops"] > runs["frozen"]["flops"] > 0 and runs["joint"]["began"] == runs["frozen"]["began"]


# Looking


@each
def test_looking_changes_nothing_prints_nothing_and_repeats(name, task, state, capsys):
    take(task, plans.joint(2))
    last = list(task.model.children())[-1].eval()  # a mode of the author's own is kept
    before, random = state(task.model), torch.random.get_rng_state()
    if task.evaluate:
        found = task.evaluate(task.model)
        assert found and all(isinstance(value, float) and math.isfinite(value) for value in found.values())
        assert all(0 <= value <= 100 for metric, value in found.items() if metric.endswith("(%)"))
        assert task.evaluate(task.model) == found
    if task.picture:
        picture = task.picture(task.model)
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
        assert np.array_equal(task.picture(task.model), picture)
    modes = {module: module.training for module in task.model.modules()}
    assert not last.training and all(mode for module, mode in modes.items() if module not in set(last.modules()))
    assert state.same(before, state(task.model)) and torch.equal(random, torch.random.get_rng_state())
    assert capsys.readouterr() == ("", "")


# Batches of another form


def others(batch):
    """What somebody may give in the place of a batch, by what is wrong with it."""
    first, *rest = batch
    yield "nothing", None
    yield "empty", ()
    yield "the images alone", first
    yield "a part is missing", (first, *rest[:-1])
    yield "one too many", (first, *rest, first)
    yield "bytes", ((255 * first).byte(), *rest)
    yield "0 to 255", (255 * first / first.max(), *rest)
    yield "flat", (first.flatten(1), *rest)
    yield "no image", (first[:0], *(part[:0] for part in rest))
    yield "other counts", (first[:1], *rest)
    yield "two channels", (first.expand(*first.shape[:-3], 3, -1, -1)[..., :2, :, :], *rest)
    if isinstance(rest[0], torch.Tensor) and not rest[0].is_floating_point():
        yield "labels as floats", (first, rest[0].float(), *rest[1:])
        yield "a label too large", (first, rest[0] + 99, *rest[1:])
        yield "a label below 0", (first, rest[0] - 99, *rest[1:])
    if isinstance(rest[0], (list, tuple)) and isinstance(rest[0][0], Mapping):
        yield "targets without labels", (first, [{"boxes": target["boxes"]} for target in rest[0]])


@pytest.mark.parametrize("name", SMALL)
def test_a_batch_of_another_form_is_refused_before_anything_changes(name, task, state):
    before, random = state(task.model), torch.random.get_rng_state()
    for wrong, batch in others(task.batches(0)):
        try:
            next(train(on(task, batch), plans.joint(1)))
        except ValueError as error:
            assert ", got " in str(error), wrong
        else:
            assert wrong == "other counts" and name == "generation", wrong  # a player's batch has a size of its own
            task.model.load_state_dict(before)
        assert state.same(before, state(task.model)) and torch.equal(random, torch.random.get_rng_state()), wrong
