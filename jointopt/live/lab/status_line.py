"""The status line: what the last change did, in words."""

from collections.abc import Sequence

from jointopt.controls import Change
from jointopt.live.lab.history import History
from jointopt.training import Step

SAME_GESTURE = 25  # steps within which changes of one control are told as one: a slider is dragged in many small ones


class Teller:
    """Keeps what was so before a change, and says what became of it."""

    def __init__(self):
        self.said = ""
        self._last: dict[str, tuple[int, float, float]] = {}  # loss -> (step of the change, λ before, share before)
        self._counted: dict[str, int] = {}  # loss -> the last step that counted it
        self._now: dict = {}

    def tell(self, changes: Sequence[Change], step: Step, history: History, now: dict) -> None:
        """Put the changes of this step into words. `history` ends with this step; `now`: lr, optimizer and plan in it.

        To be called after every step, so that it is known what was so before.
        """
        before, self._now = self._now, now
        if step.number > 0 and changes:  # how a run begins is no change
            self._say(changes, step, history, before)
        self._counted |= dict.fromkeys(_counted(step), step.number)

    def _say(self, changes: Sequence[Change], step: Step, history: History, before: dict) -> None:
        told = []
        for change in changes:
            kind, _, target = change.name.partition(".")
            if kind == "weight":
                told.append(self._weight(target, change, step, history))
            elif kind == "frozen":
                told.append(_frozen(target, change.value, step))
            elif kind == "lr":
                told.append(f"learning rate {before['lr']:.3g} → {change.value:.3g}")
            elif kind == "plan":
                told.append(_plan(before["plan"], change.value, step))
            else:
                told.append(f"optimizer {before['optimizer']} → {change.value}, without memory of earlier gradients")
        self.said = f"step {step.number}: " + "; ".join(dict.fromkeys(told))

    def _weight(self, loss: str, change: Change, step: Step, history: History) -> str:
        since, before, share = self._last.get(loss, (-SAME_GESTURE, 0.0, 0.0))
        if step.number - since >= SAME_GESTURE:
            counted = self._counted.get(loss)  # in turns, the step before may have been of other losses
            before = history.weight(loss, step.number - 1)
            share = 0.0 if counted is None else history.share(loss, counted)
        self._last[loss] = (step.number, before, share)
        moved = f"λ of {loss} {before:.3g} → {change.value:.3g}"
        if not step.update.counts(loss):
            return f"{moved}, which this step does not count"
        now = history.share(loss, step.number)
        return f"{moved}, its share of J went from {_percent(share)} to {_percent(now)}"


def _counted(step: Step) -> list[str]:
    """The losses that the step's update counts."""
    return [loss for loss in step.weights if step.update.counts(loss)]


def _frozen(module: str, frozen: bool, step: Step) -> str:
    if frozen:
        return f"{module} frozen: its gradient is absent, its weights stand still"
    norm = step.grad_norm.get(module)
    if norm:
        return f"{module} thawed: its gradient is back, norm {norm:.2g}"
    return f"{module} thawed" + ("; this step does not move it" if norm == 0 else "")


def _plan(before: str | None, name: str, step: Step) -> str:
    begins = f"plan {name} begins again" if before == name else f"plan {before} → {name}" if before else f"plan {name}"
    return f"{begins}: now moves {', '.join(step.moved) or 'nothing'} on {', '.join(_counted(step))}"


def _percent(share: float) -> str:
    return (
        "less than 0.1 %" if 0 < share < 0.001 else f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"
    )


def marks(log: Sequence[Change]) -> list[tuple[int, str]]:
    """(step, what changed there, in short) for the curves; a dragged slider is one mark, where it came to rest."""
    kept: list[Change] = []
    for change in log:
        previous = next((i for i in reversed(range(len(kept))) if kept[i].name == change.name), None)
        dragged = previous is not None and isinstance(change.value, float)
        if dragged and change.step - kept[previous].step < SAME_GESTURE:
            del kept[previous]
        kept.append(change)
    return [(change.step, in_short(change)) for change in kept if change.step > 0]


def in_short(change: Change) -> str:
    """A change in a few words."""
    kind, _, target = change.name.partition(".")
    if kind == "weight":
        return f"λ {target} {change.value:.3g}"
    if kind == "frozen":
        return f"{'freeze' if change.value else 'thaw'} {target}"
    if kind == "lr":
        return f"lr {change.value:.3g}"
    return f"plan {change.value}" if kind == "plan" else str(change.value)
