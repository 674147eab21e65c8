"""The table of powers: of each published finding, which effect the seeds of its record could see, and which matters.

    seeds    that the record has
    spread   standard deviation of the paired differences, in the metric's unit
    sees     the effect that these seeds see with the probability claims.POWER
    matters  the effect that would matter, or the distance from a border that the rule names
    takes    the seeds that see it; None: more than claims.MOST

A finding of several parts stands here with the part that decides its word: see claims.all_of and claims.any_of.
"""

from collections.abc import Iterable
from pathlib import Path

from evidence import claims
from jointopt.compare import records
from jointopt.system import write_whole

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- powers: `python -m evidence --verdicts` writes this table -->\n", "<!-- end of powers -->\n"
COLUMNS = ("finding", "record", "seeds", "spread", "they see", "what matters", "it takes", "verdict")


def made() -> list[dict]:
    """A row for each finding that seeds decide, in the order of the records' names."""
    powers = {name: records.read(name).get("powers", {}) for name in records.names()}
    return [
        {"finding": finding, "record": name} | row for name, found in powers.items() for finding, row in found.items()
    ]


def words(row: dict) -> list[str]:
    """A row as texts, one for each of COLUMNS."""
    above = f" above {row['border']:g}" if row["border"] else ""
    takes = f"more than {claims.MOST:,}" if row["takes"] is None else str(row["takes"])
    numbers = [f"{row['spread']:.2g}", f"{row['sees']:.2g}{above}", f"{row['matters']:.2g}{above}", takes]
    return [row["finding"], row["record"], str(row["seeds"]), *numbers, row["verdict"]]


def table(rows: Iterable[dict]) -> str:
    """In Markdown."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *map(words, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def replaced(text: str, rows: Iterable[dict]) -> str:
    """The text of README.md with this table in place of the one that it has."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"evidence/README.md must have the lines {BEGIN.strip()!r} and {END.strip()!r}")
    return f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"


def write() -> None:
    """Write the table into README.md."""
    write_whole(README, replaced(README.read_text(encoding="utf-8"), made()))
