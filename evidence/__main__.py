"""Make the records of chapters 1 and 4: `python -m evidence`; or those that are named, alone or as a group:
`python -m evidence applications`, `python -m evidence depth shift`. With --slices, the runs are kept, and only the
slice that a test makes again is measured anew; with --verdicts, only what the records decide is, and answers.json, the
verdicts on the document's §8.

Exit code 1 if a record that was there differs by more than the tolerance.
"""

import argparse
import sys
from collections.abc import Sequence
from itertools import chain

from evidence import again, answers, record
from jointopt.compare import records

# In this order: what `tuning` finds, others use; and so of `detection` and `segmentation`.
PLANS = ("objective", "tuning", "budgets", "labels", "width", "depth", "shift", "coadaptation", "head_gradient")
APPLICATIONS = ("classification", "pretrained", "detection", "detection_recipe", "four_steps", "exact", "multitask")
APPLICATIONS += ("detectors", "segmentation", "segmentation_recipe", "task_weights", "generation", "gan_plans")
APPLICATIONS += ("gan_recipe",)
FRONTIERS = ("optimizers", "imagenet", "search", "captions", "speech", "interpretability", "parity", "curriculum")
FRONTIERS += ("trust", "stability", "greedy")
GROUPS = {"plans": PLANS, "applications": APPLICATIONS, "frontiers": FRONTIERS}  # chapters 1 and 4, 5 to 8, 9 to 11
NAMES = PLANS + APPLICATIONS + FRONTIERS
Means = dict[tuple[str, str, str], float]  # (part, arm, held-out metric) -> mean over the seeds


def means(name: str) -> Means:
    """Means of the existing record; none where there is none, or one that cannot be trusted, which is reported."""
    if not (records.FOLDER / f"{name}.json").exists():
        return {}
    try:
        comparisons = records.load(name)
    except ValueError as error:
        print(f"{name}: {error}; it is made as if there were none")
        return {}
    return {
        (part, arm, metric): float(comparison.values(arm, metric).mean())
        for part, comparison in comparisons.items()
        for arm in comparison.arms
        for metric in comparison.metrics
    }


def compared(before: Means, after: Means) -> tuple[str, bool]:
    """(how far the means are from those before, in words; whether that is within the tolerance)."""
    if not before:
        return "new", True
    gone = [key for key in before if key not in after]
    if gone:
        return f"{len(gone)} of {len(before)} means of the record before are gone, {', '.join(gone[0])} for one", False
    apart = {key: record.apart(key[2], value, after[key]) for key, value in before.items()}
    worst = max(apart, key=apart.get)
    words = f"means within {apart[worst]:.2f} of the tolerance of the record before"
    return (words if apart[worst] <= 1 else f"{words} ({', '.join(worst)})"), apart[worst] <= 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Make each record and compare it with the one before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["plans"], help=", ".join((*GROUPS, *NAMES)))
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--slices", action="store_true", help="keep the runs, measure what a test makes again")
    only.add_argument("--verdicts", action="store_true", help="keep the runs, judge them anew")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    names = list(chain.from_iterable(GROUPS.get(name, [name]) for name in options.names))
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"no record is named {unknown[0]!r}; choose among {', '.join((*GROUPS, *NAMES))}")
    agree = True
    for name in names:
        if options.verdicts:
            record.judge(name)
            continue
        if not options.slices:
            before = means(name)
            seconds = record.make_record(name, options.processes)
            words, within = compared(before, means(name))
            print(f"{name}: {seconds:.0f} s, {words}")
            agree = agree and within
        again.keep(name, options.processes)
    if options.verdicts:
        answers.write()
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
