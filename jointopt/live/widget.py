"""The views of the lab, and what every view shares: the front-end files and one style sheet.

A front end is a real .js file beside this one. A browser cannot resolve an import between two anywidget modules
without a bundler, so `front_end` puts common.js in front of the named files instead.
"""

from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent


def front_end(*names: str) -> str:
    """The text of a front end: common.js, then the named files, as one ES module."""
    return "\n".join((_HERE / file).read_text(encoding="utf-8") for file in ("common.js", *names))


def style() -> str:
    """The style sheet of all views."""
    return (_HERE / "common.css").read_text(encoding="utf-8")


class View(anywidget.AnyWidget):
    """A view that the browser is heard from at any moment, also while a cell runs."""

    def open(self) -> None:
        """Open the comm, and leave the thread that its messages go to as the browser asks for it.

        JupyterLab asks for a thread of their own, a subshell. ipykernel 7.4 sends them to where the kernel last spoke
        from instead, which is the main thread: there they wait until the last queued cell has ended.
        """
        super().open()
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = None


class ControlsView(View):
    """Browser → kernel, by custom messages: trait sync in this direction can go deaf for good."""

    _esm, _css = front_end("controls.js"), style()
    spec = traitlets.Dict().tag(sync=True)  # names; written once
    state = traitlets.Dict().tag(sync=True)  # how the controls stand


class CurvesView(anywidget.AnyWidget):
    """Kernel → browser. A view of its own: frames are lost where both sides write to the same one."""

    _esm, _css = front_end("curves.js"), style()
    spec = traitlets.Dict().tag(sync=True)  # names; written once
    info = traitlets.Dict().tag(sync=True)  # step, words, marks, influence, held-out figures
    frame = traitlets.Bytes().tag(sync=True)  # the whole run, decimated: see History.frame
    picture = traitlets.Bytes().tag(sync=True)  # PNG
