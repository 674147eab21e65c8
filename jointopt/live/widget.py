"""What every live view shares: the front-end files, one style sheet, one heartbeat.

A front end is a real .js file beside this one. A browser cannot resolve an import between two anywidget modules
without a bundler, so `front_end` puts common.js in front of the named file instead.
"""

from pathlib import Path

_HERE = Path(__file__).parent


def front_end(name: str) -> str:
    """The text of a front end: common.js, then the named file, as one ES module."""
    return "\n".join((_HERE / file).read_text(encoding="utf-8") for file in ("common.js", name))


def style() -> str:
    """The style sheet of all views."""
    return (_HERE / "common.css").read_text(encoding="utf-8")
