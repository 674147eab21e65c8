"""The lab's own random numbers are torch's under a seed, and leave torch's alone."""

import torch

from jointopt.live.randomness import OwnRandomness


def test_own_random_numbers_equal_torchs_under_the_same_seed():
    def draw():
        return [torch.nn.functional.dropout(torch.ones(50), 0.5), torch.rand(3), torch.randn(3), torch.randperm(9)] + [
            torch.randint(9, (3,)),
            torch.randint(2, 9, (3,)),
            torch.randint_like(torch.ones(3), 2, 9),
            torch.empty(3).normal_(),
            torch.bernoulli(torch.full((9,), 0.5)),
        ]

    torch.manual_seed(5)
    expected = draw()
    before = torch.random.get_rng_state()
    with OwnRandomness(torch.Generator().manual_seed(5)):
        got = draw()
    assert all(torch.equal(a, b) for a, b in zip(expected, got, strict=True))
    assert torch.equal(before, torch.random.get_rng_state())


def test_dropout_as_a_gpu_does_it_draws_from_the_own_generator_too():
    """torch.native_dropout is what nn.Dropout becomes on a GPU; it can be called on a CPU as well."""
    x = torch.ones(10_000, requires_grad=True)
    before = torch.random.get_rng_state()
    with OwnRandomness(torch.Generator().manual_seed(5)):
        output, mask = torch.native_dropout(x, 0.25, True)
        untouched, _ = torch.native_dropout(x, 0.25, False)
    assert torch.equal(before, torch.random.get_rng_state()) and torch.equal(untouched, x)
    assert torch.equal(output, mask / 0.75) and abs(mask.float().mean() - 0.75) < 0.02
    output.sum().backward()
    assert torch.equal(x.grad, mask / 0.75)
    with OwnRandomness(torch.Generator().manual_seed(5)):
        assert torch.equal(torch.native_dropout(x, 0.25, True)[1], mask)
