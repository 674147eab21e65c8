"""`python -m benchmarks [loops] [lab] [sizes]` prints one table: what is compared, the bound, what was measured."""

import argparse
import os
import sys
import time
from importlib import import_module

import torch

from benchmarks.measure import table

PARTS = ("loops", "lab", "sizes")


def main() -> None:
    """Measure the parts that are named, all of them without a name, and print the table and the notes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="only these (default: all)")
    rows, notes = [], []
    for part in parser.parse_args().parts or PARTS:
        start = time.monotonic()
        print(f"measuring: {part} …", end=" ", file=sys.stderr, flush=True)
        more_rows, more_notes = import_module(f"benchmarks.{part}").run()
        rows += more_rows
        notes += more_notes
        print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"torch {torch.__version__}, {os.cpu_count()} cores{load}; training on one thread.")
    print("A ratio's two sides run in turn, A B A B …, in one process; its median is compared with the bound.\n")
    print(table(rows))
    print("", *notes, sep="\n")


main()
