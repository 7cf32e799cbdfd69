"""Lines of a ledger that are no records, as a person is told of them."""

import typer

from hookgate.ledger.audit.proven import is_unproved
from hookgate.ledger.reading.reader import Line, is_damage
from hookgate_cli.common import FINDING, err
from hookgate_cli.terminal import printable

from .ledger import Ledger

# More findings than that nobody reads.
_MOST_PRINTED = 50


class Problems:
    """Prints the first lines that are no records on stderr, and counts the damaged ones.

    A damaged line is more than what a crash leaves, so that it may hold what was asked for.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._damaged = self._printed = 0

    @property
    def any(self) -> bool:
        """Whether anything that may matter could not be read."""
        return self._damaged > 0 or self._ledger.unread

    @property
    def never_seen(self) -> str:
        """The words for an event that is in no line; they claim no more than what was read."""
        if self.any:
            return "not seen in what could be read"
        if self._ledger.unproved:
            return "not seen in what the seal key proves"
        less = self._ledger.all_that_is_read
        return f"not seen in {less}" if less else "never seen"

    def prints(self, more: int) -> bool:
        """Tell whether one after so many more would be printed still."""
        return self._printed + more < _MOST_PRINTED

    def note(self, line: Line) -> None:
        """Print and count a line that is no record; `reading` counts those that no key proves."""
        if is_unproved(line.problem):
            return
        self._damaged += is_damage(line.problem)
        self._printed += 1
        if self._printed <= _MOST_PRINTED:
            _print_problem(line)

    def add(self, count: int) -> None:
        """Count lines that hold a wrong member, and print none."""
        self._damaged += count
        self._printed += count

    def close(self) -> None:
        """Print how many more there were; exit with 1 if anything that may matter was not read."""
        if self._printed > _MOST_PRINTED:
            err.print(f"and {self._printed - _MOST_PRINTED} more lines that are no records")
        if self.any:
            raise typer.Exit(FINDING)


def _print_problem(line: Line) -> None:
    err.print(f"{printable(line.place)}: {printable(line.problem)}", soft_wrap=True)
