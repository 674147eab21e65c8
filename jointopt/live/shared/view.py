"""What every view shares: its settings, its messages, the front-end files and one style sheet.

A front end is a real .js file beside the view, and imports what it needs. A browser cannot resolve an import between
two anywidget modules without a bundler, so `front_end` puts the files that it needs in front of it.
"""

import re
import threading
from collections.abc import Callable
from pathlib import Path

import anywidget
import traitlets

LIVE = Path(__file__).resolve().parents[1]
IMPORT = re.compile(r'^import [^;]* from "(.+)";\n', re.MULTILINE)
KEPT = 1000  # messages of which it is known what became of them: more than a browser sends in a second


def front_end(name: str) -> str:
    """The text of a front end as one ES module: each file that it imports before what needs it, then itself."""
    texts: dict[Path, str] = {}

    def read(file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        for needed in IMPORT.findall(text):
            if (path := (file.parent / needed).resolve()) not in texts:
                read(path)
        texts[file] = IMPORT.sub("", text)

    read(LIVE / name)
    return "\n".join(texts.values())


class Setting(traitlets.TraitType):
    """A synchronized setting with its check, value -> value in plain form, whose ValueError comes before any change."""

    def __init__(self, check: Callable[[object], object], default: object):
        super().__init__(default)
        self.check = check
        self.tag(sync=True, in_force=True)

    def validate(self, obj: object, value: object) -> object:
        """The value in plain form."""
        return self.check(value)


class View(anywidget.AnyWidget):
    """A view whose messages from the browser are heard at any moment, each obeyed once, and answered.

    A message is {"id": …, "kind": …, …}, its answer {"outcomes": {id: outcome}}; `hear` says what an outcome is.
    Messages rather than trait sync, which can go deaf for good; `mailbox` in mailbox.js is the browser's side.
    A trait tagged in_force is sent to the browser again where something was not obeyed.
    """

    _css = (LIVE / "shared" / "common.css").read_text(encoding="utf-8")

    def __init__(self, **traits: object):
        super().__init__(**traits)
        self._outcomes: dict[str, str | None] = {}  # message -> see `hear`
        self._hearing = threading.Lock()  # the first may come on the main thread, later ones on others
        self.on_msg(lambda _view, message, _buffers: self.hear(message))

    def notice(self, message: dict) -> None:
        """The browser is there: it has sent this."""

    def obey(self, message: dict) -> None:
        """Do what the message asks for. A ValueError, TypeError or RuntimeError refuses it, and has changed nothing.

        Here {"kind": "set", "value": {setting: value}}, applied whole or not at all.
        """
        try:
            if message["kind"] != "set":
                raise ValueError(f"it is of the kind {message['kind']!r}")
            settings = {name: self.traits()[name].check(value) for name, value in message["value"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"The kernel refused the change: {error}") from error
        for name, value in settings.items():
            setattr(self, name, value)

    def hear(self, message: object) -> None:
        """Answer what became of a message: "" (obeyed), why it was refused, or None: it was lost on its way.

        A beat asks what became of others, its `waiting`. Those that have not come by then are lost: a connection keeps
        the order. Should one come after all, it is not obeyed, for the person knows that it was lost.
        """
        message = message if isinstance(message, dict) else {}
        with self._hearing:
            self.notice(message)
            if message.get("kind") == "beat":
                outcomes = {each: self._outcomes.setdefault(each, None) for each in message.get("waiting", ())}
            elif (each := str(message.get("id"))) in self._outcomes:
                return
            else:
                outcomes = {each: self._outcome(message)}
            self._outcomes = dict(list((self._outcomes | outcomes).items())[-KEPT:])
            if any(outcome != "" for outcome in outcomes.values()):
                self.send_state(self.trait_names(in_force=True))
        self.send({"outcomes": outcomes})

    def _outcome(self, message: dict) -> str:
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
