"""Exercises that check themselves, and predictions that are compared with what is measured.

    from jointopt import exercises

    exercises.check("4.2", answer)      whether the answer is right and, if not, what is wrong with it
    exercises.hint("4.2")               one more hint at each call
    exercises.predict("4.1", 40)        keeps a prediction, before the figure is seen
    exercises.compare("4.1", measured)  how far off it was
    exercises.quiz(4)                   five questions, to be shown at the end of a cell
    exercises.progress()                what is answered and what is right, over all chapters
    exercises.forget()                  deletes the file that keeps it

They raise nothing but ValueError, for a number that no exercise of this kind has: a prediction is not checked, and
nothing else is predicted. A verdict is one line. The checks of chapter 4 are in ch04.py: they ask what an answer does,
so that to read one gives nothing away.
"""

from jointopt.exercises import notes
from jointopt.exercises.answers import Blank, Wrong, given
from jointopt.exercises.questions import quiz
from jointopt.exercises.registry import CHAPTERS, Prediction, find, of_chapter
from jointopt.exercises.sandbox import Endless, careful, failure
from jointopt.exercises.stubs import untouched

__all__ = ["check", "compare", "forget", "hint", "predict", "progress", "quiz"]


def check(number: str, answer: object = None) -> None:
    """Print the verdict on an answer, in one line. The reader's random numbers and models stay as they are."""
    exercise = find(number)
    if isinstance(exercise, Prediction):
        raise ValueError(f"exercise {number!r} is a prediction: use exercises.predict({number!r}, value)")
    try:
        with careful(answer) as copied:
            words = exercise.check(given(copied))
    except Blank as blank:
        if untouched(number, answer):
            reason = f": {blank}" if str(blank) else "."
            return _say(number, f'not answered yet{reason} exercises.hint("{number}") gives a hint.')
        verdict = f"not yet: {blank if str(blank) else _none_in(answer)}"
    except Wrong as wrong:
        verdict = f"not yet: {wrong}"
    except KeyboardInterrupt:  # the reader's own
        raise
    except Endless as endless:
        verdict = f"not yet: {endless}"
    except BaseException as error:
        verdict = f"not yet: {failure(error)}"
    else:
        verdict = f"right. {words or ''}".rstrip()
    notes.keep(number, {"answered": True, "right": verdict.startswith("right")})
    _say(number, verdict)


def hint(number: str) -> None:
    """Print the next hint; after the last one, the last one again."""
    hints = find(number).hints
    if not hints:
        return _say(number, "has no hint.")
    shown = _shown[number] = min(_shown.get(number, 0) + 1, len(hints))
    _say(number, f"hint {shown} of {len(hints)}: {hints[shown - 1]}")


_shown: dict[str, int] = {}  # number of an exercise -> how many of its hints were shown


def predict(number: str, value: object = None) -> None:
    """Keep a prediction. None, or an ellipsis, takes it back, unless it was compared already."""
    prediction = _prediction(number)
    if value is None or value is ...:
        notes.take_back(number)
        if (first := _read(notes.of(number).get("first"), prediction)) is not None:
            words = prediction.words(first)
            return _say(number, f"your prediction, {words}, was compared with what was measured, and counts.")
        return _say(number, f"no prediction yet: put {prediction.wanted} in place of None, before you read on.")
    try:
        with careful(value) as copied:
            value = prediction.read(copied)
    except Wrong as wrong:
        return _say(number, f"not kept: {wrong}")
    except Exception as error:
        return _say(number, f"not kept: {failure(error)}")
    notes.keep(number, notes.of(number) | {"answered": True, "predicted": value})
    _say(number, f"you predict {prediction.words(value)}.")


def compare(number: str, measured: object) -> None:
    """Print what was measured beside the prediction. measured: in the prediction's unit, or one of its choices.

    The first prediction that is compared is the one that counts: the next ones have seen the answer.
    """
    prediction = _prediction(number)
    try:
        measured = prediction.read(measured)
    except (Wrong, Blank) as wrong:
        return _say(number, f"not compared: {str(wrong) or 'nothing was measured.'}")
    note = notes.of(number)
    predicted, first = (_read(note.get(key), prediction) for key in ("predicted", "first"))
    found = f"measured: {prediction.words(measured)}"
    counts = predicted if first is None else first
    if counts is None:
        return _say(number, f"{found}. You made no prediction.")
    right = prediction.close_to(counts, measured)
    notes.keep(number, note | {"answered": True, "first": counts, "right": right})
    late = "" if counts == predicted else " It is the first prediction that counts."
    _say(number, f"{found}{prediction.verdict(counts, measured)}{late}")


def progress() -> None:
    """Print how many exercises of each chapter are answered, and how many are right."""
    kept, totals = notes.all_of(), [0, 0, 0]
    print("chapter  exercises  answered  right")
    for chapter in CHAPTERS:
        numbers = of_chapter(chapter)
        counts = [len(numbers)]
        counts += [sum(bool(kept.get(number, {}).get(what)) for number in numbers) for what in ("answered", "right")]
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        print("{:>7}{:>11}{:>10}{:>7}".format(chapter, *counts))
    print("{:>7}{:>11}{:>10}{:>7}".format("all", *totals))


def forget() -> None:
    """Delete the file that keeps the answers' verdicts and the predictions."""
    _shown.clear()
    print(notes.delete())


def _none_in(answer: object) -> str:
    """What is wrong with an answer that was worked on, and still has None where a value is asked for."""
    if callable(answer):
        return "your function returned None, or has None in what it returned: is a `return` missing?"
    return "there is None in your answer where a value is asked for."


def _read(kept: object, prediction: Prediction) -> float | str | None:
    """A prediction as it was kept; None if none was or, in a file that was changed by hand, something else."""
    try:
        return None if kept is None else prediction.read(kept)
    except Wrong:
        return None


def _prediction(number: str) -> Prediction:
    exercise = find(number)
    if not isinstance(exercise, Prediction):
        raise ValueError(f"exercise {number!r} is no prediction: use exercises.check({number!r}, answer)")
    return exercise


def _say(number: str, words: str) -> None:
    print(f"{number}  {words}")
