"""A configuration while it is checked: what was given, what it means, and what is wrong so far."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .keys import Key
from .layers import Given
from .redaction import redact_url, shown, shown_path


class Draft:
    """Collect the values of keys by `section.name`, and one line for each thing wrong.

    A value that cannot be used is that of the default, so that all problems are found at once.
    `warnings` are lines about what is taken and had better be mended.
    """

    def __init__(self, given: Mapping[str, Given], problems: Iterable[str] = ()) -> None:
        self.values: dict[str, Any] = {}
        self.problems = list(problems)
        self.warnings: list[str] = []
        self._given = given

    def parse(self, keys: Iterable[Key]) -> None:
        """Give each key its value."""
        for key in keys:
            self.values[key.path] = self._value(key)

    def given(self, where: str) -> Given:
        """Return what was given for a key, as it was."""
        return self._given[where]

    def is_set(self, where: str) -> bool:
        """Tell whether a key was given anything, whether it can be used or not."""
        return bool(self._given[where].value)

    def origin(self, where: str) -> str:
        """Return where a key's value came from, as a problem begins; "" for a default."""
        origin = self._given[where].origin
        return "" if origin == "default" else f"{origin}: "

    def refuse_file(self, where: str, why: object) -> None:
        """Note that the file that a key names cannot be used."""
        self.problems.append(f"{where} = {shown_path(self.values[where])} {why}")

    def warn_of_file(self, where: str, why: str) -> None:
        """Note that the file that a key names had better be mended."""
        self.warnings.append(f"{where} = {shown_path(self.values[where])} {why}")

    def _value(self, key: Key) -> Any:
        given = self._given[key.path]
        try:
            value = key.parse(given.value)
            if given.is_typed and isinstance(given.value, str) and not isinstance(key.default, str):
                raise ValueError(f"is text; write {_as_typed(value or key.default)}")
            return value
        except ValueError as error:
            told = "" if given.value == "" else f" = {_shown(key.path, given.value)}"
            why = str(error)
            if given.is_variable:
                why = why.replace('"', "")
                if given.value == "" and key.path != "upstream.url":
                    why = f"is empty; unset {given.origin} to go by the file, or by the default"
            self.problems.append(f"{self.origin(key.path)}{key.path}{told} {why}")
            return key.parse(key.default) if key.default else key.default


def _as_typed(value: Any) -> str:
    return shown(list(value) if isinstance(value, tuple) else value)


def _shown(key: str, value: Any) -> str:
    if key == "upstream.url" and isinstance(value, str):
        return json.dumps(redact_url(value))
    return shown(value)
