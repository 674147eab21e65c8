"""Files that are written as a whole or not at all."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write the text; a file that is there is replaced as a whole or not at all. ValueError if there is no folder."""
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: expected a file in a folder that exists")
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
