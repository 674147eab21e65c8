"""Records: what was found, with all that is needed to find it again. One JSON file an experiment.

An experiment is a module of this folder with `parts(found)`, which yields (name, Part), each of them one
`jointopt.compare.compare`. `found` has the comparisons of the parts before: those that chose the settings, say.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from jointopt.compare import Arm, Baseline, Comparison, compare, spec_of
from jointopt.compare.budget import Budget
from jointopt.compare.records import checksum, load, read
from jointopt.system import write_whole
from jointopt.training import Task

FOLDER = Path(__file__).parent / "records"
UNFINISHED = FOLDER.parent / "unfinished"  # what an interrupted run has so far; not committed
SEEDS = range(10, 20)  # not those of the pilot and of the grids
POINTS = 3.0  # of accuracy, between means: sums differ in the last digits from one processor to the next


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
                raise ValueError(f"the known runs of {name!r} are of another plan or other settings than its arm here")
        new = {name: arm for name, arm in chosen.items() if name not in self.known}
        found = compare(self.make, new, self.budget, self.seeds if seeds is None else seeds, **options)
        runs = {seed: {name: self.known.get(name, found).seeds[seed][name] for name in chosen} for seed in found.seeds}
        return Comparison(spec, runs)


def make_record(experiment: ModuleType, processes: int) -> float:
    """Run all parts, or what an interrupted call has left of them, and write the experiment's record.

    Returns the seconds that it took.
    """
    UNFINISHED.mkdir(exist_ok=True)
    name = name_of(experiment)
    kept = UNFINISHED / f"{name}.json"
    seconds = json.loads(kept.read_text()) if kept.exists() else {}
    found: dict[str, Comparison] = {}
    for part_name, part in experiment.parts(found):
        began = time.perf_counter()
        found[part_name] = part.run(path=UNFINISHED / f"{name} {part_name}.json", processes=processes)
        seconds[part_name] = seconds.get(part_name, 0.0) + time.perf_counter() - began
        write_whole(kept, json.dumps(seconds))
    write(name, {part_name: comparison.as_json() for part_name, comparison in found.items()}, sum(seconds.values()))
    for path in [kept, *(UNFINISHED / f"{name} {part_name}.json" for part_name in found)]:
        path.unlink()
    return sum(seconds.values())


def apart(figure: str, before: float, after: float, points: float = POINTS) -> float:
    """How far two values of a figure are apart, as a part of what is tolerated: 1 is the most.

    Tolerated are `points` where the figure's name has (%), else 5 % or 0.05, whichever is larger.
    """
    if math.isnan(before) and math.isnan(after):
        return 0.0
    tolerated = points if "(%)" in figure else max(0.05 * abs(before), 0.05)
    distance = abs(after - before) / tolerated
    return math.inf if math.isnan(distance) else distance


def name_of(experiment: ModuleType) -> str:
    """Of its record: evidence.experiments.depth has evidence/records/depth.json."""
    return experiment.__name__.rpartition(".")[2]


def write(name: str, content: dict, seconds: float, slice: dict | None = None) -> None:
    """evidence/records/<name>.json: content, what a test makes again, checksum of both, seconds."""
    covered = json.loads(json.dumps({"slice": slice, "content": content}))
    record = {"seconds": round(seconds), "sha256": checksum(covered), **covered}
    text = json.dumps(record, ensure_ascii=False)
    write_whole(FOLDER / f"{name}.json", text.replace('}}, "', '}},\n"') + "\n")  # a line a run or so, for diffs


def comparisons(name: str) -> dict[str, Comparison]:
    """The comparisons of evidence/records/<name>.json; ValueError if it is not what was written."""
    return load(FOLDER / f"{name}.json")


def kept(name: str) -> dict:
    """All of evidence/records/<name>.json that its checksum covers, and its seconds, as plain data."""
    path = FOLDER / f"{name}.json"
    return read(path) | {"seconds": json.loads(path.read_text(encoding="utf-8"))["seconds"]}
