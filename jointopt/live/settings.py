"""A view of settings that hold on both sides: each can be set in a cell, and in the browser, by message.

settings.js is the browser's side.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

import traitlets

from jointopt.live.widget import View


class Checked(traitlets.TraitType):
    """A synchronized setting with its check, value -> value in plain form, whose ValueError comes before any change."""

    def __init__(self, check: Callable[[object], object], default: object):
        super().__init__(default)
        self.check = check
        self.tag(sync=True)

    def validate(self, obj: object, value: object) -> object:
        """The value in plain form."""
        return self.check(value)


class SettingsView(View):
    """A view whose settings are the names in `checks`, each of them a trait `Checked` by what stands there."""

    checks: ClassVar[Mapping[str, Callable[[object], object]]] = {}

    def __init__(self, **settings: object):
        super().__init__(**settings)
        self.on_msg(self._on_message)

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        """A change made in the browser, {"id": …, "set": {setting: value}}: applied whole or not at all.

        Messages rather than trait sync, which can go deaf for good. The answer tells the browser that what it
        hears from now on is no echo of its own.
        """
        answer = {"ack": content.get("id") if isinstance(content, dict) else None}
        try:
            changes = {name: self.checks[name](value) for name, value in content["set"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            answer["error"] = f"The kernel refused the change: {error}"
            self.send_state(list(self.checks))
        else:
            for name, value in changes.items():
                setattr(self, name, value)
        self.send(answer)
