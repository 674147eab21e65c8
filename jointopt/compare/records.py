"""Records: comparisons kept in one JSON file, with a checksum, so that a change by hand is seen.

found = records.load("depth")      # {part: Comparison}, of evidence/records/depth.json in the clone, or of a path
found["test"].figure()

The file: {"seconds": how long it took, "sha256": checksum of all that follows, "slice": what a test makes again,
"content": {part: comparison}}.
"""

import hashlib
import json
from pathlib import Path

from jointopt.checks import listed
from jointopt.compare.result import Comparison

FOLDER = Path(__file__).parents[2] / "evidence" / "records"  # in a clone; it is not installed with the package


def names() -> list[str]:
    """The records of the clone, from whichever folder Python was started in. FileNotFoundError if there are none."""
    found = sorted(path.stem for path in FOLDER.glob("*.json"))
    if not found:
        raise FileNotFoundError(
            f"records were looked for in {FOLDER}; there are none. They come with a clone of the repository and not"
            " with the installed package: start Python in the clone's environment, or give the path of a record"
        )
    return found


def load(record: str | Path) -> dict[str, Comparison]:
    """The comparisons of a record, by the names of its parts.

    record: a name, as "depth", or the path of a file. ValueError for a name that is unknown, or if the record is not
    what was written; FileNotFoundError if the file, or the folder of the records, is not there.
    """
    return {part: Comparison.from_json(data) for part, data in read(record)["content"].items()}


def read(record: str | Path) -> dict:
    """All that its checksum covers, as plain data. Argument and errors are those of `load`."""
    path = _path_of(record)
    record = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(record, dict) or not {"sha256", "content"} <= record.keys():
        raise ValueError(f'{path.name} is no record: expected an object with "sha256" and "content"')
    covered = {name: value for name, value in record.items() if name not in ("seconds", "sha256")}
    if (found := checksum(covered)) != record["sha256"]:
        raise ValueError(f"{path.name} was changed by hand: its content has the SHA-256 {found}; run make evidence")
    return covered


def _path_of(record: str | Path) -> Path:
    """The file of a record. A string without a folder and without an ending is a name."""
    path = Path(record)
    if isinstance(record, str) and path.name == record and not path.suffix:
        if record not in (known := names()):
            raise ValueError(f"no record is named {record!r}; there are {listed(known)}")
        return FOLDER / f"{record}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no record {path}; those of the clone are read by name, as records.load('depth')"
        )
    return path


def checksum(covered: dict) -> str:
    """SHA-256 of plain data, whatever the layout of the file."""
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


def spreads(record: str | Path) -> dict[tuple[str, str], tuple[float, float]]:
    """(arm, held-out figure) -> standard deviations (of one seed under noise, between the seeds), of a record's slice.

    The noise imitates other processors; `evidence/README.md` says how. The first seed of the slice is taken.
    """
    kept = read(record)
    slice, found = kept["slice"], Comparison.from_json(kept["content"][kept["slice"]["part"]])
    return {
        (arm, figure): (noise, float(found.values(arm, figure).std(ddof=1)))
        for arm, runs in slice["runs"].items()
        for figure, (_, noise) in next(iter(runs.values()))["figures"].items()
    }
