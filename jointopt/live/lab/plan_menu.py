"""The plans of a run: one that is followed, and others to which a person may switch while it runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice, tee

from jointopt import plans
from jointopt.checks import listed
from jointopt.controls import Change
from jointopt.training import Update

Plan = Iterable[Update]
Plans = Plan | Mapping[str, Plan] | None  # one plan, several by name, or joint without end


class Menu:
    """Plans by name, one of which is followed. Any thread may choose; the rest belongs to the thread that trains.

    names     of the plans; none where there is a single plan, without a name
    first     the plan that is followed if no other is chosen
    log       the plan that the run began with and each that began later, at its first step
    recorded  in a replay, where all updates are one plan: the name of the plan that the next step began
    """

    def __init__(self, plan: Plans):
        if isinstance(plan, Mapping):
            _check_menu(plan)
        self.names = list(plan) if isinstance(plan, Mapping) else []
        named = plan if self.names else {None: plans.joint() if plan is None else plan}
        _check_streams(named)
        self._unused = {name: iter(stream) for name, stream in named.items()}
        self._presses, self.first = count(), next(iter(named))
        # A plan that has ended begins anew at a new press.
        self._choice = self._aside = self.first, next(self._presses)
        self.restart()

    @property
    def chosen(self) -> str | None:
        """The plan of the next step."""
        return self._choice[0]

    @property
    def followed(self) -> str | None:
        """The plan of the last step."""
        return self.log[-1].value if self.log else None

    @property
    def ended(self) -> bool:
        """True if the chosen plan is known to have no further update."""
        choice, passage = self._current
        return self._choice == choice and passage.ended

    def choose(self, name: str) -> None:
        """Begin this plan at the next step. Where it is under way by then, it goes on."""
        if name not in self.names:
            known = f"there are {listed(self.names)}" if self.names else "there is one plan, without a name"
            raise ValueError(f"no plan is named {name!r}; {known}")
        self._choice = name, next(self._presses)

    def restart(self) -> None:
        """The next step begins the chosen plan; the log starts again."""
        self.log: list[Change] = []
        self.recorded: str | None = None
        self._of_branch: Plan | None = None
        # The choice that the last step followed, and the passage: one store, for threads that read meanwhile.
        self._current: tuple[tuple[str | None, int] | None, _Passage | None] = None, None

    @property
    def waiting(self) -> str | None:
        """The plan that begins at the next step, if one was chosen since the last."""
        choice, (last, passage) = self._choice, self._current
        begins = passage is None or (choice != last and (choice[0] != passage.name or passage.ended))
        return choice[0] if begins else None

    def put_aside(self) -> str | None:
        """What waits for the next step: see `go_on`."""
        if (passage := self._current[1]) is not None:
            passage.peek()  # has it ended?
        self._aside = self._choice
        return self.waiting

    def go_on(self, number: int, log: Sequence[Change], waiting: str | None, plan: Plan | None = None) -> None:
        """Stand before step `number` of a run with this log, in which a plan may have waited to begin.

        A plan that is chosen since `put_aside` begins in its place. plan: the updates, if not those of the menu
        """
        later = None if self._choice == self._aside else self.chosen
        self.restart()
        self._of_branch = plan
        if number:
            name = log[-1].value if self.names else None
            self.log, self._choice = list(log), (name, next(self._presses))
            self._current = self._choice, _Passage(name, self.rest(number, log, plan))
        if self.names and (later or waiting):
            self.choose(later or waiting)
        else:
            self.recorded = waiting

    def rest(self, number: int, log: Sequence[Change], plan: Plan | None = None) -> Iterator[Update]:
        """The updates from step `number` on of a run with this log; see `go_on`."""
        name, first = (log[-1].value, log[-1].step) if self.names else (None, 0)
        return islice(self._of_menu(name) if plan is None else iter(plan), number - first, None)

    def _stream(self, name: str | None) -> Iterator[Update]:
        """This plan, or the branch's own, from its first update on."""
        return self._of_menu(name) if self._of_branch is None else iter(self._of_branch)

    def _of_menu(self, name: str | None) -> Iterator[Update]:
        """This plan from its first update on: a generator is gone through once only."""
        self._unused[name], stream = tee(self._unused[name])
        return stream

    def next_update(self) -> Update | None:
        """The next update; None where the plan has ended. It stays the next one until `advance`."""
        choice, (last, passage) = self._choice, self._current  # read once: another may be made at any moment
        name = choice[0]
        if passage is None or (choice != last and (name != passage.name or passage.peek() is None)):
            passage = _Passage(name, self._stream(name))
        self._next = choice, passage
        return passage.peek()

    def advance(self, number: int) -> None:
        """The next update was that of this step, and is behind us."""
        passage = self._next[1]
        name = self.recorded if passage is self._current[1] else self.recorded or passage.name
        if name is not None:
            self.log.append(Change(number, "plan", name))
        self._current, self.recorded = self._next, None
        passage.advance()


class _Passage:
    """One passage through a plan; `ended` once it is known that no update is left."""

    def __init__(self, name: str | None, stream: Iterator[Update]):
        self.name, self._stream, self.ended = name, stream, False
        self._ahead: list[Update | None] = []  # one at most; None is the end

    def peek(self) -> Update | None:
        """The next update, None at the end."""
        if not self._ahead:
            self._ahead = [next(self._stream, None)]
            self.ended = self._ahead[0] is None
        return self._ahead[0]

    def advance(self) -> None:
        """Leave the next update behind."""
        self._ahead = []


def check_plan_name(name: object) -> None:
    """ValueError unless it can be the name of a plan in a menu and in a saved run."""
    if not isinstance(name, str) or not 0 < len(name) < 200:
        raise ValueError(f"the name of a plan must be a str of 1 to 199 characters, got {name!r}")


def _check_menu(plan: Mapping) -> None:
    if not plan:
        raise ValueError("a menu of plans needs at least one, as in plan={'joint': jointopt.plans.joint()}, got {}")
    for name in plan:
        check_plan_name(name)


def _check_streams(named: Mapping[str | None, Plan]) -> None:
    for name, plan in named.items():
        if not isinstance(plan, Iterable) or isinstance(plan, (str, Mapping)):
            what = "a plan" if name is None else f"the plan {name!r}"
            raise ValueError(f"{what} must be a stream of Updates, as jointopt.plans.joint(100) makes it, got {plan!r}")
    generators = [plan for plan in named.values() if isinstance(plan, Iterator)]
    if len(set(map(id, generators))) < len(generators):
        raise ValueError(f"two of the plans {listed(named)} are one and the same generator: make one for each")
