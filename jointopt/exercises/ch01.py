"""Chapter 1, the objective: penalties, minima and a λ that comes late."""

from functools import cache, partial
from math import hypot, inf, isfinite, log

import torch

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, pair, updates
from jointopt.exercises.registry import exercise, prediction
from jointopt.models import EndToEndModel
from jointopt.modules import check_names, covers
from jointopt.toys import landscape
from jointopt.training import Update

PENALTIES = "reg_theta", "reg_phi"

prediction(
    "1.1",
    "Each factor is pulled by λ, and by the task only as far as the other factor lets it.",
    close=0.1,
    between=(0, inf),
    never=2,
)
prediction("1.2", "Both minimize the same J. Where is each run when λ = 0.5 sets in?", choices=("A", "B", "neither"))
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
        raise Wrong("this λ pulls far more weakly still: did you divide where you should multiply?")
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
            raise Wrong(f"{where} yours is {got:.7g}; gradient descent ends at another product.")
    return "Only the geometric mean of the two λ's counts."


@exercise(
    "1.6",
    "What stays as it is when θ and −φ are exchanged?",
    "Compute both slopes of J at the start that the exercise names. On which line does the next point lie?",
)
def start_that_ends_at_the_saddle(answer):
    """(θ, φ), not (1.5, −1.5), from which joint training at λ = 0.1 ends at the origin."""
    theta, phi = _point(answer)
    if hypot(theta, phi) < 0.1:
        raise Wrong("that is the saddle itself, or nearly: begin farther away.")
    if theta == -phi and abs(theta) == 1.5:
        raise Wrong("that is the start that the exercise names, or its mirror image: find another one.")
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
    last = None
    for j in (1e-20, 1e-100, 1e-300):  # in floats J may be 0 there, and so below any j
        try:
            here = _point(point(j))
        except ArithmeticError:  # 1/θ is beyond them
            break
        if here == last:
            raise Wrong(f"yours returns the same point for a larger j and for j = {j:g}. No point is below every j.")
        last = here
    return "J comes as near to 0 as you like and never reaches it: there is no minimum."


@exercise(
    "1.8",
    "A plan is a stream of Updates, one per step: the list [Update(), Update(), Update()] has three steps.",
    "A function with `yield` is a stream, and so are two plans, one after the other. plans.joint(10) is ten Updates.",
    "How many steps are left after the first `start` of them?",
)
def penalty_later(answer):
    """`start` updates on the task alone, then all losses, `steps` in all, every module at each step."""
    plan, model = function(answer, "start", "steps"), EndToEndModel(num_classes=10)
    for start, steps in ((100, 160), (3, 5), (1, 2)):
        called = f"plan({start}, {steps})"
        taken = updates(plan(start, steps), steps, called)
        if len(taken) < steps:
            raise Wrong(f"{called} ends after {len(taken)} updates: `steps` is for both parts together.")
        named = {name for update in taken for name in update.losses or ()}
        if unknown := sorted(named - {"task", *PENALTIES}):
            raise Wrong(f"there is no loss {unknown[0]!r}; they are task, {' and '.join(PENALTIES)}.")
        if not all(update.counts("task") for update in taken):
            raise Wrong("the task has to be counted at every step.")
        for step, update in enumerate(taken):
            if left := _left_out(update, model):
                words = f"in {called} step {step} does not move {', '.join(left)}"
                raise Wrong(f"{words}; every module moves at every step.")
        for name in PENALTIES:
            first = next((step for step, update in enumerate(taken) if update.counts(name)), start)
            if first != start:
                raise Wrong(f"in {called} {name} is first counted at step {first}; steps count from 0.")
            if missing := [step for step in range(start, steps) if not taken[step].counts(name)]:
                raise Wrong(f"in {called} {name} is not counted from step {missing[0]} on.")
    return "A λ that comes late is a plan, too."


def _left_out(update: Update, model: torch.nn.Module) -> list[str]:
    """The layers that an update does not move, however it names its modules."""
    try:
        check_names(update.modules or (), model)
    except ValueError as error:
        raise Wrong(f"{error}.") from None
    paths = [path for path, _ in model.named_parameters()]
    names = paths if update.modules is None else update.modules
    still = [path for path in paths if not any(covers(name, path) for name in names)]
    return sorted({path.rpartition(".")[0] for path in still})


@exercise(
    "1.9",
    "What does Adam divide a gradient by, and is the part that comes from λ in that gradient?",
    "In torch's Adam, weight_decay=λ adds λ·w to the gradient. In AdamW, weight_decay=λ takes lr·λ·w from the weight.",
)
def decay_that_is_decay(answer):
    """A function of (parameters, lr, lam) that returns an Adam under which λ shrinks loud and quiet weights alike."""
    if isinstance(answer, type) and answer.__module__.startswith("torch."):
        wanted = "a function of (parameters, lr, lam) that returns an optimizer is asked for"
        raise Wrong(f"{wanted}; this is the class {answer.__name__}, whose third argument is not λ.")
    make = function(answer, "parameters", "lr", "lam")
    after = cache(partial(_after, make))  # (lr, lam) -> weights
    loud, quiet = after(0.01, 0.1)[0, :, 0].tolist()
    shrunk = f"a weight with gradients of ±10 has shrunk to {loud:.2f}, one with ±0.01 to {quiet:.2f}"
    if abs(loud - quiet) > 0.1:
        raise Blank(f"after 200 steps {shrunk}, under the same λ.")
    _check_that_lam_is_used(after)
    near, far = (_moves(make, lr).max() for lr in (0.01, 0.02))
    if abs(far - near) < 1e-2 * near:
        words = f"three steps move a weight by {near:.2g} at lr = 0.01 and by {far:.2g} at lr = 0.02"
        raise Wrong(f"lr is not used: {words}.")
    for lr, lam in ((0.01, 0.1), (0.02, 0.3)):
        _check_strength(after(lr, lam), lr, lam)
        _check_that_adam_stays(make, lr)
    return f"Now {shrunk}."


def _check_that_lam_is_used(after):
    """For each weight."""
    without, under = (after(0.01, lam)[:, 0, 0] for lam in (0.0, 0.1))  # (2,), a matrix and a vector
    reached = ((without - under).abs() > 1e-4).tolist()
    if not any(reached):
        raise Wrong(f"λ is not used: a weight shrinks to {without[0]:.2f} at λ = 0 and to {under[0]:.2f} at λ = 0.1.")
    if not all(reached):
        kinds = ("a matrix", "a vector, such as a bias")
        one, other = kinds if reached[0] else kinds[::-1]
        raise Wrong(f"λ does not reach every weight: it acts on {one}, but not on {other}.")


def _check_strength(weights, lr, lam):
    """Of two weights with equal gradients, λ alone changes the difference, which is 1 at first."""
    wanted = (1 - lr * lam) ** 200
    for left in (weights[:, :, 1] - weights[:, :, 0]).flatten().tolist():
        strength = log(left) / log(wanted) if left > 0 else inf
        if abs(strength - 1) > 0.02:
            words = f"a decay of lr·λ·w leaves {wanted:.2f} of a weight after 200 steps at lr = {lr:g} and λ = {lam:g}"
            doubt = " Which optimizers multiply λ by lr themselves?" if abs(strength - lr) < 0.1 * lr else ""
            times = f"{strength:.3g} times as strong" if left > 1e-3 else "far stronger"
            raise Wrong(f"{words}; yours leaves {left:.2f} and is {times}.{doubt}")


def _check_that_adam_stays(make, lr):
    moves = _moves(make, lr)
    if moves.max() > 2 * moves.min().abs():
        raise Wrong("both shrink alike, but Adam is gone: the gradients are not divided by their size any more.")
    if (moves - 3 * lr).abs().max() > 0.2 * lr:
        name = type(make([torch.ones(1, requires_grad=True)], lr, 0.0)).__name__
        raise Wrong(f"both shrink alike, but {name} takes other steps than Adam does, and Adam was to stay.")


def _moves(make, lr):
    """How far three equal gradients move a weight, without λ: (2,), a loud one and a quiet one."""
    return 1 - _after(make, lr, 0.0, (1, 1, 1))[0, :, 0]


def _after(make, lr, lam, signs=(1, -1) * 100):
    """A matrix and a vector after steps with gradients of ±10 and ±0.01, on weights of 1 and of 2 each: (2, 2, 2)."""
    weights = [torch.tensor([1.0, 2.0]).repeat(2).reshape(shape).requires_grad_() for shape in ((2, 2), (4,))]
    optimizer = given(make(list(weights), lr, lam))
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise Wrong(f"an optimizer is asked for, not {kind(optimizer)}.")
    for sign in signs:
        for weight in weights:
            weight.grad = sign * torch.tensor([10.0, 0.01]).repeat_interleave(2).reshape(weight.shape)
        optimizer.step()
    return torch.stack([weight.detach().reshape(2, 2) for weight in weights])


def _point(value: object) -> tuple[float, float]:
    theta, phi = pair(value, "(theta, phi)")
    return number(theta), number(phi)
