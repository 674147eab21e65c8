"""What is answered and predicted, in one small JSON file in the folder of the notebook. It is never sent anywhere.

Several kernels may run in that folder. One at a time reads and writes: see `_alone`.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from jointopt.system import write_whole

FILE = Path("jointopt_progress.json")  # in the folder that the kernel runs in, which is the notebook's
DAMAGED = FILE.with_suffix(".damaged.json")
LOCK = FILE.with_suffix(".lock.json")  # all of their names are in .gitignore by this ending
STALE, PATIENCE, REFUSALS = 3.0, 20.0, 5  # seconds without any change of the lock; seconds; refusals to make one


def all_of() -> dict[str, dict]:
    """Number of an exercise -> what is kept of it. A damaged file is set aside, and a new one begun."""
    with _alone():
        return _read()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Within the block no other kernel reads or writes the file.

    A lock that stays the same for STALE is one of a kernel that has died: a block takes some milliseconds. Where none
    can be made, as in a folder that cannot be written to, or is free within PATIENCE, it goes without.
    """
    held = _lock()
    try:
        yield
    finally:
        if held:
            with contextlib.suppress(OSError):  # a virus scanner looks at it; the next one waits, then
                LOCK.unlink()


def _lock() -> bool:
    """True if the lock is ours now."""
    seen, since, refusals, end = None, time.monotonic(), 0, time.monotonic() + PATIENCE
    while refusals < REFUSALS and time.monotonic() < end:
        try:
            os.close(os.open(LOCK, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            return True
        except FileExistsError:
            with contextlib.suppress(OSError):
                state = LOCK.stat()
                if (now := (state.st_ino, state.st_mtime_ns)) != seen:
                    seen, since = now, time.monotonic()
                elif time.monotonic() > since + STALE:
                    LOCK.unlink()
        except OSError:  # on Windows also for a moment after another kernel has let go of it
            refusals += 1
        time.sleep(0.01)
    return False


def _read() -> dict[str, dict]:
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
    with _alone():
        kept = _read()
        right = kept.get(number, {}).get("right", False) or note.get("right", False)
        _write(kept | {number: note | {"right": right}})


def take_back(number: str) -> None:
    """Keep a prediction no more; the one that was compared first still counts."""
    with _alone():
        kept = _read()
        if "predicted" in kept.get(number, {}):
            first = {key: value for key, value in kept.pop(number).items() if key != "predicted"}
            _write(kept | ({number: first} if "first" in first else {}))


def delete() -> str:
    """Delete the file. Answers what became of it, in words."""
    try:
        with _alone():
            FILE.unlink()
    except FileNotFoundError:
        return f"there is no {FILE} here."
    except OSError as error:
        return f"{FILE} cannot be deleted: {error.strerror or error}"
    return f"deleted {FILE}."


def _write(kept: dict[str, dict]) -> None:
    try:
        write_whole(FILE, json.dumps(kept, indent=1, sort_keys=True) + "\n")
    except (OSError, ValueError) as error:
        print(f"(not kept: {FILE} cannot be written: {getattr(error, 'strerror', None) or error})")
