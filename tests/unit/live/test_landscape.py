"""The view of the landscape: its settings, what the browser may change, and its static picture."""

import struct

import numpy as np
import pytest
from matplotlib.text import Text

from jointopt.live.landscape import Landscape
from jointopt.toys.landscape import CHECKS, path

WRONG = [
    *[("weight", value, "weight") for value in (-0.1, np.nan, np.inf, "0.1", None, True, (0.1,), (0.1, -1))],
    *[("weight", value, "weight") for value in ((1, 2, 3), (0.1, "x"), {0.1, 0.2}, [[0.1, 0.2]])],
    *[("start", value, "start must be two finite numbers") for value in ((1,), (1, 2, 3), 1.0, "12", None)],
    *[("start", value, "start must be two finite numbers") for value in ((1, np.nan), (1, "2"), (1, 10.5))],
    *[("start", value, "start must be two finite numbers") for value in ((1, np.inf), (True, 1))],
    *[("plan", value, "plan must be one of 'joint'") for value in ("", "Joint", None, 1, ["joint"], "greedy")],
    *[("frozen", value, "frozen may name 'theta'") for value in ("psi", ("theta", "x"), [1], 1, None, [["phi"]])],
    *[("lr", value, "lr") for value in (0, -0.1, np.nan, np.inf, "0.1", None, True, [0.1])],
    *[("steps", value, "steps must be a whole number") for value in (0, -1, 2001, 1.5, 60.0, "60", None, True)],
]


@pytest.mark.parametrize(("setting", "value", "message"), WRONG, ids=lambda value: repr(value)[:24])
def test_a_wrong_setting_is_named_and_changes_nothing(setting, value, message):
    with pytest.raises(ValueError, match=message) as given:
        Landscape(**{setting: value})
    named = value if setting != "weight" or not isinstance(value, tuple) or len(value) != 2 else value[1]
    assert repr(named) in str(given.value)
    view = Landscape(weight=0.3, start=(1, 1), plan="staged", frozen="phi", lr=0.2, steps=7)
    before = {name: getattr(view, name) for name in CHECKS}
    with pytest.raises(ValueError, match=message):
        setattr(view, setting, value)
    with pytest.raises(ValueError, match=message), view.hold_trait_notifications():
        setattr(view, setting, value)
    assert {name: getattr(view, name) for name in CHECKS} == before


def test_settings_are_kept_in_plain_form():
    view = Landscape(weight=np.float32(0.5), start=np.array([1, 2]), frozen={"phi"}, lr=1, steps=np.int64(5))
    assert repr((view.weight, view.start, view.frozen, view.lr, view.steps)) == ("(0.5, (1.0, 2.0), ('phi',), 1.0, 5)")
    view.weight = [0.1, 0.2]
    assert view.weight == (0.1, 0.2)
    view.frozen = ["phi", "theta"]
    assert view.frozen == ("theta", "phi")


def test_the_repr_says_what_is_shown():
    assert repr(Landscape()) == "Landscape(weight=0.1, plan='joint', start=(2.0, -0.5))"
    view = Landscape(weight=(0.1, 0.2), start=(2, 0.5), plan="all", frozen="theta")
    assert repr(view) == "Landscape(weight=(0.1, 0.2), plan='all', start=(2.0, 0.5), frozen=('theta',))"
    assert view._repr_mimebundle_()[0]["text/plain"] == repr(view)


def test_paths_of_the_view():
    view = Landscape(weight=0.2, start=(1, -1), plan="all", frozen=(), lr=0.05, steps=9)
    assert list(view.paths()) == ["joint", "staged", "alternating"]
    for plan, points in view.paths().items():
        np.testing.assert_array_equal(points, path((1, -1), plan, 0.05, 9, 0.2))
    view.plan = "staged_phi_first"
    assert list(view.paths()) == ["staged_phi_first"]


@pytest.fixture
def heard(monkeypatch):
    """A view, and what it sends to the browser."""
    view, sent = Landscape(), []
    monkeypatch.setattr(view, "send", lambda content, buffers=None: sent.append(content))
    monkeypatch.setattr(view, "send_state", lambda key=None: sent.append(key))
    return view, sent


def test_a_change_in_the_browser_arrives(heard):
    view, sent = heard
    change = {"weight": [0.1, 0], "start": [1, -1], "frozen": ["phi"], "plan": "all", "lr": 0.2, "steps": 80}
    view._handle_custom_msg({"id": "a.1", "kind": "set", "value": change}, [])
    assert (view.weight, view.start, view.frozen) == ((0.1, 0.0), (1.0, -1.0), ("phi",))
    assert (view.plan, view.lr, view.steps) == ("all", 0.2, 80)
    assert sent[-1] == {"outcomes": {"a.1": ""}}


@pytest.mark.parametrize(
    "content",
    [
        {"id": 1, "kind": "set", "value": {"lr": 0.5, "weight": None}},  # what JSON makes of NaN
        {"id": 1, "kind": "set", "value": {"lr": 0.5, "_esm": "alert(1)"}},
        {"id": 1, "kind": "set", "value": {"lr": 0.5, "plan": {"a": 1}}},
        {"id": 1, "kind": "set", "value": {"lr": 0.5, "frozen": [{}]}},
        {"id": 1, "kind": "set", "value": [["lr", 0.5]]},
        {"id": 1, "kind": "set", "value": None},
        {"id": 1, "kind": "play", "value": {"lr": 0.5}},
        {"id": 1},
        {},
        [],
        "lr",
        None,
    ],
    ids=repr,
)
def test_a_wrong_message_is_refused_whole(heard, content):
    view, sent = heard
    before = {name: getattr(view, name) for name in CHECKS}
    view._handle_custom_msg(content, [])
    assert {name: getattr(view, name) for name in CHECKS} == before
    assert set(sent[0]) == set(CHECKS)  # the browser gets back what holds
    answered = str(content.get("id")) if isinstance(content, dict) else "None"
    assert list(sent[1]["outcomes"]) == [answered] and "refused" in sent[1]["outcomes"][answered]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"plan": "all"},
        {"plan": "staged", "frozen": ("theta", "phi")},
        {"weight": (0.1, 0.6), "start": (-9, 9), "plan": "all"},
        {"weight": 0},
        {"weight": 1e300, "lr": 1e300, "plan": "all"},
        {"weight": (0, 2), "steps": 1},
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("error")
def test_the_figure(settings):
    picture = Landscape(**settings).figure()
    assert struct.unpack(">I", picture.png()[16:20])[0] == 720  # the width in the PNG's header
    assert len(picture.png()) < 200_000
    words = [text for text in picture.figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in words) >= 11


def test_the_figure_in_words():
    view = Landscape(plan="all", frozen="phi", start=(2, 0.5))
    assert repr(view.figure()) == repr(view.figure())
    assert "after 60 steps, phi frozen: joint: theta 1.50, phi 0.50, J 0.156; staged" in repr(view.figure())
    shown = {text.get_text() for text in view.figure().figure.findobj(Text)}
    assert {"φ (classifier, frozen)", "θ (feature extractor)", "minimum", "saddle", "start"} <= shown
    assert sum(text.startswith(("joint: J", "staged: J", "alternating: J")) for text in shown) == 3
    collapsed = {text.get_text() for text in Landscape(weight=1.5).figure().figure.findobj(Text)}
    assert "the only minimum" in collapsed
    assert "saddle" not in collapsed
