"""What was found in some ledgers, of which a report is made."""

from collections.abc import Sequence
from typing import NamedTuple

from hookgate.ledger.balance import Balance
from hookgate.ledger.chain import Verification
from hookgate.ledger.fate import Event
from hookgate.ledger.files import Note
from hookgate.ledger.identity import Unread
from hookgate.ledger.stats import Summary


class Findings(NamedTuple):
    """All that was found in some ledgers; `events` are those that are lost or unknown."""

    summary: Summary
    balance: Balance
    verification: Verification
    events: list[Event]
    unread: Unread
    notes: Sequence[Note] = ()

    @property
    def unread_files(self) -> list[Note]:
        """The files that could not be read: where there are any, no verdict is a clean one."""
        return [note for note in self.notes if note.unread]
