"""What a step costs on one process and on two, with DistributedDataParallel; `machines.json` keeps both for chapter 9.

    python -m benchmarks.machines   measures, and writes the file

A step of n machines that share a batch is taken to last a / n + c · 2 (n − 1) / n seconds: a for what one process
computes on the whole batch, c for sending all gradients once, of which each machine of a ring sends 2 (n − 1) / n. Two
measurements give a and c. Source of the ring: Patarasu and Yuan, J. Parallel Distrib. Comput. 69 (2009).
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import distributed

ROOT = Path(__file__).parents[1]
FILE = Path(__file__).with_suffix(".json")
SIZE, STEPS = 64, 60


def measured(processes: int) -> float:
    """CPU seconds of a step in each process: the least of STEPS. The clock would measure what else the machine does."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    output = subprocess.run([*start, "-m", "benchmarks.machines", "worker"], cwd=ROOT, check=True, capture_output=True)
    return float(output.stdout)


def worker() -> None:
    """In each process: forward and backward of its share, gradients averaged; the first one prints the seconds."""
    from examples import ddp

    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    task, seconds = ddp.shared(ddp.load(SIZE)), []
    for number in range(STEPS):
        batch = task.batches(number)
        task.model.zero_grad()
        distributed.barrier()
        start = time.process_time()
        sum(task.losses(task.model, batch).values()).backward()
        seconds.append(time.process_time() - start)
    slowest = torch.tensor(seconds)
    distributed.all_reduce(slowest, distributed.ReduceOp.MAX)
    if distributed.get_rank() == 0:
        print(slowest.min().item())
    distributed.destroy_process_group()


def main() -> None:
    """Write the file."""
    kept = {"size": SIZE, "cores": os.cpu_count(), "torch": torch.__version__.partition("+")[0]}
    kept["seconds"] = {str(n): measured(n) for n in (1, 2)}
    FILE.write_text(json.dumps(kept, indent=1) + "\n")
    print(FILE.read_text())


if __name__ == "__main__":
    worker() if sys.argv[1:] == ["worker"] else main()
