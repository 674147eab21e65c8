"""Taking turns is not freezing: a GAN with BatchNorm equals the loop of every GAN."""

import pytest
import torch
from labtools import everything, run, same
from torch import nn
from torch.nn import functional as F

from jointopt import Controls, Task, Update, plans, tasks
from jointopt.live.lab import LiveLab


class DCGAN(nn.Module):
    """In small, with BatchNorm in both players."""

    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(
            nn.ConvTranspose2d(8, 16, 4), nn.BatchNorm2d(16), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh()
        )
        self.discriminator = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 4), nn.Flatten()
        )


def gan():
    torch.manual_seed(0)
    model = DCGAN()

    def batches(number):
        generator = torch.Generator().manual_seed(number)
        return torch.rand(16, 1, 8, 8, generator=generator) * 2 - 1, torch.randn(16, 8, 1, 1, generator=generator)

    def losses(model, batch):
        real, noise = batch

        def against(images, label):
            scores = model.discriminator(images)
            return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))

        return {
            "discriminator": lambda: against(real, 1.0) + against(model.generator(noise).detach(), 0.0),
            "generator": lambda: against(model.generator(noise), 1.0),
        }

    return Task(model, losses, batches, optimizer="Adam", optimizer_options={"lr": 2e-4, "betas": (0.5, 0.999)})


def standard_loop(task, pairs):
    """As PyTorch's own tutorial of DCGAN: two optimizers, all in train mode, D's step and then G's."""
    G, D = task.model.generator, task.model.discriminator
    options = {"lr": 2e-4, "betas": (0.5, 0.999), "fused": True}
    of_d, of_g = torch.optim.Adam(D.parameters(), **options), torch.optim.Adam(G.parameters(), **options)
    totals = []
    for pair in range(pairs):
        real, noise = task.batches(2 * pair)
        D.zero_grad()
        on_real, on_fake = D(real), D(G(noise).detach())
        loss = F.binary_cross_entropy_with_logits(on_real, torch.ones_like(on_real))
        loss = loss + F.binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake))
        loss.backward()
        of_d.step()
        _, noise = task.batches(2 * pair + 1)
        G.zero_grad()
        on_fake = D(G(noise))
        other = F.binary_cross_entropy_with_logits(on_fake, torch.ones_like(on_fake))
        other.backward()
        of_g.step()
        totals += [loss.item(), other.item()]
    return totals


def turns(**options):
    return [Update(player, player, **options) for player in ("discriminator", "generator")]


def test_players_with_normalization_equal_the_loop_of_every_gan_bit_for_bit():
    ours, theirs = gan(), gan()
    totals = [step.total for step in run(ours, plan=plans.alternating(*turns(hold_normalization=False), steps=40))]
    assert totals == standard_loop(theirs, 20)
    assert same(everything(ours.model), everything(theirs.model))


def test_held_they_do_not():
    """What the option is there for: by default a player that waits is held in eval mode, as what is frozen is."""
    ours, theirs = gan(), gan()
    statistics = everything(ours.model.discriminator[1])["running_mean"]
    run(ours, plan=[turns()[1]] * 5)
    assert torch.equal(statistics, ours.model.discriminator[1].running_mean)
    totals = [step.total for step in run(gan(), plan=plans.alternating(*turns(), steps=40))]
    assert abs(totals[-1] - standard_loop(theirs, 20)[-1]) > 0.03


def test_a_player_that_a_person_freezes_is_held_whole_in_either_case():
    task = gan()
    before = everything(task.model.discriminator)
    run(
        task,
        plan=plans.alternating(*turns(hold_normalization=False), steps=10),
        controls=Controls(frozen="discriminator"),
    )
    assert same(before, everything(task.model.discriminator))


def test_turns_are_saved_and_replayed(tmp_path, no_lab_is_left):
    lab = LiveLab(gan(), plans.alternating(*turns(hold_normalization=False)), name="turns")
    lab.run(6)
    lab.save(tmp_path / "run.json")
    again = LiveLab.replay(tmp_path / "run.json", task=gan(), name="again")
    assert again.note == "replayed 6 steps to the same numbers"
    assert {update.hold_normalization for update in again.engine.updates} == {False}


def test_what_is_neither_true_nor_false_is_refused():
    with pytest.raises(ValueError, match="hold_normalization must be True or False, got 'no'"):
        Update("generator", hold_normalization="no")


def test_the_task_of_chapter_8_with_normalization_equals_that_loop():
    """Its losses hold the other player's weights alone, so that BatchNorm may be put into it."""

    def normalized():
        torch.manual_seed(0)
        task = tasks.load("generation", size=8, width=4)
        task.model.generator.insert(2, nn.BatchNorm2d(16))
        task.model.discriminator.insert(3, nn.BatchNorm2d(8))
        return task

    ours, theirs = normalized(), normalized()
    totals = [step.total for step in run(ours, plan=plans.alternating(*turns(hold_normalization=False), steps=10))]
    g, d = theirs.model.generator, theirs.model.discriminator
    of_d, of_g = (torch.optim.RMSprop(player.parameters(), lr=2e-3) for player in (d, g))
    expected = []
    for number in range(0, 10, 2):
        real, z = theirs.batches(number)
        of_d.zero_grad()
        fake = g(z).detach()
        loss = F.softplus(-d(real)).mean() + F.softplus(d(fake)).mean()
        loss.backward()
        of_d.step()
        _, z = theirs.batches(number + 1)
        of_g.zero_grad()
        other = F.softplus(-d(g(z))).mean()
        other.backward()
        of_g.step()
        expected += [loss.item(), other.item()]
    assert totals == expected and same(everything(ours.model), everything(theirs.model))
