"""Refusals that are counted and not written one by one: of floods, and of outages."""

import time
from collections.abc import Iterator

from hookgate.ledger.record import Record
from hookgate.policy import Reason

FOREIGN_LINES_A_SECOND = 50

_Key = tuple[str, str, str]


class Sums:
    """Refusals by outcome, reason and cause, each with the lowest and highest number in it."""

    def __init__(self) -> None:
        self._sums: dict[_Key, list[int]] = {}
        self._window = 0.0
        self._foreign_lines = 0

    def __len__(self) -> int:
        return len(self._sums)

    def sum_if_flooding(self, reason: Reason, seq: int) -> bool:
        """Add a refusal of a foreign source, if `FOREIGN_LINES_A_SECOND` were let through.

        False, and nothing done, where its line is still to be written.
        """
        now = time.monotonic()
        if now - self._window >= 1:
            self._window = now
            self._foreign_lines = 0
        self._foreign_lines += 1
        if self._foreign_lines <= FOREIGN_LINES_A_SECOND:
            return False
        self.add(reason.outcome.value, reason.code, seq, "flood")
        return True

    def add(self, outcome: str, reason: str, seq: int, cause: str) -> None:
        """Count a request that ended in this way."""
        entry = self._sums.setdefault((outcome, reason, cause), [0, seq, seq])
        entry[:] = entry[0] + 1, min(entry[1], seq), max(entry[2], seq)

    def take(self) -> Iterator[Record]:
        """Yield the fields of each sum; it is forgotten when the next one is asked for."""
        for key, (count, first, last) in list(self._sums.items()):
            outcome, reason, cause = key
            yield {
                "outcome": outcome,
                "reason": reason,
                "count": count,
                "first_seq": first,
                "last_seq": last,
                "cause": cause,
            }
            del self._sums[key]
