"""Make the records: `python -m evidence`, all of them, or `python -m evidence depth shift`.

Exit code 1 if a record that was there differs by more than its tolerance.
"""

import argparse
import sys
from importlib import import_module

import numpy as np

from evidence.record import FOLDER, comparisons, make_record

# In this order: what `settings` finds, others use.
NAMES = ("objective", "settings", "budgets", "labels", "width", "depth", "shift", "coadaptation", "head_gradient")
TOLERANCE = 3.0  # points between the means of an arm: sums differ in the last digits from one processor to the next


def means(name: str) -> dict[tuple[str, str], float]:
    """(part, arm) -> mean of the first held-out figure, of the record that is there."""
    if not (FOLDER / f"{name}.json").exists():
        return {}
    return {(part, arm): found.mean(arm).mean for part, found in comparisons(name).items() for arm in found.arms}


def main() -> int:
    """Make each record and compare it with the one before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, help=", ".join(NAMES))
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    worst = 0.0
    for name in options.names:
        before = means(name)
        seconds = make_record(import_module(f"evidence.{name}"), options.processes)
        after = means(name)
        apart = max((abs(after.get(arm, np.inf) - before[arm]) for arm in before), default=0.0)
        said = f"means within {apart:.2f} points of the record before" if before else "new"
        print(f"{name}: {seconds:.0f} s, {said}")
        worst = max(worst, apart)
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
