"""A ledger in place of /status: of a front that has no admin listener, or as the past.

What is in it already is told as if it had been asked for when it was written.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hookgate.alarms.observing.ledgers import Ledgers
from hookgate.gate.undelivered import Entry, Undelivered
from hookgate.ledger.members import fault
from hookgate.ledger.reading.parsing import timestamp
from hookgate.ledger.record import Record

from .history import COLUMN_SECONDS, COLUMNS
from .step import Answer
from .tally import Tally, is_foreign

_NEVER = "there is no ledger yet"
_LEFT = "no gate has the ledger open any more"


class LedgerAnswers:
    """Follow the ledger at a path, with those of its workers. It may not be there yet."""

    def __init__(self, path: Path) -> None:
        self._ledgers = Ledgers([path])
        self._tally = Tally()
        # Of each file: they are read one after the other, and one would push out another's.
        self._recent: defaultdict[str, Undelivered] = defaultdict(Undelivered)
        self._has_begun = self._was_open = False

    def read(self, now: float) -> Iterator[tuple[Answer | str, float]]:
        """Read on, and yield an answer, or why there is none, and its time in seconds since 1970.

        At first there are several: those of the last quarter of an hour.
        """
        if not self._has_begun:
            self._has_begun = True
            yield from self._past(now)
        self._ledgers.look()
        for record in self._records():
            self._tally.add(record)
        yield self._trouble() or self._tally.answer(now, self._entries()), now

    def close(self) -> None:
        """Close the files."""
        self._ledgers.close()

    def _past(self, now: float) -> Iterator[tuple[Answer, float]]:
        """Yield an answer for the end of each column of the strip that there are lines of."""
        present = int(now // COLUMN_SECONDS)
        columns: defaultdict[int, Tally] = defaultdict(Tally)
        for record in self._records():
            column = int(timestamp(record) // COLUMN_SECONDS)
            columns[max(present - COLUMNS, min(column, present))].add(record)
        # The first answer counts for nothing: what was before it nobody knows.
        for column in range(min(columns, default=present) - 1, present):
            self._tally.merge(columns[column])
            at = float((column + 1) * COLUMN_SECONDS) - 1e-3
            yield self._tally.answer(at, ()), at
        self._tally.merge(columns[present])

    def _records(self) -> Iterator[Record]:
        """Read to the end; what is none of a gate's own, as a replay's, is left out."""
        while True:
            for record, file in self._ledgers.poll():
                if not record.get("ts") or fault(record) or record.get("front") == "replay":
                    continue
                if record["event"] == "delivery" and record.get("outcome") != "delivered":
                    self._recent[file].add(record, foreign=is_foreign(record))
                yield record
            if not self._ledgers.is_behind:
                return

    def _entries(self) -> Iterator[Entry]:
        return (entry for one in self._recent.values() for entry in one.entries())

    def _trouble(self) -> str:
        (sight,) = self._ledgers.sights()
        if sight.trouble or not sight.has_files:
            return sight.trouble or _NEVER
        self._was_open = self._was_open or sight.is_locked is True
        return _LEFT if self._was_open and sight.is_locked is False else ""
