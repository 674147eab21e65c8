"""Run chapters, each in a fresh kernel, and keep their outputs in place, as they are committed.

Prints each chapter's seconds and its kernel's peak memory. A chapter with an error in a cell is not written.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parents[1]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
MAX_SECONDS, MAX_BYTES = 45, 1.2e9
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},  # no version: it would differ from machine to machine
}


def run(path: Path) -> tuple[nbformat.NotebookNode, float, float]:
    """Execute a notebook in its own folder. Returns it, its seconds and its kernel's peak memory in bytes."""
    memory = []
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=600,  # seconds a cell
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_executed=lambda **_: memory.append(peak_memory(client.km.provisioner.pid)),
    )
    start = time.perf_counter()
    notebook = client.execute()
    return notebook, time.perf_counter() - start, max(memory, default=0.0)


def peak_memory(pid: int) -> float:
    """Largest resident memory of a living process, in bytes; nan where there is no /proc (macOS, Windows)."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024.0 for line in lines if line.startswith("VmHWM")), float("nan"))


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what is true of this run or this machine only, in place.

    A committed widget view names a model that no other kernel has, which JupyterLab shows as an error.
    ValueError if this machine's path stands in an output that nbval compares.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            if "traceback" in output:
                output.traceback = [line.replace(f"{ROOT}{os.sep}", "") for line in output.traceback]
            if str(ROOT) in str(output):
                raise ValueError(f"cell {number}: the output holds this machine's path {ROOT}")


def main() -> int:
    """Execute, clean and write the notebooks. Returns how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=sorted((ROOT / "notebooks").glob("*.ipynb")))
    parser.add_argument("--check-limits", action="store_true", help="more than 45 s or 1.2 GB is a failure too")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # as in the tests, so that the numbers agree
    failures = 0
    for path in options.files:
        try:
            notebook, seconds, peak = run(path)
            clean(notebook)
        except (CellExecutionError, CellTimeoutError, DeadKernelError, ValueError) as error:
            print(f"{path.name}: not written\n{error}", file=sys.stderr)
            failures += 1
            continue
        nbformat.write(notebook, path)
        too_much = options.check_limits and (seconds > MAX_SECONDS or peak > MAX_BYTES)
        note = " (over the limit)" if too_much else ""
        print(f"{path.name}: {seconds:.0f} s, {peak / 1e9:.2f} GB{note}", flush=True)
        failures += too_much
    return failures


if __name__ == "__main__":
    sys.exit(main())
