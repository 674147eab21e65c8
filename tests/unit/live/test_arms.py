"""From anecdote to evidence: the branches of a lab as arms of a comparison."""

import json
from dataclasses import replace

import pytest
import torch

from jointopt import Controls, Update, plans, schedules
from jointopt.compare import Arm, Budget, compare
from jointopt.live import LiveLab

pytestmark = pytest.mark.usefixtures("no_lab_is_left")


@pytest.fixture(autouse=True)
def one_thread():
    """A comparison takes one thread; a lab that takes two adds the same numbers in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def measured(task):
    def evaluate(model):
        return {"norm": float(sum(p.detach().double().norm() for p in model.parameters()))}

    return replace(task, evaluate=evaluate)


@pytest.fixture
def lab(make):
    menu = {"joint": plans.joint(), "turns": plans.alternating(Update("encoder", "task"), Update("head"))}
    lab = LiveLab(measured(make()), menu)
    lab.run(12)
    lab.branch(6)
    lab.controls.set(weight={"reg": 0.5}, lr=0.01)
    lab.run(4)
    lab.controls.freeze("neck")
    lab.engine.use_optimizer("SGD")
    lab.use_plan("turns")
    lab.run(8)
    lab.branch(14)
    lab.controls.thaw("neck")  # waits for a step that was not taken
    return lab


def make_from(make):
    """A task whose weights hang on the seed, as those of the collection do; seed 0 is the lab's."""

    def make_task(seed):
        task = measured(make())
        with torch.no_grad():
            for p in task.model.parameters():
                p.add_(seed)
        return replace(task, batches=lambda number: task.batches(number + 1000 * seed))

    return make_task


def test_an_arm_of_the_labs_own_seed_is_its_branch(lab, make):
    arms = lab.arms()
    assert len(repr(arms)) < 2000  # whatever the plans hold
    assert list(arms) == [
        "A",
        "B: λ reg 0.5, lr 0.01 at 6; plan turns, SGD, freeze neck, lr 0.05 at 10",
        "C: thaw neck at 14",
    ]
    result = compare(make_from(make), arms, Budget(steps=18), seeds=[0], progress=False)
    for name, branch in zip(arms, lab.branches, strict=True):
        lab.use_branch(branch.name)
        if lab.engine.number < 18:
            lab.run(18 - lab.engine.number)
        assert result.values(name, "norm")[0] == lab.engine.task.evaluate(lab.engine.task.model)["norm"]
        assert result.values(name, "steps")[0] == 18


def test_what_is_frozen_is_not_paid_for(lab, make):
    arms = lab.arms()
    del arms["C: thaw neck at 14"]
    run = compare(make_from(make), arms, Budget(steps=14), seeds=[0], progress=False).runs[0]
    moved = {name: each["updates"] for name, each in run.items()}
    name = list(arms)[1]
    assert moved["A"] == {"encoder": 14, "neck": 14, "head": 14} and moved[name]["neck"] == 10
    assert run[name]["flops"] < run["A"]["flops"]


def test_what_is_frozen_at_a_step_hangs_on_no_order_of_the_changes():
    changes = [(10, "frozen.head", False), (5, "frozen.head", True), (5, "lr", 0.1), (12, "frozen.neck", True)]
    arm = Arm(plans.joint, changes=changes)
    assert [arm.frozen(n) for n in (4, 5, 9, 10, 12)] == [set(), {"head"}, {"head"}, set(), {"neck"}]


def test_an_arm_that_returns_to_the_tasks_own_optimizer_has_its_options(make):
    def make_task(seed):
        return replace(measured(make()), optimizer="SGD", optimizer_options={"lr": 0.02, "momentum": 0.5})

    lab = LiveLab(make_task(0))
    lab.run(3)
    for name in ("Adam", "SGD"):
        lab.engine.use_optimizer(name)
        lab.run(3)
    arms = lab.arms()
    result = compare(make_task, arms, Budget(steps=9), seeds=[0], progress=False)
    assert result.values(*arms, "norm")[0] == lab.engine.task.evaluate(lab.engine.task.model)["norm"]


def test_arms_can_be_sent_to_other_processes_and_kept_in_a_file(lab, make, tmp_path):
    path = tmp_path / "run.json"
    options = dict(seeds=[1, 2], progress=False, path=path)
    one = compare(make_from(make), lab.arms(), Budget(steps=15), **options)
    path.unlink()
    two = compare(make_from(make), lab.arms(), Budget(steps=15), processes=2, **options)
    for name in lab.arms():
        assert list(one.values(name, "norm")) == list(two.values(name, "norm"))
    assert '"changes": [[' in path.read_text()
    again = compare(make_from(make), lab.arms(), Budget(steps=15), **options)  # nothing is left to do
    assert list(again.values("A", "norm")) == list(one.values("A", "norm"))


def test_a_plan_that_ended_in_the_lab_ends_in_the_arm(make):
    lab = LiveLab(measured(make()), plans.joint(5))
    lab.run(5)
    run = compare(make_from(make), lab.arms(), Budget(steps=9), seeds=[0], progress=False).runs[0]["A"]
    assert run["ended early"] and run["steps"] == 5


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ((1, "lr", -1.0), "a logged change is"),
        ((1, "plan", "joint"), "a logged change is"),
        ((1, "optimizer", "Adamm"), "no optimizer is named 'Adamm'"),
        ((-1, "frozen.head", True), "a logged change is"),
    ],
)
def test_a_change_that_is_none_is_refused_at_once(change, error):
    with pytest.raises(ValueError, match=error):
        Arm(plans.joint, changes=[change])


def test_a_change_of_an_unknown_module_is_refused(make):
    with pytest.raises(ValueError, match="no module with parameters is named 'hed'"):
        arms = {"a": Arm(plans.joint, changes=[(1, "frozen.hed", True)])}
        compare(make_from(make), arms, Budget(steps=3), seeds=[0], progress=False)


def test_arms_without_changes_are_described_as_before(make):
    spec = compare(make_from(make), {"a": Arm(plans.joint)}, Budget(steps=1), seeds=[0], progress=False).spec
    assert "changes" not in spec["arms"]["a"]


def test_a_function_of_the_step_is_in_an_arm_as_what_it_answered(make):
    lab = LiveLab(measured(make()), controls=Controls(lr=lambda step: 1e-2 / (step + 1)))
    lab.run(6)
    result = compare(make_from(make), lab.arms(), Budget(steps=6), seeds=[0], progress=False)
    assert result.values("A", "norm")[0] == lab.engine.task.evaluate(lab.engine.task.model)["norm"]
    for name, options in (("lr", {"changes": [(0, "lr", float)]}), ("weight.reg", {"weights": {"reg": float}})):
        with pytest.raises(ValueError, match=f"a function of the step in an arm is a Schedule, got '{name}'"):
            Arm(plans.joint, **options)


def test_rates_of_modules_and_schedules_are_in_an_arm_and_in_its_file(make, tmp_path):
    rise = schedules.linear((0, 0.0), (6, 0.01))
    lab = LiveLab(measured(make()), controls=Controls({"reg": rise}, lr={"head": rise}))
    lab.run(4)
    lab.controls.set(lr={"encoder": 0.0})
    lab.run(4)
    arms, path = lab.arms(), tmp_path / "run.json"
    assert list(arms) == ["A: lr encoder 0 at 4"]
    result = compare(make_from(make), arms, Budget(steps=8), seeds=[0], path=path, progress=False)
    assert result.values(*arms, "norm")[0] == lab.engine.task.evaluate(lab.engine.task.model)["norm"]
    (arm,) = json.loads(path.read_text(encoding="utf-8"))["spec"]["arms"].values()
    points = [list(point) for point in rise.points]
    assert arm["changes"] == [[0, "weight.reg", points], [0, "lr.head", points], [4, "lr.encoder", 0.0]]


def test_menu_and_arms_say_when_a_branch_was_changed_unless_it_began_so(make):
    lab = LiveLab(make(), {"staged": plans.staged((Update("head"), None)), "joint": plans.joint()})
    lab.run(4)
    lab.use_plan("joint")
    lab.run(4)
    lab.branch(2)
    lab.controls.freeze("head")
    lab.run(30)
    for weight in (0.1, 0.2):
        lab.controls.set(weight={"reg": weight})
        lab.run(3)
    assert [each["words"] for each in lab.display.controls.state["branches"]] == [
        "A: plan joint at 4",
        "B from step 2 of A: freeze head, λ reg 0.2 at 32–35",
    ]
    assert list(lab.arms()) == ["A: plan joint at 4", "B: freeze head at 2; λ reg 0.2 at 32–35"]
