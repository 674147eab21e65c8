"""What is answered and predicted, in one small JSON file in the folder of the notebook. It is never sent anywhere."""

import json
from itertools import chain, count
from pathlib import Path

from jointopt.system import write_whole

FILE = Path("jointopt_progress.json")  # in the folder that the kernel runs in, which is the notebook's
DAMAGED = FILE.with_suffix(".damaged.json")


def all_of() -> dict[str, dict]:
    """Number of an exercise -> what is kept of it. A damaged file is set aside, and a new one begun."""
    if not FILE.is_file():
        return {}
    try:
        kept = json.loads(FILE.read_text(encoding="utf-8"))
        if not (isinstance(kept, dict) and all(isinstance(each, dict) for each in kept.values())):
            raise ValueError("not an object of objects")
    except OSError as error:
        print(f"({FILE} cannot be read: {error.strerror or error})")
        return {}
    except ValueError:  # of JSON, and of an encoding
        aside = next(path for path in chain([DAMAGED], map(_numbered, count(2))) if not path.exists())
        try:
            FILE.replace(aside)
        except OSError as error:
            print(f"({FILE} is damaged, and cannot be set aside: {error.strerror or error})")
            return {}
        print(f"{FILE} could not be read. It is kept as {aside}, and a new one begins.")
        return {}
    return kept


def _numbered(n: int) -> Path:
    return DAMAGED.with_suffix(f".{n}.json")


def of(number: str) -> dict:
    """What is kept of an exercise; empty if nothing is."""
    return all_of().get(number, {})


def keep(number: str, note: dict) -> None:
    """Keep this of an exercise. What was right once stays right. A folder that cannot be written to keeps nothing."""
    kept = all_of()
    right = kept.get(number, {}).get("right", False) or note.get("right", False)
    _write(kept | {number: note | {"right": right}})


def drop(number: str) -> None:
    """Keep nothing of an exercise any more."""
    kept = all_of()
    if kept.pop(number, None) is not None:
        _write(kept)


def delete() -> str:
    """Delete the file. Answers what became of it, in words."""
    try:
        FILE.unlink()
    except FileNotFoundError:
        return f"there is no {FILE} here."
    except OSError as error:
        return f"{FILE} cannot be deleted: {error.strerror or error}"
    return f"deleted {FILE}."


def _write(kept: dict[str, dict]) -> None:
    try:
        write_whole(FILE, json.dumps(kept, indent=1, sort_keys=True) + "\n")
    except (OSError, ValueError) as error:  # ValueError: there is a folder of this name
        print(f"(not kept: {FILE} cannot be written: {getattr(error, 'strerror', None) or error})")
