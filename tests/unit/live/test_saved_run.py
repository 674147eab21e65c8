"""A run as a file: replayed to the same numbers, refused in words where it is broken or hostile."""

import json

import pytest
from jsonschema import Draft4Validator
from labtools import changed

from jointopt import Update, plans, tasks
from jointopt.live import LiveLab
from jointopt.live.lab.saved_run import SCHEMA

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


@pytest.mark.parametrize("plan", ["joint", "alternating", "generator of one's own"])
def test_a_saved_run_replays_to_the_same_numbers(plan, make, tmp_path):
    def own():
        for n in range(100):
            yield Update("head", "task") if n % 3 else Update()

    plan = {"joint": None, "alternating": plans.alternating(Update("head"), Update("encoder"))}.get(plan, own())
    lab = LiveLab(make(), plan)
    changed(lab)
    lab.save(tmp_path / "run.json")
    replayed = LiveLab.replay(tmp_path / "run.json", task=make(), name="replayed")
    for column in lab.history.columns:
        assert list(replayed.history[column]) == list(lab.history[column])
    assert replayed.engine.log == lab.engine.log and replayed.note == "replayed 20 steps to the same numbers"
    assert (tmp_path / "run.json").stat().st_size < 2000


def test_a_run_with_plans_from_a_menu_replays(make, tmp_path):
    plan = {"joint": plans.joint(), "staged": plans.staged((Update("head", "task"), 3), (Update("encoder"), None))}
    lab = LiveLab(make(), plan)
    lab.run(4)
    for name, n in (("staged", 5), ("joint", 2), ("staged", 4)):
        lab.use_plan(name)
        lab.controls.set(weight={"reg": 0.1 * n})
        lab.run(n)
    lab.save(tmp_path / "run.json")
    replayed = LiveLab.replay(tmp_path / "run.json", task=make(), name="replayed")
    for column in lab.history.columns:
        assert list(replayed.history[column]) == list(lab.history[column])
    assert replayed.engine.log == lab.engine.log and (4, "plan", "staged") in replayed.engine.log
    assert (
        replayed.engine.status_line.text == lab.engine.status_line.text
        and "plan joint → staged" in replayed.engine.status_line.text
    )
    assert replayed.note == "replayed 15 steps to the same numbers"
    assert replayed.figure().alt == lab.figure().alt and "plan staged" in lab.figure().alt
    replayed.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == (tmp_path / "run.json").read_text()


@pytest.mark.parametrize("steps", [0, 5])
def test_what_was_changed_while_paused_is_in_the_file(steps, make, tmp_path):
    lab, file = LiveLab(make(), name="saved"), tmp_path / "run.json"
    if steps:
        lab.run(steps)
    lab.controls.freeze("encoder")
    lab.engine.use_optimizer("SGD")
    lab.controls.set(weight={"reg": 0.3}, lr=0.02)
    lab.save(file)
    assert json.loads(file.read_text())["branches"][0]["log"][-4:] == [
        [steps, "optimizer", "SGD"],
        [steps, "frozen.encoder", True],
        [steps, "lr", 0.02],
        [steps, "weight.reg", 0.3],
    ]
    replayed = LiveLab.replay(file, task=make(), name="replayed")
    assert replayed.controls.frozen == {"encoder"} and replayed.engine.next_optimizer == "SGD"
    replayed.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == file.read_text()
    if not steps:  # of a run without a step no plan is known
        return
    lab.run(4)
    replayed.run(4)
    assert replayed.engine.log == lab.engine.log
    for column in lab.history.columns:
        assert list(replayed.history[column]) == list(lab.history[column])


def test_a_replayed_run_without_a_first_plan_has_words_all_the_same(make, tmp_path):
    lab, file = LiveLab(make(), {"a": plans.joint(), "b": plans.joint()}), tmp_path / "run.json"
    lab.run(2)
    lab.use_plan("b")
    lab.run(2)
    lab.save(file)
    run = json.loads(file.read_text())
    del run["branches"][0]["log"][0]
    file.write_text(json.dumps(run))
    replayed = LiveLab.replay(file, task=make(), name="replayed")
    assert replayed.engine.status_line.text == "step 2: plan b: this step moves encoder, neck, head on task, reg"


def test_a_run_of_the_collection_replays_from_its_file_alone(tmp_path):
    lab = LiveLab(tasks.load("classification", seed=3, size=8, data="cluttered"))
    lab.run(3)
    lab.save(tmp_path / "run.json")
    replayed = LiveLab.replay(tmp_path / "run.json", name="replayed")
    assert list(replayed.history["total"]) == list(lab.history["total"])


@pytest.mark.parametrize(
    ("name", "options"), [("classification", dict(labels=None)), ("detection", dict(classes=["2"]))]
)
def test_options_that_are_none_or_a_list_are_saved(name, options, tmp_path):
    lab = LiveLab(tasks.load(name, **options, **(dict(scenes=8, held_out_scenes=2) if name == "detection" else {})))
    lab.run(1)
    lab.save(tmp_path / "run.json")
    assert LiveLab.replay(tmp_path / "run.json", name="again").note == "replayed 1 steps to the same numbers"


def test_replay_says_when_the_first_weights_differ(make, tmp_path):
    lab = LiveLab(make())
    lab.run(2)
    lab.save(tmp_path / "run.json")
    lab.close()
    replayed = LiveLab.replay(tmp_path / "run.json", task=lab.engine.task)
    assert "from other first weights" in replayed.note


LOGGED = r"a logged change is \[step ≥ 0"
PLAN_NAME = "the name of a plan must be a str of 1 to 199 characters"
HOSTILE = {
    "no JSON": ("import os", "Expecting value"),
    "a list": ("[]", r"\$: \[\] is not of type 'object'"),
    "another format": ({"format": "pickle"}, r"\$.format: 'pickle' is not one of \['jointopt run 2'\]"),
    "code for a name": (
        {"task": {"name": "os; system('x')", "seed": 0, "options": {}}},
        "no task is named .os; system",
    ),
    "a path for a name": ({"task": {"name": "../../evil", "seed": 0, "options": {}}}, "no task is named '../../evil'"),
    "an unknown option": (
        {"task": {"name": "classification", "seed": 0, "options": {"code": "1"}}},
        "'classification' has no option 'code'",
    ),
    "an option that is an object": (
        {"task": {"name": "classification", "seed": 0, "options": {"data": {"a": 1}}}},
        r"\$.task.options.data: {.a.: 1} .*, expected a number, a text, true, false, null, or a list of such",
    ),
    "a second seed": (
        {"task": {"name": "classification", "seed": 0, "options": {"seed": 1}}},
        "'seed' does not match .* plain options besides name and seed",
    ),
    "another task": ({"task": {"name": "classification", "seed": 0, "options": {}}}, "of another task: .*, got None"),
    "other modules": ({"modules": ["head"]}, "of another task: modules 'head'"),
    "other losses": ({"losses": ["task"]}, "of another task: .* losses 'task'"),
    "a module without a name": ({"modules": [""]}, r"\$.modules\[0\]: .* a name of 1 to 199 characters"),
    "negative steps": ({"steps": -1}, r"\$.branches\[0\].steps: -1 is less than the minimum of 0"),
    "steps with a point": ({"steps": 5.0}, r"\$.branches\[0\].steps: 5.0 is not of type 'integer'"),
    "endless steps": (
        {"steps": 10**12, "plan": [[0, 10**12]]},
        r"\$.branches\[0\].steps: 1000000000000 is greater than",
    ),
    "a run of no step": ({"total": None}, "expected the total J of the last of 5 steps, .* got None"),
    "a plan of another length": ({"plan": [[0, 3]]}, "a plan of 5 updates, one for each step, got 3"),
    "a plan out of range": ({"plan": [[7, 5]]}, "a plan of updates 0 to 0, got 7"),
    "an empty update": ({"updates": [[[], None]]}, r"\$.updates\[0\]\[0\]: .* a list of names, or null for all"),
    "an update of an unknown module": ({"updates": [[["hed"], None]]}, "no module .* named 'hed'"),
    "an update of an unknown loss": ({"updates": [[None, ["regg"]]]}, "no loss is named 'regg'"),
    "an update of more parts": ({"updates": [[None, None, True]]}, r"\$.updates\[0\]\[2\]: True is not one of"),
    "a change after the end": ({"log": [[9, "lr", 0.1]]}, r"changes within steps 0 to 5, got \[9, .lr., 0.1\]"),
    "a change of nothing": ({"log": [[1, "weights", 0.1]]}, LOGGED),
    "an infinite weight": ({"log": [[1, "weight.reg", float("inf")]]}, LOGGED),
    "an unknown loss": ({"log": [[1, "weight.regg", 1.0]]}, "no loss is named 'regg'"),
    "an unknown module": ({"log": [[1, "frozen.hed", True]]}, "no module .* named 'hed'"),
    "an unknown optimizer": ({"log": [[1, "optimizer", "__import__"]]}, "no optimizer is named '__import__'"),
    "a plan that is a number": ({"log": [[1, "plan", 5]]}, PLAN_NAME),
    "a plan that is a list": ({"log": [[1, "plan", ["joint"]]]}, PLAN_NAME),
    "a plan without a name": ({"log": [[1, "plan", ""]]}, PLAN_NAME),
    "a plan of a long name": ({"log": [[1, "plan", "x" * 200]]}, PLAN_NAME),
    "a plan at no step": (
        {"log": [["1", "plan", "joint"]]},
        "is not of type .integer., expected a whole number",
    ),
    "a plan before the run": (
        {"log": [[-1, "plan", "joint"]]},
        r"\$.branches\[0\].log\[0\]\[0\]: -1 is less than the minimum of 0",
    ),
    "a plan after the end": ({"log": [[9, "plan", "joint"]]}, "changes within steps 0 to 5"),
    "a plan of more parts": (
        {"log": [[1, "plan", "joint", "staged"]]},
        r"too long, expected \[step, name, value\]",
    ),
    "a missing part": ({"log": ...}, "'log' is a required property"),
    "a million mistakes": ({"plan": [[]] * 10**6}, r"\$.branches\[0\].plan\[\d+\]: \[\] is too short"),
    "a long mistake": ({"log": "x" * 10**6}, r"\$.branches\[0\].log: 'x+ … x+' is not of type 'array'$"),
}


def with_change(run, change):
    """A run of one branch with some of its parts replaced; ... removes one."""
    branch = run["branches"][0] | {key: value for key, value in change.items() if key in run["branches"][0]}
    run = run | {"branches": [branch]} | {key: value for key, value in change.items() if key not in branch}
    for part in (run, branch):
        for key in [key for key, value in part.items() if value is ...]:
            del part[key]
    return run


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_broken_or_hostile_is_refused_in_words(case, make, tmp_path):
    lab, file = LiveLab(make()), tmp_path / "run.json"
    lab.run(5)
    lab.save(file)
    change, error = HOSTILE[case]
    file.write_text(
        change if isinstance(change, str) else json.dumps(with_change(json.loads(file.read_text()), change))
    )
    task = None if case in ("code for a name", "a path for a name", "an unknown option") else make()
    with pytest.raises(ValueError, match=error):
        LiveLab.replay(file, task=task)
    assert lab.run(1).number == 5  # the lab of this name is at work


def test_the_schema_is_one_of_its_draft():
    Draft4Validator.check_schema(SCHEMA)


def test_a_huge_file_is_not_read(tmp_path, make):
    file = tmp_path / "run.json"
    file.write_bytes(b"[" * 9_000_000)
    with pytest.raises(ValueError, match="no saved run: 9000000 bytes"):
        LiveLab.replay(file, task=make())
    file.write_bytes(b"[" * 1_000_000)  # deeper than any parser recurses
    with pytest.raises(ValueError, match="not a saved run, or is broken"):
        LiveLab.replay(file, task=make())


def test_a_run_of_ones_own_task_needs_the_task(make, tmp_path):
    lab = LiveLab(make())
    lab.run(1)
    lab.save(tmp_path / "run.json")
    with pytest.raises(ValueError, match="give it, replay"):
        LiveLab.replay(tmp_path / "run.json")


def test_a_run_is_written_whole_or_not_at_all(task, tmp_path):
    lab = LiveLab(task)
    lab.run(1)
    for wrong in (tmp_path, tmp_path / "none" / "run.json"):
        with pytest.raises(ValueError, match="expected a file in a folder that exists"):
            lab.save(wrong)
    lab.save(tmp_path / "run.json")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.json"):
        LiveLab.replay(tmp_path / "none.json")
