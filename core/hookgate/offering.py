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
_WITHOUT_KEYS = frozenset(("show", "tail"))
_JOURNAL = re.compile(
    r"journalctl -u (?P<unit>hookgate(?:-ship)?)(?: -[np] \w+)?"
    r"(?: \| grep (?P<word>\w+(?:\.\w+)?))?"
)
_SYSTEMCTL = re.compile(
    r"systemctl (?P<verb>restart|reload|status|kill -s USR2)(?P<units>(?: hookgate(?:-ship)?)+)"
)
_PROCESSES = {"hookgate": "the gate", "hookgate-ship": "hookgate ship"}
# By hand, as words that stand where the command stood.
_BY_HAND = {
    "restart": "as it was started before",
    "reload": "send {} SIGHUP",
    "status": "see whether there is {}",
    "kill -s USR2": "SIGUSR2 to {}",
}


class Place(NamedTuple):
    """Where commands will be run: by which configuration, about which ledgers, and proved by which
    keys; "" and () are those that are taken anyway. `folder` is where relative paths count from,
    "" for here. `units` are those of hookgate's that systemd has there.
    """

    file: str = ""
    ledgers: tuple[str, ...] = ()
    seal_keys: tuple[str, ...] = ()
    folder: str = ""
    units: frozenset[str] = frozenset()

    def fit(self, text: str) -> str:
        """Have the commands in a text of ours do there what they say."""
        text = _SYSTEMCTL.sub(self._systemctl, _JOURNAL.sub(self._journal, text))
        return _COMMAND.sub(self._command, text)

    def _command(self, found: re.Match[str]) -> str:
        words = [f"cd {path_in_shell(self.folder)} &&"] if self.folder else []
        words.append(found[0])
        if self.file:
            words.append(f"--config {path_in_shell(self.file)}")
        if found["group"] == "audit":
            if found["verb"] not in _WITHOUT_KEYS:
                words += [f"--seal-key {path_in_shell(key)}" for key in self.seal_keys]
            option = "--log " if found["verb"] in _BY_OPTION else ""
            words += [option + path_in_shell(ledger) for ledger in self.ledgers]
        return " ".join(words)

    def _journal(self, found: re.Match[str]) -> str:
        unit = found["unit"]
        if unit in self.units:
            return found[0]
        lines = f"lines with {found['word']} in " if found["word"] else ""
        return f"{lines}the log of {_PROCESSES[unit]}, on its standard error"

    def _systemctl(self, found: re.Match[str]) -> str:
        units = found["units"].split()
        if self.units.issuperset(units):
            return found[0]
        return _BY_HAND[found["verb"]].format(" and ".join(_PROCESSES[unit] for unit in units))


ANYWHERE = Place()
