"""Verdicts on the document's §8 and on published findings: what is kept is what the records say, and follows them."""

import json
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from evidence import answers, record
from jointopt.compare import records

STORED = records.answers()
WHEN_NEW = "holds when the new digits are"


def rounded(data):
    """The same with four digits: sums differ in the last ones between processors."""
    return json.loads(json.dumps(data), parse_float=lambda text: round(float(text), 4))


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the records, which a test may change."""
    folder = tmp_path / "records"
    shutil.copytree(records.FOLDER, folder)
    monkeypatch.setattr(records, "FOLDER", folder)
    yield folder
    answers.load.cache_clear()


def shift(name, part, arm, points):
    """Move all seeds of an arm, in its first metric; the verdict of the record's own rule follows."""
    data = records.read(name)
    for runs in data["content"][part]["seeds"].values():
        runs[arm][next(iter(runs[arm]))] += points
    record.write(name, data)
    record.judge(name)


def verdicts(made):
    return {each["number"]: each["verdict"] for each in made["sentences"]} | {
        each["finding"]: each["verdict"] for each in made["findings"]
    }


def test_what_is_kept_is_what_the_records_say():
    assert rounded(STORED) == rounded(answers.made()), "run python -m evidence --verdicts"


@pytest.mark.parametrize(
    ("name", "part", "arm", "points", "key", "after"),
    [
        ("exact", "test", "exact", 50, "1.2", "holds"),
        ("parity", "3 digits", "end to end", 60, "Shalev-Shwartz, Shamir and Shammah, §3", "not replicated"),
        ("segmentation", "flops", "alternating", 60, "1.1", "holds when the application is detection"),
        ("generation", "updates", "joint", -60, "1.1", "holds when the application is detection or segmentation"),
        ("width", "200", "joint, wide", -9, "2.2b", "holds when there are 400 (wide network) labels per class"),
        ("depth", "test", "6 frozen", 4, "2.3", "holds when the rival freezes 7 or 8 of eight layers"),
        ("labels", "400", "rotation, then all", 9, "2.4a", "does not hold"),
        ("shift", "test", "head only", 20, "2.4b", f"{WHEN_NEW} of the same kind, with ImageNet's features"),
        ("depth", "test", "8 frozen", 20, "Fast R-CNN, table 5", "not replicated"),
        ("multitask", "test", "joint", -20, "Fast R-CNN, table 6", "not replicated"),
        ("segmentation", "without", "no skip connections", 9, "FCN, table 2", "not replicated"),
        ("labels", "5", "joint", 20, "RotNet, §4.1", "not replicated"),
    ],
)
def test_a_verdict_follows_its_record(copied, name, part, arm, points, key, after):
    before = verdicts(STORED)[key]
    shift(name, part, arm, points)
    assert verdicts(answers.made())[key] == after
    assert (before != after) == (name != "generation")  # it had said so before, and still does


def figure(*values, side=1, margin=0.0):
    return answers.figure(("budgets", "part", "a", "b", "points"), values, side, margin)


@pytest.mark.parametrize(
    ("values", "options", "word"),
    [
        ((1, 2, 3, 2), {}, "for"),
        ((-1, 2, 3, -2), {}, "open"),
        ((-1, -2, -3, -2), {}, "against"),
        ((-1, -2, -3, -2), {"side": -1}, "for"),
        ((1, 2, 3, 2), {"side": -1}, "against"),
        ((-0.1, -0.2, -0.1, -0.2), {"margin": 1.0}, "for"),  # behind, but by less than a point
        ((-1.1, -0.8, -1.1, -0.8), {"margin": 1.0}, "open"),
        ((-1.5, -1.6, -1.5, -1.6), {"margin": 1.0}, "against"),
    ],
)
def test_a_figure_is_for_a_sentence_against_it_or_open(values, options, word):
    assert figure(*values, **options)["word"] == word


FOR, OPEN, AGAINST = ({"word": word} for word in ("for", "open", "against"))


@pytest.mark.parametrize(
    ("conditions", "outcomes", "verdict"),
    [
        ({"a": [FOR], "b": [FOR, FOR]}, ["met", "met"], "holds"),
        ({"a": [FOR], "b": [FOR, OPEN], "c": [AGAINST]}, ["met", "open", "contradicted"], "holds when it is a"),
        ({"a": [FOR], "b": [FOR], "c": [OPEN]}, ["met", "met", "open"], "holds when it is a or b"),
        ({"a": [OPEN, AGAINST], "b": [FOR, AGAINST]}, ["contradicted", "open"], "does not hold"),
        ({"a": [OPEN], "b": [FOR, AGAINST]}, ["open", "open"], "not seen here"),
        ({}, [], "not seen here"),
    ],
)
def test_outcomes_of_conditions_and_the_verdict_of_a_sentence(conditions, outcomes, verdict):
    assert [answers.outcome(weighed) for weighed in conditions.values()] == outcomes
    assert answers.verdict(conditions, "it is {}") == verdict


def test_each_claim_of_a_record_is_a_finding_or_stands_with_the_other_claims():
    findings = {each["finding"]: each["verdict"] for each in STORED["findings"]}
    claims = {(each["record"], each["claim"]): each["verdict"] for each in STORED["claims"]}
    found = [name for name in records.names() if "verdict" in records.read(name)]
    assert {"depth", "shift", "optimizers", *answers.APPLICATIONS} < set(found) and len(findings) >= 12
    for name in found:
        for claim, word in records.verdict(name).items():
            assert claim == "rests on" or word == (claims.get((name, claim)) or findings[claim])
    assert {name for name, claim in claims if claim == "joint training is better"} == set(answers.APPLICATIONS)
    assert sum(each["rule"] == "before the run" for each in STORED["findings"]) >= 9


def test_a_finding_rests_on_the_intervals_that_its_record_gives():
    for each in STORED["findings"]:
        (name,) = {found["record"] for found in each["figures"]}
        if each["rule"] == "before the run" and each["finding"] in records.verdict(name):
            texts = {found["text"].lstrip("+-") for found in each["figures"] if "mean" in found}
            facts = [found["text"] for found in each["figures"] if "mean" not in found]
            others = [claim for claim in records.verdict(name) if claim not in ("rests on", each["finding"])]
            given = {
                str(value).lstrip("+-") for value in records.verdict(name)["rests on"].values() if "±" in str(value)
            }
            assert all(any(value in fact for value in given) for fact in facts), each["finding"]
            assert texts <= given if others or facts else texts >= given, each["finding"]


def test_words_and_rules_are_of_the_same_sentences_and_findings():
    assert answers.conditions().keys() == answers.WORDS["sentences"].keys()
    words = answers.WORDS["findings"]
    assert {name for name, its in words.items() if not {"rests", "ruled"} & its.keys()} == answers.SPECIAL.keys()


def test_a_record_that_comes_later_is_a_finding_in_the_words_of_its_rule(copied, monkeypatch):
    def rule(comparisons):
        """Two heads are better than one. And more."""

    monkeypatch.setitem(sys.modules, "evidence.experiments.some", SimpleNamespace(RULE=rule))
    monkeypatch.setattr(answers, "chapter_of", lambda name: 10)
    record.write("some", {"content": {}, "seconds": 1, "verdict": {"Somebody, table 1": "replicated", "rests on": {}}})
    (its,) = (each for each in answers.published() if each["finding"] == "Somebody, table 1")
    assert its["what"] == "Two heads are better than one. And more"
    assert (its["verdict"], its["rule"]) == ("replicated", "before the run")
    assert its["figures"][0]["text"] == "see its chapter"


def test_a_record_that_no_chapter_loads_is_named():
    with pytest.raises(ValueError, match=r'no chapter has records.load\("some"\) or records.verdict\("some"\)'):
        answers.chapter_of("some")


def test_each_figure_in_the_prose_of_chapter_12_is_one_of_the_answers():
    chapter = Path(__file__).parents[2] / "notebooks" / "12_questions.ipynb"
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    prose = " ".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    written = re.findall(r"\d+\.\d ± \d+\.\d", re.sub(r"\s+", " ", prose))
    known = set(re.findall(r"\d+\.\d ± \d+\.\d", json.dumps(STORED, ensure_ascii=False)))
    assert len(written) >= 20 and not set(written) - known
