"""Commands that texts of hookgate's own offer, fitted to where they will be run. Pure."""

import re
from typing import NamedTuple

from .wording import path_in_shell

# Those that go by a configuration: without it they look at another gate.
_COMMAND = re.compile(
    r"\bhookgate (?:(?P<group>audit|quarantine) (?P<verb>[a-z]+)|config check|ranges check)\b"
)
# They take an event, and ledgers by an option.
_BY_OPTION = frozenset(("explain", "fate", "prove"))


class Place(NamedTuple):
    """Where commands will be run: by which configuration, and about which ledgers; "" and () are
    those that are taken anyway.
    """

    file: str = ""
    ledgers: tuple[str, ...] = ()

    def fit(self, text: str) -> str:
        """Have the commands in a text of ours do there what they say."""
        return _COMMAND.sub(self._command, text)

    def _command(self, found: re.Match[str]) -> str:
        words = [found[0]]
        if self.file:
            words.append(f"--config {path_in_shell(self.file)}")
        if found["group"] == "audit":
            option = "--log " if found["verb"] in _BY_OPTION else ""
            words += [option + path_in_shell(ledger) for ledger in self.ledgers]
        return " ".join(words)


ANYWHERE = Place()
