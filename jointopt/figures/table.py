"""A small table that a notebook shows and a terminal prints."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, repr=False)
class Table:
    """Columns' titles, and rows of as many texts.

    words  they begin at the left; else a notebook aligns them at the right, as numbers
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: bool = False

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(self.columns)} texts is expected, got {list(row)}")

    def __repr__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )

    def _repr_html_(self) -> str:
        head = "".join(_heading(title, "col") for title in self.columns)
        rows = [_heading(row[0], "row") + "".join(f"<td>{escape(text)}</td>" for text in row[1:]) for row in self.rows]
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return re.sub("<(t[hd])( |>)", r'<\1 style="text-align: left"\2', table) if self.words else table


def _heading(text: str, scope: str) -> str:
    """Of a column or a row. An empty one heads nothing: a screen reader is not to stop at it."""
    return f'<th scope="{scope}">{escape(text)}</th>' if text else "<td></td>"
