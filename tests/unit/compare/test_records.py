"""Records: what was written is read again, and what was changed is refused."""

import json

import pytest

from evidence import record
from jointopt.compare import records
from jointopt.compare.result import Comparison

SPEC = {"budget": "2 steps", "arms": {"a": {}, "b": {}}}
COMPARISON = Comparison(SPEC, {seed: {"a": {"score (%)": 50.0 + seed}, "b": {"score (%)": 40.0}} for seed in (3, 4)})


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A record of two parts, written as evidence/ writes them."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    content = {"first": COMPARISON.as_json(), "second": COMPARISON.as_json()}
    verdict = {"a famous table": "replicated", "rests on": {"a minus b": "+13.5 ± 6.4"}}
    record.write("some", {"content": content, "verdict": verdict, "seconds": 12})
    return tmp_path / "some.json"


def test_a_record_is_read_as_it_was_written(written):
    assert records.load(written) == records.load(str(written)) == {"first": COMPARISON, "second": COMPARISON}
    assert list(records.load(written)["first"].values("a")) == [53, 54]
    assert list(json.loads(written.read_text())) == ["seconds", "sha256", "verdict", "slice", "content"]
    assert records.read(written)["seconds"] == 12


def test_the_verdict_is_read_alone(written, tmp_path):
    assert records.verdict("some")["a famous table"] == "replicated"
    record.write("other", {name: value for name, value in records.read(written).items() if name != "verdict"})
    with pytest.raises(ValueError, match="the record 'other' decides nothing: its experiment has no RULE"):
        records.verdict("other")


def test_the_layout_of_the_file_does_not_matter(written):
    written.write_text(json.dumps(json.loads(written.read_text()), indent=2))
    assert records.load(written)["second"] == COMPARISON


CHANGES = [("53.0", "53.1"), ('"2 steps"', '"3 steps"'), ('"second"', '"third"'), ('"replicated"', '"not replicated"')]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_change_by_hand_is_refused(written, old, new):
    text = written.read_text()
    assert old in text
    written.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match="some.json was changed by hand"):
        records.load(written)


@pytest.mark.parametrize("text", ["[]", "{}", '{"content": {}}'])
def test_what_is_no_record_is_said_to_be_none(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ValueError, match="other.json is no record"):
        records.load(tmp_path / "other.json")


def test_records_are_found_by_name_from_any_folder(written, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert records.names() == ["some"] and records.load("some") == records.load(written)
    with pytest.raises(ValueError, match="no record is named 'depht'; there are 'some'"):
        records.load("depht")
    with pytest.raises(FileNotFoundError, match="there is no record ../evidence/some.json; .* by name"):
        records.load("../evidence/some.json")
    with pytest.raises(FileNotFoundError, match="there is no record some.json"):
        records.load("some.json")


def test_the_clone_has_its_records(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert {"depth", "objective"} <= set(records.names()) and records.load("depth")


def test_an_installed_package_says_that_the_records_are_in_the_clone(monkeypatch, tmp_path):
    monkeypatch.setattr(records, "FOLDER", tmp_path / "evidence")
    with pytest.raises(FileNotFoundError, match="evidence; there are none. They come with a clone of the repository"):
        records.load("depth")


def test_answers_are_read_and_a_change_by_hand_is_refused(tmp_path, monkeypatch):
    (tmp_path / "records").mkdir()
    text = (records.FOLDER.parent / "answers.json").read_text(encoding="utf-8")
    assert {"sentences", "findings", "claims", "powers"} == records.answers().keys()
    monkeypatch.setattr(records, "FOLDER", tmp_path / "records")
    (tmp_path / "answers.json").write_text(text.replace("does not hold", "holds"), encoding="utf-8")
    with pytest.raises(ValueError, match="answers.json was changed by hand"):
        records.answers()
