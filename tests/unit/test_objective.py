"""The objective agrees with torch's own weight decay and with sums written by hand."""

import torch
from torch import nn

from jointopt import objective


def test_total_is_the_weighted_sum_of_what_is_counted():
    losses = {"task": torch.tensor(2.0), "reg": torch.tensor(10.0), "extra": torch.tensor(1.0)}
    assert objective.total(losses, {"reg": 0.5}) == 2 + 5 + 1
    assert objective.total(losses, {"reg": 0.5}, {"reg", "task"}) == 7


def test_l2_is_the_weight_decay_of_sgd():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3).double(), nn.Linear(5, 3).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(4, 5).double()
    with_loss = torch.optim.SGD(ours.parameters(), lr=0.1)
    with_decay = torch.optim.SGD(theirs.parameters(), lr=0.1, weight_decay=0.3)
    for _ in range(5):
        for model, optimizer, reg in ((ours, with_loss, 0.3), (theirs, with_decay, 0.0)):
            optimizer.zero_grad()
            (model(x).square().mean() + reg * objective.l2(model)).backward()
            optimizer.step()
    assert torch.allclose(ours.weight, theirs.weight, rtol=1e-5, atol=1e-7)


def test_l2_counts_a_shared_parameter_once():
    a, b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    b.weight = a.weight
    assert objective.l2(a, b) == objective.l2(a)


def test_the_contrastive_loss_is_that_of_rows_and_columns_written_out():
    scores = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0], [1.5, 0.0, -2.0]])
    loss = 0.0
    for pair in range(3):
        row, column = scores[pair].exp(), scores[:, pair].exp()
        loss -= (torch.log(row[pair] / row.sum()) + torch.log(column[pair] / column.sum())) / 6
    assert torch.allclose(objective.contrastive(scores), loss)
    assert torch.allclose(objective.contrastive(scores.T), loss)
    assert objective.contrastive(torch.tensor([[5.0]])) == 0  # one pair has no other to be confused with
