"""A run that can go back to any of its steps and take another way from there."""

import copy
from bisect import insort
from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from operator import itemgetter
from threading import Lock

from jointopt.checks import check_count, check_name
from jointopt.controls import Change, Controls
from jointopt.live.lab.branches import MOST_BRANCHES, Branch, Snapshot, by_kind, letter, thin
from jointopt.live.lab.plan_menu import Plan, Plans
from jointopt.live.lab.run import Run
from jointopt.live.lab.throttle import Throttle
from jointopt.training import Step, Task, Update

SNAPSHOT_SHARE = 0.005  # the most of the training time that snapshots may take


class Engine(Run):
    """A run and its branches. Steps are taken again from the nearest snapshot: about one is made in a second.

    current  the branch that is followed
    """

    def __init__(self, task: Task, plan: Plans = None, controls: Controls | None = None):
        self._leaving = Lock()  # held from leaving a branch until the run stands at the end of another
        super().__init__(task, plan, controls)

    def _begin(self) -> None:
        super()._begin()
        self.current = Branch("A", None, 0, self.updates, self.history)
        self._branches = {self.current.name: self.current}
        self._keeping = Throttle(SNAPSHOT_SHARE)
        self._keeping.do(self._keep)

    def step(self, measure: Callable[[Update], bool] = lambda update: False) -> Step:
        """See Run.step."""
        step = super().step(measure)
        self._keeping.do(self._keep)
        return step

    @property
    def branches(self) -> list[Branch]:
        """All of this run, in the order in which they began; from any thread."""
        if self._leaving.acquire(blocking=False):  # else what it has is kept already
            try:
                waits = self.menu.waiting
                plan = [] if waits is None else [Change(self.number, "plan", waits)]
                self.current.log, self.current.waiting = self.log, plan + self.pending
            finally:
                self._leaving.release()
        return list(self._branches.values())

    def branch(self, number: int, plan: Plan | None = None) -> Branch:
        """Go back to where the run stood before step `number`, and go on from there. The old future stays a branch.

        What was set before step 0 is how the run began, and is set again. plan: in a replay, the updates of the branch,
        from step 0 on, which can be gone through more than once
        """
        self.check_step(number)
        with self._leaving:
            self._leave()
            new = self.current.until(number, letter(len(self._branches)), plan)
            self._follow(new)
            self._branches[new.name] = new
        return new

    def evaluate_fork(self) -> None:
        """The held-out metrics where this branch began, for its parent too: two ways that are equal are to look so."""
        self.evaluate()
        points, theirs = self.history.held_out, self._branches[self.current.parent].history.held_out
        if points and self.number not in [step for step, _ in theirs]:
            insort(theirs, points[-1], key=itemgetter(0))

    def check_step(self, number: object) -> None:
        """ValueError unless the run can branch at this step."""
        if len(self._branches) >= MOST_BRANCHES:
            raise ValueError(f"this run has {MOST_BRANCHES} branches, and can have no more: reset() begins a new one")
        check_count("the step to branch at", number)
        if number > self.number:
            raise ValueError(f"the step to branch at must be one of 0 to {self.number}, got {number}")

    @property
    def others(self) -> list[Branch]:
        """The branches that are not followed."""
        return [branch for branch in list(self._branches.values()) if branch is not self.current]

    def shared(self, branch: Branch) -> int:
        """How many steps a branch has in common with the one that is followed."""
        ours, theirs = self._lineage(self.current), self._lineage(branch)
        return max(min(ours[name], theirs[name]) for name in ours.keys() & theirs.keys())

    def _lineage(self, branch: Branch) -> dict[str, int]:
        """Names of the branches that it comes from -> how many of their steps it has."""
        steps, lineage = len(branch.updates), {branch.name: len(branch.updates)}
        while branch.parent is not None:
            steps, branch = min(steps, branch.fork), self._branches[branch.parent]
            lineage[branch.name] = steps
        return lineage

    def use_branch(self, name: str) -> None:
        """Go on with another branch where it was left, with what waited there."""
        check_name("branch", name, self._branches)
        if name != self.current.name:
            with self._leaving:
                self._leave()
                self._follow(self._branches[name])

    def updates_of(self, branch: Branch, most: int) -> list[Update]:
        """Those that were taken, and those that would have followed, `most` in all."""
        number = len(branch.updates)
        rest = self.menu.rest(number, by_kind(branch.log + branch.waiting)[0], branch.plan)
        return branch.updates + list(islice(rest, max(0, most - number)))

    def _keep(self, held: bool = False) -> None:
        """A snapshot of the run as it stands. held: as long as it is the last one, however large it is."""
        also = self.last, copy.copy(self.status_line)
        self.current.snapshots[self.number] = snapshot = Snapshot(
            self.task.model, self.optimizer, self.optimizer_name, self._generator, also
        )
        thin(self._branches.values(), snapshot if held else None)

    def _leave(self) -> None:
        """Keep all that it takes to go on with this branch."""
        plan = self.menu.put_aside()
        optimizer, self._next_optimizer = self._next_optimizer, None
        waiting = [("plan", plan), ("optimizer", optimizer), *self.controls.put_aside()]
        self.current.waiting = [Change(self.number, name, value) for name, value in waiting if value is not None]
        self.current.log = self.log
        self._keep(held=True)  # the way to another branch may fail

    def _follow(self, branch: Branch) -> None:
        """Stand at the end of another branch. If that fails, the run is where it was."""
        left = self.current
        try:
            self._stand_at_end(branch)
        except BaseException:
            self._stand_at_end(left)
            raise

    def _stand_at_end(self, branch: Branch) -> None:
        first = max(branch.snapshots)
        self._restore(branch.snapshots[first])
        self._take_again(branch, first)
        self.current, self.updates, self.history, self._influence = branch, branch.updates, branch.history, {}
        plans, self._optimizer_log, settings = by_kind(branch.log)
        plan, optimizer, waiting = by_kind(branch.waiting)
        self.menu.go_on(self.number, plans, plan[-1].value if plan else None, branch.plan)
        if optimizer and self._next_optimizer is None:  # none was chosen meanwhile
            self._next_optimizer = optimizer[-1].value  # after a reset the log begins with one, and another may wait
        self.controls.resume(settings, [(name, value) for _, name, value in waiting])

    def _restore(self, snapshot: Snapshot) -> None:
        if snapshot.optimizer_name != self.optimizer_name:
            self._use(snapshot.optimizer_name)
        snapshot.restore(self.optimizer, self._generator)
        self.last, line = snapshot.also
        self.status_line = copy.copy(line)

    def _take_again(self, branch: Branch, first: int) -> None:
        """The branch's steps from `first` on, with the changes before each of them."""
        plans, _, settings = by_kind(branch.log)
        controls = Controls.replay(change for change in settings if change.step >= first)
        controls.resume(change for change in settings if change.step < first)
        changes = defaultdict(list)
        for change in branch.log:
            changes[change.step].append(change)
        totals = branch.history["total"]
        plan = next((change.value for change in reversed(plans) if change.step < first), None)
        for number in range(first, len(branch.updates)):
            for change in changes[number]:
                if change.name == "optimizer":
                    self._use(change.value)
                elif change.name == "plan":
                    plan = change.value
            step = self._take(number, branch.updates[number], controls)
            self._describe(changes[number], step, plan)
            branch.repeats &= step.total == float(totals[number])
