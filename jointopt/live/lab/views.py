"""The two sides of the lab in the browser: controls, and curves."""

import anywidget
import traitlets

from jointopt.live.shared.view import View, front_end


class ControlsView(View):
    """Browser → kernel."""

    _esm = front_end("lab/controls.js")
    spec = traitlets.Dict().tag(sync=True)  # names; written once
    state = traitlets.Dict().tag(sync=True, in_force=True)  # how the controls stand


class CurvesView(anywidget.AnyWidget):
    """Kernel → browser. A view of its own: frames are lost where both sides write to the same one."""

    _esm, _css = front_end("lab/curves.js"), View._css
    spec = traitlets.Dict().tag(sync=True)  # names; written once
    info = traitlets.Dict().tag(sync=True)  # step, words, marks, influence, held-out metrics
    frame = traitlets.Bytes().tag(sync=True)  # the whole run, decimated: see History.frame
    picture = traitlets.Bytes().tag(sync=True)  # PNG
