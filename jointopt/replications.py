"""Published results, and what a record has to show to replicate them. The rules are those of evidence/README.md.

found = records.load("../evidence/depth.json")
replications.fast_rcnn_table_5(found)       # True or False

found is a record's comparisons by the names of its parts, as `jointopt.records.load` gives them.
"""

from collections.abc import Mapping

from jointopt.comparison import Comparison, interval

Record = Mapping[str, Comparison]


def fast_rcnn_table_5(found: Record) -> bool:
    """Of the record `depth`: freezing all eight layers costs accuracy, freezing some of them costs next to none.

    With all eight convolutions frozen the accuracy is lower than with none (interval below 0), and there is a k ≥ 1
    with k layers frozen that loses less than two points against none at fewer FLOPs (`cheap`). Source: Girshick 2015.
    """
    return found["test"].difference("8 frozen", "0 frozen").verdict == "less" and bool(cheap(found))


def cheap(found: Record) -> list[int]:
    """The k ≥ 1 with k layers frozen for less than two points (the 95 % interval is above −2) and for fewer FLOPs."""
    test = found["test"]
    work = {k: test.values(f"{k} frozen", "flops").mean() for k in range(9)}
    less = {k: test.difference(f"{k} frozen", "0 frozen") for k in range(1, 9)}
    return [k for k, loss in less.items() if loss.mean - loss.half > -2 and work[k] < work[0]]


def yosinski(found: Record) -> bool:
    """Of the record `coadaptation`: there is a k at which accuracy `drops`.

    Source: Yosinski et al. 2014, figure 2.
    """
    return bool(drops(found))


def drops(found: Record) -> list[int]:
    """The k, neither the first nor the last of those tried, at which layers come apart.

    "kept k" is below "base" (98.75 % interval below 0, since several k are looked at), and "kept k, all" is above
    "kept k" (95 %), where that was run.
    """
    test = found["test"]
    tried = [k for k in range(1, 9) if f"kept {k}" in test.arms]

    def below(k: int) -> bool:
        mean, half = interval(test.values(f"kept {k}") - test.values("base"), level=0.9875)
        return mean + half < 0

    def won_back(k: int) -> bool:
        again = f"kept {k}, all"
        return again not in test.arms or test.difference(again, f"kept {k}").verdict == "more"

    return [k for k in tried[1:-1] if below(k) and won_back(k)]


def lp_ft(found: Record) -> bool:
    """Of the record `shift`: fine-tuning distorts good features, and training the head first rescues them.

    Over clutter, "all at once" is below "head only", and "head first, then all" is above "all at once", both 95 %
    intervals excluding 0; each arm with its own learning rate (part "test"). Source: Kumar et al. 2022.
    """
    test, clutter = found["test"], "accuracy over clutter (%)"
    distorts = test.difference("all at once", "head only", clutter)
    rescues = test.difference("head first, then all", "all at once", clutter)
    return (distorts.verdict, rescues.verdict) == ("less", "more")
