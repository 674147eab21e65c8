"""The live landscape of the smallest pipeline there is, y = φ·θ·x; landscape_math.py defines what it shows.

The browser computes and draws for itself: a change needs no kernel, and the view works in an exported page.
"""

import anywidget
import numpy as np
import traitlets

from jointopt.figures import Picture
from jointopt.live.landscape_draw import draw
from jointopt.live.landscape_math import CHECKS, COMPARED, LR, START, STEPS, WEIGHT, path
from jointopt.live.widget import front_end, style


class _Checked(traitlets.TraitType):
    """A synchronized setting with its check, whose ValueError comes before anything changes."""

    def __init__(self, setting, default):
        super().__init__(default)
        self.setting = setting
        self.tag(sync=True)

    def validate(self, obj, value):
        return CHECKS[self.setting](value)


class Landscape(anywidget.AnyWidget):
    """The live landscape of J(θ, φ). Every setting can be read and set, here and in the browser.

    weight  λ: one finite number ≥ 0, or the pair (λ_θ, λ_φ)
    start   (θ, φ), each from -10 to 10
    plan    "joint", "alternating", "staged" (θ first), "staged_phi_first"; "all": the first three at once
    frozen  names among "theta" and "phi"
    lr      learning rate of plain gradient descent, > 0;  steps: 1 to 2000

    A wrong value raises ValueError and changes nothing.
    """

    _esm = front_end("landscape_math.js", "landscape_draw.js", "landscape.js")
    _css = style()
    weight = _Checked("weight", WEIGHT)
    start = _Checked("start", START)
    plan = _Checked("plan", "joint")
    frozen = _Checked("frozen", ())
    lr = _Checked("lr", LR)
    steps = _Checked("steps", STEPS)

    def __init__(self, weight=WEIGHT, start=START, plan="joint", frozen=(), lr=LR, steps=STEPS):
        super().__init__(weight=weight, start=start, plan=plan, frozen=frozen, lr=lr, steps=steps)
        self.on_msg(self._on_message)

    def __repr__(self):
        extra = f", frozen={self.frozen}" if self.frozen else ""
        return f"Landscape(weight={self.weight}, plan={self.plan!r}, start={self.start}{extra})"

    def paths(self) -> dict[str, np.ndarray]:
        """Plan name -> its path, array (steps + 1, 2) with columns θ and φ. More than one for plan="all"."""
        names = COMPARED if self.plan == "all" else (self.plan,)
        return {name: path(self.start, name, self.lr, self.steps, self.weight, self.frozen) for name in names}

    def _on_message(self, _widget, content, _buffers) -> None:
        """A change made in the browser, {"id": …, "set": {setting: value}}: applied whole or not at all.

        Messages rather than trait sync, which can go deaf for good. The answer tells the browser that what it
        hears from now on is no echo of its own.
        """
        answer = {"ack": content.get("id") if isinstance(content, dict) else None}
        try:
            changes = {name: CHECKS[name](value) for name, value in content["set"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            answer["error"] = f"The kernel refused the change: {error}"
            self.send_state(list(CHECKS))
        else:
            for name, value in changes.items():
                setattr(self, name, value)
        self.send(answer)

    def figure(self) -> Picture:
        """The same picture, static: 720 px wide."""
        return draw(self.paths(), self.weight, self.frozen)
