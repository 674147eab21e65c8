"""The GAN: two players, each on its own loss, and what their samples are measured with."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evidence.experiments import gan_plans
from jointopt import Controls, Update, plans, tasks, train
from jointopt.compare import cost, records
from jointopt.live.lab.engine import Engine
from jointopt.modules import module_names
from jointopt.optimizers import make_optimizer
from jointopt.tasks import generation
from jointopt.tasks.generation import reference

D, G = Update("discriminator", ["discriminator", "penalty"]), Update("generator", "generator")
PLAYERS = ("generator", "discriminator")


@pytest.fixture
def make():
    return partial(tasks.load, "generation", size=8, width=4)


@pytest.fixture
def task(make):
    return make()


def gradients(model):
    return {name: p.grad for name, p in model.named_parameters()}


def by_player(gradients, player):
    return [gradient for name, gradient in gradients.items() if name.startswith(player)]


# The task


def test_the_players_come_in_the_order_of_their_losses(task):
    assert module_names(task.model) == ["generator", "discriminator"]
    assert list(task.weights) == ["generator", "discriminator", "penalty"]


def test_a_batch_is_real_images_and_noise_by_number(make):
    task, again = make(seed=3, size=64), make(seed=3, size=64)
    real, z = task.batches(100)
    assert real.shape == (64, 1, 28, 28) and z.shape == (64, 32) and z.dtype == torch.float32
    assert 0 <= real.min() and 0.9 < real.max() <= 1
    assert all(torch.equal(a, b) for a, b in zip((real, z), again.batches(100), strict=True))
    for other in (task.batches(101), make(seed=4, size=64).batches(100)):
        assert not torch.equal(other[0], real) and not torch.equal(other[1], z)
    many = torch.cat([task.batches(n)[1] for n in range(50)])
    assert many.mean().abs() < 0.01 and (many.std() - 1).abs() < 0.01


def test_it_draws_no_random_numbers_of_the_readers(make):
    torch.manual_seed(5)  # not what loading begins with
    before = torch.random.get_rng_state()
    generation.trained_classifier.cache_clear()
    generation.ruler.cache_clear()
    task = make()
    for _ in train(task, plans.alternating(D, G, steps=2)):
        task.evaluate(task.model), task.picture(task.model)
    assert torch.equal(before, torch.random.get_rng_state())


def test_color_has_three_channels():
    task = tasks.load("generation", data="cluttered", size=2, width=2)
    assert task.batches(0)[0].shape == (2, 3, 28, 28) and task.model(torch.zeros(2, 32)).shape == (2, 3, 28, 28)
    next(train(task, [D]))


# The losses


def test_the_losses_are_those_of_the_papers(task):
    model, (real, z) = task.model, task.batches(0)
    values = {name: loss().item() for name, loss in task.losses(model, (real, z)).items()}
    of_real, of_fake = model.discriminator(real), model.discriminator(model.generator(z))
    entropy = F.binary_cross_entropy_with_logits
    ones, zeros = torch.ones(8, 1), torch.zeros(8, 1)
    assert values["discriminator"] == pytest.approx((entropy(of_real, ones) + entropy(of_fake, zeros)).item(), rel=1e-6)
    assert values["generator"] == pytest.approx(entropy(of_fake, ones).item(), rel=1e-6)
    squares = []
    for image in real:
        image = image[None].clone().requires_grad_()
        model.discriminator(image).backward()
        squares.append(image.grad.square().sum().item())
    assert values["penalty"] == pytest.approx(np.mean(squares) / 2, rel=1e-5)


def test_the_penalty_of_a_linear_discriminator_is_half_its_squared_weights(task):
    linear = nn.Linear(784, 1)
    task.model.discriminator = nn.Sequential(nn.Flatten(), linear)
    penalty = task.losses(task.model, task.batches(0))["penalty"]()
    penalty.backward()
    assert penalty.item() == pytest.approx(0.5 * linear.weight.square().sum().item(), rel=1e-5)
    torch.testing.assert_close(linear.weight.grad, linear.weight)


@pytest.mark.parametrize(
    ("loss", "player"), [("discriminator", "discriminator"), ("penalty", "discriminator"), ("generator", "generator")]
)
def test_each_loss_reaches_its_own_player_only(loss, player, task):
    """Whoever is free to move: nobody is held still here."""
    task.losses(task.model, task.batches(0))[loss]().backward()
    reached = {name.split(".")[0] for name, gradient in gradients(task.model).items() if gradient is not None}
    assert reached == {player}
    assert all(p.requires_grad for p in task.model.parameters())


def test_a_loss_that_is_not_counted_is_not_computed(task):
    d, g = train(task, [D, G])
    assert set(d.losses) == {"discriminator", "penalty"} and set(g.losses) == {"generator"}


# The game


@pytest.mark.parametrize(("update", "player", "other"), [(D, *PLAYERS[::-1]), (G, *PLAYERS)])
def test_in_a_players_turn_the_other_has_no_gradient_and_stands_still(update, player, other, task, state):
    list(train(task, [D, G] * 2))  # so that both have moments in the optimizer
    optimizer = make_optimizer(task.model)
    list(train(task, [D, G], optimizer=optimizer))
    before = state(task.model.get_submodule(other))
    (step,) = train(task, [update], optimizer=optimizer)
    found = gradients(task.model)
    assert all(gradient is None for gradient in by_player(found, other))
    assert all(gradient is not None for gradient in by_player(found, player))
    assert step.moved == (player,) and step.grad_norm[other] == step.change[other] == 0
    assert step.grad_norm[player] > 0 and step.change[player] > 0
    assert state.same(before, state(task.model.get_submodule(other)))


def test_the_alternating_plan_is_the_loop_written_by_hand(make, state):
    task, hand = make(), make()
    list(train(task, plans.alternating(D, D, G, steps=9)))
    generator, discriminator = hand.model.generator, hand.model.discriminator
    of_g, of_d = (torch.optim.RMSprop(player.parameters(), 2e-3) for player in (generator, discriminator))
    for number in range(9):
        real, z = hand.batches(number)
        if number % 3 < 2:
            fake = generator(z).detach()
            loss = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()
            of_d.zero_grad()
            (loss + generation.r1(hand.model, real)).backward()
            of_d.step()
        else:
            of_g.zero_grad()
            F.softplus(-discriminator(generator(z))).mean().backward()
            of_g.step()
    assert state.same(state(task.model), state(hand.model))


def test_the_joint_plan_is_simultaneous_play(make):
    """Each player moves by the slope of its own loss, taken where both stood."""
    task, apart = make(), make()
    (step,) = train(task, plans.joint(1))
    expected = {}
    for update, player in ((D, "discriminator"), (G, "generator")):
        losses = apart.losses(apart.model, apart.batches(0))
        own = dict(apart.model.get_submodule(player).named_parameters(prefix=player))
        slopes = torch.autograd.grad(sum(losses[name]() for name in update.losses), list(own.values()))
        expected |= dict(zip(own, slopes, strict=True))
    assert set(step.moved) == set(PLAYERS)
    for name, gradient in gradients(task.model).items():
        # The noise of tests/jitter is 1e-5 of what an optimizer took, and nothing of what autograd.grad answers.
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("frozen", PLAYERS)
@pytest.mark.parametrize("plan", [lambda: plans.alternating(D, G, steps=6), lambda: plans.joint(6)])
def test_either_player_can_be_frozen_and_the_other_goes_on(plan, frozen, task, state):
    (other,) = set(PLAYERS) - {frozen}
    before = state(task.model.get_submodule(frozen))
    steps = list(train(task, plan(), Controls(frozen=[frozen])))
    assert state.same(before, state(task.model.get_submodule(frozen)))
    assert all(step.grad_norm[frozen] == 0 for step in steps)
    assert sum(step.change[other] > 0 for step in steps) == (3 if steps[0].update == D else 6)


def test_a_weight_of_zero_is_a_game_without_the_penalty(make, state):
    zero, without, heavy = make(penalty=0.0), make(), make(penalty=30.0)
    list(train(zero, plans.alternating(D, G, steps=4)))
    list(train(without, plans.alternating(Update("discriminator", "discriminator"), G, steps=4)))
    assert state.same(state(zero.model), state(without.model))
    last = [
        list(train(heavy, [D] * 40))[-1].losses["penalty"],
        list(train(make(penalty=0.0), [D] * 40))[-1].losses["penalty"],
    ]
    assert last[0] < 0.2 * last[1]


def test_the_penalty_costs_and_the_generators_turn_needs_no_slopes_of_the_discriminator(task):
    plain, _ = cost(task, Update("discriminator", "discriminator"))
    assert cost(task, D)[0] > 1.5 * plain > 0
    assert cost(task, G)[1] == ("generator",)


def test_the_lab_measures_a_block_for_each_player(make):
    task = make()
    engine = Engine(task, plans.alternating(D, G))
    for _ in range(4):
        engine.step(measure=lambda update: True)
    blocks = {("discriminator", "discriminator"), ("penalty", "discriminator"), ("generator", "generator")}
    assert set(engine.influence()) == blocks
    loop = make()
    list(train(loop, plans.alternating(D, G, steps=4)))
    assert all(torch.equal(a, b) for a, b in zip(task.model.parameters(), loop.model.parameters(), strict=True))


def test_it_learns():
    task = tasks.load("generation", seed=0)
    first = task.evaluate(task.model)["Fréchet distance"]
    list(train(task, plans.alternating(D, G, steps=200)))
    after = task.evaluate(task.model)
    assert reference()["Fréchet distance"] < 30 < after["Fréchet distance"] < 0.5 * first
    assert after["classes covered"] >= 5


# Bad input


@pytest.mark.parametrize(
    ("real", "z", "message"),
    [
        (
            torch.rand(4, 1, 32, 32),
            torch.rand(4, 32),
            r"real images must be float \(B, 1, 28, 28\), got .*\(4, 1, 32, 32\)",
        ),
        (
            torch.rand(4, 3, 28, 28),
            torch.rand(4, 32),
            r"real images must be float \(B, 1, 28, 28\), got .*\(4, 3, 28, 28\)",
        ),
        (torch.rand(1, 28, 28), torch.rand(4, 32), r"real images must .* got .*\(1, 28, 28\)"),
        (torch.rand(0, 1, 28, 28), torch.rand(4, 32), r"real images must .* got .*\(0, 1, 28, 28\)"),
        (torch.ones(4, 1, 28, 28, dtype=torch.uint8), torch.rand(4, 32), "real images must .* got uint8"),
        (torch.rand(4, 1, 28, 28), torch.rand(4, 31), r"noise must be float \(B, 32\), got .*\(4, 31\)"),
        (torch.rand(4, 1, 28, 28), torch.rand(0, 32), r"noise must be .* got .*\(0, 32\)"),
        (torch.rand(4, 1, 28, 28), torch.tensor(1.0), r"noise must be .* got .*\(\)"),
        (torch.rand(4, 1, 28, 28), None, r"noise must be float \(B, 32\), got NoneType"),
    ],
)
@pytest.mark.parametrize("update", [D, G])
def test_a_batch_of_another_form_is_refused_before_anything_changes(real, z, message, update, task, state):
    before = state(task.model)
    with pytest.raises(ValueError, match=message):
        next(train(replace(task, batches=lambda n: (real, z)), [update]))
    assert state.same(before, state(task.model))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 4001}, "size must be a whole number from 1 to 4000, got 4001"),
        ({"width": 0}, "width must be a whole number ≥ 1, got 0"),
        ({"width": 1.5}, "width must be a whole number ≥ 1, got 1.5"),
        ({"penalty": -1.0}, "weight λ of 'penalty' must be a finite number ≥ 0, got -1.0"),
    ],
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        tasks.load("generation", **options)


# The record of k and λ


def test_the_record_has_k_updates_of_the_discriminator_for_each_of_the_generator():
    found = records.load("gan_plans")["test"]
    spent = {arm: found.runs[10][arm]["updates"] for arm in found.arms}
    for k in gan_plans.KS:
        moved = spent[f"k {k}"]
        assert moved["discriminator"] == pytest.approx(k * moved["generator"], abs=k)
