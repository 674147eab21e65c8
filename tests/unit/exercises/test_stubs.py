"""What counts as a stub as it was given, and what is said of None in an answer that is none."""

import pytest

from jointopt import exercises
from jointopt.exercises import stubs

EMPTY = ["def f(): ...", "def f(): pass", 'def f(a, b=1):\n  """Words."""', "def f(x):\n  return None", "f = None"]
EMPTY += ["class f:\n  def g(self): ...\n  def h(self): pass"]
WORKED_ON = ["def f(): return 5", "def f(): 1 / 0", "def f():\n  x = 1", "f = print", "f = 0", "f = [None]"]
WORKED_ON += ["class f:\n  def g(self): ...\n  def h(self): return 1", "class f: pass"]


def made(source):
    names = {"__name__": "__main__"}
    exec(source, names)
    return names["f"]


@pytest.mark.parametrize("source", EMPTY)
def test_what_has_no_statement_is_untouched(source):
    assert stubs.untouched("1.4", made(source))


@pytest.mark.parametrize("source", WORKED_ON)
def test_what_has_one_is_not(source):
    assert not stubs.untouched("1.4", made(source))


def test_a_function_without_source_was_worked_on():
    assert stubs.digest(made("def f(): return 5")) == stubs.digest(print) == "" and not stubs.untouched("1.9", print)


def test_none_within_an_answer(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exercises.check("1.6", (None, 0.8))
    exercises.check("1.5", made("def f(lam_theta, lam_phi): product = 0"))
    assert capsys.readouterr().out.splitlines() == [
        "1.6  not yet: there is None in your answer where a value is asked for.",
        "1.5  not yet: your function returned None, or has None in what it returned: is a `return` missing?",
    ]
