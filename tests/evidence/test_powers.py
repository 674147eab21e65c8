"""The table of powers: that of the records, in README.md, in answers.json."""

import pytest

from evidence import claims, powers
from evidence.claims import MOST, NOT_DECIDED, REPLICATED, Decision
from jointopt.compare import records


def row(record, finding, decision):
    return {"finding": finding, "record": record} | decision.power


PLAIN = row("depth", "Somebody, table 1", Decision(REPLICATED, 10, 2.34, 7.26, 4, spread=2.31))
MARGIN = row("search", "Somebody, §2", Decision(NOT_DECIDED, 12, 1.68, 2.0, MOST + 1, -2.0, 1.89))


def test_the_readme_has_the_table_of_the_records():
    text = powers.README.read_text(encoding="utf-8")
    assert powers.replaced(text, powers.made()) == text
    assert powers.replaced(text, []) != text


def test_each_finding_that_a_record_judges_by_its_seeds_has_a_row():
    """The smallest game is exact arithmetic; all other rules that were written before the run rest on seeds."""
    rows = {each["finding"]: each for each in records.answers()["powers"]}
    judged = {
        each["finding"]: each["verdict"].partition(" (")[0]
        for each in records.answers()["findings"]
        if each["rule"] == "before the run"
    }
    assert set(judged) - set(rows) == {"Mescheder et al., §2"}
    assert {name: each["verdict"] for name, each in rows.items()} == {name: judged[name] for name in rows}


def test_a_row_rests_on_the_differences_of_its_record():
    found = next(each for each in powers.made() if each["finding"] == "Fast R-CNN, table 6")
    test = records.load("multitask")["test"]
    spread = (test.values("joint") - test.values("stage-wise")).std(ddof=1)
    assert found["spread"] == pytest.approx(spread, abs=0.005) and found["seeds"] == len(test.runs)
    assert found["sees"] == pytest.approx(claims.visible(spread, found["seeds"]), abs=0.005)


def test_a_row_in_words():
    assert powers.words(PLAIN) == ["Somebody, table 1", "depth", "10", "2.3", "2.3", "7.3", "4", "replicated"]
    assert powers.words(MARGIN)[3:7] == ["1.9", "1.7 above -2", "2 above -2", "more than 1,000"]
    *_, last = powers.table([PLAIN]).splitlines()
    assert last == "| Somebody, table 1 | depth | 10 | 2.3 | 2.3 | 7.3 | 4 | replicated |"


def test_the_table_stands_between_its_marks():
    text = f"before\n{powers.BEGIN}old\n{powers.END}after\n"
    assert powers.replaced(text, [PLAIN]) == f"before\n{powers.BEGIN}\n{powers.table([PLAIN])}\n{powers.END}after\n"


@pytest.mark.parametrize("text", ["", powers.BEGIN, powers.END])
def test_a_readme_without_the_marks_stays_as_it_is(text):
    with pytest.raises(ValueError, match="must have the lines"):
        powers.replaced(text, [PLAIN])
