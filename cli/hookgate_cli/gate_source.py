"""What tells of gates, and where their lines are."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from hookgate.live.gate import Gate
from hookgate.live.step import Answer


class Ledger(NamedTuple):
    """Where the lines of a gate are: a file that may be on this machine, "" where none is known; or
    what the audit verbs are given to find them.
    """

    path: str = ""
    options: tuple[str, ...] = ()


Told = tuple[Gate, Answer | str, float]


class Source(Protocol):
    """What tells of one gate, or of several."""

    @property
    def gates(self) -> Sequence[Gate]:
        """Those that it tells of by now."""
        ...

    def read(self) -> Iterable[Told]:
        """Return what is told of gates now, or why nothing is, and when, in seconds since 1970."""
        ...

    def ledger_of(self, gate: Gate) -> Ledger:
        """Return where the lines of one of the gates are."""
        ...
