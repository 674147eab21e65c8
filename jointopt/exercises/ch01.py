"""Chapter 1, the objective: penalties, minima and a λ that comes late."""

from math import hypot, inf, isfinite

import torch

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, pair, updates
from jointopt.exercises.registry import exercise, prediction
from jointopt.models import EndToEndModel
from jointopt.toys import landscape

PENALTIES = "reg_theta", "reg_phi"

prediction(
    "1.1",
    "Each factor is pulled by λ, and by the task only as far as the other factor lets it.",
    close=0.1,
    between=(0, inf),
    never=2,
)
prediction("1.2", "Both minimize the same J. Do they begin at the same point?", choices=("A", "B", "neither"))
prediction(
    "1.3",
    "Fitting every label takes the largest weights when there are about as many digits as pixels.",
    choices=("better", "worse"),
)


@exercise(
    "1.4",
    "Two penalties mean the same if their gradients are equal.",
    "The mean of n squares has 1/n of the gradient of their sum. How many numbers are trained here?",
)
def same_penalty(answer):
    """λ under which ½·mean(w²) pulls as 0.01·½·Σw² does, in the document's model."""
    if (lam := number(answer)) <= 0:
        raise Wrong("only a λ above 0 pulls the weights to 0.")
    parameters = list(EndToEndModel(num_classes=10).parameters())
    weights = torch.cat([p.detach().double().flatten() for p in parameters]).requires_grad_()
    (pull,) = torch.autograd.grad(lam * 0.5 * weights.square().mean(), weights)
    (wanted,) = torch.autograd.grad(0.01 * 0.5 * weights.square().sum(), weights)
    ratio = (pull.norm() / wanted.norm()).item()
    if ratio < 1e-8:
        raise Wrong("this λ pulls far weaker still: did you divide where you should multiply?")
    if ratio < 1e-4:
        raise Wrong(f"each weight is pulled with {ratio:.1g} of the force it had: λ has to make up for 'mean'.")
    without_biases = 0.01 * sum(p.numel() for p in parameters if p.ndim > 1)
    if abs(lam / without_biases - 1) < 2e-4:
        raise Wrong(f"{lam:.5g} fits if weights alone count. The biases are trained, too, and are in the penalty.")
    if abs(ratio - 1) > 2e-4:
        raise Wrong(f"each weight is pulled {ratio:.4g} times as hard as before. How many numbers are trained?")
    return "In a wider model the same λ would pull each weight less."


@exercise(
    "1.5",
    "Set both slopes of J to zero, multiply the first by θ and the second by φ, and subtract.",
    "λ_θ θ² = λ_φ φ² then. Where the product would come out negative, only the origin is left.",
)
def product_at_the_minimum(answer):
    """φ·θ at the minimum of ½(φθ − 1)² + ½λ_θ θ² + ½λ_φ φ²."""
    product = function(answer, "lam_theta", "lam_phi")
    small, large, mixed = ((0.1, 0.1), (0.4, 0.1), (0.5, 0.5)), ((2.0, 2.0), (4.0, 1.0)), ((2.0, 0.1), (0.2, 1.5))
    for lams in small + large + mixed:
        theta, phi = landscape.minima(lams)[0]
        got, wanted = number(product(*lams)), theta * phi
        if abs(got - wanted) > 1e-6:
            where = f"for λ's {lams[0]:g} and {lams[1]:g}"
            if got < 0:
                raise Wrong(f"{where} yours is {got:.3g}, and J is lower at the origin.")
            raise Wrong(f"{where} yours is {got:.3g}; gradient descent ends at another product.")
    return "Only the geometric mean of the two λ's counts."


@exercise(
    "1.6",
    "What stays as it is when θ and −φ are exchanged?",
    "Compute both slopes of J at the start in the text. On which line does the next point lie?",
)
def start_that_ends_at_the_saddle(answer):
    """(θ, φ), not (1.5, −1.5), from which joint training at λ = 0.1 ends at the origin."""
    theta, phi = _point(answer)
    if hypot(theta, phi) < 0.1:
        raise Wrong("that is the saddle itself, or nearly: begin farther away.")
    if abs(theta) == abs(phi) == 1.5:
        raise Wrong("that is the start in the text, or its mirror image: find another one.")
    end = landscape.path(start=(theta, phi), steps=1000)[-1]
    if not all(map(isfinite, end)):
        raise Wrong("from there the steps are too large, and the run diverges: begin nearer to the origin.")
    if hypot(*end) > 0.01:
        raise Wrong(f"from there it ends at θ = {end[0]:.2f}, φ = {end[1]:.2f}.")
    return "One step of alternating training leaves this line, and with it the saddle."


@exercise(
    "1.7",
    "With φ = 1/θ the task is content. What is left of J?",
    "½·0.5·θ² is left: make θ small.",
)
def below_any_value(answer):
    """A function of j that returns (θ, φ) with J < j, for λ_θ = 0.5 and λ_φ = 0."""
    point = function(answer, "j")
    for j in (0.2, 0.01, 1e-4, 1e-8, 1e-20, 10.0, 100.0):
        theta, phi = _point(point(j))
        value = landscape.objective(theta, phi, weights=(0.5, 0.0))
        if not value < j:
            raise Wrong(f"for j = {j:g} yours returns a point at which J is {value:.3g}, not below it.")
    return "J comes as near to 0 as you like and never reaches it: there is no minimum."


@exercise(
    "1.8",
    "A plan is a stream of Updates, one per step: the list [Update(), Update(), Update()] is one of three steps.",
    "A function with `yield` is a stream, and so are two plans, one after the other. plans.joint(10) is ten Updates.",
    "How many steps are left after the first `start` of them?",
)
def penalty_later(answer):
    """`start` updates on the task alone, then all losses, `steps` in all, every module at each step."""
    plan = function(answer, "start", "steps")
    for start, steps in ((100, 160), (3, 5), (1, 2)):
        stream, called = given(plan(start, steps)), f"plan({start}, {steps})"
        try:
            taken = updates(stream, steps)
        except Wrong as wrong:
            raise Wrong(f"{called}: {wrong}") from None
        if len(taken) < steps:
            raise Wrong(f"{called} ends after {len(taken)} updates: `steps` is for both parts together.")
        named = {name for update in taken for name in update.losses or ()}
        if unknown := sorted(named - {"task", *PENALTIES}):
            raise Wrong(f"there is no loss {unknown[0]!r}; they are task, {' and '.join(PENALTIES)}.")
        if not all(update.counts("task") for update in taken):
            raise Wrong("the task is counted at every step.")
        if any(update.modules is not None for update in taken):
            raise Wrong("every module moves at every step: name no modules.")
        for name in PENALTIES:
            first = next((step for step, update in enumerate(taken) if update.counts(name)), start)
            if first != start:
                raise Wrong(f"in {called} {name} is first counted at step {first}; steps count from 0.")
            if missing := [step for step in range(start, steps) if not taken[step].counts(name)]:
                raise Wrong(f"in {called} {name} is not counted from step {missing[0]} on.")
    return "A λ that comes late is a plan, too."


@exercise(
    "1.9",
    "What does Adam divide a gradient by, and is the part that comes from λ in that gradient?",
    "The repair is one letter, and then a look at what λ is called.",
)
def decay_that_is_decay(answer):
    """A function of (parameters, lr, lam) that returns an Adam under which λ shrinks loud and quiet weights alike."""
    if isinstance(answer, type) and answer.__module__.startswith("torch."):
        wanted = "a function of (parameters, lr, lam) that returns an optimizer is asked for"
        raise Wrong(f"{wanted}; this is the class {answer.__name__}, whose third argument is not λ.")
    make, swings = function(answer, "parameters", "lr", "lam"), (1, -1) * 100
    (loud, quiet), _ = _stepped(make, 0.1, swings)
    shrunk = f"a weight with gradients of ±10 has shrunk to {loud:.2f}, one with ±0.01 to {quiet:.2f}"
    if abs(loud - quiet) > 0.1:
        raise Blank(f"after 200 steps {shrunk}, under the same λ.")
    if min(loud, quiet) > 0.95:
        if abs(loud - _stepped(make, 0.0, swings)[0][0]) < 1e-4:
            raise Wrong(f"{shrunk}: λ does not reach the optimizer.")
        raise Wrong(f"{shrunk}: λ comes in, but too small. Which optimizers multiply it by lr themselves?")
    if max(abs(loud - 0.8), abs(quiet - 0.8)) > 0.1:
        raise Wrong(f"{shrunk}. 200 steps of lr·λ should leave about 0.8.")
    weights, name = _stepped(make, 0.0, (1, 1, 1))
    moves = [1 - weight for weight in weights]
    if max(moves) > 2 * abs(min(moves)):
        raise Wrong("both shrink alike, but Adam is gone: the gradients are not divided by their size any more.")
    if max(abs(move - 0.03) for move in moves) > 2e-3:
        raise Wrong(f"both shrink alike, but {name} takes other steps than Adam does, and Adam was to stay.")
    return f"Now {shrunk}."


def _stepped(make, lam, signs):
    """Two weights of 1 after steps with gradients of ±10 and ±0.01, and what their optimizer is called."""
    weight = torch.ones(2, requires_grad=True)
    optimizer = given(make([weight], 0.01, lam))
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise Wrong(f"an optimizer is asked for, not {kind(optimizer)}.")
    for sign in signs:
        weight.grad = torch.tensor([10.0, 0.01]) * sign
        optimizer.step()
    return weight.tolist(), type(optimizer).__name__


def _point(value: object) -> tuple[float, float]:
    theta, phi = pair(value, "(theta, phi)")
    return number(theta), number(phi)
