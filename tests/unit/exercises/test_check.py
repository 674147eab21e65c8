"""A check answers in one line, raises nothing, ends, and leaves the reader's things as they were."""

import random
import sys
from fractions import Fraction
from itertools import count, repeat

import numpy as np
import pytest
import torch
from torch import nn

from jointopt import Update, exercises
from jointopt.exercises import answers, registry, sandbox
from jointopt.exercises.answers import Blank, Wrong
from jointopt.exercises.registry import Prediction, find, of_chapter

CHECKS = [n for chapter in registry.CHAPTERS for n in of_chapter(chapter) if not isinstance(find(n), Prediction)]
needs_grad = torch.ones(3, requires_grad=True)
JUNK = {
    "zero": 0,
    "a text": "",
    "a list": [],
    "an object": object(),
    "nan": float("nan"),
    "huge": 10**400,
    "a flag": True,
    "a function": lambda: None,
    "print": print,
    "a class": int,
    "anything": lambda *a, **k: None,
    "numbers": lambda *a, **k: 0.5,
    "nans": lambda *a, **k: float("nan"),
    "text": lambda *a, **k: "text",
    "too many": lambda a, b, c, d, e, f, g, h: 0,
    "without end": lambda *a, **k: repeat(0),
    "a tensor": needs_grad,
    "tensors": lambda *a, **k: needs_grad * 2,
    "computed": needs_grad * 2,
    "an array": np.ones((2, 2)),
    "a model": nn.Linear(2, 2),
    "a plan": [Update()],
    "a pair": (float("nan"), float("inf")),
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ask(capsys, monkeypatch):
    """Make a check exercise 1.99; then what `exercises.check` prints of an answer to it."""

    def made(check, hints=()):
        of_chapter(1)
        monkeypatch.setitem(registry._known, "1.99", registry.Exercise(check, hints))

        def words(answer=None):
            exercises.check("1.99", answer)
            return capsys.readouterr().out

        return words

    return made


def own(source):
    """A reader's function `answer`, as if written in a notebook."""
    names = {"__name__": "__main__"}
    exec(source, names)
    return names["answer"]


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("number", CHECKS)
def test_junk_is_not_right_and_raises_nothing(number, junk, capsys):
    exercises.check(number, junk)
    words = capsys.readouterr().out
    assert words.startswith(f"{number}  not ") and len(words.splitlines()) == 1


def test_right_wrong_and_blank(ask):
    def check(answer):
        if answer == 1:
            return "Well seen."
        raise Wrong("too small.") if answer == 0 else Blank("it is still 2.")

    words = ask(check)
    assert words(1) == "1.99  right. Well seen.\n"
    assert words(0) == "1.99  not yet: too small.\n"
    assert words(2) == "1.99  not yet: it is still 2.\n"
    stub = own("def answer(): ...")
    assert words(stub) == '1.99  not answered yet: it is still 2. exercises.hint("1.99") gives a hint.\n'
    assert words(None) == words(...) == '1.99  not answered yet. exercises.hint("1.99") gives a hint.\n'


def test_what_an_answer_raises_is_said_in_one_line_with_its_own_line(ask, capsys):
    words = ask(lambda answer: answer())
    assert words(own("def answer():\n    raise KeyError('a\\nb')")).startswith(
        "1.99  not yet: your answer raised KeyError"
    )
    assert "SystemExit" in words(own("def answer():\n    raise SystemExit"))
    assert words(3) == "1.99  not yet: your answer cannot be used: TypeError: 'int' object is not callable\n"


def test_an_error_whose_words_fail_or_are_empty_or_many(ask, monkeypatch):
    words = ask(lambda answer: answer())
    source = "class Odd(Exception):\n  def __str__(self): raise ValueError\ndef answer():\n  raise Odd"
    assert words(own(source)) == "1.99  not yet: your answer raised Odd\n"
    assert words(own("def answer():\n  raise StopIteration")).startswith(
        "1.99  not yet: your answer raised StopIteration"
    )
    assert "RuntimeError: in loading: size" in words(
        own("def answer():\n  raise RuntimeError('in loading:\\n\\tsize\\nx')")
    )
    monkeypatch.setattr("sys.tracebacklimit", 0, raising=False)
    assert "raised KeyError" in words(own("def answer():\n  raise KeyError('a')"))
    assert "raised GeneratorExit" in words(own("def answer():\n  raise GeneratorExit"))


def test_modes_that_an_answer_sets_are_put_back(ask):
    source = "import torch\ndef answer():\n  torch.set_grad_enabled(False)\n  torch.set_default_dtype(torch.float64)\n"
    source += "  torch.use_deterministic_algorithms(True)\n"
    for body in ("", "  1 / 0\n"):
        ask(lambda answer: answer())(own(source + body))
        assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32
        assert not torch.are_deterministic_algorithms_enabled()
    with torch.no_grad():  # the reader's own
        assert ask(lambda answer: str(torch.is_grad_enabled()))(1) == "1.99  right. True\n"
        assert not torch.is_grad_enabled()


def test_the_trace_is_put_back(ask, monkeypatch):
    monkeypatch.setattr(sandbox, "PATIENCE", 0.1)
    words = ask(lambda answer: answer())
    for body in ("pass", "1 / 0", "while True: pass"):
        words(own(f"def answer():\n  {body}"))
        assert sys.gettrace() is None


def test_an_interrupt_is_the_readers(ask):
    words = ask(lambda answer: answer())
    with pytest.raises(KeyboardInterrupt):
        words(own("def answer():\n    raise KeyboardInterrupt"))


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "try:\n  while True: pass\nexcept: pass",
        "while True:\n  try:\n   1 / 0\n  except Exception:\n   pass",
    ],
)
def test_what_does_not_end_is_ended(ask, body, monkeypatch):
    monkeypatch.setattr(sandbox, "PATIENCE", 0.2)
    words = ask(lambda answer: answer())
    source = "def answer():\n " + body.replace("\n", "\n ")
    assert words(own(source)) == "1.99  not yet: it was still running after 0.2 s of work. Does each loop end?\n"
    generator = own("def answer():\n  from itertools import count\n  for n in count():\n    yield n")
    words = ask(lambda answer: sum(answer()))
    assert "Does each loop end?" in words(generator)


def test_random_numbers_stay_as_they_were(ask):
    def draw():
        return torch.rand(1).item(), random.random(), np.random.rand()  # noqa: NPY002

    def seed():
        torch.manual_seed(3), random.seed(3), np.random.seed(3)  # noqa: NPY002

    words = ask(lambda answer: str([answer() for _ in range(3)]))
    seed()
    expected = draw()
    seed()
    first = words(draw)
    assert draw() == expected
    assert words(draw) == first, "a check draws the same numbers at each call"


def test_a_model_stays_as_it_was(ask):
    def check(model):
        model.eval()
        nn.init.zeros_(model.weight)

    model = nn.Linear(2, 2)
    weight = model.weight.clone()
    assert ask(check)(model) == "1.99  right.\n"
    assert model.training and torch.equal(model.weight, weight)


def test_what_an_answer_prints_and_warns_is_not_shown(ask, capsys):
    words = ask(lambda answer: answer())
    noisy = own("def answer():\n  import warnings, sys\n  print(1); print(2, file=sys.stderr); warnings.warn('3')")
    assert words(noisy) == "1.99  right.\n" and capsys.readouterr().err == ""


def test_hints_come_one_by_one(ask, capsys):
    ask(None, hints=("a", "b"))
    exercises._shown.clear()
    for _ in range(3):
        exercises.hint("1.99")
    assert capsys.readouterr().out.splitlines() == [
        f"1.99  hint {n} of 2: {h}" for n, h in ((1, "a"), (2, "b"), (2, "b"))
    ]


@pytest.mark.parametrize("number", ["1.77", "1", "77.1", "", 1.4, None, "1.4.1", "x.1"])
def test_an_unknown_number(number):
    for call in (exercises.check, exercises.hint, exercises.predict):
        with pytest.raises(
            ValueError, match=r"no exercise is named .*; (chapter 1 has '1\.1', '1\.2'|there are chapters)|in quotes"
        ):
            call(number)
    with pytest.raises(ValueError, match="no exercise is named"):
        exercises.compare(number, 1)


def test_numbers():
    for right in (1, 1.0, Fraction(1), np.float32(1), np.ones(1), torch.ones(()), torch.ones(1, requires_grad=True)):
        assert answers.number(right) == 1.0
    for wrong, words in (("1", "not a str"), (True, "not a bool"), (float("inf"), "finite"), (np.ones(2), "not 2 of")):
        with pytest.raises(Wrong, match=words):
            answers.number(wrong)


def test_functions():
    assert answers.function(max, "a", "b") is max
    with pytest.raises(Wrong, match=r"a function of \(a, b\) is asked for, not a str"):
        answers.function("max", "a", "b")
    with pytest.raises(Wrong, match=r"yours is of \(x\)"):
        answers.function(lambda x: x, "a", "b")


def test_a_function_that_changes_what_it_is_given():
    changes = {
        "a": (lambda a: a.zero_(), torch.ones(2, requires_grad=True) * 2),
        "b": (lambda b: b.sort(), np.array([2, 1])),
        "c": (lambda c: c[0].clear(), [{"d": 1}]),
    }
    for name, (change, value) in changes.items():
        with pytest.raises(Wrong, match=f"yours changes `{name}` in place"):
            answers.pure_function(change, name)(value)
        assert answers.pure_function(str, name)(value) == str(value)
    assert answers.pure_function(next, "stream")(iter([3])) == 3
    with pytest.raises(Wrong, match=r"a function of \(a\) is asked for, not an int"):
        answers.pure_function(3, "a")


def test_what_is_rounded():
    assert answers.rounded(1.7, 1.6667) and answers.rounded(2, 1.6667) and answers.rounded(-1.667, -1.6667)
    assert not answers.rounded(1.6667, 1.6667) and not answers.rounded(1.8, 1.6667)


def test_plans():
    assert len(answers.updates((Update() for _ in range(3)), 3)) == 3
    for wrong, words in (
        (3, "yours is an int"),
        ([3], "yields an int"),
        ((Update() for _ in count()), "goes on after 3"),
    ):
        with pytest.raises(Wrong, match=words):
            answers.updates(wrong, 3)
        with pytest.raises(Wrong, match=rf"^plan\(3\): .*{words}"):
            answers.updates(wrong, 3, "plan(3)")


def test_tensors():
    assert not answers.tensor(torch.ones(2, requires_grad=True), 2).requires_grad
    for wrong, words in (
        ([1.0], "not a list"),
        (torch.ones(3), r"yours has \(3,\)"),
        (torch.full((2,), torch.nan), "nan"),
    ):
        with pytest.raises(Wrong, match=words):
            answers.tensor(wrong, 2)


def test_stubs_are_blank():
    for read in (answers.number, answers.function, lambda x: answers.updates(x, 1), lambda x: answers.tensor(x, 1)):
        for stub in (None, ...):
            with pytest.raises(Blank):
                read(stub)
