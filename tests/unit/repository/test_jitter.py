"""The imitation of another processor: small noise that is a function of the gradient, in every process."""

import subprocess
import sys

import jitter
import joblib
import pytest
import torch
from joblib.externals.loky import get_reusable_executor
from labtools import take

from jointopt import plans
from jointopt.optimizers import make_optimizer

GRADIENT = torch.randn(100_000, generator=torch.Generator().manual_seed(0))


def relative(seed, size=1e-3):
    return (jitter.jittered(GRADIENT, seed, size) / GRADIENT - 1) / size


def test_the_noise_is_even_between_minus_one_and_one_and_another_for_each_seed():
    first, second = relative(1), relative(2)
    for noise in (first, second):
        assert (
            noise.abs().max() <= 1.001 and abs(noise.mean()) < 0.01 and noise.std() == pytest.approx(3**-0.5, rel=0.01)
        )
    assert abs(torch.corrcoef(torch.stack([first, second]))[0, 1]) < 0.02
    assert torch.equal(first, relative(1))


def test_neighbors_get_different_noise():
    close = torch.arange(1, 10_001, dtype=torch.int32).add(0x3F800000).view(torch.float32)  # 1 and the floats above it
    noise = (jitter.jittered(close, 1, 1e-3) / close - 1) / 1e-3
    assert abs(torch.corrcoef(torch.stack([noise[1:], noise[:-1]]))[0, 1]) < 0.05


def test_zeros_and_what_is_not_finite_stay():
    special = torch.tensor([0.0, -0.0, torch.inf, -torch.inf])
    assert torch.equal(jitter.jittered(special, 1, 1e-3), special)
    assert jitter.jittered(torch.tensor([torch.nan]), 1, 1e-3).isnan().all()


def weights(task, **options):
    take(task, plans.joint(5), **options)
    return torch.cat([p.detach().ravel() for p in task.model.parameters()])


def test_a_run_differs_and_always_in_the_same_way(make, monkeypatch):
    monkeypatch.setattr(jitter, "_noise", None)
    plain = weights(make())
    with jitter.noise(1):
        first, again = weights(make()), weights(make())
    with jitter.noise(2):
        second = weights(make())
    assert torch.equal(first, again) and torch.equal(plain, weights(make()))
    for other in (first, second):
        assert not torch.equal(plain, other)
        torch.testing.assert_close(plain, other, atol=1e-2, rtol=0)
    assert not torch.equal(first, second)


def test_two_optimizers_get_the_noise_of_one(make):
    """Noise that counted an optimizer's steps would part a GAN by hand from train()."""
    tasks = make(), make()
    with jitter.noise(1):
        for task, whole in zip(tasks, (True, False), strict=True):
            torch.manual_seed(0)
            sum(task.losses(task.model, task.batches(0)).values()).backward()
            parts = [task.model] if whole else [*task.model.children()][:2]
            for part in parts:
                make_optimizer(part, "SGD").step()
    one, two = (torch.cat([p.detach().ravel() for p in [*task.model.encoder.parameters()]]) for task in tasks)
    assert torch.equal(one, two)


def test_float64_is_left_alone(make):
    task = make()
    task.model.double()
    for p in task.model.parameters():
        p.grad = torch.ones_like(p)
    with jitter.noise(1):
        make_optimizer(task.model, "SGD").step()
    assert all((p.grad == 1).all() for p in task.model.parameters())


SEEN = """
import torch
p = torch.nn.Parameter(torch.ones(3))
p.grad = torch.tensor([1.0, 2.0, 3.0])
torch.optim.SGD([p], lr=1.0).step()
print(p.grad.tolist())
"""


def gradient():
    p = torch.nn.Parameter(torch.ones(3))
    p.grad = torch.tensor([1.0, 2.0, 3.0])
    torch.optim.SGD([p], lr=1.0).step()
    return p.grad.tolist()


def test_each_process_that_is_started_has_the_noise(monkeypatch):
    monkeypatch.setenv("JITTER", "4")
    monkeypatch.setenv("JITTER_SIZE", "1e-3")
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr(jitter, "_noise", None)
    jitter.install()
    here = gradient()
    assert here != [1, 2, 3] and here == pytest.approx([1, 2, 3], rel=1.1e-3)
    script = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True)
    assert script.stdout.strip() == str(here)
    get_reusable_executor().shutdown(wait=True)  # its workers may be older than the noise
    job = joblib.delayed(eval)(f"(exec({SEEN.replace('print(', 'found = (')!r}, scope := {{}}), scope['found'])[1]")
    assert joblib.Parallel(2)([job, job]) == [here, here]
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize("seed", ["x", "-1", "1.5", "²", " "])
def test_a_wrong_seed_is_refused(seed, monkeypatch):
    monkeypatch.setenv("JITTER", seed)
    with pytest.raises(ValueError, match="JITTER is the seed of the noise, a whole number ≥ 0, got"):
        jitter.asked()


@pytest.mark.parametrize("size", ["x", "nan", "inf", "-1e-5", "1", "1e-8"])
def test_a_wrong_size_is_refused(size, monkeypatch):
    monkeypatch.setenv("JITTER", "1")
    monkeypatch.setenv("JITTER_SIZE", size)
    with pytest.raises(ValueError, match="JITTER_SIZE is the size of the noise, 0 or from 1e-07 to below 1, got"):
        jitter.asked()


def test_without_a_seed_there_is_no_noise(monkeypatch):
    monkeypatch.setenv("JITTER", "")
    assert jitter.asked() is None
