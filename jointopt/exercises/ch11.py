"""Chapter 11, challenges: a signal that drowns, a loss at the seam, a person who corrects, and a freeze in time."""

from math import ceil, comb

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, tensor, updates
from jointopt.exercises.registry import exercise, prediction

prediction(
    "11.1",
    "Any single digit can turn the sum from odd to even. What does one digit alone say about it?",
    unit="%",
    close=5,
)
prediction(
    "11.2",
    "Is the loss needed to find what to look for in an image, or to keep it?",
    "What a run has found by step 40 differs from seed to seed.",
    unit="of 10",
    close=1,
)
prediction(
    "11.3",
    "A correction writes −1 or 1 between the modules. Whose φ has learned what these two numbers mean?",
    choices=("end to end", "joint", "both", "neither"),
)
prediction(
    "11.4",
    "At step 100 φ is sure of its answers, and half of them are wrong. Through what does this error flow into θ?",
    choices=("kept", "lost"),
)


@exercise(
    "11.5",
    "Two wrong guesses cancel. With how many wrong guesses is the sum still right?",
    "Write a guess as right = 1, wrong = −1. Its mean is 2p − 1, and the mean of a product of independent factors is "
    "the product of their means.",
)
def sums_that_are_right(answer):
    """The probability that the parity of k independent guesses, each right with probability p, is right."""
    probability = function(answer, "p", "k")
    for p, k in ((0.9, 1), (0.9, 2), (0.9, 3), (0.5, 3), (0.97, 4), (0.2, 3)):
        got = number(probability(p, k))
        wanted = sum(comb(k, wrong) * (1 - p) ** wrong * p ** (k - wrong) for wrong in range(0, k + 1, 2))
        if abs(got - wanted) < 1e-4:
            continue
        yours = f"for p = {p:g} and k = {k} yours is {got:.4g}"
        if abs(got - p**k) < 1e-4:
            raise Wrong(f"{yours}: that often all guesses are right. A sum can be right although some are wrong.")
        if not 0 <= got <= 1:
            raise Wrong(f"{yours}, which is no probability.")
        if p == 0.5:
            raise Wrong(f"{yours}, but if each guess is a coin flip, so is the sum.")
        raise Wrong(f"{yours}. Write down the {2**k} cases of right and wrong guesses, and add up those that fit.")
    return "Joint training reads 97.4 % of the digits; the formula then gives 92.5 % of the sums of three, as measured."


@exercise(
    "11.6",
    "The sum of n votes has a part along the signal, of squared length n²·S, and a scatter around it of n·N.",
    "cosine² = n²·S / (n²·S + n·N). Divide by N, and solve for n.",
)
def batches_until_the_sum_points(answer):
    """n for which the sum of n votes has this cosine with the signal: ratio = S / N, squared lengths."""
    batches = function(answer, "ratio", "cosine")
    for ratio, cosine in ((0.5, 0.9), (0.02, 0.9), (0.1, 0.5**0.5), (0.02, 0.5)):
        got, wanted = number(batches(ratio, cosine)), cosine**2 / (1 - cosine**2) / ratio
        if abs(got - wanted) < 1e-3 * wanted or got == ceil(wanted):
            continue
        yours = f"for a ratio of {ratio:g} and a cosine of {cosine:.3g} yours is {got:.4g}"
        if got <= 0:
            raise Wrong(f"{yours}: a number of batches is positive.")
        reached = (got * ratio / (1 + got * ratio)) ** 0.5
        if abs(got * ratio - 1) < 1e-3:
            raise Wrong(f"{yours}. That is the chapter's rule, and it reaches a cosine of {reached:.2f}.")
        raise Wrong(f"{yours}; after that many the cosine is {reached:.3g}.")
    return "For 0.9 the digits' ratio of 0.49 takes 9 batches; at 0.001, which 60 batches cannot measure, it is 4,263."


@exercise(
    "11.7",
    "What does the mean vote look like when the labels are coin flips, and the scores are all above zero?",
    "A cross-entropy has a part that does not depend on the label; the chapter names it, and leaves it out.",
)
def signal_of_the_labels(answer):
    """signal / noise, squared, of the votes of a model (inputs -> (B, 1) scores): 0 on average for coins as labels."""
    measure = function(answer, "model", "batches")
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    nn.init.ones_(model[2].bias)
    inputs = [torch.randn(32, 4) for _ in range(120)]
    coins = [(x, torch.randint(2, (32,)).float()) for x in inputs]
    first = [(x, (x[:, 0] > 0).float()) for x in inputs]
    got, whole = number(measure(model, coins)), _ratio(model, coins, F.binary_cross_entropy_with_logits)
    if abs(got - whole) < 0.01 * whole:
        raise Blank(f"where the labels are coin flips, and there is nothing to learn, the ratio is {got:.2f}.")
    if abs(got) > 0.03:
        raise Wrong(f"where the labels are coin flips, the ratio is now {got:.2f}. It should be near zero.")
    decided, wanted = number(measure(model, first)), _ratio(model, first, _labeled)
    if abs(decided - wanted) > 0.02 * wanted:
        much = "little" if decided < wanted else "much"
        raise Wrong(f"coin flips now get about zero, but labels that the inputs decide get {decided:.2f}: too {much}.")
    wanted = _ratio(model, coins, _labeled)
    if abs(got - wanted) > 0.003:
        raise Wrong(
            f"for coin flips it is now {got:.4f}, not {wanted:.4f}: the mean of 120 votes has noise of its own."
        )
    return f"Coin flips now have a ratio near zero; labels that the inputs decide have {decided:.1f} at these weights."


def _labeled(scores: Tensor, odd: Tensor) -> Tensor:
    return -((2 * odd - 1) * scores).mean() / 2


def _ratio(model, batches, loss):
    """As the chapter measures it, with this loss."""
    votes = []
    for inputs, odd in batches:
        vote = torch.autograd.grad(loss(model(inputs)[:, 0], odd), list(model.parameters()))
        votes.append(torch.cat([part.flatten() for part in vote]))
    votes = torch.stack(votes)  # (batches, weights)
    noise = votes.var(0).sum()
    return ((votes.mean(0).square().sum() - noise / len(votes)) / noise).item()


@exercise(
    "11.8",
    "Three parts: all modules, the classifier alone, all modules again. plans.staged puts parts in a row.",
    "Update('classifier', 'task') moves the classifier alone, by the loss 'task'.",
)
def freeze_in_time(answer):
    """`easy` updates of all, `frozen` of the classifier alone, then all, up to `steps` in all; on "task" alone."""
    plan = function(answer, "easy", "frozen", "steps")
    everything = {"feature_extractor", "classifier"}
    for easy, frozen, steps in ((100, 100, 300), (4, 3, 9)):
        where = f"plan({easy}, {frozen}, {steps})"
        stream = given(plan(easy, frozen, steps))
        try:
            taken = updates(stream, steps)
        except Wrong as wrong:
            raise Wrong(f"{where}: {wrong}") from None
        if len(taken) < steps:
            raise Wrong(f"{where} ends after {len(taken)} updates: `steps` is for all three parts together.")
        for step, update in enumerate(taken):
            if update.counts("digits") or not update.counts("task"):
                counted = "all losses" if update.losses is None else " and ".join(sorted(update.losses))
                raise Wrong(f"step {step} of {where} counts {counted}; end to end, 'task' alone counts.")
            moves = everything if update.modules is None else set(update.modules)
            alone = easy <= step < easy + frozen
            if moves != ({"classifier"} if alone else everything):
                part = "the classifier alone moves" if alone else "both modules move"
                raise Wrong(f"at step {step} of {where} {part}; yours moves {' and '.join(sorted(moves))}.")
    return "In the record such a plan has 93.0 % of the sums of three, and one without the freeze 49.9 %."


@exercise(
    "11.9",
    "At which number between the modules is the loss of an even digit smallest? Which number does a person write?",
    "tanh goes from −1 to 1, the labels from 0 to 1.",
)
def loss_at_the_seam(answer):
    """Mean squared error of tanh(scores) (B, 3) from −1 for even digits (B, 3) and from 1 for odd ones."""
    loss = function(answer, "scores", "digits")
    scores = torch.atanh(torch.linspace(-0.99, 0.99, 199))
    numbers, least, at = torch.tanh(scores), {}, {}
    for digit in (4, 7):
        values = torch.tensor([number(loss(s.expand(1, 3), torch.full((1, 3), digit))) for s in scores])
        least[digit], at[digit] = values.min().item(), numbers[values.argmin()].item()
    even, odd = at[4], at[7]
    smallest = f"for a 4 the loss is smallest at the number {even:.2f}, for a 7 at {odd:.2f}"
    if abs(even) < 0.02 and odd > 0.98:
        raise Blank(f"{smallest}; a person who corrects writes −1 and 1.")
    if even > 0.98 > -0.98 > odd:
        raise Wrong(f"{smallest}: the other way round.")
    if even > -0.98 or odd < 0.98:
        raise Wrong(f"{smallest}; a person who corrects writes −1 and 1.")
    if max(least.values()) > 0.01:
        raise Wrong(
            f"at right numbers, −0.99 and 0.99, it is {max(least.values()):.2f}; a mean squared error is near 0 there."
        )
    scores, digits = torch.randn(5, 3, requires_grad=True), torch.arange(15).view(5, 3) % 10
    got, wanted = loss(scores, digits), F.mse_loss(torch.tanh(scores), (digits % 2) * 2.0 - 1)
    if abs(number(got) - wanted.item()) > 1e-4:
        times = number(got) / wanted.item()
        raise Wrong(f"its minima are right; on five random sums it is {times:.3g} times the mean squared error.")
    if not (isinstance(got, Tensor) and got.requires_grad):
        raise Wrong("its value is right, but no gradient flows from it into the scores.")
    return "Both minima are now where the person writes."


@exercise(
    "11.10",
    "Which digit does it correct where the scores are 3, −0.2 and −4?",
    "A score is sure when it is far from zero, on either side.",
)
def one_correction(answer):
    """tanh(scores) (N, k), with −1 or 1, the truth, for the digit of each row whose score is nearest to zero."""
    correct = function(answer, "scores", "odd")
    scores, odd = torch.tensor([[3.0, -0.2, -4.0], [-1.0, -2.0, 0.1]]), torch.tensor([[1, 1, 0], [0, 1, 0]])
    for some, truth in ((scores, odd), (torch.randn(50, 4) * 2, torch.randint(2, (50, 4)))):
        shown = some.clone()
        got = tensor(correct(shown, truth.clone()), *some.shape)
        if not torch.equal(shown, some):
            raise Wrong("the scores that it was given have changed: return a new tensor.")
        before, least = torch.tanh(some), some.abs().argmin(1, keepdim=True)
        wanted = before.scatter(1, least, truth.gather(1, least) * 2.0 - 1)
        if torch.allclose(got, wanted, atol=1e-4):
            continue
        changed = (got - before).abs() > 1e-6
        if len(some) == 2 and changed[0].tolist() == [False, False, True]:
            raise Blank("of the scores 3, −0.2 and −4 it corrects the −4, of which the network is surest.")
        if not (changed.sum(1) <= 1).all():
            raise Wrong(f"one number per sum is corrected; yours changes {int(changed.sum(1).max())} in one sum.")
        row = int((got - wanted).abs().sum(1).argmax())
        words = f"for the scores {_row(some[row])}, of digits that are {_row(truth[row])} (1: odd),"
        raise Wrong(f"{words} yours is {_row(got[row])}; expected {_row(wanted[row])}.")
    return "Of three digits such a correction adds 6.4 ± 0.8 points to joint training, and nothing to end to end."


def _row(values: Tensor) -> str:
    return ", ".join(f"{value:.3g}" for value in values.tolist())


@exercise(
    "11.11",
    "Load a task for each of the two seeds. A Task is a frozen dataclass.",
    "dataclasses.replace(task, batches=other.batches) has the model of the one and the batches of the other.",
)
def exchanged(answer):
    """A task of two digits, with the first weights of one seed and the batches of the other."""
    from jointopt import tasks
    from jointopt.training import Task

    make = function(answer, "weights", "batches")
    for weights, batches in ((10, 11), (12, 10)):
        task = given(make(weights, batches))
        if not isinstance(task, Task):
            raise Wrong(f"a Task is asked for, not {kind(task)}.")
        of, other = tasks.load("parity", weights, digits=2), tasks.load("parity", batches, digits=2)
        images, digits = task.batches(3)
        if tuple(digits.shape) != (32, 2):
            raise Wrong(f"batches of 32 sums of two digits are asked for; yours have {tuple(digits.shape)}.")
        words = f"exchanged({weights}, {batches})"
        begins = [_same(task.model, each.model) for each in (of, other)]
        draws = [torch.equal(images, each.batches(3)[0]) for each in (of, other)]
        if begins == [False, True] and draws == [True, False]:
            raise Wrong(f"{words} has the weights of seed {batches} and the batches of seed {weights}: the other way.")
        if not begins[0]:
            seed = f"seed {batches}" if begins[1] else "another seed"
            raise Wrong(f"the first weights of {words} are those of {seed}.")
        if not draws[1]:
            raise Wrong(f"the batches of {words} are those of {f'seed {weights}' if draws[0] else 'another seed'}.")
    return "The two parts of a seed can now be tried apart."


def _same(model: nn.Module, other: nn.Module) -> bool:
    mine, theirs = model.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
