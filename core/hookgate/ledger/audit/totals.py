"""What a boot's requests come to, and what can be said of a boot that does not balance."""

from collections import Counter
from enum import StrEnum
from typing import NamedTuple

from hookgate.ledger.record import Record
from hookgate.policy import Outcome

OUTCOMES = tuple(outcome.value for outcome in Outcome)


class BalanceKind(StrEnum):
    """What can be said of a boot. The first ones mean that it does not balance."""

    MISSING = "missing"
    DOUBLED = "doubled"
    UNFORWARDED = "unforwarded"
    OVERCOUNTED = "overcounted"
    STOP_DIFFERS = "stop_differs"
    UNPROVED = "unproved"
    MALFORMED = "malformed"
    GARBLED = "garbled"
    GAP = "gap"
    CUT = "cut"
    UNKNOWN = "unknown"
    IN_FLIGHT = "in_flight"
    NO_STOP = "no_stop"
    NO_START = "no_start"
    RETURNED = "returned"
    DAMAGED = "damaged"


GRAVE = frozenset(
    (
        BalanceKind.MISSING, BalanceKind.DOUBLED, BalanceKind.UNFORWARDED,
        BalanceKind.OVERCOUNTED, BalanceKind.STOP_DIFFERS, BalanceKind.UNPROVED,
        BalanceKind.MALFORMED, BalanceKind.GARBLED, BalanceKind.GAP,
        BalanceKind.CUT,
    )
)  # fmt: skip


class Totals(NamedTuple):
    """The sums of one boot, or of all.

    `unknown` were forwarded and have no end; `in_flight` have no line and were under way when the
    boot ended; `missing` have no line and should.
    """

    boot: str
    front: str
    ended: Counter[str]
    unknown: int
    in_flight: int
    missing: int

    @property
    def open(self) -> int:
        """The number of requests whose end no line tells."""
        return self.unknown + self.in_flight + self.missing

    @property
    def received(self) -> int:
        """The number of requests that began."""
        return self.ended.total() + self.open


def outcome_of(record: Record) -> str:
    """Return a record's outcome, one of `OUTCOMES`, else "other"."""
    outcome = record.get("outcome")
    return outcome if outcome in OUTCOMES else "other"
