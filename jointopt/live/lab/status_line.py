"""The status line: what the last change did, in words."""

from collections.abc import Sequence
from typing import NamedTuple

from jointopt.controls import Change
from jointopt.schedules import Value, words
from jointopt.training import Step

FORGETFUL = (
    "steps that were taken again gave other numbers: something in this task has a memory of its own,"
    " or its sums are not twice the same, as on some GPUs"
)
DESERTED = "paused: nobody has looked for a while, and no name in a cell refers to this lab"
LEFT = "paused, since Escape left the lab; Play goes on (to a step that is typed it plays on behind other slides)"
UNWATCHED = "this lab does not see any more whether anybody looks, and plays on"
NO_NUMBER = "expected a finite number ≥ 0 in decimal notation, such as 0.05 or 5e-2 (the least above 0 is 5e-324)"
SAME_GESTURE = 25  # steps within which changes of one control count as one: a slider is dragged in many small ones


class _Gesture(NamedTuple):
    """A change of a λ, or many small ones in a row."""

    first: int  # step
    last: int
    weight: float  # before it
    share: float


class StatusLine:
    """`text` says what the last change did. To be updated after every step, so that it knows how things were before."""

    def __init__(self):
        self.text = ""
        self._step: Step | None = None  # the last one
        self._counted: dict[str, Step] = {}  # loss -> the last step that counted it
        self._gestures: dict[str, _Gesture] = {}  # loss -> the last change of its λ
        self._choices: dict = {}
        self._lrs: dict[str, object] = {}  # module -> a learning rate of its own

    def update(self, changes: Sequence[Change], step: Step, choices: dict) -> None:
        """Put the changes of this step into words. choices: its "lr", "optimizer" and "plan"."""
        if self._step is not None and changes:  # how a run begins is no change
            sentences = dict.fromkeys(self._sentence(change, step) for change in changes)
            self.text = f"step {step.number}: " + "; ".join(sentences)
        self._step, self._choices = step, choices
        self._counted = self._counted | dict.fromkeys(_counted(step), step)  # anew: a copy of the line keeps its own
        own = {change.name.partition(".")[2]: change.value for change in changes if change.name.startswith("lr.")}
        self._lrs = {name: value for name, value in (self._lrs | own).items() if value is not None}

    def _sentence(self, change: Change, step: Step) -> str:
        kind, _, target = change.name.partition(".")
        if kind == "weight":
            return self._weight(target, change.value, step)
        if kind == "frozen":
            return _frozen(target, change.value, step)
        if kind == "lr":
            before = self._lrs.get(target, self._choices["lr"])
            of = f"learning rate of {target}" if target else "learning rate"
            return f"{of} {words(before)} → {words(change.value)}"
        if kind == "plan":
            return _plan(self._choices["plan"], change.value, step)
        return f"optimizer {self._choices['optimizer']} → {change.value}, without memory of earlier gradients"

    def _weight(self, loss: str, weight: Value, step: Step) -> str:
        gesture = self._gestures.get(loss)
        if gesture is None or step.number - gesture.last >= SAME_GESTURE:
            share = _share(loss, self._counted.get(loss))  # in turns, the step before may have been of other losses
            gesture = _Gesture(step.number, step.number, self._step.weights[loss], share)
        self._gestures = self._gestures | {loss: gesture._replace(last=step.number)}
        since = f" since step {gesture.first}" if gesture.first < step.number else ""
        change, share = f"λ of {loss} {gesture.weight:.3g} → {words(weight)}{since}", gesture.share
        if not step.update.counts(loss):
            return f"{change}, which this step does not count"
        before, now = _percent(share), _percent(_share(loss, step))
        return change if before == now else f"{change}, its share of J went from {before} to {now}"


def _share(loss: str, step: Step | None) -> float:
    """λ_k · L_k as a share of J in a step that counted it, 0 … 1; 0 if there was none."""
    return step.weights[loss] * step.losses[loss] / step.total if step is not None and step.total else 0.0


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
    return f"{begins}: this step moves {', '.join(step.moved) or 'nothing'} on {', '.join(_counted(step))}"


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "less than 0.1 %"
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def marks(log: Sequence[Change], first: int = 1) -> list[tuple[int, str]]:
    """(step, what changed there, in short) from step `first` on; a dragged slider is one mark, where it began."""
    return [
        (max(begun.step, first), in_short(last) + (f" by step {last.step}" if last.step > begun.step else ""))
        for begun, last in _ends(log, first)
    ]


def dated(log: Sequence[Change], first: int = 1) -> list[tuple[str, str]]:
    """The same for words that stand alone: (step, or steps from which to which, what changed there, in short)."""
    steps = [(max(begun.step, first), last) for begun, last in _ends(log, first)]
    return [(f"{step}–{last.step}" if last.step > step else str(step), in_short(last)) for step, last in steps]


def _ends(log: Sequence[Change], first: int) -> list[list[Change]]:
    """Of each change, and of each drag of a slider, the first change and the last, if that is at `first` or later."""
    gestures: list[list[Change]] = []
    for change in log:
        ends = (change.name, "optimizer")  # which brings a learning rate of its own
        previous = next((gesture for gesture in reversed(gestures) if gesture[1].name in ends), None)
        dragged = previous is not None and previous[1].name == change.name and isinstance(change.value, float)
        if dragged and change.step - previous[1].step < SAME_GESTURE:
            previous[1] = change
        else:
            gestures.append([change, change])
    return [ends for ends in gestures if ends[1].step >= first]


def in_short(change: Change) -> str:
    """A change in a few words."""
    kind, _, target = change.name.partition(".")
    if kind == "weight":
        return f"λ {target} {words(change.value)}"
    if kind == "frozen":
        return f"{'freeze' if change.value else 'thaw'} {target}"
    if kind == "lr":
        return f"lr {target} {words(change.value)}" if target else f"lr {words(change.value)}"
    return f"plan {change.value}" if kind == "plan" else str(change.value)


def stays(kept: Sequence[str]) -> str:
    """What a reset has left as it was set, if anything, and how that is set back."""
    if not kept:
        return ""
    names = " and ".join([", ".join(kept[:-1]), kept[-1]] if len(kept) > 1 else kept)
    stay, them = ("stay as they are", "them") if len(kept) > 1 else ("stays as it is", "it")
    return f"{names} {stay} set; Reset again sets {them} back"


def duration(seconds: float) -> str:
    """Whole minutes as such."""
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} s"


def paused(error: Exception) -> str:
    """Why it paused; an error without a text by its type."""
    return f"paused: {str(error) or type(error).__name__}"
