"""A prediction is kept, compared with what is measured, and counted; the file that keeps it is never lost."""

import json
import math
import os
from pathlib import Path

import pytest
import torch

from jointopt import exercises
from jointopt.exercises import notes, registry
from jointopt.exercises.registry import Prediction, of_chapter


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    of_chapter(1)
    monkeypatch.setitem(registry._known, "1.98", Prediction((), choices=("joint", "staged")))
    monkeypatch.setitem(registry._known, "1.97", Prediction((), close=0.1, between=(0, math.inf), never=2))
    monkeypatch.setitem(registry._known, "1.96", Prediction((), choices=("backbone, rpn", "rpn")))
    monkeypatch.setitem(registry._known, "1.99", Prediction(("A hint.",), unit="%", close=5))


@pytest.fixture
def said(capsys):
    def words(call, *arguments):
        call(*arguments)
        return capsys.readouterr().out.rstrip("\n")

    return words


def test_a_number(said):
    assert said(exercises.compare, "1.99", 53) == "1.99  measured: 53 %. You made no prediction."
    assert said(exercises.predict, "1.99", 40) == "1.99  you predict 40 %."
    assert said(exercises.compare, "1.99", 53) == "1.99  measured: 53 %; you predicted 40: 13 too low."
    assert said(exercises.compare, "1.99", 36) == "1.99  measured: 36 %; you predicted 40: close."
    assert said(exercises.compare, "1.99", torch.tensor(40.0)) == "1.99  measured: 40 %, as you predicted."


def test_the_first_prediction_that_is_compared_is_the_one_that_counts(said):
    said(exercises.predict, "1.99", 10)
    said(exercises.predict, "1.99", 90)  # nothing was measured yet
    assert said(exercises.compare, "1.99", 53) == "1.99  measured: 53 %; you predicted 90: 37 too high."
    said(exercises.predict, "1.99", 53)
    words = "1.99  measured: 53 %; you predicted 90: 37 too high. It is the first prediction that counts."
    assert said(exercises.compare, "1.99", 53) == words and not notes.of("1.99")["right"]
    taken_back = "1.99  your prediction, 90 %, was compared with what was measured, and counts."
    assert said(exercises.predict, "1.99", None) == said(exercises.predict, "1.99", ...) == taken_back
    assert said(exercises.compare, "1.99", 53) == words and not notes.of("1.99")["right"]
    said(exercises.predict, "1.99", 53)
    assert said(exercises.compare, "1.99", 53) == words and not notes.of("1.99")["right"]


def test_never(said):
    assert said(exercises.predict, "1.97", 3) == "1.97  you predict never."
    assert said(exercises.compare, "1.97", 1) == "1.97  measured: 1; you predicted never."
    said(exercises.forget)
    said(exercises.predict, "1.97", 2.5)
    assert said(exercises.compare, "1.97", 4) == "1.97  measured: never, as you predicted."
    said(exercises.forget)
    said(exercises.predict, "1.97", 1)
    assert said(exercises.compare, "1.97", 4) == "1.97  measured: never; you predicted 1."


@pytest.mark.parametrize(
    ("number", "value", "limits"),
    [
        ("1.99", 101, "from 0 to 100"),
        ("1.97", -0.5, "≥ 0"),
        ("4.2", -101, "a number (points) from -100 to 100"),
        ("4.3", 2, "from -1 to 1"),
        ("4.3", -1.5, "from -1 to 1"),
        ("6.2", 101, "from -100 to 100"),
        ("9.4", 6, "a number (of 5) from 0 to 5"),
        ("12.1", -1, "a number (of 15) from 0 to 15"),
    ],
)
def test_a_number_that_cannot_be(said, number, value, limits):
    assert f"{limits} is asked for, not {value:g}." in said(exercises.predict, number, value)
    assert not notes.all_of()


@pytest.mark.parametrize("spelled", ["RPN, backbone", "backbone,rpn", "backbone, rpn"])
def test_a_choice_in_another_case_or_order(said, spelled):
    assert said(exercises.predict, "1.96", spelled) == "1.96  you predict 'backbone, rpn'."
    assert notes.of("1.96")["predicted"] == "backbone, rpn"


def test_a_choice(said):
    assert said(exercises.predict, "1.98", "joint") == "1.98  you predict 'joint'."
    assert said(exercises.compare, "1.98", "joint") == "1.98  measured: 'joint', as you predicted."
    assert said(exercises.compare, "1.98", "staged") == "1.98  measured: 'staged'; you predicted 'joint'."


@pytest.mark.parametrize("stub", [None, ...])
def test_none_takes_a_prediction_back(said, stub):
    said(exercises.predict, "1.99", 40)
    words = said(exercises.predict, "1.99", stub)
    assert words == "1.99  no prediction yet: put a number (%) in place of None, before you read on."
    assert said(exercises.compare, "1.99", 53).endswith("You made no prediction.")
    assert "one of 'joint', 'staged'" in said(exercises.predict, "1.98", stub)


def test_nothing_measured(said):
    assert said(exercises.compare, "1.99", None) == "1.99  not compared: nothing was measured."


@pytest.mark.parametrize("junk", ["forty", float("nan"), True, [], torch.ones(2), object()])
def test_junk_is_not_kept(said, junk):
    for number in ("1.98", "1.99"):
        assert said(exercises.predict, number, junk).startswith(f"{number}  not kept: ")
        assert said(exercises.compare, number, junk).startswith(f"{number}  not compared: ")
    assert not notes.all_of()


def test_a_number_in_quotes(said):
    with pytest.raises(ValueError, match="write it in quotes, '1.9'"):
        exercises.check(1.9, 3)


def test_what_is_forgotten_has_no_hint_shown(said):
    first = said(exercises.hint, "1.4")
    assert "hint 2 of" in said(exercises.hint, "1.4")
    said(exercises.forget)
    assert said(exercises.hint, "1.4") == first


def test_a_check_and_a_prediction_are_two_things(said):
    with pytest.raises(ValueError, match="'1.99' is a prediction: use exercises.predict"):
        exercises.check("1.99", 3)
    with pytest.raises(ValueError, match="'1.4' is no prediction: use exercises.check"):
        exercises.predict("1.4", 3)


def rows(words):
    return {line.split()[0]: [int(word) for word in line.split()[1:]] for line in words.splitlines()[1:]}


def test_progress_counts(said):
    before = rows(said(exercises.progress))
    assert set(before) == {*map(str, registry.CHAPTERS), "all"}
    assert all(answered == right == 0 for _, answered, right in before.values())
    said(exercises.predict, "1.99", 53)
    said(exercises.check, "1.4", 0.01)
    assert rows(said(exercises.progress))["1"][1:] == [2, 0]
    said(exercises.compare, "1.99", 53)
    said(exercises.check, "1.4", 4222.18)
    after = rows(said(exercises.progress))
    assert after["1"][1:] == after["all"][1:] == [2, 2]
    assert after["all"][0] == sum(row[0] for chapter, row in after.items() if chapter != "all")


def test_what_was_right_once_stays_right(said):
    said(exercises.check, "1.4", 4222.18)
    said(exercises.check, "1.4", 3)
    assert notes.of("1.4") == {"answered": True, "right": True}


def test_forget(said, tmp_path):
    assert said(exercises.forget) == "there is no jointopt_progress.json here."
    said(exercises.predict, "1.99", 40)
    assert [path.name for path in tmp_path.iterdir()] == ["jointopt_progress.json"]
    assert said(exercises.forget) == "deleted jointopt_progress.json."
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"1.4": 3}', b"\xff\xfe"])
def test_a_damaged_file_is_set_aside(said, damage):
    notes.FILE.write_bytes(damage)
    words = said(exercises.predict, "1.99", 40).splitlines()
    assert words[0].startswith("jointopt_progress.json could not be read. It is kept as jointopt_progress.damaged.json")
    assert notes.DAMAGED.read_bytes() == damage and notes.of("1.99")["predicted"] == 40
    assert json.loads(notes.FILE.read_text())


def test_a_second_damaged_file_does_not_replace_the_first(said):
    for damage in (b"{", b"["):
        notes.FILE.write_bytes(damage)
        said(exercises.progress)
    kept = {path.read_bytes() for path in notes.FILE.parent.glob("*.damaged*.json")}
    assert kept == {b"{", b"["}


def test_a_folder_that_cannot_be_written_to(said, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    for module, name in ((Path, "write_text"), (Path, "replace"), (os, "open")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, refused)
            words = said(exercises.predict, "1.99", 40).splitlines()
        refusal = "(not kept: jointopt_progress.json cannot be written: Permission denied)"
        assert words == [*([refusal] if module is Path else []), "1.99  you predict 40 %."]
    assert [path.name for path in Path().iterdir()] == ["jointopt_progress.json"]  # the last one needs no lock


def test_a_folder_of_the_files_name(said):
    notes.FILE.mkdir()
    assert said(exercises.predict, "1.99", 40).splitlines()[0].startswith("(not kept: jointopt_progress.json cannot be")
    assert said(exercises.forget).startswith("jointopt_progress.json cannot be deleted: ")


def test_what_was_kept_of_another_kind_is_no_prediction(said):
    notes.FILE.write_text('{"1.98": {"predicted": 3}, "1.99": {"predicted": "joint"}}')
    assert said(exercises.compare, "1.98", "joint").endswith("You made no prediction.")
    assert said(exercises.compare, "1.99", 53).endswith("You made no prediction.")


@pytest.mark.parametrize("odd", [10**5000, torch.ones((), device="meta")], ids=["huge", "meta"])
def test_what_no_float_can_hold_is_not_kept(said, odd):
    assert said(exercises.predict, "1.99", odd).startswith("1.99  not kept: ")
