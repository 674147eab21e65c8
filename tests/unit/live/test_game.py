"""The plane of the game: its settings, what the browser may change, and its static picture."""

import struct

import numpy as np
import pytest
from matplotlib.text import Text

from jointopt.live import GamePlane
from jointopt.live.game import CHECKS, radius_range
from jointopt.toys import game

WRONG = [
    *[("start", value, "start must be two finite numbers") for value in ((1,), (1, 2, 3), 1.0, "12", None, (1, True))],
    *[
        ("start", value, "start must be two finite numbers")
        for value in ((1, np.nan), (np.inf, 1), (1, 10.5), (-11, 0))
    ],
    *[("lr", value, "lr") for value in (0, -0.1, np.nan, np.inf, "0.1", None, True, [0.1])],
    *[("steps", value, "steps must be a whole number") for value in (0, -1, 2001, 1.5, 60.0, "60", None, True)],
]


@pytest.mark.parametrize(("setting", "value", "message"), WRONG, ids=lambda value: repr(value)[:24])
def test_a_wrong_setting_is_named_and_changes_nothing(setting, value, message):
    with pytest.raises(ValueError, match=message) as given:
        GamePlane(**{setting: value})
    assert repr(value) in str(given.value)
    view = GamePlane((2, -1), 0.2, 7)
    with pytest.raises(ValueError, match=message):
        setattr(view, setting, value)
    with pytest.raises(ValueError, match=message), view.hold_trait_notifications():
        setattr(view, setting, value)
    assert (view.start, view.lr, view.steps) == ((2.0, -1.0), 0.2, 7)


def test_settings_are_kept_in_plain_form():
    view = GamePlane(np.array([1, 2]), np.float32(0.5), np.int64(5))
    assert repr((view.start, view.lr, view.steps)) == "((1.0, 2.0), 0.5, 5)"


def test_the_repr_says_what_is_shown():
    assert repr(GamePlane()) == "GamePlane(start=(1.0, 1.0), lr=0.1, steps=500)"
    view = GamePlane((2, -0.5), 0.05, 9)
    assert repr(view) == "GamePlane(start=(2.0, -0.5), lr=0.05, steps=9)"
    assert view._repr_mimebundle_()[0]["text/plain"] == repr(view)


def test_the_paths_are_those_of_the_game():
    view = GamePlane((2, -1), 0.2, 9)
    assert list(view.paths()) == list(game.METHODS)
    for method, points in view.paths().items():
        np.testing.assert_array_equal(points, game.path((2, -1), method, 0.2, 9))


@pytest.fixture
def heard(monkeypatch):
    """A view, and what it sends to the browser."""
    view, sent = GamePlane(), []
    monkeypatch.setattr(view, "send", lambda content, buffers=None: sent.append(content))
    monkeypatch.setattr(view, "send_state", lambda key=None: sent.append(key))
    return view, sent


def test_a_change_in_the_browser_arrives(heard):
    view, sent = heard
    view._handle_custom_msg({"id": "a.1", "kind": "set", "value": {"start": [1, -1], "lr": 0.2, "steps": 80}}, [])
    assert (view.start, view.lr, view.steps) == ((1.0, -1.0), 0.2, 80) and sent[-1] == {"outcomes": {"a.1": ""}}


@pytest.mark.parametrize(
    "content",
    [
        {"id": 1, "kind": "set", "value": {"lr": 0.5, "steps": None}},  # what JSON makes of NaN
        {"id": 1, "kind": "set", "value": {"lr": 0.5, "_esm": "alert(1)"}},
        {"id": 1, "kind": "set", "value": {"lr": 0.5, "start": {"x": 1}}},
        {"id": 1, "kind": "set", "value": [["lr", 0.5]]},
        {"id": 1, "kind": "set", "value": None},
        {"id": 1, "kind": "play", "value": {"lr": 0.5}},
        {"id": 1},
        [],
        None,
    ],
    ids=repr,
)
def test_a_wrong_message_is_refused_whole(heard, content):
    view, sent = heard
    view._handle_custom_msg(content, [])
    assert (view.start, view.lr, view.steps) == ((1.0, 1.0), 0.1, 500)
    assert set(sent[0]) == set(CHECKS)  # the browser gets back what holds
    answered = str(content.get("id")) if isinstance(content, dict) else "None"
    assert list(sent[1]["outcomes"]) == [answered] and "refused" in sent[1]["outcomes"][answered]


@pytest.mark.parametrize(
    "settings",
    [{}, {"start": (0, 0)}, {"start": (-9, 9), "steps": 1}, {"lr": 3.0}, {"lr": 1e300}, {"lr": 0.99, "steps": 2000}],
    ids=repr,
)
@pytest.mark.filterwarnings("error")
def test_the_figure(settings):
    picture = GamePlane(**settings).figure()
    assert struct.unpack(">I", picture.png()[16:20])[0] == 720  # the width in the PNG's header
    assert len(picture.png()) < 100_000
    words = [text for text in picture.figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in words) >= 11


def test_the_figure_in_words():
    words = repr(GamePlane().figure())
    assert "Radius at the end: simultaneous 17; alternating 1.41; extragradient 0.118." in words
    assert words == repr(GamePlane().figure())
    shown = {text.get_text() for text in GamePlane().figure().figure.findobj(Text)}
    assert {"simultaneous", "alternating", "extragradient", "step"} <= shown


def test_the_lines_differ_in_more_than_color():
    lines = {line.get_label(): line for line in GamePlane().figure().figure.axes[1].get_lines()}
    assert len({str(lines[method]._dash_pattern) for method in game.METHODS}) == 3


def test_the_radius_is_shown_over_six_decades_at_most():
    assert radius_range([np.array([1.0, 2.0]), np.array([1.0, 0.5])], 1.0) == (0.5 / 1.3, 2.6)
    assert radius_range([np.array([1.0, 1e30, np.inf]), np.array([1.0, 1e-30, 0.0])], 1.0) == (1e-3, 1e3)
    assert radius_range([np.zeros(3)], 0.0) == (0.1, 10.0)
