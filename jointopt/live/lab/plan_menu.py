"""The plans of a run: one that is followed, and others to which a person may switch while it runs."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import tee

from jointopt import plans
from jointopt.checks import listed
from jointopt.controls import Change
from jointopt.training import Update

Plan = Iterable[Update]
Plans = Plan | Mapping[str, Plan] | None  # one plan, several by name, or joint without end


class Menu:
    """Plans by name, one of which is followed. Any thread may choose; the rest belongs to the thread that trains.

    names  of the plans; none where there is a single plan, without a name
    log    the plan that the run began with and each that was begun later, at its first step
    """

    def __init__(self, plan: Plans):
        if isinstance(plan, Mapping):
            _check_names(plan)
        self.names = list(plan) if isinstance(plan, Mapping) else []
        named = plan if self.names else {None: plans.joint() if plan is None else plan}
        _check_streams(named)
        self._unused = {name: iter(stream) for name, stream in named.items()}
        self._choice = _Choice(next(iter(named)))
        self.restart()

    @property
    def chosen(self) -> str | None:
        """The plan of the next step."""
        return self._choice.name

    @property
    def followed(self) -> str | None:
        """The plan of the last step."""
        return self.log[-1].value if self.log else None

    @property
    def ended(self) -> bool:
        """Whether the chosen plan is known to have no further update."""
        granted, course = self._at
        return self._choice is granted and course.ended

    def choose(self, name: str) -> None:
        """Begin this plan at the next step. Where it is under way by then, it goes on."""
        if name not in self.names:
            known = f"there are {listed(self.names)}" if self.names else "there is one plan, without a name"
            raise ValueError(f"no plan is named {name!r}; {known}")
        self._choice = _Choice(name)

    def restart(self) -> None:
        """The next step begins the chosen plan; the log starts again."""
        self.log: list[Change] = []
        self._scheduled: dict[int, str] = {}
        # The last choice that was granted, and the course that it led to; one store, for whoever reads it meanwhile.
        self._at: tuple[_Choice | None, _Course | None] = None, None

    def schedule(self, log: Iterable[Change]) -> None:
        """Log these changes, each at its step: those of a recorded run, where all updates are one plan."""
        self._scheduled = {change.step: change.value for change in log}

    def look(self) -> Update | None:
        """The next update; None where the plan has ended. It stays the next one until it is taken."""
        choice, (granted, course) = self._choice, self._at  # read once: another may be made at any moment
        if course is None or (choice is not granted and (choice.name != course.name or course.look() is None)):
            self._unused[choice.name], stream = tee(self._unused[choice.name])  # a generator is gone through once only
            course = _Course(choice.name, stream)
        self._looked_at = choice, course
        return course.look()

    def take(self, number: int) -> None:
        """The update that was looked at has been taken, as this step."""
        course = self._looked_at[1]
        begun = course.name if course is not self._at[1] else None
        name = self._scheduled.pop(number, begun)
        if name is not None:
            self.log.append(Change(number, "plan", name))
        self._at = self._looked_at
        course.take()


class _Choice:
    """One press on the menu. Two of one name are two: the second may begin anew a plan that has ended."""

    def __init__(self, name: str | None):
        self.name = name


class _Course:
    """One passage through a plan, with an eye on the update that comes next."""

    def __init__(self, name: str | None, stream: Iterator[Update]):
        self.name, self._stream = name, stream
        self._ahead: list[Update | None] = []  # one at most; None is the end
        self.ended = False

    def look(self) -> Update | None:
        if not self._ahead:
            self._ahead = [next(self._stream, None)]
            self.ended = self._ahead[0] is None
        return self._ahead[0]

    def take(self) -> None:
        self._ahead = []


def is_name(name: object) -> bool:
    """Whether it can be a name in a saved run."""
    return isinstance(name, str) and 0 < len(name) < 200


def _check_names(named: Mapping) -> None:
    if not named:
        raise ValueError("a menu of plans needs at least one, as in plan={'joint': jointopt.plans.joint()}, got {}")
    for name in named:
        if not is_name(name):
            raise ValueError(f"the name of a plan must be a str of 1 to 199 characters, got {name!r}")


def _check_streams(named: Mapping[str | None, Plan]) -> None:
    for name, plan in named.items():
        if not isinstance(plan, Iterable) or isinstance(plan, (str, Mapping)):
            what = "a plan" if name is None else f"the plan {name!r}"
            raise ValueError(f"{what} must be a stream of Updates, as jointopt.plans.joint(100) makes it, got {plan!r}")
    generators = [plan for plan in named.values() if isinstance(plan, Iterator)]
    if len(set(map(id, generators))) < len(generators):
        raise ValueError(f"two of the plans {listed(named)} are one and the same generator: make one for each")
