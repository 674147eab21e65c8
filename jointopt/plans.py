"""Plans: streams of `Update`. A new plan is a new generator; three lines in a notebook are enough.

`steps=None` means without end. `losses`: the losses that are counted; None: all.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, count, cycle, islice, repeat

from jointopt.checks import check_count
from jointopt.training import Update

Losses = str | Collection[str] | None


def joint(steps: int | None = None, losses: Losses = None) -> Iterator[Update]:
    """Every module at every step."""
    return alternating(Update(losses=losses), steps=steps)


def staged(*stages: tuple[Update, int | None]) -> Iterator[Update]:
    """One update for a number of steps, then the next: `staged((Update("encoder"), 200), (Update("head"), 100))`."""
    if not stages or not all(isinstance(stage, tuple) and len(stage) == 2 for stage in stages):
        raise ValueError(f"staged() takes one or more pairs (Update, steps), got {stages}")
    parts = [repeat(update) if n is None else repeat(update, _steps(n)) for update, n in stages]
    return _one_by_one(chain.from_iterable(parts))


def alternating(*updates: Update, steps: int | None = None) -> Iterator[Update]:
    """The updates in turn, again and again. A GAN is two updates with different losses.

    Taking turns is not freezing: where a model has normalization layers, a GAN's updates want
    `Update("generator", "generator", hold_normalization=False)`. The player that waits then keeps normalizing by the
    batch, as in every GAN's own loop; without it, it is held in eval mode, as what is frozen is.
    """
    if not updates:
        raise ValueError("alternating() needs at least one Update")
    return _one_by_one(islice(cycle(updates), None if steps is None else _steps(steps)))


def unfreeze(order: Sequence[str], every: int, steps: int | None = None, losses: Losses = None) -> Iterator[Update]:
    """Gradual unfreezing: the first module alone, and one more every `every` steps (Howard & Ruder 2018, §3.3)."""
    order, every = list(order), _steps(every)
    if not order:
        raise ValueError("unfreeze() needs the names of the modules, in the order in which they start to move")
    growing = [Update(order[: i + 1], losses) for i in range(len(order))]
    stream = (growing[min(n // every, len(order) - 1)] for n in count())
    return islice(stream, None if steps is None else _steps(steps))


def lp_ft(head: str, head_steps: int, steps: int | None = None, losses: Losses = None) -> Iterator[Update]:
    """Linear probing, then fine-tuning (Kumar et al. 2022): the head alone, then everything; `steps` in all."""
    rest = None if steps is None else steps - _steps(head_steps)
    if rest is not None and rest < 1:
        raise ValueError(f"lp_ft() needs steps > head_steps, got steps={steps} and head_steps={head_steps}")
    return staged((Update(head, losses), head_steps), (Update(losses=losses), rest))


def _one_by_one(stream: Iterator[Update]) -> Iterator[Update]:
    """The stream, through Python: `list()` of a plan without end could not be interrupted if all of it were in C."""
    yield from stream


def _steps(n: object) -> int:
    return check_count("a number of steps", n, 1)
