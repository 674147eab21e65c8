"""How the records are made: an interrupted run, the verdict, and what `make evidence` says."""

import json
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from evidence import __main__ as made
from evidence import again, record
from jointopt import tasks
from jointopt.compare import Budget, Comparison, records


def comparison(means, metric="accuracy (%)"):
    """Two seeds of each arm, one point apart."""
    runs = {seed: {arm: {metric: mean + seed} for arm, mean in means.items()} for seed in (0, 1)}
    return Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, runs)


# An experiment of two parts. Its arms are functions of the seed that note when they are called.
calls = []
broken = set()


def noted(seed, name):
    if (name, seed) in broken:
        raise RuntimeError("the power went out")
    calls.append((name, seed))
    return {"accuracy (%)": 50.0 + seed}


def parts(comparisons):
    yield "first", record.Part(tasks.load, {"a": partial(noted, name="a")}, Budget(steps=1), range(2))
    assert comparisons["first"].values("a").tolist() == [50, 51]  # the second part is given the first one's
    yield "second", record.Part(tasks.load, {"b": partial(noted, name="b")}, Budget(steps=1), range(3))


def rule(comparisons):
    return {"a is low": "holds", "rests on": {"mean": comparisons["first"].mean("a").mean}}


SOME = SimpleNamespace(parts=parts, RULE=rule)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder for records, and the experiment "some"."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    monkeypatch.setattr(record, "UNFINISHED", tmp_path / "unfinished")
    monkeypatch.setitem(sys.modules, "evidence.experiments.some", SOME)
    calls.clear()
    yield tmp_path
    broken.clear()


def test_a_record_is_written_and_nothing_else_is_left(folder):
    seconds = record.make_record("some", processes=1)
    values = {part: made.values(made.arms[0]).tolist() for part, made in records.load("some").items()}
    assert values == {"first": [50, 51], "second": [50, 51, 52]}
    assert 0 < seconds < 60 and list((folder / "unfinished").iterdir()) == []


def test_a_record_is_written_with_its_verdict_which_can_be_made_alone(folder, monkeypatch):
    record.make_record("some", processes=1)
    data, ran = records.read("some"), list(calls)
    assert data["verdict"] == {"a is low": "holds", "rests on": {"mean": 50.5}}
    monkeypatch.setattr(SOME, "RULE", lambda comparisons: {"a is low": "does not hold", "rests on": {}})
    monkeypatch.setattr(made, "NAMES", (*made.NAMES, "some"))
    monkeypatch.setattr(made.answers, "write", lambda: calls.append("answers"))
    assert made.main(["some", "--verdicts"]) == 0
    assert calls.pop() == "answers"
    after = records.read("some")
    assert after["verdict"] == {"a is low": "does not hold", "rests on": {}} and after["sha256"] != data["sha256"]
    assert [after[key] for key in ("seconds", "slice", "content")] == [data[k] for k in ("seconds", "slice", "content")]
    assert calls == ran


def test_a_record_without_a_rule_has_no_verdict(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "evidence.experiments.some", SimpleNamespace(parts=parts))
    record.make_record("some", processes=1)
    assert "verdict" not in records.read("some")


def test_an_interrupted_record_is_taken_up_where_it_stopped(folder):
    broken.add(("b", 1))
    with pytest.raises(RuntimeError, match="the power went out"):
        record.make_record("some", processes=1)
    assert calls == [("a", 0), ("a", 1), ("b", 0)]
    assert not (folder / "some.json").exists()
    assert sorted(path.name for path in (folder / "unfinished").iterdir()) == [
        "some first.json",
        "some second.json",
        "some.json",
    ]
    clock = folder / "unfinished" / "some.json"
    clock.write_text(json.dumps({"first": 1000.0}))  # seconds that the first part took
    broken.clear()
    seconds = record.make_record("some", processes=1)
    assert calls[3:] == [("b", 1), ("b", 2)]
    assert 1000 < seconds < 1060 and json.loads((folder / "some.json").read_text())["seconds"] == round(seconds)
    assert list((folder / "unfinished").iterdir()) == []
    assert records.load("some")["second"].values("b").tolist() == [50, 51, 52]


def test_what_a_part_before_has_is_taken_from_there(folder):
    first = record.Part(tasks.load, {"a": partial(noted, name="a")}, Budget(steps=1), range(2)).run(progress=False)
    both = {"a": partial(noted, name="a"), "b": partial(noted, name="b")}
    part = record.Part(tasks.load, both, Budget(updates=1), range(2), known={"a": first})
    calls.clear()
    result = part.run(progress=False)
    assert calls == [("b", 0), ("b", 1)]
    assert result.arms == ["a", "b"] and result.spec["budget"] == "up to 1 updates per module"
    assert result.values("a").tolist() == [50, 51] and result.difference("a", "b").mean == 0


def test_known_runs_of_another_plan_are_refused(folder):
    first = record.Part(tasks.load, {"a": partial(noted, name="a")}, Budget(steps=1), range(2)).run(progress=False)
    other = {"a": partial(noted, name="other"), "b": partial(noted, name="b")}
    calls.clear()
    with pytest.raises(ValueError, match="the known runs of 'a' are of another plan or other hyperparameters"):
        record.Part(tasks.load, other, Budget(updates=1), range(2), known={"a": first}).run(progress=False)
    assert calls == []


@pytest.mark.parametrize(
    ("metric", "before", "after", "within"),
    [
        ("accuracy (%)", 50, 52.9, True),
        ("accuracy (%)", 50, 53.1, False),
        ("other images: cosine, step 10", 0.1, 0.14, True),
        ("other images: cosine, step 10", 0.1, 0.16, False),
        ("norm of θ", 10, 10.4, True),
        ("norm of θ", 10, 9.4, False),
        ("norm of θ", float("nan"), float("nan"), True),
        ("norm of θ", 10, float("nan"), False),
    ],
)
def test_the_tolerance_is_by_unit(metric, before, after, within):
    assert (record.apart(metric, before, after) <= 1) is within


@pytest.fixture
def making(folder, monkeypatch):
    """(a record that is there, what is made in its place): `main` makes no run."""

    def put(comparison):
        record.write("depth", {"seconds": 1, "content": {"test": comparison.as_json()}})

    def make(before, after):
        if before is not None:
            put(before)
        monkeypatch.setattr(record, "make_record", lambda name, processes: put(after) or 5.0)
        monkeypatch.setattr(again, "measured", lambda name, processes: {"part": "test"})
        return made.main(["depth"])

    return make


BEFORE = comparison({"a": 50, "b": 60})
OTHER = comparison({"a": 50, "b": 64})


def test_the_exit_code_says_whether_the_records_agree(making, capsys):
    assert making(None, BEFORE) == 0
    assert capsys.readouterr().out == "depth: 5 s, new\n"
    assert making(BEFORE, comparison({"a": 50, "b": 61.5})) == 0
    assert capsys.readouterr().out == "depth: 5 s, means within 0.50 of the tolerance of the record before\n"
    assert making(BEFORE, OTHER) == 1
    words = "means within 1.33 of the tolerance of the record before (test, b, accuracy (%))"
    assert capsys.readouterr().out == f"depth: 5 s, {words}\n"
    assert making(BEFORE, comparison({"a": 50})) == 1
    assert "1 of 2 means of the record before are gone, test, b, accuracy (%) for one" in capsys.readouterr().out
    assert making(comparison({"a": 50}), BEFORE) == 0  # an arm more


def test_the_slice_is_measured_beside_the_runs_or_alone(making, monkeypatch):
    making(None, BEFORE)
    before = records.read("depth")
    assert before["slice"] == {"part": "test"}
    monkeypatch.setattr(record, "make_record", None)
    monkeypatch.setattr(again, "measured", lambda name, processes: {"part": "other"})
    assert made.main(["depth", "--slices"]) == 0
    after = records.read("depth")
    assert after == before | {"slice": {"part": "other"}, "sha256": after["sha256"]}


def test_every_held_out_metric_counts(making):
    def two(second):
        runs = {seed: {"a": {"accuracy (%)": 50.0, "norm of θ": second}} for seed in (0, 1)}
        return Comparison({"budget": "1 steps", "arms": {"a": {}}}, runs)

    assert making(two(10.0), two(10.4)) == 0
    assert making(two(10.0), two(10.6)) == 1


def test_a_record_that_was_changed_by_hand_is_made_anew(making, folder, capsys):
    making(None, BEFORE)
    path = folder / "depth.json"
    path.write_text(path.read_text().replace("50", "51"))
    capsys.readouterr()
    assert making(None, OTHER) == 0
    out = capsys.readouterr().out
    assert "depth.json was changed by hand" in out and out.endswith("depth: 5 s, new\n")


def test_a_name_that_is_none_is_named_with_the_choices(capsys):
    with pytest.raises(SystemExit) as stopped:
        made.main(["depth", "dept"])
    assert stopped.value.code == 2
    assert f"no record is named 'dept'; choose among {', '.join((*made.GROUPS, *made.NAMES))}" in " ".join(
        capsys.readouterr().err.split()
    )


def test_a_group_stands_for_its_records(monkeypatch):
    asked = []
    monkeypatch.setattr(made, "means", lambda name: {})
    monkeypatch.setattr(record, "make_record", lambda name, processes: asked.append(name) or 0)
    monkeypatch.setattr(again, "keep", lambda name, processes: None)
    made.main([])
    assert asked == list(made.PLANS)
    asked.clear()
    made.main(["applications", "depth"])
    assert asked == [*made.APPLICATIONS, "depth"]


def test_every_record_that_is_there_can_be_made():
    assert set(records.names()) <= set(made.NAMES)
