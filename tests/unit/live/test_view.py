"""What became of a message from the browser: each is obeyed once, and what was lost stays lost."""

import pytest

from jointopt.live.shared.view import KEPT, View


@pytest.fixture
def view(monkeypatch):
    """A view that obeys numbers, and what it answered: `answer(message)`."""
    view, sent = View(), []
    monkeypatch.setattr(view, "send", lambda content, buffers=None: sent.append(content["outcomes"]))
    monkeypatch.setattr(view, "send_state", lambda key=None: view.restored.append(key))
    view.obeyed, view.restored = [], []

    def obey(message):
        if message["value"] < 0:
            raise ValueError("expected ≥ 0")
        view.obeyed.append(message["value"])

    def answer(message):
        sent.clear()
        view.hear(message)
        return sent[0] if sent else None

    view.obey, view.answer = obey, answer
    return view


def beat(*waiting):
    return {"kind": "beat", "waiting": list(waiting)}


def test_obeyed_and_refused(view):
    assert view.answer({"id": "a.1", "value": 3}) == {"a.1": ""} and not view.restored
    assert view.answer({"id": "a.2", "value": -1}) == {"a.2": "expected ≥ 0"} and view.restored
    assert view.obeyed == [3]


def test_an_answer_that_was_lost_is_given_again(view):
    view.answer({"id": "a.1", "value": 3})
    view.answer({"id": "a.2", "value": -1})
    for _ in range(2):
        assert view.answer(beat("a.1", "a.2")) == {"a.1": "", "a.2": "expected ≥ 0"}
    assert view.obeyed == [3]


def test_a_message_that_was_lost_is_named_and_never_obeyed(view):
    view.answer({"id": "a.1", "value": 1})
    assert view.answer(beat("a.1", "a.2")) == {"a.1": "", "a.2": None}
    assert view.restored == [[]]  # the browser gets what holds
    assert view.answer({"id": "a.2", "value": 2}) is None  # too late
    assert view.answer(beat("a.2")) == {"a.2": None}
    assert view.answer({"id": "a.3", "value": 3}) == {"a.3": ""} and view.obeyed == [1, 3]


def test_messages_of_two_tabs_are_two(view):
    assert view.answer(beat("a.1")) == {"a.1": None}
    assert view.answer({"id": "b.1", "value": 1}) == {"b.1": ""} and view.obeyed == [1]


def test_what_is_kept_is_bounded(view):
    for number in range(2 * KEPT):
        view.answer({"id": f"a.{number}", "value": number})
    assert len(view._outcomes) == KEPT and len(view.obeyed) == 2 * KEPT
