"""One try at an event, as its lines tell of it, and how it ended."""

from enum import StrEnum
from sys import intern
from typing import NamedTuple

from hookgate.ledger.reading.reader import Line, timestamp
from hookgate.ledger.record import Record
from hookgate.policy.retry import RetryRule

from .retries import rule_of

# The event was on its way, and no answer said whether it arrived.
UNCERTAIN = frozenset(("upstream_timeout", "upstream_invalid"))


class Fate(StrEnum):
    """How the tries at an event ended, taken together.

    By the retry rule of its contract what is being retried still comes again, and what is lost does
    not any more. Of what is undelivered that is not known. What is held does not come again either,
    and can be sent on from the quarantine.
    """

    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    LOST = "lost"
    HELD = "held"
    UNDELIVERED = "undelivered"
    RETRYING = "retrying"
    NEVER_SEEN = "never_seen"


class Attempt(NamedTuple):
    """One try. `outcome` and `path` are None where only its `forward` was written.

    Of a replay, `replay_of` is the request_id that the event had first, `actor` who had it sent,
    and `why` their reason. `rule` is the retry rule that it tells; `record` is kept where it was
    asked for.
    """

    file: str
    number: int
    request_id: str
    ts: str
    path: str | None
    outcome: str | None
    reason: str | None
    status: int | None
    upstream_status: int | None
    upstream_error: str | None
    kept: str | None
    not_kept: str | None
    custody: bool
    replay_of: str | None
    actor: str | None
    why: str | None
    rule: RetryRule | None
    record: Record | None

    @property
    def place(self) -> str:
        """The line as an editor opens it: `file:number`."""
        return f"{self.file}:{self.number}"

    @property
    def moment(self) -> float:
        """The attempt's time in seconds since 1970; 0.0 where it cannot be read."""
        return timestamp({"ts": self.ts})

    @property
    def is_replay(self) -> bool:
        """Whether it was sent from the quarantine, and not by the provider."""
        return self.replay_of is not None

    @property
    def fate(self) -> Fate:
        """This try's own fate: delivered, undelivered, or unknown, as it may have arrived."""
        if self.outcome == "delivered":
            return Fate.DELIVERED
        if self.outcome is None or self.reason in UNCERTAIN:
            return Fate.UNKNOWN
        return Fate.UNDELIVERED


def make_attempt(
    line: Line, record: Record, begun: Record | None = None, *, keep_record: bool = False
) -> Attempt:
    """Make the attempt that a `delivery` tells of, or a `forward` without one.

    `begun` is the delivery's `forward`: after a fault that alone says whose replay it was.
    """
    get = record.get
    outcome, reason = get("outcome"), get("reason")
    replay = record if begun is None or get("replay_of") is not None else begun
    return Attempt(
        line.file,
        line.number,
        str(get("request_id")),
        str(get("ts")),
        get("path"),
        intern(str(outcome)) if outcome is not None else None,
        intern(str(reason)) if reason is not None else None,
        get("status"),
        get("upstream_status"),
        get("upstream_error"),
        get("kept"),
        get("not_kept"),
        get("custody") is True,
        replay.get("replay_of"),
        replay.get("actor"),
        replay.get("why"),
        rule_of(record),
        record if keep_record else None,
    )
