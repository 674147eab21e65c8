"""Random numbers of one's own for a while, and the reader's afterwards."""

import pytest
import torch

from jointopt.system import seeded


def test_seeded_draws_what_manual_seed_draws_and_leaves_the_readers_numbers():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    with seeded(3):
        assert torch.equal(torch.rand(4), expected)
    assert torch.equal(torch.random.get_rng_state(), before) and torch.initial_seed() == 5


def test_the_readers_numbers_come_back_after_an_error_and_one_seed_within_another():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    with pytest.raises(KeyError), seeded(3):
        first = torch.rand(1)
        with seeded(4):
            torch.rand(1)
        assert not torch.equal(torch.rand(1), first)
        raise KeyError
    assert torch.equal(torch.random.get_rng_state(), before)
