"""A view of settings that hold on both sides: each can be set in a cell, and in the browser, by message.

settings.js is the browser's side.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

import traitlets

from jointopt.live.shared.view import View


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

    @property
    def shared(self) -> list[str]:
        """All settings."""
        return list(self.checks)

    def obey(self, message: dict) -> None:
        """A change made in the browser, {"id": …, "set": {setting: value}}: applied whole or not at all."""
        try:
            changes = {name: self.checks[name](value) for name, value in message["set"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"The kernel refused the change: {error}") from error
        for name, value in changes.items():
            setattr(self, name, value)
