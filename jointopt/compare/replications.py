"""Published results, and what a record has to show to replicate them. The rules are those of evidence/README.md.

found = records.load("depth")
replications.fast_rcnn_table_5(found)       # True or False

found is a record's comparisons by the names of its parts, as `jointopt.compare.records.load` gives them.
"""

from collections.abc import Mapping

import numpy as np

from jointopt.checks import listed
from jointopt.compare.result import Comparison
from jointopt.statistics import interval

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


CLOSE = 5  # points of mAP: detectors of equal settings and different seeds are further apart than that


def approximate_joint(found: Record) -> bool:
    """Of the record `four_steps`: joint training comes close to the four steps with a quarter less compute, or more.

    mAP of "joint" less that of "four steps" is above −CLOSE points (95 % interval), at no more than 75 % of the FLOPs.
    Source: Ren et al. 2015, §3.2.
    """
    test = found["test"]
    less = test.difference("joint", "four steps")
    work = {arm: test.values(arm, "flops").mean() for arm in test.arms}
    return bool(less.mean - less.half > -CLOSE and work["joint"] <= 0.75 * work["four steps"])


def fast_rcnn_table_6(found: Record) -> bool:
    """Of the record `multitask`: class and box learned together are better than one after the other.

    mAP of "joint" is above that of "stage-wise" (interval above 0). Source: Girshick 2015.
    """
    return found["test"].difference("joint", "stage-wise").verdict == "more"


def bilinear_game(paths: Mapping[str, np.ndarray]) -> bool:
    """Of min_x max_y x·y, {method: path (steps + 1, 2)}: who spirals out, who circles and who converges.

    After every step the radius of "simultaneous" is larger and that of "extragradient" smaller. The least and the
    largest radius of "alternating" in the second half of its path are those of the first half, to 1 %.
    Exact arithmetic (`jointopt.toys.game`), so there are no seeds. Sources: Mescheder et al. 2018; Gidel et al. 2019.
    """
    radius = {method: np.hypot(*np.transpose(points)) for method, points in paths.items()}
    halves = np.array_split(radius["alternating"], 2)
    ends = [np.array([half.min(), half.max()]) for half in halves]
    circles = np.allclose(ends[1], ends[0], rtol=0.01, atol=0)
    out, inwards = (np.diff(radius[method]) for method in ("simultaneous", "extragradient"))
    return bool((out > 0).all() and circles and (inwards < 0).all())


def kendall_table_1(found: Record) -> bool:
    """Of the record `task_weights`: the weights decide whether a second task helps segmentation.

    Foreground IoU of "equal" is below "alone", and of "learned" above it, both 95 % intervals excluding 0.
    Source: Kendall, Gal and Cipolla 2018.
    """
    test = found["test"]
    return [test.difference(arm, "alone").verdict for arm in ("equal", "learned")] == ["less", "more"]


def mask_r_cnn_table_3(found: Record) -> bool:
    """Of the record `task_weights`: boxes are better where segmentation is learned beside them.

    Box IoU of "equal" is above "boxes alone" (95 % interval). Source: He et al. 2017, who measure a detector's box AP.
    """
    return found["test"].difference("equal", "boxes alone", "box IoU (%)").verdict == "more"


def joint_against(found: Record, better: str = "more") -> dict[str, dict[str, str]]:
    """Of an application's closing table: sense of equal -> other arm -> "wins", "loses" or "undecided", for joint.

    Joint wins where the 95 % interval of joint less the other, seed by seed, excludes 0 on the better side.
    better: "more", or "less" where the held-out figure is a distance. ValueError for anything else, and for a table
    in which joint stands alone.
    """
    if better not in ("more", "less"):
        raise ValueError(f'better is "more" or "less", got {better!r}')
    if len(found["updates"].arms) < 2:
        raise ValueError(f"a closing table has joint and other arms, got {listed(found['updates'].arms)}")
    words = {better: "wins", "undecided": "undecided"}
    return {
        sense: {
            arm: words.get(found[sense].difference("joint", arm).verdict, "loses")
            for arm in found[sense].arms
            if arm != "joint"
        }
        for sense in ("updates", "flops")
    }


def claim(found: Record, better: str = "more") -> str:
    """Of a closing table: whether joint training beats training in parts, by the rule of evidence/README.md.

    "holds" if joint wins against each other arm in both senses of equal; "holds in part" if it wins somewhere and
    loses nowhere; "does not hold" otherwise.
    """
    results = [result for arms in joint_against(found, better).values() for result in arms.values()]
    if all(result == "wins" for result in results):
        return "holds"
    return "holds in part" if "wins" in results and "loses" not in results else "does not hold"
