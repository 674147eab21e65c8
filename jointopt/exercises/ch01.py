"""Chapter 1, the objective: penalties, minima and a λ that comes late."""

from itertools import islice
from math import hypot, isfinite

import torch

from jointopt.exercises.answers import Blank, Wrong, function, given, number, updates
from jointopt.exercises.registry import exercise, prediction
from jointopt.models import EndToEndModel
from jointopt.toys import landscape

prediction(
    "1.1",
    "Each factor is pulled by λ, and by the task only as far as the other factor lets it.",
    close=0.1,
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
    lam = number(answer)
    weights = torch.cat([p.detach().double().flatten() for p in EndToEndModel(num_classes=10).parameters()])
    weights.requires_grad_()
    (pull,) = torch.autograd.grad(lam * 0.5 * weights.square().mean(), weights)
    (wanted,) = torch.autograd.grad(0.01 * 0.5 * weights.square().sum(), weights)
    ratio = (pull.norm() / wanted.norm()).item()
    if ratio < 1e-8:
        raise Wrong("this λ pulls far weaker still: did you divide where you should multiply?")
    if ratio < 1e-4:
        raise Wrong(f"each weight is pulled with {ratio:.1g} of the force it had: λ has to make up for 'mean'.")
    if abs(ratio - 1) > 1e-3:
        raise Wrong(
            f"each weight is pulled {ratio:.3g} times as hard as before. Count every trained number, biases too."
        )
    return "In a wider model the same λ would pull each weight less."


@exercise(
    "1.5",
    "Set both slopes of J to zero, multiply the first by θ and the second by φ, and subtract.",
    "λ_θ θ² = λ_φ φ² then. Where the product would come out negative, only the origin is left.",
)
def product_at_the_minimum(answer):
    """φ·θ at the minimum of ½(φθ − 1)² + ½λ_θ θ² + ½λ_φ φ²."""
    product = function(answer, "lam_theta", "lam_phi")
    for pair in ((0.1, 0.1), (0.4, 0.1), (0.5, 0.5), (2.0, 2.0), (4.0, 1.0)):
        theta, phi = landscape.minima(pair)[0]
        got, wanted = number(product(*pair)), theta * phi
        if abs(got - wanted) > 1e-6:
            where = f"for λ's {pair[0]:g} and {pair[1]:g}"
            if got < 0:
                raise Wrong(f"{where} yours is {got:.3g}, and J is lower at the origin.")
            raise Wrong(f"{where} yours is {got:.3g}; gradient descent ends at another product.")
    return "Only the geometric mean of the two λ's counts."


@exercise(
    "1.6",
    "What stays as it is when θ and −φ are exchanged?",
    "Joint steps keep θ = −φ, if it holds once.",
)
def start_that_ends_at_the_saddle(answer):
    """(θ, φ), not (1.5, −1.5), from which joint training at λ = 0.1 ends at the origin."""
    theta, phi = _two(answer, "a pair of numbers is asked for, (theta, phi).")
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
    for j in (0.2, 0.01, 1e-4, 1e-8):
        theta, phi = _two(point(j), "the function returns a pair of numbers, (theta, phi).")
        value = landscape.objective(theta, phi, weights=(0.5, 0.0))
        if not value < j:
            raise Wrong(f"for j = {j:g} yours returns a point at which J is {value:.3g}.")
    return "J comes as near to 0 as you like and never reaches it: there is no minimum."


@exercise(
    "1.8",
    "An Update may name the losses that are counted: Update(losses=['task']).",
    "A plan is a generator: a for loop with a yield, then another one.",
)
def penalty_later(answer):
    """`start` updates on the task alone, then all losses, `steps` in all, every module at each step."""
    plan = function(answer, "start", "steps")
    for start, steps in ((100, 160), (3, 5), (0, 2)):
        stream = given(plan(start, steps))
        try:
            taken = updates(stream, steps)
        except Wrong as wrong:
            raise Wrong(f"plan({start}, {steps}): {wrong}") from None
        if len(taken) < steps:
            raise Wrong(f"plan({start}, {steps}) ends after {len(taken)} updates: `steps` is for both parts together.")
        if not all(update.counts("task") for update in taken):
            raise Wrong("the task is counted at every step.")
        if any(update.modules is not None for update in taken):
            raise Wrong("every module moves at every step: name no modules.")
        alone = [not update.counts("reg_theta") and not update.counts("reg_phi") for update in taken]
        first = alone.index(False) if False in alone else len(alone)
        if first != min(start, steps) or any(alone[first:]):
            raise Wrong(
                f"in plan({start}, {steps}) the penalties are first counted at step {first}; steps count from 0."
            )
    return "A λ that comes late is a plan, too."


@exercise(
    "1.9",
    "What does Adam divide a gradient by, and is the part that comes from λ in that gradient?",
    "The repair is one letter, and then a look at what λ is called.",
)
def decay_that_is_decay(answer):
    """A function of (parameters, lr, lam) that returns an Adam under which λ shrinks loud and quiet weights alike."""
    make = function(answer, "parameters", "lr", "lam")
    weight = torch.ones(2, requires_grad=True)
    optimizer = given(make([weight], 0.01, 0.1))
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise Wrong(f"an optimizer is asked for, not {type(optimizer).__name__}.")
    for sign in islice((1, -1) * 100, 200):
        weight.grad = torch.tensor([10.0, 0.01]) * sign
        optimizer.step()
    loud, quiet = weight.tolist()
    shrunk = f"a weight with gradients of ±10 has shrunk to {loud:.2f}, one with ±0.01 to {quiet:.2f}"
    if abs(loud - quiet) > 0.1:
        raise Blank(f"after 200 steps {shrunk}, under the same λ.")
    if min(loud, quiet) > 0.95:
        raise Wrong(f"{shrunk}: λ does not reach the optimizer.")
    if not isinstance(optimizer, torch.optim.Adam):  # AdamW is one
        raise Wrong("both shrink alike, but Adam is gone: the gradients are not divided by their size any more.")
    if max(abs(loud - 0.8), abs(quiet - 0.8)) > 0.1:
        raise Wrong(f"{shrunk}. 200 steps of lr·λ should leave about 0.8.")
    return f"Now {shrunk}."


def _two(value: object, otherwise: str) -> tuple[float, float]:
    """θ and φ. otherwise: what is wrong where the value is no pair."""
    try:
        theta, phi = (number(each) for each in given(value))
    except (TypeError, ValueError):
        raise Wrong(otherwise) from None
    return theta, phi
