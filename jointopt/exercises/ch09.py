"""Chapter 9, tools: what a learning rate means under each optimizer, and how optimizers are compared."""

from functools import partial
from random import Random
from statistics import mean
from tempfile import TemporaryDirectory

import torch
from torch import nn

from jointopt.exercises.answers import Blank, Wrong, function, given, kind, number, tensor
from jointopt.exercises.registry import exercise, prediction
from jointopt.system import seeded
from jointopt.training import Task

OPTIMIZERS = {
    "SGD": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "RMSprop": torch.optim.RMSprop,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
}
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)

prediction("9.1", "A rule that takes gradients as they are needs another rate.", choices=tuple(OPTIMIZERS))
prediction("9.2", "Does each of the five, at its best rate, learn from every seed?", unit="points", close=4)
prediction(
    "9.3",
    "Follow a factor of 100 through each rule. Where does it cancel?",
    choices=("all", "SGD and momentum", "RMSprop and Adam", "none"),
)
prediction("9.4", "Too large a step makes a run diverge; one that is too small only makes it slow.", unit="of 5")


def _gradients(steps: int = 12) -> torch.Tensor:
    """Of 40 weights, always the same: on some they agree, on most they change their sign."""
    with seeded(3):
        return torch.randn(steps, 40).double() + 0.5 * torch.randn(40).double()


def _moved(make, lr: float, gradients: torch.Tensor) -> torch.Tensor:
    """How far an optimizer of torch's moves weights that begin at 1."""
    weight = nn.Parameter(torch.ones(gradients.shape[1]).double())
    optimizer = make([weight], lr=lr)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
    return weight.detach() - 1


@exercise(
    "9.5",
    "Let g be 1 at each step, and follow v through three of them.",
    "v stops growing where beta · v + 1 = v.",
)
def long_run(answer):
    """The rate of SGD that goes as far as momentum's lr on equal gradients."""
    rate = function(answer, "lr", "beta")
    for lr, beta in ((0.01, 0.9), (0.01, 0.5), (0.3, 0.0), (0.002, 0.99)):
        got, wanted = number(rate(lr, beta)), lr / (1 - beta)
        if abs(got - wanted) > 1e-3 * wanted:
            raise Wrong(
                f"for lr = {lr:g} and beta = {beta:g} yours is {got:.3g}; on gradients of 1, momentum's steps are "
                f"{wanted:.3g} long in the end."
            )
    return "With 0.9 that is ten times lr: the distance between the two humps."


@exercise(
    "9.6",
    "Which of the rules divide a gradient by its own usual size?",
    "Where nothing is divided, the step is the rate times the factor: keep that product.",
)
def same_path(answer):
    """The learning rate under which an optimizer takes the same path on factor · J."""
    rate = function(answer, "name", "lr", "factor")
    for name, make in OPTIMIZERS.items():
        for lr, factor in ((0.01, 100.0), (0.004, 0.1)):
            got = number(rate(name, lr, factor))
            if got <= 0:
                raise Wrong(f"a learning rate is above 0; yours for {name} is {got:g}.")
            once, again = _moved(make, lr, _gradients()), _moved(make, got, factor * _gradients())
            if (again - once).norm() > 1e-2 * once.norm():
                times = (again.norm() / once.norm()).item()
                raise Wrong(f"{name} on {factor:g}·J at your rate of {got:.3g} moves {times:.3g} times as far.")
    return "In the lab: with λ task at 0.1, SGD may have ten times the rate, as long as the regularizer is small."


@exercise(
    "9.7",
    "A rule is a function of (w, g, memory, lr): return another such function, which calls the first.",
    "Only w is changed before the call. g goes in as it is.",
)
def decoupled(answer):
    """A function of (rule, lam) that returns the rule on weights that decay first, by 1 − lr·λ."""
    make = function(answer, "rule", "lam")
    two = torch.full((1,), 2.0).double()
    for lr, lam in ((0.1, 0.5), (0.01, 4.0)):
        rule = function(make(lambda w, g, memory, lr: w, lam), "w", "g", "memory", "lr")
        left = number(rule(two.clone(), torch.ones(1).double(), {}, lr))
        if left == 2:
            raise Wrong("around a rule that returns w as it is, w = 2 stays 2. Is the decay in g, which Adam divides?")
        if abs(left - 2 * (1 - lr * lam)) > 1e-6:
            words = f"w = 2 becomes {left:.4g} for lr = {lr:g} and λ = {lam:g}"
            raise Wrong(f"around a rule that returns w as it is, {words}; {2 * (1 - lr * lam):.4g} is asked for.")
    for name, own, lam in (("adam", _adam, 0.5), ("sgd", lambda w, g, memory, lr: w - lr * g, 0.7)):
        theirs = torch.optim.AdamW if name == "adam" else torch.optim.SGD
        end = _moved(partial(theirs, weight_decay=lam), 0.1, _gradients())
        off = (_walk(make(own, lam), 0.1, _gradients())[-1] - 1 - end).norm() / end.norm()
        if off > 1e-6:
            raise Wrong(
                f"around {name}, after 12 steps yours is {100 * off:.2g} % off: first w decays, then the rule takes "
                "its step, with g, memory and lr as they are."
            )
    return "Around sgd it equals torch's weight_decay, around adam it is AdamW."


def _adam(w, g, memory, lr):
    """As in the chapter."""
    t = memory["t"] = memory.get("t", 0) + 1
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["s"] = 0.999 * memory.get("s", 0) + 0.001 * g**2
    m, s = memory["m"] / (1 - 0.9**t), memory["s"] / (1 - 0.999**t)
    return w - lr * m / (s**0.5 + 1e-8)


def _lion(w, g, memory, lr):
    m = memory.get("m", 0)
    memory["m"] = 0.99 * m + 0.01 * g
    return w - lr * (0.9 * m + 0.1 * g).sign()


def _walk(rule, lr: float, gradients: torch.Tensor) -> list[torch.Tensor]:
    """Where a rule takes weights that begin at 1, after each step."""
    walk, memory = [torch.ones(gradients.shape[1]).double()], {}
    for gradient in gradients:
        walk.append(tensor(rule(walk[-1].clone(), gradient.clone(), memory, lr), *walk[0].shape))
    return walk[1:]


@exercise(
    "9.8",
    "Keep m in memory under a name of your own: memory.get('m', 0) is 0 at the first step.",
    "The m of the step is the old one. The new one is for the next step.",
)
def lion(answer):
    """Lion as a rule, without its weight decay."""
    rule = function(answer, "w", "g", "memory", "lr")
    gradients = _gradients(30)
    walk, wanted = _walk(rule, 0.01, gradients), _walk(_lion, 0.01, gradients)
    first = (walk[0] - 1).abs()
    if ((first - 0.01).abs() > 1e-6).any():
        raise Wrong(f"in the first step a weight moves by {first.max():.3g}, with lr = 0.01; each has to move by lr.")
    others = [int(((now - own).abs() > 1e-6).sum()) for now, own in zip(walk, wanted, strict=True)]
    if any(others):
        step = next(n for n, count in enumerate(others) if count)
        alone = torch.allclose(walk[-1], 1 - 0.01 * gradients.sign().sum(0))
        why = (
            "it follows the sign of g alone"
            if alone
            else "look again at which m v is made of, and where 0.9 and 0.99 stand"
        )
        raise Wrong(f"in step {step + 1} yours moves {others[step]} of 40 weights the other way: {why}.")
    return "On 100·J m and v are a hundred times as large, with the same signs: the same path."


@exercise(
    "9.9",
    "backward() adds to the gradients that are there. What is the sum of the means of four parts?",
    "The mean over the batch is the mean of the parts' means.",
)
def accumulated(answer):
    """One optimizer step on a batch that comes in equal parts, as on the whole of it."""
    step = function(answer, "model", "optimizer", "loss_of", "parts")
    for parts in (4, 1, 2):
        (sgd, taken), (adam, _) = (_two_steps(step, name, parts) for name in ("SGD", "Adam"))
        (wanted, _), (of_adam, _) = (_two_steps(_whole, name, 1) for name in ("SGD", "Adam"))
        if taken != 2:
            raise Wrong(f"in two calls with {parts} parts each, the optimizer takes {taken} steps, not 2.")
        same, longer = torch.allclose(adam, of_adam, rtol=1e-4), (sgd.norm(dim=1) / wanted.norm(dim=1)).tolist()
        if parts > 1 and same and torch.allclose(sgd[0], parts * wanted[0]):
            raise Blank(
                f"with {parts} parts SGD's step is {longer[0]:.3g} times as long as on the whole batch; Adam's is not."
            )
        for which, now, own, times in zip(("first", "second"), sgd, wanted, longer, strict=True):
            if not torch.allclose(now, own):
                off = 100 * (now - own).norm() / own.norm()
                raise Wrong(
                    f"with {parts} parts SGD's {which} step is {times:.2g} times as long as on the whole batch, and "
                    f"{off:.0f} % off."
                )
        if not same:
            times = (adam.norm() / of_adam.norm()).item()
            raise Wrong(
                f"SGD's steps are right with {parts} parts, but Adam's are {times:.2g} times as long as on the batch."
            )
    return "Adam had hidden the factor: it divides a gradient by its own size."


def _whole(model, optimizer, loss_of, parts):
    optimizer.zero_grad()
    loss_of(model, torch.cat(list(parts))).backward()
    optimizer.step()


def _two_steps(step, name: str, parts: int) -> tuple[torch.Tensor, int]:
    """How a tiny model moves in two calls, a row for each, and how many steps its optimizer takes."""
    with seeded(4):
        model, batches = nn.Linear(3, 1).double(), torch.randn(2, 8, 3).double()
    optimizer, taken, moved = OPTIMIZERS[name](model.parameters(), lr=0.05), [], []
    optimizer.register_step_post_hook(lambda *_: taken.append(1))
    for batch in batches:
        before = model.weight.detach().clone()
        step(model, optimizer, lambda model, part: (model(part) - 1).square().mean(), list(batch.chunk(parts)))
        moved.append(model.weight.detach() - before)
    return torch.cat(moved), len(taken)


@exercise(
    "9.10",
    "Controls(weights={…}) takes a number for each loss, or a function of the step: jointopt.schedules.linear.",
    "train() and tracking.tensorboard() are both iterators: nothing is trained or written before a loop pulls them.",
    "Its curve is weight/reg: the λ in force.",
)
def recorded(answer):
    """A run of some steps, recorded in a folder, with λ reg from 0 at step 0 straight to 0.1 at step 10."""
    run, steps = function(answer, "task", "folder", "steps"), 13
    with TemporaryDirectory() as folder:
        returned = run(_tiny(), folder, steps)
        curve = _read(folder)
    if not curve:
        raise (Blank if returned is None else Wrong)("nothing is recorded in the folder. Does a loop pull the steps?")
    if [step for step, _ in curve] != list(range(steps)):
        raise Wrong(f"of {steps} steps, 0 to {steps - 1}, those that are recorded are {curve[0][0]} to {curve[-1][0]}.")
    for step, value in curve:
        wanted = 0.1 * min(step, 10) / 10
        if abs(value - wanted) > 1e-6:
            raise Wrong(f"at step {step} weight/reg is recorded as {value:.3g}, and {wanted:.3g} is asked for.")
    return "TensorBoard shows it under weight/reg."


def _tiny() -> Task:
    """Two losses of one layer."""

    def losses(model, batch):
        return {"task": (model(batch) - 1).square().mean(), "reg": model[0].weight.square().sum()}

    with seeded(0):
        return Task(nn.Sequential(nn.Linear(2, 1)), losses, lambda n: torch.ones(4, 2), weights={"task": 1, "reg": 0.5})


def _read(folder: str) -> list[tuple[int, float]]:
    """The curve weight/reg."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(folder).Reload()
    known = "weight/reg" in events.Tags()["scalars"]
    return [(event.step, event.value) for event in events.Scalars("weight/reg")] if known else []


@exercise(
    "9.11",
    "The largest of six numbers that vary by chance is no estimate of any of them.",
    "First find the best rate, by accuracy(…, 'validation') on the tuning seeds. Then test with that one alone.",
)
def compared(answer):
    """Of each optimizer, the mean test accuracy at the rate that the validation images and tuning seeds choose."""
    table = function(answer, "accuracy", "grids", "tuning_seeds", "test_seeds")
    tuning, tests, names = range(3), range(10, 14), ("guesses", "learns")
    got = given(table(_accuracy, dict.fromkeys(names, RATES), tuning, tests))
    if not isinstance(got, dict) or set(got) != set(names):
        yours = f"{kind(got)} with {', '.join(map(str, got)) or 'nothing'}" if isinstance(got, dict) else kind(got)
        raise Wrong(f"a dict with one accuracy for each of {', '.join(names)} is asked for; yours is {yours}.")
    for name in names:
        validation, test = _means(name, "validation", tuning), _means(name, "test", tests)
        own, value = test[validation.index(max(validation))], number(got[name])
        words = f"an optimizer that {name} is reported with {value:.1f} %"
        if abs(value - own) < 1e-9:
            continue
        if abs(value - max(test)) < 1e-9:
            raise Blank(f"{words}; its mean over all rates and seeds is {mean(test):.1f} %.")
        if abs(value - max(validation)) < 1e-9:
            raise Wrong(f"{words}, measured on the images and seeds that chose its rate.")
        raise Wrong(
            f"{words}; at the rate that validation images and tuning seeds choose, it has {own:.1f} % on the test."
        )
    return "The one that guesses is not helped by its six tries any more."


def _means(name: str, images: str, seeds) -> list[float]:
    return [mean(_accuracy(name, rate, seed, images) for seed in seeds) for rate in RATES]


def _accuracy(name: str, rate: float, seed: int, images: str) -> float:
    """A stand-in for a run: 10 % by chance at every rate, or a hump over the rates."""
    if images not in ("validation", "test"):
        raise ValueError(f"images are 'validation' or 'test', not {images!r}")
    height = 10 if name == "guesses" else 80 - 4 * (RATES.index(rate) - 3) ** 2
    return height + Random(f"{name} {rate} {seed} {images} D").uniform(-8, 8)
