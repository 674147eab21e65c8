"""The live lab as a reader's cells have it: a handle on what trains, see trainer.py.

The cell that shows the lab returns at once. One thread does all the training, and what the browser and the reader's
cells ask for, between two steps.
"""

import copy
import math
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from jointopt import figures
from jointopt.checks import check_choice, check_count, check_positive
from jointopt.compare import Arm
from jointopt.controls import Controls
from jointopt.live.lab import saved_run
from jointopt.live.lab.branches import Branch
from jointopt.live.lab.history import History
from jointopt.live.lab.plan_menu import Plans
from jointopt.live.lab.status_line import dated, marks
from jointopt.live.lab.trainer import Trainer
from jointopt.schedules import without_functions
from jointopt.training import Step, Task

ARM_STEPS = 20_000  # that an arm has at most


class LiveLab:
    """Train a task live: `LiveLab(task)` as the last line of a cell shows it.

    plan      Updates; None: joint, without end; {name: Updates}: a menu to choose from, which begins with the first
    controls  λ, frozen modules and learning rate to begin with; a cell may change them later, as the browser does
    name      a second lab of this name replaces the first, so that a cell can be run again
    view      "slide": compact, in larger type. None: as the page asks, which a slide does
    patience  seconds for which it plays on when nobody looks: a tab that was left takes a whole core. Then it pauses,
              and says so; Play goes on. It never stops a `run`. None: it plays on

    `engine` is the run, `display` its views. The lab trains in a thread of its own, under the autocast, default device
    and options of torch.compile of the cell that made it, until it is paused, also while nobody looks; `close()` ends
    it. Where no name in a cell refers to it any more and nobody has looked for a minute, it stops by itself.
    """

    def __init__(
        self,
        task: Task,
        plan: Plans = None,
        controls: Controls | None = None,
        name: str = "main",
        patience: float | None = 600.0,
        view: str | None = None,
    ):
        if not isinstance(task, Task):
            raise ValueError(f"a lab needs a Task, got {type(task).__name__}; jointopt.tasks.load(name) makes one")
        check_choice("view", view, (None, "slide"))
        seconds = math.inf if patience is None else check_positive("a lab's patience", patience)
        self._trainer = Trainer(task, plan, controls, name, owner=self, patience=seconds)
        self.engine, self.display = self._trainer.engine, self._trainer.display
        self.display.lay_out(view)
        self.controls = self.engine.controls

    def __repr__(self) -> str:
        losses, modules = ", ".join(self.engine.losses), ", ".join(self.engine.modules)
        return f"LiveLab({self._trainer.name!r}: losses {losses}; modules {modules})"

    def _repr_mimebundle_(self, **options):
        if self._trainer.worker.closed:
            return {"text/plain": f"{self!r}, closed"}
        self._trainer.displayed = True
        bundle = self.display.box._repr_mimebundle_(**options)
        return {**bundle, "text/plain": repr(self)}

    @property
    def history(self) -> History:
        """Every step so far, columns by name."""
        return self.engine.history

    @property
    def note(self) -> str:
        """Why it paused by itself, or how a replay compares; else empty."""
        return self._trainer.note

    @property
    def playing(self) -> bool:
        """True if it trains on without being asked for each step: for good, or to a step that was named."""
        return self._trainer.playing

    def play(self) -> None:
        """Train until paused."""
        self._trainer.set_budget(math.inf)

    def pause(self) -> None:
        """Stop at the next step boundary, and return when it is reached."""
        self._trainer.pause()

    def run(self, n: int) -> Step:
        """Take n steps (a lab that plays is paused first) and return the last one. Needs no browser.

        Fewer where the plan ends; `note` says so. What goes wrong in a step is raised here.
        An interrupt stops at the next step boundary: nothing is lost.
        """
        return self._trainer.run(check_count("the number of steps", n, 1))

    def reset(self, settings: bool = False) -> None:
        """Pause, and go back to the first weights and batches, with an optimizer that remembers nothing.

        λ, frozen modules, learning rate, optimizer and plan stay as they are set; with settings=True they, too, are
        again as the lab began.
        """
        self._trainer.reset(settings)

    def use_plan(self, name: str) -> None:
        """Begin another plan of the menu at the next step, with weights and optimizer as they are.

        The plan that is under way goes on where it was; one that has ended begins again.
        """
        self._trainer.use_plan(name)

    def branch(self, step: int) -> Branch:
        """Pause, and go back to where the run stood before this step, settings included; the old future stays.

        A run has at most 100 branches: ValueError at one more, or at a step that was not taken.

        A branch on which nothing is changed gives the same numbers, bit for bit. Steps are taken again from the nearest
        of the snapshots, which are about a second apart and take at most 64 MB together, so farther apart in long runs.
        """
        return self._trainer.branch(step)

    def use_branch(self, name: str) -> None:
        """Pause, and go on with another branch where it was left."""
        self._trainer.use_branch(name)

    @property
    def branches(self) -> list[Branch]:
        """All of this run: name, parent, fork (a step), and `changes` since then."""
        return self.engine.branches

    def arms(self) -> dict[str, Arm]:
        """The branches as arms of `jointopt.compare.compare`: does what was seen once hold from other seeds?

        compare(make, lab.arms(), Budget(steps=300), seeds=range(10)), where make(seed) is the task. An arm makes its
        branch's changes at the same steps, and goes on with its plan if the budget is larger, up to ARM_STEPS. A
        function of the step that is no Schedule stays at its last answer.
        """
        arms: dict[str, Arm] = {}

        def work():
            for branch in self.branches:
                all_of_it = dated(branch.changes + branch.waiting, branch.first_change)
                marked = groupby(all_of_it, key=itemgetter(0))
                since = "; ".join(f"{', '.join(words for _, words in same)} at {when}" for when, same in marked)
                changes = [change for change in branch.log + branch.waiting if change.name != "plan"]
                changes = [change._replace(value=without_functions(change.value, change.step)) for change in changes]
                plan = partial(iter, self.engine.updates_of(branch, ARM_STEPS))
                arms[f"{branch.name}: {since}" if since else branch.name] = Arm(plan, changes=changes)

        self._trainer.check_open()
        self._trainer.worker.do(work)
        return arms

    def figure(self) -> figures.Picture:
        """The run so far as a static picture, with its other branches pale behind it."""
        history = copy.copy(self.history)  # as long as it is now: the lab may train on
        history.held_out = list(history.held_out)
        others = [(branch.name, self.engine.shared(branch), branch.history) for branch in self.engine.others]
        return figures.run(history, marks(self.engine.log), others)

    def save(self, path: str | Path) -> None:
        """Pause, and write the run as small JSON: task, plan, and every change with its step. No weights, no code.

        A change that waits for the next step is in the file, and waits again after a replay.
        """
        self.pause()
        save = partial(saved_run.save, self.engine, Path(path))
        self._trainer.worker.do(save)  # not in this thread: the browser may press Play

    @classmethod
    def replay(cls, path: str | Path, task: Task | None = None, name: str = "main") -> "LiveLab":
        """A lab that has made the saved run again: to the same numbers on the same machine and thread count.

        The file is checked and can run nothing. `task`: needed where `jointopt.tasks.load` did not make the saved one.
        """
        run = saved_run.load(Path(path))
        plans = [saved_run.RecordedPlan(run, number) for number in range(len(run["branches"]))]
        lab = cls(saved_run.task_of(run, task), plans[0], name=name)
        for plan, branch in zip(plans, run["branches"], strict=True):
            if branch["parent"] is not None:
                lab.use_branch(lab.branches[branch["parent"]].name)
                lab._trainer.branch(branch["fork"], plan)
            lab.engine.schedule(saved_run.log_of(branch))
            if steps := branch["steps"] - branch["fork"]:
                lab.run(steps)
            lab._trainer.worker.do(lab.engine.make_scheduled)  # what waited for the next step
        lab.use_branch(lab.branches[run["current"]].name)
        if any(branch["steps"] for branch in run["branches"]):
            lab._trainer.note = saved_run.replay_note(run, lab.engine)
            lab._trainer.worker.do(lab._trainer.show)
        lab.display.publish()
        return lab

    def close(self) -> None:
        """End the thread and remove the views."""
        self._trainer.close()
