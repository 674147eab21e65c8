"""How near this machine's memory is to the limit that it grants, in words for the lab's status line."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

NEAR = 0.8  # of the limit
GB = 2**30
UNLIMITED = 2**60  # bytes; where there is no limit, cgroup v1 says nearly 2**63
# Of a container, in version 2 and version 1 of Linux's control groups: limit, use, and of that what is only a cache.
CGROUPS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)


def warning(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> str:
    """Empty below NEAR of the limit, and where none is known. `root`: of the file system."""
    used, limit = use_and_limit(root, environment)
    if used < NEAR * limit or not limit:
        return ""
    return f"memory: {used / GB:.1f} of {limit / GB:.1f} GB; shut other notebooks down"


def use_and_limit(root: Path, environment: Mapping[str, str]) -> tuple[int, int]:
    """Bytes in use, and how many may be; 0 where that is not known.

    The limit is that of the container, or MEM_LIMIT, which Binder and JupyterHub set, where it is lower. It holds for
    all notebooks together, and so does the use; where only MEM_LIMIT is known, the use is this process's.
    """
    limits, used = [_number(environment.get("MEM_LIMIT", ""))], 0
    for limit, use, cache in CGROUPS:
        folder = root / "sys/fs/cgroup"
        if (folder / use).exists():
            limits.append(_number(_read(folder / limit)))
            used = _number(_read(folder / use)) - _field((folder / use).with_name("memory.stat"), cache)
            break
    used = used or 1024 * _field(root / "proc/self/status", "VmRSS:")
    return used, min((limit for limit in limits if 0 < limit < UNLIMITED), default=0)


def _read(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text()
    return ""


def _field(file: Path, name: str) -> int:
    """The number after this name, in a file of one name and one number a line."""
    return next((_number(words[1]) for words in map(str.split, _read(file).splitlines()) if words[:1] == [name]), 0)


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0  # a limit may be "max"
