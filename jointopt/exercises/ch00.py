"""Chapter 0, the opening: shares of J, the lab in code, a plan, and what freezing is not."""

import copy
from collections import OrderedDict
from itertools import islice
from math import isclose

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, updates
from jointopt.exercises.registry import exercise, prediction
from jointopt.objective import l2
from jointopt.training import Step, Task, Update

MODULES = ("feature_extractor", "classifier")

prediction("0.1", "The features stand still. Does the classifier, too?", choices=("falls", "stays", "rises"))
prediction(
    "0.2",
    "At step 30 the classifier is no longer random: it reads 4 of 5 digits already.",
    choices=("a gain", "0 to 3", "3 to 10", "more"),
)
prediction(
    "0.3",
    "A frozen classifier still passes the gradient on to the features beneath it.",
    "It asks for features that its random weights can tell apart. Can the feature extractor make such features?",
    unit="%",
    close=10,
)


@exercise(
    "0.4",
    "J is the sum of λ_k · L_k over all losses. Which of these terms has the name that is asked for?",
    "Divide that one term by the sum of all of them.",
)
def share_of_the_objective(answer):
    """A function of (losses, weights, name) that returns λ_k · L_k / J."""
    share = function(answer, "losses", "weights", "name")
    for losses, weights, name in (
        ({"task": 1.5, "reg": 250.0}, {"task": 1.0, "reg": 2e-3}, "reg"),
        ({"task": 1.5, "reg": 250.0}, {"task": 1.0, "reg": 2e-3}, "task"),
        ({"task": 0.9, "reg": 400.0}, {"task": 2.0, "reg": 0.0}, "reg"),
        ({"class": 1.0, "box": 3.0, "mask": 0.5}, {"class": 1.0, "box": 0.5, "mask": 5.0}, "box"),
    ):
        got = number(share(dict(losses), dict(weights), name))
        terms = {each: weights[each] * loss for each, loss in losses.items()}
        total = sum(terms.values())
        wanted = terms[name] / total
        if isclose(got, wanted, abs_tol=1e-6):
            continue
        J = " + ".join(f"{weights[each]:g}·{loss:g}" for each, loss in losses.items())
        if isclose(got, 100 * wanted, abs_tol=1e-4):
            raise Wrong(f"yours says {got:.3g}: that is in percent. A share lies between 0 and 1.")
        if isclose(got, losses[name] / sum(losses.values()), abs_tol=1e-6):
            raise Wrong(f"yours is {got:.3g} for {name!r} in J = {J}: that is its share if every λ is 1.")
        if isclose(got, terms[name], abs_tol=1e-6):
            raise Wrong(f"yours is {got:.3g} for {name!r} in J = {J}: that is λ·L itself, and J is {total:g}.")
        raise Wrong(f"yours is {got:.3g} for {name!r} in J = {J}, which is {total:g}.")
    return "The status line of the lab says this number after each change of a λ."


@exercise(
    "0.5",
    "The J's of two runs have different λ's in them. What would λ = 0 do to J?",
    "Which of the four entries was measured on digits that no run has trained on?",
)
def better_run(answer):
    """A function of a list of runs that returns the one that reads the most held-out digits."""
    best, picked = function(answer, "runs"), []
    for table in (  # λ, L_task, L_reg, accuracy
        [(1e-3, 0.05, 90.0, 92.0), (1e-4, 0.06, 200.0, 93.0), (1e-2, 0.12, 15.0, 96.0)],
        [(1e-1, 0.31, 3.0, 88.0), (1e-3, 0.07, 50.0, 95.0), (0.0, 0.02, 80.0, 91.0)],
        [(1.0, 2.30, 0.001, 11.0), (1e-1, 0.40, 2.0, 90.0)],
    ):
        runs = [dict(zip(("lam", "task", "reg", "accuracy"), row, strict=True)) for row in table]
        got = given(best(copy.deepcopy(runs)))
        if not isinstance(got, dict) or got not in runs:
            raise Wrong(f"one of the runs is asked for, a dict of those in the list, not {kind(got)}.")
        picked.append((runs, got))
    lowest = all(got == min(runs, key=_objective_of) for runs, got in picked)
    for runs, got in picked:
        wanted = max(runs, key=lambda run: run["accuracy"])
        if got != wanted:
            words = f"of {len(runs)} runs, {'it' if lowest else 'yours'} takes the one with λ = {got['lam']:g} and "
            words += f"J = {_objective_of(got):.2g}, which reads {got['accuracy']:g} % of the held-out digits; the one "
            words += f"with λ = {wanted['lam']:g} and J = {_objective_of(wanted):.2g} reads {wanted['accuracy']:g} %."
            raise (Blank if lowest else Wrong)(words)
    return "J compares weights under one λ. It does not compare runs under two."


def _objective_of(run: dict[str, float]) -> float:
    return run["task"] + run["lam"] * run["reg"]


@exercise(
    "0.6",
    "lab.controls.set(weight={name: λ, …}) sets λ's by the names of their losses.",
    "What is set takes effect at the next step, so set first, then run.",
)
def forget(answer):
    """A function of (lab, steps) that sets λ task to 0 and λ reg to 0.01, and takes `steps` further steps."""
    drive = function(answer, "lab", "steps")
    from jointopt.live import LiveLab  # heavy

    for first, steps in ((3, 10), (0, 2)):
        lab = LiveLab(_task(), name="exercise 0.6")
        try:
            if first:
                lab.run(first)
            drive(lab, steps)
            if lab.playing:
                raise Wrong(
                    "lab.play() trains until it is paused; lab.run(steps) takes as many steps as are asked for."
                )
            if len(lab.history) == first and not lab.controls.weights:
                raise Blank("the lab has taken no step, and no λ was set.")
            taken, weights = len(lab.history), {name: lab.history[f"weight.{name}"] for name in ("task", "reg")}
        finally:
            lab.close()
        if first and taken == steps:
            raise Wrong("the run began anew, and what it had learned is gone at once: do not reset the lab.")
        if taken != first + steps:
            raise Wrong(f"the lab had taken {first} steps and now has taken {taken}: {steps} more were asked for.")
        for name, wanted in (("task", 0.0), ("reg", 0.01)):
            late = [each for each in weights[name][first:].tolist() if each != wanted]
            if late:
                raise Wrong(f"in {len(late)} of the {steps} steps λ {name} was {late[0]:g}, not {wanted:g}.")
    return "The task's row in the influence table is empty now: nothing asks the network to read."


def _task() -> Task:
    """Two small modules in a row, and the losses of the lab in the chapter."""
    model = nn.Sequential(OrderedDict(feature_extractor=nn.Linear(4, 3), classifier=nn.Linear(3, 2)))
    inputs = torch.randn(8, 4)
    labels = (inputs.sum(1) > 0).long()  # (8,)

    def losses(model, batch):
        return {"task": F.cross_entropy(model(batch[0]), batch[1]), "reg": l2(model)}

    return Task(model, losses, lambda number: (inputs, labels), weights={"task": 1.0, "reg": 1e-4})


@exercise(
    "0.7",
    'history["change.classifier"] has one number for each step. What is it where the classifier stood still?',
    "Both modules have to stand still: the two changes of a step are 0 then, and so is their sum.",
)
def steps_in_which_nothing_moved(answer):
    """A function of a lab's history that returns the numbers of the steps in which no module moved."""
    still = function(answer, "history")
    for steps, *frozen in (  # how many, those in which the first module is frozen, and the second
        (8, range(2, 6), range(4, 7)),
        (6, range(3), range(3, 6)),
        (5, range(5), range(2)),
        (4, range(0), range(0)),
    ):
        got = given(still(_history(steps, frozen)))
        got = got[0] if isinstance(got, tuple) and len(got) == 1 else got  # np.nonzero returns such a tuple
        try:
            got = sorted(number(each) for each in islice(got, steps + 1))
        except TypeError:
            raise Wrong(f"a list of the numbers of steps is asked for, not {kind(got)}.") from None
        if got != sorted(set.intersection(*map(set, frozen))):
            first, second = map(list, frozen)
            raise Wrong(
                f"of {steps} steps, counted from 0, the feature extractor is frozen in {first} and the classifier in "
                f"{second}; yours returns {[int(each) if each.is_integer() else each for each in got]}."
            )
    return "In such steps the losses are still reported, and vary, since each step sees another batch."


def _history(steps: int, frozen: list[range]):
    """That of a lab whose modules were frozen in these steps."""
    from jointopt.live.lab.history import History

    history, weights = History(["task", "reg"], MODULES), {"task": 1.0, "reg": 1e-4}
    for n in range(steps):
        norms = {name: 0.0 if n in still else 0.4 for name, still in zip(MODULES, frozen, strict=True)}
        losses = {"task": (2.3, 2.1, 2.1, 2.2)[n % 4], "reg": 100.0}  # twice the same, which proves nothing
        moved = tuple(name for name in MODULES if norms[name])
        history.append(Step(n, Update(), moved, losses, weights, losses["task"] + 0.01, norms, norms))
    return history


@exercise(
    "0.8",
    "Two kinds of Update are enough. Which steps take which? At step `end` nothing is frozen any more.",
    "A plan is a generator: a for loop over the numbers of the steps, with a yield.",
)
def freeze_as_a_plan(answer):
    """`steps` updates: the classifier moves in each, the feature extractor in all but `start` to `end` − 1."""
    plan = function(answer, "start", "end", "steps")
    for start, end, steps in ((30, 45, 60), (5, 6, 8), (1, 4, 5)):
        which = f"plan({start}, {end}, {steps})"
        stream = given(plan(start, end, steps))
        try:
            taken = updates(stream, steps)
        except Wrong as wrong:
            raise Wrong(f"{which}: {wrong}") from None
        if len(taken) < steps:
            raise Wrong(f"{which} ends after {len(taken)} updates: `steps` counts all of them, the frozen ones too.")
        if not all(update.counts("task") and update.counts("reg") for update in taken):
            raise Wrong("both losses have to be counted at every step: name no losses.")
        for n, update in enumerate(taken):
            moves = {name: update.modules is None or name in update.modules for name in MODULES}
            if not moves["classifier"]:
                raise Wrong(f"in {which} the classifier does not move at step {n}: an Update names what moves.")
            if moves["feature_extractor"] == (start <= n < end):
                does = "moves" if moves["feature_extractor"] else "stands still"
                raise Wrong(f"in {which} the feature extractor {does} at step {n}; steps count from 0.")
    return (
        'From seed 0, train(tasks.load("classification"), plan(30, 45, 60)) takes the same steps as the lab: '
        "a freeze is a plan, made while it runs."
    )


@exercise(
    "0.9",
    "What is left of a number that is divided by its own absolute value? Try the gradient (0.3, −0.4).",
    "Under Adam each weight moves by lr then, whatever its gradient. What is the 2-norm of n numbers that are all ±lr?",
)
def first_step_of_two_optimizers(answer):
    """A function of (gradient, lr): the 2-norms of the first step of Adam and of SGD."""
    change = function(answer, "gradient", "lr")
    for gradient, lr in (
        (torch.tensor([0.3, -0.4]), 0.1),
        (torch.tensor([[3.0, -0.02, 0.5], [0.01, 1.0, -2.0]]), 0.05),
        (torch.linspace(-2, 3, 100) + 0.01, 0.001),  # (100,)
    ):
        pair = given(change(gradient.clone(), lr))
        try:
            adam, sgd = (number(each) for each in pair)
        except (TypeError, ValueError):
            raise Wrong("a pair of numbers is asked for, (adam, sgd).") from None
        case = f"{gradient.numel()} weights, a gradient of norm {gradient.norm():.3g} and lr {lr:g},"
        wanted = {"Adam": lr * gradient.numel() ** 0.5, "SGD": lr * gradient.norm().item()}
        for name, got in (("Adam", adam), ("SGD", sgd)):
            if not isclose(got, wanted[name], rel_tol=1e-3):
                raise Wrong(f"for {case} {name}'s first step has the norm {wanted[name]:.3g}, and yours is {got:.3g}.")
    return "SGD's step depends on how large the gradient is, Adam's first one does not."


@exercise(
    "0.10",
    "What does torch.no_grad() cut off: the gradient of phi's weights alone, or also the path through phi to theta?",
    "Each parameter has a flag of its own that says whether it wants a gradient.",
)
def frozen_classifier_by_hand(answer):
    """A function of (theta, phi, optimizer, inputs, labels, lam): one step on J in which phi stands still."""
    step = function(answer, "theta", "phi", "optimizer", "inputs", "labels", "lam")
    theta, phi = nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Linear(3, 2)
    optimizer = torch.optim.SGD([*theta.parameters(), *phi.parameters()], lr=0.1, momentum=0.9)
    inputs = torch.randn(8, 4)
    labels = (inputs.sum(1) > 0).long()  # (8,)
    _joint_step(theta, phi, optimizer, inputs, labels, 0.1)  # so that there is a memory of both modules
    moved, phis_move, why = _after(step, theta, phi, optimizer, inputs, labels)
    if phis_move:
        raise Wrong(f"in one step the classifier has moved by {phis_move:.2g}: {why}.")
    if not moved.any():
        raise Wrong("the feature extractor has not moved: it is the one that learns.")
    if torch.allclose(moved, _after(step, theta, phi, optimizer, inputs, 1 - labels)[0], atol=1e-6):
        raise Blank(
            "the classifier stands still, but the feature extractor takes the same step whatever the labels are: "
            "it follows the penalty alone."
        )
    phi.requires_grad_(False)
    if not torch.allclose(moved, _after(_joint_step, theta, phi, optimizer, inputs, labels)[0], atol=1e-5):
        raise Wrong("the labels count now, but the step is not the one on J: task + λ·penalty, and no older gradient.")
    return "A frozen module has no gradient of its own, and lets that of the others through."


def _joint_step(theta, phi, optimizer, inputs, labels, lam):
    """One step on J."""
    optimizer.zero_grad(set_to_none=True)
    (F.cross_entropy(phi(theta(inputs)), labels) + lam * l2(theta)).backward()
    optimizer.step()


def _after(step, theta, phi, optimizer, inputs, labels) -> tuple[Tensor, float, str]:
    """What a step does to copies, after another one: how theta moved, how far phi did, and why, if it did."""
    theirs = copy.deepcopy((theta, phi))
    parameters = [p for module in theirs for p in module.parameters()]
    for p, old in zip(parameters, [*theta.parameters(), *phi.parameters()], strict=True):
        p.grad = old.grad.clone()  # as in any loop: a copy has none
    copied = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
    copied.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # its tensors would be shared
    step(*theirs, copied, inputs.clone(), labels.clone(), 0.1)
    weights = [nn.utils.parameters_to_vector(module.parameters()).detach() for module in (*theirs, theta, phi)]
    grads = [(p.grad, old.grad) for p, old in zip(theirs[1].parameters(), phi.parameters(), strict=True)]
    why = "it is to stand still"
    if all(new is not None and not new.any() for new, _ in grads):
        why = "its gradient is 0, not absent, and momentum goes on"
    elif all(new is not None and new.allclose(old, 1e-3) for new, old in grads):
        why = "it still has the gradient of the step before"
    return weights[0] - weights[2], torch.dist(weights[1], weights[3]).item(), why
