"""How the records are made: settings, budgets, an interrupted run, and what `make evidence` says."""

import json
from functools import partial
from types import SimpleNamespace

import pytest

from evidence import __main__ as made
from evidence import again, grid, record
from evidence.experiments import budgets, settings
from jointopt import tasks
from jointopt.compare import Comparison
from jointopt.compare.budget import Budget, cost, within


def comparison(means, figure="accuracy (%)"):
    """Two seeds of each arm, one point apart."""
    runs = {seed: {arm: {figure: mean + seed} for arm, mean in means.items()} for seed in (0, 1)}
    return Comparison({"budget": "1 steps", "arms": dict.fromkeys(means, {})}, runs)


def test_the_best_learning_rate_is_that_of_the_best_mean_and_the_smaller_of_equals():
    searched = comparison(
        {
            **{"a, lr 0.0003": 50, "a, lr 0.001": 60, "a, lr 0.003": 55},
            **{"b, lr 0.0003": 70, "b, lr 0.001": 60, "b, lr 0.003": 70},
        }
    )
    assert (grid.best_lr(searched, "a"), grid.best_lr(searched, "b")) == (1e-3, 3e-4)
    arms = grid.best(searched, {"a": (list, {"labels": 5}), "b": (list, {})})
    assert [arm.optimizer_options for arm in arms.values()] == [{"lr": 1e-3}, {"lr": 3e-4}]
    assert arms["a"].task_options == {"labels": 5}


def test_the_grid_is_searched_on_validation_images_with_its_own_seeds():
    part = grid.search(tasks.load, {"a": (list, {"labels": 5})}, Budget(steps=1))
    assert [arm.optimizer_options["lr"] for arm in part.arms.values()] == list(grid.LRS)
    assert all(arm.task_options == {"labels": 5, "held_out": "validation"} for arm in part.arms.values())
    assert not set(part.seeds) & set(record.SEEDS)


@pytest.mark.parametrize(
    ("labels", "tuned"), [(5, 10), (10, 10), (20, 10), (49, 10), (50, 50), (100, 50), (200, 200), (400, 200)]
)
def test_settings_are_those_of_the_largest_tuned_number_of_labels_or_the_smallest(labels, tuned):
    best = dict(zip(settings.LABELS, settings.GRID, strict=False))  # another one for each number of labels
    best_hog = dict(zip(settings.LABELS, settings.HOG_GRID, strict=False))
    found = {f"joint, {n}": comparison(dict.fromkeys(settings.GRID, 50) | {best[n]: 60}) for n in settings.LABELS}
    found |= {f"HOG, {n}": comparison(dict.fromkeys(settings.HOG_GRID, 5) | {best_hog[n]: 6}) for n in settings.LABELS}
    assert settings.chosen(found, "joint", labels) == settings.GRID[best[tuned]]
    assert settings.chosen(found, settings.HOG, labels) == settings.HOG_GRID[best_hog[tuned]]


def test_the_first_of_equal_settings_is_taken():
    found = {"joint, 10": comparison(dict.fromkeys(settings.GRID, 50))}
    assert settings.chosen(found, "joint", 10) == next(iter(settings.GRID.values()))


SPENT_IN = {  # what a stage has spent, in the budget's own measure
    "steps": lambda spent: spent.steps,
    "updates": lambda spent: max(spent.updates.values()),
    "flops": lambda spent: spent.flops,
}


@pytest.mark.parametrize("measure", budgets.MEASURES)
@pytest.mark.parametrize("name", [name for name, (before, _) in settings.STAGES.items() if before])
def test_half_of_the_budget_is_spent_in_each_stage(name, measure):
    task, size = tasks.load("pretext", labels=5), 40
    (first,), last = settings.STAGES[name]
    costs = {update: cost(task, update)[0] for update in (first, last, settings.JOINT)}
    total = size * costs[settings.JOINT] if measure == "flops" else size
    plan = settings.plan(name, budgets.stages(name, measure, size, costs))
    spent = [(update, after) for update, after in within(Budget(**{measure: total}), plan, task)]
    half = SPENT_IN[measure]([after for update, after in spent if update == first][-1])
    whole = SPENT_IN[measure](spent[-1][1])
    step = max(costs[first], costs[last]) if measure == "flops" else 0
    assert total - step <= whole <= total
    if measure == "updates" and last == settings.HEAD:
        steps = {update: sum(taken == update for taken, _ in spent) for update in (first, last)}
        assert steps == {first: size, last: size}  # no module moves in both stages, so each has the whole budget
    else:
        assert half == pytest.approx(total / 2, abs=step / 2)


# An experiment of two parts. Its arms are functions of the seed that note when they are called.
calls = []
broken = set()


def noted(seed, name):
    if (name, seed) in broken:
        raise RuntimeError("the power went out")
    calls.append((name, seed))
    return {"accuracy (%)": 50.0 + seed}


def experiment(name="some"):
    def parts(found):
        yield "first", record.Part(tasks.load, {"a": partial(noted, name="a")}, Budget(steps=1), range(2))
        assert found["first"].values("a").tolist() == [50, 51]  # the second part has what the first one found
        yield "second", record.Part(tasks.load, {"b": partial(noted, name="b")}, Budget(steps=1), range(3))

    return SimpleNamespace(__name__=f"evidence.{name}", parts=parts)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder for records."""
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setattr(record, "UNFINISHED", tmp_path / "unfinished")
    calls.clear()
    yield tmp_path
    broken.clear()


def test_a_record_is_written_and_nothing_else_is_left(folder):
    seconds = record.make_record(experiment(), processes=1)
    assert {part: found.values(found.arms[0]).tolist() for part, found in record.comparisons("some").items()} == {
        "first": [50, 51],
        "second": [50, 51, 52],
    }
    assert 0 < seconds < 60 and list((folder / "unfinished").iterdir()) == []


def test_an_interrupted_record_is_taken_up_where_it_stopped(folder):
    broken.add(("b", 1))
    with pytest.raises(RuntimeError, match="the power went out"):
        record.make_record(experiment(), processes=1)
    assert calls == [("a", 0), ("a", 1), ("b", 0)]
    assert not (folder / "some.json").exists()
    assert sorted(path.name for path in (folder / "unfinished").iterdir()) == [
        "some first.json",
        "some second.json",
        "some.json",
    ]
    kept = folder / "unfinished" / "some.json"
    kept.write_text(json.dumps({"first": 1000.0}))  # so long did the first part take
    broken.clear()
    seconds = record.make_record(experiment(), processes=1)
    assert calls[3:] == [("b", 1), ("b", 2)]
    assert 1000 < seconds < 1060 and json.loads((folder / "some.json").read_text())["seconds"] == round(seconds)
    assert list((folder / "unfinished").iterdir()) == []
    assert record.comparisons("some")["second"].values("b").tolist() == [50, 51, 52]


def test_what_a_part_before_has_is_taken_from_there(folder):
    first = record.Part(tasks.load, {"a": partial(noted, name="a")}, Budget(steps=1), range(2)).run(progress=False)
    both = {"a": partial(noted, name="a"), "b": partial(noted, name="b")}
    part = record.Part(tasks.load, both, Budget(updates=1), range(2), known={"a": first})
    calls.clear()
    found = part.run(progress=False)
    assert calls == [("b", 0), ("b", 1)]
    assert found.arms == ["a", "b"] and found.spec["budget"] == "up to 1 updates per module"
    assert found.values("a").tolist() == [50, 51] and found.difference("a", "b").mean == 0


def test_known_runs_of_another_plan_are_refused(folder):
    first = record.Part(tasks.load, {"a": partial(noted, name="a")}, Budget(steps=1), range(2)).run(progress=False)
    other = {"a": partial(noted, name="other"), "b": partial(noted, name="b")}
    calls.clear()
    with pytest.raises(ValueError, match="the known runs of 'a' are of another plan or other settings"):
        record.Part(tasks.load, other, Budget(updates=1), range(2), known={"a": first}).run(progress=False)
    assert calls == []


@pytest.mark.parametrize("measure", ["updates", "flops"])
def test_what_is_said_to_be_the_same_as_at_equal_steps_is_the_same(measure):
    """Update by update, at a small size, within the budget of the other sense."""
    task, size = tasks.load("pretext", labels=5), 40
    costs = {update: cost(task, update)[0] for update in (settings.ROTATION, settings.HEAD, settings.JOINT)}
    other = Budget(updates=size) if measure == "updates" else Budget(flops=size * costs[settings.JOINT])
    for name in budgets.SAME[measure]:
        before = settings.STAGES[name][0]
        plans = [settings.plan(name, budgets.stages(name, m, size, costs) if before else 0) for m in ("steps", measure)]
        taken = [[u for u, _ in within(b, p, task)] for b, p in zip((Budget(steps=size), other), plans, strict=True)]
        assert taken[0] == taken[1] and len(taken[0]) == size, name


@pytest.mark.parametrize(
    ("figure", "before", "after", "within"),
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
def test_the_tolerance_is_by_unit(figure, before, after, within):
    assert (record.apart(figure, before, after) <= 1) is within


@pytest.fixture
def making(folder, monkeypatch):
    """(a record that is there, what is made in its place): `main` makes no run."""

    def put(found):
        record.write("depth", {"test": found.as_json()}, 1)

    def make(before, after):
        if before is not None:
            put(before)
        monkeypatch.setattr(record, "make_record", lambda experiment, processes: put(after) or 5.0)
        monkeypatch.setattr(again, "measured", lambda name, processes: {"part": "test"})
        return made.main(["depth"])

    return make


FOUND = comparison({"a": 50, "b": 60})
OTHER = comparison({"a": 50, "b": 64})


def test_the_exit_code_says_whether_the_records_agree(making, capsys):
    assert making(None, FOUND) == 0
    assert capsys.readouterr().out == "depth: 5 s, new\n"
    assert making(FOUND, comparison({"a": 50, "b": 61.5})) == 0
    assert capsys.readouterr().out == "depth: 5 s, means within 0.50 of the tolerance of the record before\n"
    assert making(FOUND, OTHER) == 1
    told = "means within 1.33 of the tolerance of the record before (test, b, accuracy (%))"
    assert capsys.readouterr().out == f"depth: 5 s, {told}\n"
    assert making(FOUND, comparison({"a": 50})) == 1
    assert "1 of 2 means of the record before are gone, test, b, accuracy (%) for one" in capsys.readouterr().out
    assert making(comparison({"a": 50}), FOUND) == 0  # an arm more


def test_the_slice_is_measured_beside_the_runs_or_alone(making, monkeypatch):
    making(None, FOUND)
    assert record.kept("depth")["slice"] == {"part": "test"}
    before = record.kept("depth")
    monkeypatch.setattr(record, "make_record", None)
    monkeypatch.setattr(again, "measured", lambda name, processes: {"part": "other"})
    assert made.main(["depth", "--slices"]) == 0
    assert record.kept("depth") == before | {"slice": {"part": "other"}}


def test_every_held_out_figure_counts(making):
    def two(second):
        runs = {seed: {"a": {"accuracy (%)": 50.0, "norm of θ": second}} for seed in (0, 1)}
        return Comparison({"budget": "1 steps", "arms": {"a": {}}}, runs)

    assert making(two(10.0), two(10.4)) == 0
    assert making(two(10.0), two(10.6)) == 1


def test_a_record_that_was_changed_by_hand_is_made_anew(making, folder, capsys):
    making(None, FOUND)
    path = folder / "depth.json"
    path.write_text(path.read_text().replace("50", "51"))
    capsys.readouterr()
    assert making(None, OTHER) == 0
    told = capsys.readouterr().out
    assert "depth.json was changed by hand" in told and told.endswith("depth: 5 s, new\n")


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
    monkeypatch.setattr(
        record, "make_record", lambda experiment, processes: asked.append(record.name_of(experiment)) or 0
    )
    monkeypatch.setattr(again, "keep", lambda name, processes: None)
    made.main([])
    assert asked == list(made.PLANS)
    asked.clear()
    made.main(["applications", "depth"])
    assert asked == [*made.APPLICATIONS, "depth"]


def test_every_record_that_is_there_can_be_made():
    assert {path.stem for path in record.FOLDER.glob("*.json")} <= set(made.NAMES)
