"""One run of a comparison: an arm, from one seed, within a budget."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter

import torch
from threadpoolctl import threadpool_limits

from jointopt.checks import NonFiniteError, check_repeats, tensors_of
from jointopt.compare.budget import Budget, Spent, within
from jointopt.controls import Change, Controls, check_change
from jointopt.modules import fingerprint
from jointopt.optimizers import check_optimizer, named_optimizer, optimizer_of
from jointopt.schedules import AskedOnce
from jointopt.training import Task, Update, take_step

FIRST = 3  # losses that are kept: processors agree on them, since nothing has been amplified yet


@dataclass(frozen=True)
class Arm:
    """One side of a comparison.

    plan               a function without arguments that gives the Updates, from the first on, more than can be paid for
    weights            {loss: λ} in place of the task's own
    optimizer          a name of jointopt.optimizers.OPTIMIZERS; None: the task's own, with its options
    optimizer_options  lr, weight_decay, … in place of its defaults
    task_options       given to the function that makes the task
    changes            (step, name, value), each made before its step, as a lab's log has them: "weight.<loss>",
                       "frozen.<module>", "lr", "lr.<module>" and "optimizer"
    """

    plan: Callable[[], Iterable[Update]] = field(repr=False)  # that of a lab's branch holds each of its updates
    weights: Mapping[str, float] | None = None
    optimizer: str | None = None
    optimizer_options: Mapping[str, object] = field(default_factory=dict)
    task_options: Mapping[str, object] = field(default_factory=dict)
    changes: Sequence[Change] = ()

    def __post_init__(self):
        if not callable(self.plan):
            got = type(self.plan).__name__
            raise ValueError(f"an arm's plan is a function that gives a plan, as lambda: plans.joint(), got {got}")
        if self.optimizer is not None:
            check_optimizer(self.optimizer, self.optimizer_options)
        values = list(Controls(self.weights).settings.functions.items())  # it checks all of them
        for step, name, value in self.changes:
            if name == "optimizer":
                check_optimizer(value)
            else:
                values.append((name, check_change((step, name, value)).value))
        for name, value in values:
            if isinstance(value, AskedOnce):  # a file of runs would not know it from another
                raise ValueError(f"a function of the step in an arm is a Schedule, got {name!r}: {value!r}")

    def frozen(self, number: int) -> frozenset[str]:
        """The modules that are frozen in step `number`."""
        made = sorted((change for change in self.changes if change[0] <= number), key=itemgetter(0))
        last = {name: value for _, name, value in made if name.startswith("frozen.")}
        return frozenset(name.removeprefix("frozen.") for name, value in last.items() if value)

    def controls(self) -> Controls:
        """New controls that make the arm's changes, each at its step."""
        controls = Controls.replay(change for change in self.changes if change[1] != "optimizer")
        controls.set(weight=self.weights)
        return controls


Baseline = Callable[[int], dict[str, float]]  # seed -> held-out metrics: what is not trained by a plan at all


def run(make: Callable[..., Task], arm: Arm, budget: Budget, seed: int) -> dict:
    """One arm from one seed: its held-out metrics, what it spent, fingerprints of how it began, and its first losses.

    "seconds" are those of the steps alone. A run whose loss is no longer finite ends there, with the weights that it
    has, and says so: "diverged" is True. ValueError if the task has no `evaluate`, or if no step was taken.
    """
    task = make(seed, **arm.task_options)
    if task.evaluate is None:
        raise ValueError("a task that is compared needs its `evaluate`: a function model -> {metric: value}")
    start = began(task)
    optimizer = optimizer_of(task, arm.optimizer, **arm.optimizer_options)
    others = {step: value for step, name, value in arm.changes if name == "optimizer"}
    controls, spent, diverged, ends, totals = arm.controls(), Spent(), False, [], []
    torch.manual_seed(seed)
    clock = time.perf_counter()
    try:
        for number, (update, after) in enumerate(within(budget, _marked(arm.plan(), ends), task, arm.frozen)):
            if (other := others.get(number)) is not None:
                optimizer = named_optimizer(task, other)
            last = take_step(task, number, update, controls, optimizer)
            spent = after
            totals += [last.total] if number < FIRST else []
    except NonFiniteError:
        diverged = True
    seconds = time.perf_counter() - clock
    if not spent.steps and not diverged:
        raise ValueError(f"no step was taken: the plan is empty, or its first step costs more than {budget}")
    early = bool(ends) and budget.allows(spent.with_step(0, last.moved))  # the plan ended, the budget did not
    how = {"ended early": early, "began": start, "first losses": totals}
    return _result(task.evaluate(task.model), spent, diverged, seconds) | how


def _marked(plan: Iterable[Update], ends: list) -> Iterator[Update]:
    """The plan; `ends` has an element once it has come to its end."""
    yield from plan
    ends.append(True)


def began(task: Task) -> dict[str, str]:
    """Fingerprints of the first weights and the first two batches; ValueError if batch 0 is another the second time."""
    two = check_repeats(task.batches), tensors_of(task.batches(1))
    batches = {f"{n} {i}": x for n, tensors in enumerate(two) for i, x in enumerate(tensors)}
    return {"weights": fingerprint(task.model.state_dict())[:12], "batches": fingerprint(batches)[:12]}


def run_alone(make: Callable[..., Task], name: str, arm: Arm | Baseline, budget: Budget, seed: int) -> tuple:
    """(seed, name, the run), on one thread; the reader's own random numbers stay as they are."""
    with _one_thread(), torch.random.fork_rng(devices=[]):
        try:
            if isinstance(arm, Arm):
                return seed, name, run(make, arm, budget, seed)
            start = time.perf_counter()
            metrics = arm(seed)
            return seed, name, _result(metrics, Spent(), False, time.perf_counter() - start)
        except (ValueError, TypeError) as error:
            hint = "" if isinstance(arm, Arm) else " (it is called with the seed; a plan is given as Arm(plan))"
            raise ValueError(f"the arm {name!r}, seed {seed}: {error}{hint}") from error


def _result(metrics: Mapping[str, float], spent: Spent, diverged: bool, seconds: float) -> dict:
    """What is kept of a run."""
    if not isinstance(metrics, Mapping):
        raise ValueError(f"held-out metrics are a dict {{metric: value}}, got {type(metrics).__name__}")
    metrics = {name: float(value) for name, value in metrics.items()}
    work = {**vars(spent), "updates": dict(spent.updates), "diverged": diverged, "seconds": round(seconds, 2)}
    return metrics | work


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums come out the same on any number of threads only if it is always the same number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):  # NumPy's and scikit-learn's: several on a busy machine are a hundred times slower
            yield
    finally:
        torch.set_num_threads(threads)
