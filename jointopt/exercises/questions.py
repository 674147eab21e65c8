"""Five questions at the end of a chapter. An option, once opened, says whether it is right, and why.

It is plain HTML, so that it works by keyboard, with a screen reader, and without a kernel.
"""

import tomllib
from html import escape
from pathlib import Path
from typing import NamedTuple

FILES = {int(path.stem): path for path in sorted((Path(__file__).parent / "quizzes").glob("*.toml"))}
STYLE = "margin: 0.2em 0 0.2em 1.5em"


class Question(NamedTuple):
    """With its options in the order in which they are shown: (option, why it is right or wrong)."""

    ask: str
    right: str
    options: list[tuple[str, str]]


class Quiz(NamedTuple):
    """The questions of a chapter."""

    chapter: int
    questions: list[Question]

    def __repr__(self) -> str:
        return f"Quiz of chapter {self.chapter}: {len(self.questions)} questions"

    def _repr_html_(self) -> str:
        return "\n".join(self._html(number, each) for number, each in enumerate(self.questions, start=1))

    def _html(self, number: int, question: Question) -> str:
        lines = [f"<p><b>{number}.</b> {escape(question.ask)}</p>"]
        for option, reason in question.options:
            verdict = "Right" if option == question.right else "No"
            lines.append(f'<details style="{STYLE}"><summary>{escape(option)}</summary>')
            lines.append(f"<p><b>{verdict}.</b> {escape(reason)}</p></details>")
        return "\n".join(lines)


def quiz(chapter: int) -> Quiz:
    """The questions of a chapter, to be shown at the end of a cell."""
    if isinstance(chapter, bool) or chapter not in list(FILES):  # True == 1
        raise ValueError(f"chapter must be one of {', '.join(map(str, FILES))}, got {chapter!r}")
    given = tomllib.loads(FILES[chapter].read_text(encoding="utf-8"))
    return Quiz(chapter, [_question(**each) for each in given["question"]])


def _question(ask: str, right: list[str], wrong: list[list[str]]) -> Question:
    """In order of the alphabet, so that the position of an option says nothing."""
    options = sorted((option, reason) for option, reason in [right, *wrong])
    return Question(ask, right[0], options)
