"""Chapter 8, generation: two players, whose slopes reach whom, and what the samples are measured against."""

from functools import partial
from math import exp, hypot
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, updates
from jointopt.exercises.registry import exercise, prediction
from jointopt.metrics import frechet_distance, moments
from jointopt.plans import joint
from jointopt.system import seeded
from jointopt.toys import game
from jointopt.training import train

prediction(
    "8.1", "At which angle to (x, y) is the step (−ηy, ηx)?", "Each step multiplies the radius by 1.005.", close=4
)
prediction(
    "8.2",
    "The second player answers to where the first one now is. Take six steps of η = 1 on paper.",
    choices=("nearer", "further", "neither"),
)
prediction("8.3", "Write the sum down.", choices=("inwards", "outwards", "nowhere"))
prediction(
    "8.4",
    "What is asked of the generator now: to draw digits, or to find what this one discriminator takes for real?",
    choices=("better", "worse", "the same"),
)


@exercise(
    "8.5",
    "The slope of softplus(u) is σ(u) = 1/(1 + e^(−u)). What is that of softplus(−u)?",
    "Both slopes are negative: −σ(−u) and −σ(u). Multiply numerator and denominator of one σ by e^u.",
)
def times_as_steep(answer):
    """Slope of softplus(−u) over slope of −softplus(u), as a function of u."""
    ratio = function(answer, "u")
    for u in (-6.0, -1.5, 0.0, 2.0):
        got, wanted = number(ratio(torch.tensor(u, dtype=torch.float64))), exp(-u)
        if got < 0:
            raise Wrong(f"at u = {u:g} yours is {got:.4g}, but both losses fall as u rises: the ratio is positive.")
        if abs(got * wanted - 1) < 1e-3 < abs(wanted - 1):
            raise Wrong(f"at u = {u:g} yours is {got:.4g}: that is the saturating loss over ours.")
        if abs(got / wanted - 1) > 1e-4:
            raise Wrong(f"at u = {u:g} yours is {got:.4g}, and autograd finds {wanted:.4g}.")
    return "Where the discriminator is sure, at u = −6, that is 403."


@exercise(
    "8.6",
    "An Update names the modules that move, then the losses that are counted.",
    "A player that waits is not frozen: the trap of that name, above the lab, has the argument that says so.",
)
def rounds_of_a_gan(answer):
    """In each of `rounds` rounds, k updates of the discriminator and one of the generator."""
    plan = function(answer, "k", "rounds")
    counted = {"discriminator": {"discriminator", "penalty"}, "generator": {"generator"}}
    for k, rounds in ((1, 3), (2, 2), (5, 1)):
        name, length = f"plan({k}, {rounds})", rounds * (k + 1)
        stream = given(plan(k, rounds))
        try:
            taken = updates(stream, length)
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong}") from None
        if len(taken) < length:
            raise Wrong(
                f"{name} ends after {len(taken)} of {length} updates: {rounds} rounds of {k} + 1 are asked for."
            )
        for n, update in enumerate(taken):
            player = "generator" if n % (k + 1) == k else "discriminator"
            if update.modules != {player}:
                moves = " and ".join(sorted(update.modules or counted))
                raise Wrong(f"{name}: update {n}, counted from 0, moves {moves}; it is the {player}'s turn.")
            if update.losses != counted[player]:
                names = "all losses" if update.losses is None else " and ".join(sorted(update.losses))
                raise Wrong(f"the {player}'s update counts {names}, not {' and '.join(sorted(counted[player]))}.")
            if update.hold_normalization:
                raise Wrong(f"in the {player}'s turn the other one is frozen, with its BatchNorm; it should only wait.")
    return "With k = 5 at equal compute, the generator moves 82 times where it moves 259 times with k = 1."


class _Players(NamedTuple):
    """Two tiny networks in float64, always the same, and an optimizer for each."""

    generator: nn.Module
    discriminator: nn.Module
    of_g: torch.optim.Optimizer
    of_d: torch.optim.Optimizer


def _players() -> _Players:
    with seeded(1):
        generator = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3)).double()
        discriminator = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    of_g, of_d = (torch.optim.SGD(player.parameters(), lr=0.5) for player in (generator, discriminator))
    return _Players(generator, discriminator, of_g, of_d)


def _loop(generator, discriminator, of_g, of_d, batches, left=False):
    """Each player steps on its own loss, in turn. left: the generator's loss leaves a gradient in the discriminator."""
    for real, z in batches:
        if not left:
            of_d.zero_grad()
        fake = generator(z)
        (F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()).backward()
        of_d.step()
        for player in (of_d, of_g):
            player.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        of_g.step()


def _batches(count: int) -> list[tuple[Tensor, Tensor]]:
    with seeded(2):
        return [(torch.randn(8, 3).double() + 1, torch.randn(8, 2).double()) for _ in range(count)]


def _steps(loop, pairs: int) -> tuple[Tensor, Tensor]:
    """How the generator and the discriminator move in the last of these pairs of updates."""
    before, after = _players(), _players()
    if pairs > 1:
        loop(*before, _batches(pairs - 1))
    loop(*after, _batches(pairs))
    return tuple(_weights(after[n]) - _weights(before[n]) for n in range(2))


def _weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def _compare_steps(loop) -> None:
    """Raise Wrong unless each player steps on its own loss, in turn, in two pairs of updates."""
    for pairs, which in ((1, "first"), (2, "second")):
        moved, own = _steps(loop, pairs), _steps(_loop, pairs)
        for player in (1, 0):  # the discriminator's turn comes first
            name, off = _Players._fields[player], _off(moved[player], own[player])
            words = f"in the {which} pair of updates the {name}"
            if not moved[player].any():
                raise Wrong(f"{words} does not move.")
            if not off < 0.1:  # it may be nan
                raise Wrong(f"{words}'s step differs by {off:.0f} % from the step on its own loss.")


def _off(step: Tensor, wanted: Tensor) -> float:
    """How far one step is from another, in percent of its length."""
    return (100 * (step - wanted).norm() / wanted.norm()).item()


@exercise(
    "8.7",
    "By which road does the generator's gradient come, and where does that road end here?",
    "From one of the two losses the generator is not to learn. Detach the images for that one alone.",
)
def images_for_both(answer):
    """A pair of updates in turn, each on its own player's loss, on images from the same noise."""
    pair = function(answer, *_Players._fields, "real", "z")

    def loop(generator, discriminator, of_g, of_d, batches):
        for real, z in batches:
            pair(generator, discriminator, of_g, of_d, real, z)

    (of_g, of_d), (own_g, _) = _steps(loop, 1), _steps(_loop, 1)
    if of_d.any() and not of_g.any():
        raise Blank(f"the discriminator moves by {of_d.norm():.2f}, the generator by {of_g.norm():.2f}, without error.")
    if torch.dot(of_g, own_g) < 0:
        raise Wrong("the generator moves away from what the discriminator takes for real.")
    early = _players()  # the discriminator has not moved yet
    F.softplus(-early.discriminator(early.generator(_batches(1)[0][1]))).mean().backward()
    if _off(of_g, -0.5 * torch.cat([p.grad.flatten() for p in early.generator.parameters()])) < 0.1:
        raise Wrong("the generator answers to the discriminator as it was before its step: they do not take turns.")
    _compare_steps(loop)
    return "The discriminator's loss gets the detached images, and the generator's loss gets those with a gradient."


@exercise(
    "8.8",
    "After loss_g.backward(), whose parameters have a gradient?",
    "What the generator's turn leaves in the discriminator is still there when the discriminator's turn comes.",
)
def a_gradient_that_is_left(answer):
    """Pairs of updates in turn, in which no gradient of one player's loss stays in the other player."""
    loop = function(answer, *_Players._fields, "batches")
    (_, of_d), (_, own_d), (_, as_given) = (_steps(each, 2) for each in (loop, _loop, partial(_loop, left=True)))
    if _off(of_d, as_given) < 1e-6:
        off = _off(of_d, own_d)
        raise Blank(
            "in the first pair of updates both steps are right; in the second the discriminator's step differs by "
            f"{off:.0f} % from the step on its own loss."
        )
    _compare_steps(loop)
    return "The generator's backward pass leaves a gradient in the discriminator, too: clear it before its turn."


@exercise(
    "8.9",
    "One step takes (x, y) to (1 − ημ)(x, y) + η(−y, x). By which factor does the radius change?",
    "The factor is √((1 − ημ)² + η²). Where is it 1?",
)
def least_penalty(answer):
    """The μ from which on simultaneous steps of size η spiral inwards, as a function of η."""
    least = function(answer, "eta")

    def factor(eta, mu):
        x, y = 1.0, 1.0
        return hypot(x - eta * (y + mu * x), y + eta * (x - mu * y)) / hypot(x, y)

    for eta in (0.1, 0.5, 0.8):
        mu = number(least(eta))
        words = f"for η = {eta:g} yours is {mu:.4g}"
        if factor(eta, 0.99 * mu) < 1:
            raise Wrong(f"{words}; with {0.99 * mu:.4g} the steps spiral inwards already.")
        if factor(eta, 1.01 * mu) >= 1:
            raise Wrong(f"{words}; with it the radius grows, by {100 * (factor(eta, mu) - 1):.2g} % per step.")
    return "At η = 0.1 it is 0.0501. From (1 + √(1 − η²))/η on, the penalty itself overshoots."


@exercise(
    "8.10",
    "What does a generator have to do to reach the value that this function returns?",
    "The samples of a generator are measured against images that it has not seen. So real ones must be, too.",
)
def what_real_images_reach(answer):
    """The distance between two halves of the held-out features, which are in random order."""
    reached = function(answer, "features", "distance")
    features, asked = torch.randn(200, 4), []
    rows = {tuple(row) for row in features.tolist()}

    def distance(a, b):
        a, b = (torch.as_tensor(side).detach() for side in (a, b))
        left, right = (set(map(tuple, side.tolist())) for side in (a, b))
        if not left | right <= rows:
            raise Wrong("some of what is measured is not among the held-out features.")
        if left == right == rows:
            raise Blank("real images reach 0.00, it says, which only a copy of these very images does.")
        if left & right:
            raise Wrong(f"{len(left & right)} images of {len(rows)} are on both sides, each at distance 0 from itself.")
        if len(a) != 100 or len(b) != 100:
            raise Wrong(f"half of the {len(rows)} images is 100; yours compares {len(a)} with {len(b)}.")
        asked.append(frechet_distance(*moments(a), *moments(b)))
        return asked[-1]

    got = number(reached(features, distance))
    if not asked:
        raise Wrong("no distance is measured: call distance(a, b).")
    if not min(asked) - 1e-9 <= got <= max(asked) + 1e-9:
        raise Wrong(f"the distance between the two halves is {asked[-1]:.2f}, and yours is {got:.2f}.")
    return f"Real images reach {got:.2f} here, and not 0: two samples of the same thing are never equal."


@exercise(
    "8.11",
    "Keep a copy of the parameters, and let SGD go ahead: that is the first call.",
    "At the second call the gradients are those found ahead. Put the copy back, and let SGD move by them.",
    "A parameter moves in the same memory: a copy is p.clone(), not p.detach().",
)
def extragradient(answer):
    """An optimizer of (parameters, lr), two calls of whose step() make one step of extragradient."""
    make = function(answer, "parameters", "lr")
    for start, lr in (((1.0, 1.0), 0.1), ((2.0, -1.0), 0.5)):
        task = game.task(start)
        optimizer = given(make(task.model.parameters(), lr))
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise Wrong(f"an optimizer is asked for, not {kind(optimizer)}.")
        points = [start]
        for _ in train(task, joint(12), optimizer=optimizer):
            points.append((task.model.x.item(), task.model.y.item()))
            if points == [start, start]:
                raise Blank("after the first call of step() the players are where they were.")
        _compare(points, game.simultaneous(*start, lr), game.path(start, "extragradient", lr, 6), lr)
    return "Under plans.joint(1000) from (1, 1) it ends at radius 0.118, as by hand."


def _compare(points: list, ahead: tuple, path: list, lr: float) -> None:
    """Raise Wrong unless the first point is the one ahead, and every second one the next of the path."""

    def near(point, other):
        return hypot(point[0] - other[0], point[1] - other[1]) < 1e-6

    def at(point):
        return f"({point[0]:.3g}, {point[1]:.3g})"

    words = f"from {at(points[0])} with η = {lr:g}"
    if not near(points[1], ahead):
        raise Wrong(f"{words} the first call leads to {at(points[1])}; a step ahead leads to {at(ahead)}.")
    if near(points[2], game.simultaneous(*ahead, lr)):
        raise Wrong(f"{words} the second call goes on from {at(ahead)}, the point ahead: it has to go from the start.")
    if near(points[2], ahead):
        raise Wrong(f"{words} the second call ends where the first did: use the slopes found ahead.")
    for n, wanted in enumerate(path[1:], start=1):
        if not near(points[2 * n], wanted):
            raise Wrong(
                f"{words} step {n}, two calls each, ends at {at(points[2 * n])} and should end at {at(wanted)}."
            )
