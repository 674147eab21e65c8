"""Records: what came out, with all that is needed to make it again. One JSON file per experiment.

An experiment is a module of evidence/experiments with
  parts(comparisons)  yields (name, Part), each of them one `jointopt.compare.compare`; it is given the comparisons of
                      the parts before: those that chose the hyperparameters, say
  SLICE               (part, arms, seeds): the runs that a test makes again
  RULE(comparisons)   what the record decides, as `verdict` has it; none where it decides nothing
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType

from evidence.claims import Decision
from jointopt.compare import Arm, Baseline, Budget, Comparison, Interval, compare, records, spec_of
from jointopt.system import write_whole
from jointopt.training import Task

UNFINISHED = Path(__file__).parent / "unfinished"  # what an interrupted run has so far; not committed
SEEDS = range(10, 20)  # not those of the pilot and of the grids
POINTS = 3.0  # of accuracy, between means: sums differ in the last digits from one processor to the next
Comparisons = Mapping[str, Comparison]  # those of a record, by the names of its parts


@dataclass(frozen=True)
class Part:
    """The arguments of one comparison.

    known  a part before, for each arm whose runs there are those that it would have here, update by update
    """

    make: Callable[..., Task]
    arms: Mapping[str, Arm | Baseline]
    budget: Budget
    seeds: Iterable[int] = SEEDS
    known: Mapping[str, Comparison] = field(default_factory=dict)

    def run(self, arms: Iterable[str] | None = None, seeds: Iterable[int] | None = None, **options) -> Comparison:
        """All of it, or some arms and seeds of it."""
        chosen = {name: self.arms[name] for name in (self.arms if arms is None else arms)}
        spec = spec_of(self.make, chosen, self.budget)
        for name in chosen.keys() & self.known:
            if self.known[name].spec["arms"].get(name) != spec["arms"][name]:
                raise ValueError(f"the known runs of {name!r} are of another plan or other hyperparameters")
        new = {name: arm for name, arm in chosen.items() if name not in self.known}
        made = compare(self.make, new, self.budget, self.seeds if seeds is None else seeds, **options)
        runs = {seed: {name: self.known.get(name, made).runs[seed][name] for name in chosen} for seed in made.runs}
        return Comparison(spec, runs)


def make_record(name: str, processes: int) -> float:
    """Run all parts, or what an interrupted call has left of them, and write the record with its verdict.

    Returns the seconds that it took.
    """
    UNFINISHED.mkdir(exist_ok=True)
    clock = UNFINISHED / f"{name}.json"
    seconds = json.loads(clock.read_text()) if clock.exists() else {}
    comparisons: dict[str, Comparison] = {}
    for part_name, part in experiment_of(name).parts(comparisons):
        began = time.perf_counter()
        comparisons[part_name] = part.run(path=UNFINISHED / f"{name} {part_name}.json", processes=processes)
        seconds[part_name] = seconds.get(part_name, 0.0) + time.perf_counter() - began
        write_whole(clock, json.dumps(seconds))
    content = {part_name: comparison.as_json() for part_name, comparison in comparisons.items()}
    write(name, {"seconds": round(sum(seconds.values())), "content": content})
    judge(name)
    for path in [clock, *(UNFINISHED / f"{name} {part_name}.json" for part_name in comparisons)]:
        path.unlink()
    return sum(seconds.values())


def judge(name: str) -> None:
    """Write the verdict of the experiment's RULE, if it has one, into its record. Runs and slice stay as they are."""
    if rule := getattr(experiment_of(name), "RULE", None):
        data = records.read(name)
        comparisons = {part: Comparison.from_json(comparison) for part, comparison in data["content"].items()}
        answer = rule(comparisons)
        powers = {"powers": answer.powers} if getattr(answer, "powers", None) else {}
        write(name, {key: value for key, value in data.items() if key != "powers"} | {"verdict": answer} | powers)


class Verdict(dict):
    """What a RULE answers; `powers` has what the seeds behind each word see: claim -> `claims.Decision.power`."""

    powers: Mapping[str, dict] = {}


def verdict(results: Mapping[str, Decision | str], rests_on: Mapping[str, object]) -> Verdict:
    """What a RULE answers: {result: one of claims.WORDS, …, "rests on": {…}}; of a claim of our own, its own word.

    Intervals, of paired differences, are written as "+1.2 ± 0.5".
    """
    words = {name: str(decision) for name, decision in results.items()}
    numbers = {name: f"{value:+}" if isinstance(value, Interval) else value for name, value in rests_on.items()}
    answer = Verdict(words | {"rests on": numbers})
    decided = {name: result for name, result in results.items() if isinstance(result, Decision) and result.seeds}
    answer.powers = {name: decision.power for name, decision in decided.items()}
    return answer


def apart(metric: str, before: float, after: float, points: float = POINTS) -> float:
    """How far two values of a metric are apart, as a part of what is tolerated: 1 is the most.

    Tolerated are `points` where the metric's name has (%), else 5 % or 0.05, whichever is larger.
    """
    if math.isnan(before) and math.isnan(after):
        return 0.0
    tolerated = points if "(%)" in metric else max(0.05 * abs(before), 0.05)
    distance = abs(after - before) / tolerated
    return math.inf if math.isnan(distance) else distance


def experiment_of(name: str) -> ModuleType:
    """evidence/experiments/<name>.py has the record evidence/records/<name>.json."""
    return import_module(f"evidence.experiments.{name}")


def write(name: str, data: Mapping) -> None:
    """evidence/records/<name>.json, with its checksum.

    data: "seconds", "content"; "verdict", "powers" and "slice", if any.
    """
    data = json.loads(json.dumps({"slice": None, **data}))
    data["sha256"] = records.checksum(data)
    order = [key for key in ("seconds", "sha256", "verdict", "powers", "slice", "content") if key in data]
    text = json.dumps({key: data[key] for key in order}, ensure_ascii=False)
    lines = text.replace('}}, "', '}},\n"') + "\n"  # about one per run, for diffs
    write_whole(records.FOLDER / f"{name}.json", lines)
