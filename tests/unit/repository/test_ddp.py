"""examples/ddp.py in two processes: the gradient of one process, by a loop of torch alone; names, freezing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from jointopt import tasks

EXAMPLES = Path(__file__).parents[3] / "examples"
WORKER = """
import json, sys
import torch
from torch import distributed

sys.path.insert(0, sys.argv[1])
import ddp

torch.set_num_threads(1)
distributed.init_process_group("gloo")
cases = {f"{size} {scaled}": ddp.gradient(ddp.shared(ddp.load(size), scaled)) for size, scaled in ddp.CASES}
torch.save(cases, f"{sys.argv[2]}/{distributed.get_rank()}.pt")
with open(f"{sys.argv[2]}/{distributed.get_rank()}.json", "w") as file:
    json.dump(ddp.moved(), file)
distributed.destroy_process_group()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(gradients by case, modules that moved in each step), of both processes."""
    folder = tmp_path_factory.mktemp("ddp")
    (folder / "worker.py").write_text(WORKER)
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run([*start, folder / "worker.py", EXAMPLES, folder], check=True, capture_output=True, timeout=600)
    gradients = [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]
    return gradients, [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def alone(size):
    """The gradient of J on the whole batch, by torch."""
    task = tasks.load("classification", seed=0, size=size)
    model = task.model
    model.classifier.dropout.p = 0.0
    inputs, labels = task.batches(0)
    decay = 1e-4 * sum(p.square().sum() for p in model.parameters()) / 2
    (F.cross_entropy(model(inputs), labels) + decay).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


@pytest.mark.parametrize(("case", "equal"), [("32 False", True), ("33 False", False), ("33 True", True)])
def test_of_equal_shares_the_average_is_the_gradient_and_unequal_ones_have_to_be_scaled(made, case, equal):
    expected = alone(int(case.split()[0]))
    for gradients in made[0]:
        # 1e-5 of each number is the noise of tests/jitter: that of train() has it, as an optimizer took it.
        assert torch.allclose(gradients[case], expected, rtol=1e-5, atol=1e-6) == equal
        assert torch.allclose(gradients[case], expected, atol=0.01)  # wrong in the average alone


def test_both_processes_have_one_gradient(made):
    first, second = made[0]
    assert first.keys() == second.keys() and all(torch.equal(first[case], second[case]) for case in first)


def test_modules_have_their_names_and_freeze_by_them_in_both_processes(made):
    both = ["feature_extractor", "classifier"]
    assert made[1] == [[both, both, ["classifier"], ["classifier"]]] * 2
