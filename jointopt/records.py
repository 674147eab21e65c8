"""Records: comparisons kept in one JSON file, with a checksum, so that a change by hand is seen.

found = records.load("../evidence/depth.json")      # {part: Comparison}
found["test"].figure()

The file: {"seconds": how long it took, "sha256": checksum of all that follows, "slice": what a test makes again,
"content": {part: comparison}}.
"""

import hashlib
import json
from pathlib import Path

from jointopt.comparison import Comparison


def load(path: str | Path) -> dict[str, Comparison]:
    """The comparisons of a record, by the names of its parts. ValueError if it is not what was written."""
    return {part: Comparison.from_json(data) for part, data in read(path)["content"].items()}


def read(path: str | Path) -> dict:
    """All that its checksum covers, as plain data. ValueError if it is not what was written."""
    path = Path(path)
    record = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(record, dict) or not {"sha256", "content"} <= record.keys():
        raise ValueError(f'{path.name} is no record: expected an object with "sha256" and "content"')
    covered = {name: value for name, value in record.items() if name not in ("seconds", "sha256")}
    if (found := checksum(covered)) != record["sha256"]:
        raise ValueError(f"{path.name} was changed by hand: its content has the SHA-256 {found}; run make evidence")
    return covered


def checksum(covered: dict) -> str:
    """SHA-256 of plain data, whatever the layout of the file."""
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


def spreads(path: str | Path) -> dict[tuple[str, str], tuple[float, float]]:
    """(arm, held-out figure) -> standard deviations (of one seed under noise, between the seeds), of a record's slice.

    The noise imitates other processors; `evidence/README.md` says how. The first seed of the slice is taken.
    """
    kept = read(path)
    slice, found = kept["slice"], Comparison.from_json(kept["content"][kept["slice"]["part"]])
    return {
        (arm, figure): (noise, float(found.values(arm, figure).std(ddof=1)))
        for arm, runs in slice["runs"].items()
        for figure, (_, noise) in next(iter(runs.values()))["figures"].items()
    }
