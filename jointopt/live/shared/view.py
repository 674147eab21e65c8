"""What every view shares: its messages, the front-end files and one style sheet.

A front end is a real .js file beside the view. A browser cannot resolve an import between two anywidget modules
without a bundler, so `front_end` puts common.js in front of the named files instead.
"""

import threading
from collections.abc import Collection
from pathlib import Path

import anywidget

KEPT = 1000  # messages of which it is known what became of them: more than a browser sends in a second

_LIVE = Path(__file__).parents[1]


def front_end(*names: str) -> str:
    """The text of a front end: common.js, then the named files, as one ES module."""
    return "\n".join((_LIVE / file).read_text(encoding="utf-8") for file in ("shared/common.js", *names))


def style() -> str:
    """The style sheet of all views."""
    return (_LIVE / "shared" / "common.css").read_text(encoding="utf-8")


class View(anywidget.AnyWidget):
    """A view whose messages from the browser are heard at any moment, each obeyed once, and answered.

    Messages rather than trait sync, which can go deaf for good. `mailbox` in common.js is the browser's side.
    """

    shared: Collection[str] = ()  # the traits that the browser has to have right

    def __init__(self, **traits: object):
        super().__init__(**traits)
        self._verdicts: dict[str, str | None] = {}  # message -> see `hear`
        self._hearing = threading.Lock()  # the first may come on the main thread, later ones on others
        self.on_msg(lambda _view, message, _buffers: self.hear(message))

    def notice(self, message: dict) -> None:
        """The browser is there: it has sent this."""

    def obey(self, message: dict) -> None:
        """Do what the message asks for. A ValueError, TypeError or RuntimeError refuses it, and has changed nothing."""
        raise NotImplementedError

    def hear(self, message: object) -> None:
        """Answer what became of a message: "" (obeyed), why it was refused, or None: it was lost on its way.

        A beat asks what became of others, its `waiting`. Those that have not come by then are lost: a connection keeps
        the order. Should one come after all, it is not obeyed, for the person knows that it was lost.
        """
        message = message if isinstance(message, dict) else {}
        with self._hearing:
            self.notice(message)
            if message.get("kind") == "beat":
                verdicts = {each: self._verdicts.setdefault(each, None) for each in message.get("waiting", ())}
            elif (each := str(message.get("id"))) in self._verdicts:
                return
            else:
                verdicts = {each: self._verdict(message)}
            self._verdicts = dict(list((self._verdicts | verdicts).items())[-KEPT:])
            if any(verdict != "" for verdict in verdicts.values()):
                self.send_state(list(self.shared))
        self.send({"verdicts": verdicts})

    def _verdict(self, message: dict) -> str:
        try:
            self.obey(message)
        except (ValueError, TypeError, RuntimeError) as refused:
            return str(refused) or type(refused).__name__
        return ""

    def open(self) -> None:
        """Open the comm, and leave the thread that its messages go to as the browser asks for it.

        JupyterLab asks for a thread of their own, a subshell. ipykernel 7.4 sends them to where the kernel last spoke
        from instead, which is the main thread: there they wait until the last queued cell has ended.
        """
        super().open()
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = None
