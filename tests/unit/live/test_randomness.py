"""The lab's own random numbers are torch's under a seed, and leave torch's alone."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jointopt.live.lab.randomness import NEVER_RANDOM, OwnRandomness

ONES = torch.ones(50)


def lstm(x):
    layer = nn.LSTM(3, 4, num_layers=2, dropout=0.5)
    for p in layer.parameters():
        nn.init.normal_(p)
    return layer(x)[0].detach()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: F.dropout(ONES, 0.5),
        lambda: F.dropout(ONES.clone(), 0.5, inplace=True),
        lambda: F.dropout2d(torch.ones(1, 50, 2, 2), 0.5),
        lambda: F.alpha_dropout(ONES, 0.5, True),
        lambda: F.feature_alpha_dropout(torch.ones(1, 50, 2, 2), 0.5, True),
        lambda: F.scaled_dot_product_attention(*torch.ones(3, 1, 9, 4), dropout_p=0.5),
        lambda: F.gumbel_softmax(ONES),
        lambda: F.rrelu(-ONES, training=True),
        lambda: lstm(torch.ones(5, 1, 3)),
        lambda: torch.rand(9),
        lambda: torch.rand(9, out=torch.empty(9)),
        lambda: torch.rand_like(ONES),
        lambda: torch.randn(9),
        lambda: torch.randn(9, out=torch.empty(9)),
        lambda: torch.randn_like(ONES),
        lambda: torch.randperm(9),
        lambda: torch.randperm(9, out=torch.empty(9, dtype=torch.int64)),
        lambda: torch.randint(900, (9,)),
        lambda: torch.randint(2, 900, (9,)),
        lambda: torch.randint(2, 900, (9,), out=torch.empty(9, dtype=torch.int64)),
        lambda: torch.randint_like(ONES, 900),
        lambda: torch.randint_like(ONES, 2, 900),
        lambda: torch.normal(ONES, ONES),
        lambda: torch.normal(0.0, ONES),
        lambda: torch.normal(0.0, 1.0, (9,)),
        lambda: torch.bernoulli(ONES / 2),
        lambda: torch.multinomial(ONES, 20),
        lambda: torch.poisson(9 * ONES),
        lambda: torch.binomial(9 * ONES, ONES / 2),
        lambda: torch.empty(9).normal_(),
        lambda: torch.empty(9).uniform_(2, 3),
        lambda: torch.empty(9).random_(),
        lambda: torch.empty(9).random_(5, 900),
        lambda: torch.empty(9).bernoulli_(0.5),
        lambda: torch.empty(9).exponential_(),
        lambda: torch.empty(9).geometric_(0.1),
        lambda: torch.empty(9).cauchy_(),
        lambda: torch.empty(9).log_normal_(),
        lambda: nn.init.kaiming_uniform_(torch.empty(3, 3)),
        lambda: nn.init.trunc_normal_(torch.empty(9)),
        lambda: torch.distributions.Gamma(ONES, ONES).sample(),
        lambda: torch.distributions.Categorical(logits=ONES).sample((9,)),
    ],
)
def test_own_random_numbers_equal_torchs_under_the_same_seed(draw):
    torch.manual_seed(5)
    expected, again = draw(), draw()
    before = torch.random.get_rng_state()
    with OwnRandomness(torch.Generator().manual_seed(5)):
        assert torch.equal(draw(), expected) and torch.equal(draw(), again)
    assert not torch.equal(expected, again)  # it does draw
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_generator_that_is_given_is_used():
    expected = torch.rand(9, generator=torch.Generator().manual_seed(3))
    own = torch.Generator().manual_seed(5)
    before = own.get_state()
    with OwnRandomness(own):
        assert torch.equal(torch.rand(9, generator=torch.Generator().manual_seed(3)), expected)
    assert torch.equal(own.get_state(), before)


def test_what_is_not_looked_into_takes_no_generator():
    """A function that draws must not be in the list: one named like an operation that draws is a mistake there."""
    names = {name.split("::")[1].split(".")[0] for name in torch._C._dispatch_get_all_op_names() if "aten::" in name}
    drawing = {
        name
        for name in names
        if any(
            torch.Tag.nondeterministic_seeded in getattr(packet, overload).tags
            for packet in [getattr(torch.ops.aten, name)]
            for overload in packet.overloads()
        )
    }
    assert {"rand", "bernoulli_", "dropout"} <= drawing
    assert not drawing & {getattr(func, "__name__", "") for func in NEVER_RANDOM}


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
