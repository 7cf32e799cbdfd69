"""What lines of one gate tell, as answers of /status: those of the past, and those that come. Pure.

A line may be a forger's, and as long as it likes: what is kept of each is bounded.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from math import ceil
from typing import Any

from hookgate.gate.undelivered import Undelivered
from hookgate.ledger.members import FORMS, fault
from hookgate.ledger.record import Record

from .figures import moment
from .history import COLUMN_SECONDS, COLUMNS
from .step import Answer
from .tally import Tally, is_foreign

# Letters of a text and texts of a list, more than any picture shows.
_LONGEST, _MOST_TEXTS = 512, 32


class LineAnswers:
    """Make answers of the lines of one gate, whatever they are read from.

    `read_since` says that of the past only what came from then on was read whole, in seconds since
    1970.
    """

    def __init__(self) -> None:
        self.read_since = 0.0
        self._tally = Tally()
        self._columns: defaultdict[int, Tally] = defaultdict(Tally)
        # Of each part: they are read one after the other, and one would push out another's.
        self._recent: defaultdict[str, Undelivered] = defaultdict(Undelivered)

    def add(self, record: Record, at: float, part: str = "") -> None:
        """Count a record that counts. `at` is its time, in seconds since 1970."""
        self._tally.add(record, at)
        self._note(record, part)

    def add_past(self, record: Record, at: float, now: float, part: str = "") -> None:
        """Count one that was there before the first look, at `now`."""
        present = int(now // COLUMN_SECONDS)
        column = max(present - COLUMNS, min(int(at // COLUMN_SECONDS), present))
        self._columns[column].add(record, at)
        self._note(record, part)

    def past(self, until: float) -> Iterator[tuple[Answer, float]]:
        """Yield an answer for the end of each column of the strip, from the first that there are
        lines of up to a time; what is of later counts from now on.
        """
        present, columns = int(until // COLUMN_SECONDS), self._columns
        first = max(min(columns, default=present), ceil(self.read_since / COLUMN_SECONDS))
        # The first answer counts for nothing, and has no column: what was before it nobody knows.
        for column in range(first - 1, present):
            for number in sorted(number for number in columns if number <= column):
                self._tally.merge(columns.pop(number))
            at = (column + 1) * COLUMN_SECONDS - (1e-3 if column >= first else 0.0)
            yield self._tally.answer(at, ()), at
        while columns:
            self._tally.merge(columns.pop(min(columns)))

    def answer(self, now: float) -> Answer:
        """Tell what /status would, as far as lines tell it."""
        entries = (entry for one in self._recent.values() for entry in one.entries())
        since = {"read_since": moment(self.read_since)} if self.read_since else {}
        return {**self._tally.answer(now, entries), **since}

    def _note(self, record: Record, part: str) -> None:
        if record["event"] == "delivery" and record.get("outcome") != "delivered":
            self._recent[part].add(_shortened(record), foreign=is_foreign(record))


def counts(record: Record) -> bool:
    """Tell whether a record is one of a gate's own; those of a replay are not."""
    return bool(record.get("ts")) and not fault(record) and record.get("front") != "replay"


def _shortened(record: Record) -> Record:
    return {name: _cut(record[name]) for name in FORMS if name in record}


def _cut(value: Any) -> Any:
    if type(value) is str:
        return value[:_LONGEST]
    return [v[:_LONGEST] for v in islice(value, _MOST_TEXTS)] if type(value) is list else value
