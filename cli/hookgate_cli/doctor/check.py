"""What a check is, and what it finds."""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

from .scene import Scene


class Severity(IntEnum):
    """How bad a finding is: events are refused or lost, or somebody should look."""

    WRONG = 0
    LOOK = 1


class Finding(NamedTuple):
    """What is wrong, and what mends it: words, and the `commands` that do it, if there are any."""

    severity: Severity
    says: str
    mend: str = ""
    commands: tuple[str, ...] = ()


class BlindError(Exception):
    """What a check needed to see and could not; the message says what, and why."""


class Check(NamedTuple):
    """Describe a check: `look` yields what it finds.

    `look` may raise `BlindError`. `contacts` says that it connects to what the configuration names.
    `needs_config` says that it has nothing to look at where the configuration cannot be used.
    """

    name: str
    about: str
    look: Callable[[Scene], Iterator[Finding]]
    contacts: bool = False
    needs_config: bool = True


def wrong(says: str, mend: str = "", *commands: str) -> Finding:
    """Make a finding by which events are refused or lost."""
    return Finding(Severity.WRONG, says, mend, commands)


def look(says: str, mend: str = "", *commands: str) -> Finding:
    """Make a finding that somebody should look at."""
    return Finding(Severity.LOOK, says, mend, commands)
