"""The live landscape of the smallest pipeline there is, y = φ·θ·x; jointopt.toys.landscape defines what it shows.

The browser computes and draws for itself: a change needs no kernel, and the view works in an exported page.
"""

import numpy as np

from jointopt.figures import Picture
from jointopt.live.landscape.picture import draw
from jointopt.live.shared.view import Setting, View, front_end
from jointopt.toys.landscape import CHECKS, COMPARED, LR, START, STEPS, WEIGHT, path


class Landscape(View):
    """The live landscape of J(θ, φ). Every setting can be read and set, here and in the browser.

    weight  λ: one finite number ≥ 0, or the pair (λ_θ, λ_φ)
    start   (θ, φ), each from -10 to 10
    plan    "joint", "alternating", "staged" (θ first), "staged_phi_first"; "all": the first three at once
    frozen  names among "theta" and "phi"
    lr      learning rate of plain gradient descent, > 0;  steps: 1 to 2000

    A wrong value raises ValueError and changes nothing.
    """

    _esm = front_end("landscape/landscape.js")
    weight = Setting(CHECKS["weight"], WEIGHT)
    start = Setting(CHECKS["start"], START)
    plan = Setting(CHECKS["plan"], "joint")
    frozen = Setting(CHECKS["frozen"], ())
    lr = Setting(CHECKS["lr"], LR)
    steps = Setting(CHECKS["steps"], STEPS)

    def __init__(self, weight=WEIGHT, start=START, plan="joint", frozen=(), lr=LR, steps=STEPS):
        super().__init__(weight=weight, start=start, plan=plan, frozen=frozen, lr=lr, steps=steps)

    def __repr__(self):
        extra = f", frozen={self.frozen}" if self.frozen else ""
        return f"Landscape(weight={self.weight}, plan={self.plan!r}, start={self.start}{extra})"

    def paths(self) -> dict[str, np.ndarray]:
        """Plan name -> its path, array (steps + 1, 2) with columns θ and φ. More than one for plan="all"."""
        names = COMPARED if self.plan == "all" else (self.plan,)
        return {name: path(self.start, name, self.lr, self.steps, self.weight, self.frozen) for name in names}

    def figure(self) -> Picture:
        """The same picture, static: 720 px wide."""
        return draw(self.paths(), self.weight, self.frozen)
