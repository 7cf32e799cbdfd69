"""One line of a ledger as it is read, and what may be wrong with it."""

from typing import NamedTuple

from hookgate.ledger.members import fault, is_usual
from hookgate.ledger.record import Record

TORN = "torn: the file ends in it"
SURVIVED = "torn by a crash, and survived"
EMPTY = "empty"
NO_RECORD = "no record"


class Line(NamedTuple):
    """One line of a ledger. `record` is None where it is none, and `problem` says why.

    `number` counts from 1; `raw` is without its newline.
    """

    file: str
    number: int
    raw: bytes
    record: Record | None
    problem: str

    @property
    def place(self) -> str:
        """The line as an editor opens it: `file:number`."""
        return f"{self.file}:{self.number}"

    def refused(self, wrong: str) -> "Line":
        """Return the line as one that is no record, as a member of it is `wrong`."""
        return self._replace(record=None, problem=f"{NO_RECORD}: {wrong}")

    def checked(self) -> "Line":
        """Return the line, as no record where a member of it is not what it may be."""
        if self.record is None or is_usual(self.raw):
            return self
        wrong = fault(self.record)
        return self.refused(wrong) if wrong else self


def is_malformed(problem: str) -> bool:
    """Tell whether a line with this problem is a whole one that no gate wrote, not damaged."""
    return problem.startswith(f"{NO_RECORD}: ")


def is_damage(problem: str) -> bool:
    """Tell whether this is more than what a crash leaves: a torn line, or an empty one."""
    return problem not in ("", TORN, SURVIVED, EMPTY)
