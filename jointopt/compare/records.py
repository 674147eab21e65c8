"""Records: comparisons kept in one JSON file, with a checksum, so that a change by hand is seen.

comparisons = records.load("depth")      # {part: Comparison}, of evidence/records/depth.json in the clone, or of a path
comparisons["test"].figure()
records.verdict("depth")                 # {"Fast R-CNN, table 5": "replicated", "rests on": {…}}
records.answers()["sentences"]           # the document's §8, sentence by sentence, each with its verdict

The file: {"seconds": how long it took, "sha256": checksum of all that follows, "verdict": what it decides, if anything,
"slice": what a test makes again, "content": {part: comparison}}.
"""

import hashlib
import json
from pathlib import Path

from jointopt.checks import check_name
from jointopt.compare.result import Comparison

FOLDER = Path(__file__).parents[2] / "evidence" / "records"  # in a clone; it is not installed with the package


def names() -> list[str]:
    """The records of the clone, from whichever folder Python was started in. FileNotFoundError if there are none."""
    stems = sorted(path.stem for path in FOLDER.glob("*.json"))
    if not stems:
        raise FileNotFoundError(
            f"records were looked for in {FOLDER}; there are none. They come with a clone of the repository and not"
            " with the installed package: start Python in the clone's environment, or give the path of a record"
        )
    return stems


def load(record: str | Path) -> dict[str, Comparison]:
    """The comparisons of a record, by the names of its parts.

    record: a name, as "depth", or the path of a file. ValueError for a name that is unknown, or if the record is not
    what was written; FileNotFoundError if the file, or the folder of the records, is not there.
    """
    return {part: Comparison.from_json(data) for part, data in read(record)["content"].items()}


def verdict(record: str | Path) -> dict:
    """What a record decides, by the RULE of its experiment: {claim: word, …, "rests on": the numbers, as plain data}.

    The words for a published result are "replicated", "not replicated" and "not decided (…)", where the dots say what
    its seeds could have seen; for the document's claim "holds", "holds in part" and "does not hold". ValueError if the
    record decides nothing; other errors as in `load`.
    """
    data = read(record)
    if "verdict" not in data:
        raise ValueError(f"the record {str(record)!r} decides nothing: its experiment has no RULE")
    return data["verdict"]


def answers() -> dict[str, list[dict]]:
    """The verdicts on the document's §8 and on published findings, as evidence/answers.py computes them.

    "sentences": number, sentence, term, test, verdict, and conditions with their figures. "findings": finding, paper,
    what, rule, verdict, figures. "claims": record, claim, verdict of what else the records claim. "powers": finding,
    record, verdict, and what its seeds see, as evidence/powers.py has it. Errors as in `load`.
    """
    return read(FOLDER.parent / "answers.json")["content"]


def read(record: str | Path) -> dict:
    """All of a record, as plain data, after a look at its checksum. Argument and errors are those of `load`."""
    path = _path_of(record)
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or not {"sha256", "content"} <= data.keys():
        raise ValueError(f'{path.name} is no record: expected an object with "sha256" and "content"')
    if (actual := checksum(data)) != data["sha256"]:
        raise ValueError(f"{path.name} was changed by hand: its content has the SHA-256 {actual}; run make evidence")
    return data


def _path_of(record: str | Path) -> Path:
    """The file of a record. A string without a folder and without an ending is a name."""
    path = Path(record)
    if isinstance(record, str) and path.name == record and not path.suffix:
        check_name("record", record, names())
        return FOLDER / f"{record}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no record {path}; those of the clone are read by name, as records.load('depth')"
        )
    return path


def checksum(data: dict) -> str:
    """SHA-256 of a record, whatever the layout of the file, without how long it took and the checksum itself."""
    covered = {name: value for name, value in data.items() if name not in ("seconds", "sha256")}
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


def spreads(record: str | Path) -> dict[tuple[str, str], tuple[float, float]]:
    """(arm, held-out metric) -> standard deviations (of one seed under noise, between the seeds), of a record's slice.

    The noise imitates other processors; `evidence/README.md` says how. The first seed of the slice is used.
    """
    data = read(record)
    comparison = Comparison.from_json(data["content"][data["slice"]["part"]])
    return {
        (arm, metric): (noise, float(comparison.values(arm, metric).std(ddof=1)))
        for arm, runs in data["slice"]["runs"].items()
        for metric, (_, noise) in next(iter(runs.values()))["figures"].items()
    }
