"""What was found in some ledgers, of which a report is made."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hookgate.ledger.audit.balance import Balance
from hookgate.ledger.audit.chain import Verification
from hookgate.ledger.audit.fate import Event, Fate
from hookgate.ledger.audit.identity import Unread
from hookgate.ledger.audit.stats import Summary
from hookgate.ledger.reading.files import Note


class Findings(NamedTuple):
    """All that was found in some ledgers; `events` are those that are lost, held or unknown.

    `left_open` counts the others that were not delivered.
    """

    summary: Summary
    balance: Balance
    verification: Verification
    events: list[Event]
    left_open: Counter[Fate]
    unread: Unread
    notes: Sequence[Note] = ()

    @property
    def unread_files(self) -> list[Note]:
        """The files that could not be read: where there are any, no verdict is a clean one."""
        return [note for note in self.notes if note.unread]
