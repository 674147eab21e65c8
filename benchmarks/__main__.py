"""`python -m benchmarks [loops] [lab] [branches] [sizes] [sweep]` prints a table: what is compared, bound, measured."""

import argparse
import os
import sys
import time
from importlib import import_module

import torch

from benchmarks.measure import table

PARTS = ("loops", "lab", "branches", "sizes", "sweep")


def main() -> None:
    """Measure the parts that are named, or all, and print the table and what there is to say of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "all"], default="all")
    chosen = parser.parse_args().parts
    rows, notes = [], []
    for part in PARTS if "all" in chosen else chosen:
        start = time.monotonic()
        print(f"measuring: {part} …", file=sys.stderr, flush=True)
        try:
            more_rows, more_notes = import_module(f"benchmarks.{part}").run()
        except Exception as error:  # say so in the output, and measure the rest
            more_rows, more_notes = [], [f"NOT MEASURED: {part}: {type(error).__name__}: {error}"]
        rows += more_rows
        notes += more_notes
        print(f"measured: {part}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"torch {torch.__version__}, {os.cpu_count()} cores{load}; training on one thread.")
    print("The two sides of a ratio run in turn, A B A B …, in one process; its median is compared with the bound.")
    print("", table(rows), "", *notes, sep="\n")


main()
