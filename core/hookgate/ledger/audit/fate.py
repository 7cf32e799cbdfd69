"""What became of events: every attempt at each, and how it ended.

`identity` says what an event is, `search` finds those that are asked for, and `losses` those of a
whole ledger that were lost.
"""

from collections import Counter
from enum import StrEnum
from sys import intern
from typing import NamedTuple

from hookgate.ledger.reading.reader import Line, timestamp
from hookgate.ledger.record import Record
from hookgate.policy.retry import RetryRule

from .identity import has_parsed
from .retries import Retries, rule_of

# Of one event; more are only counted.
MOST_ATTEMPTS = 1000

# The event was on its way, and no answer said whether it arrived.
UNCERTAIN = frozenset(("upstream_timeout", "upstream_invalid"))


class Fate(StrEnum):
    """How the tries at an event ended, taken together.

    By the retry rule of its contract what is being retried still comes again, and what is lost does
    not any more. Of what is undelivered that is not known.
    """

    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    LOST = "lost"
    UNDELIVERED = "undelivered"
    RETRYING = "retrying"
    NEVER_SEEN = "never_seen"


# Of several events that share a name this is told first.
_WORST_FIRST = (Fate.LOST, Fate.UNKNOWN, Fate.UNDELIVERED, Fate.RETRYING, Fate.DELIVERED)


class Attempt(NamedTuple):
    """One try. `outcome` is None where only its `forward` was written.

    `rule` is the retry rule that it tells; `record` is kept where it was asked for.
    """

    file: str
    number: int
    request_id: str
    ts: str
    outcome: str | None
    reason: str | None
    status: int | None
    upstream_status: int | None
    upstream_error: str | None
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
    def fate(self) -> Fate:
        """This try's own fate: delivered, undelivered, or unknown, as it may have arrived."""
        if self.outcome == "delivered":
            return Fate.DELIVERED
        if self.outcome is None or self.reason in UNCERTAIN:
            return Fate.UNKNOWN
        return Fate.UNDELIVERED


def make_attempt(line: Line, record: Record, *, keep_record: bool = False) -> Attempt:
    """Make the attempt that a `delivery` tells of, or a `forward` without one."""
    get = record.get
    outcome, reason = get("outcome"), get("reason")
    return Attempt(
        line.file,
        line.number,
        str(get("request_id")),
        str(get("ts")),
        intern(str(outcome)) if outcome is not None else None,
        intern(str(reason)) if reason is not None else None,
        get("status"),
        get("upstream_status"),
        get("upstream_error"),
        rule_of(record),
        record if keep_record else None,
    )


def _text(value: object) -> str | None:
    return value if type(value) is str else None


class Event:
    """One body, what its records say of it, and the attempts at it, oldest first.

    `sha256` is None for an attempt whose body was not read whole: it stands for itself alone, and
    is no try of any event. Its fate is known once it is settled.
    """

    __slots__ = (
        "_now",
        "_parsed",
        "_unparsed",
        "attempts",
        "channel",
        "event_reference",
        "event_type",
        "more",
        "reference",
        "retries",
        "sha256",
        "time_utc",
    )

    def __init__(self, sha256: str | None) -> None:
        self.sha256 = sha256
        self.reference: str | None = None
        self.event_reference: str | None = None
        self.channel: str | None = None
        self.event_type: str | None = None
        self.time_utc: str | None = None
        self._parsed = self._unparsed = False
        self._now = 0.0
        self.clear()

    def clear(self) -> None:
        """Forget the attempts, to read them anew."""
        self.attempts: list[Attempt] = []
        self.more: Counter[Fate] | None = None
        self.retries = Retries()

    def learn(self, record: Record) -> None:
        """Take over what a `delivery` or `forward` says of the event itself."""
        get = record.get
        self.reference = self.reference or _text(get("reference"))
        self.event_reference = self.event_reference or _text(get("event_reference"))
        self.channel = self.channel or _text(get("channel"))
        self.event_type = self.event_type or _text(get("event_type"))
        self.time_utc = self.time_utc or _text(get("time_utc"))
        # What was forwarded had passed; a `forward` alone says no more of it.
        if record["event"] == "forward" or has_parsed(record):
            self._parsed = True
        else:
            self._unparsed = True

    def add(self, attempt: Attempt) -> None:
        """Add an attempt; beyond `MOST_ATTEMPTS` only its fate."""
        self.retries.add(attempt.moment, attempt.rule)
        if len(self.attempts) < MOST_ATTEMPTS:
            self.attempts.append(attempt)
        else:
            self.more = self.more or Counter()
            self.more[attempt.fate] += 1

    def settle(self, now: float) -> None:
        """Put the attempts in the order of time, as files are read one by one.

        The fate is that of `now`, in seconds since 1970.
        """
        self._now = now
        if len(self.attempts) > 1:
            self.attempts.sort(key=lambda attempt: attempt.moment)

    @property
    def parsed(self) -> bool:
        """Whether it was a document; one that was none is another body than what it is named."""
        return self._parsed or not self._unparsed

    @property
    def name(self) -> str:
        """The event's name for a person: its reference, else its own, else its SHA-256."""
        return self.reference or self.event_reference or self.sha256 or ""

    @property
    def tries(self) -> int:
        """The number of attempts."""
        return self.retries.tries

    @property
    def ends(self) -> Counter[Fate]:
        """The number of attempts by fate."""
        ends = Counter([attempt.fate for attempt in self.attempts])
        return ends if self.more is None else ends + self.more

    @property
    def delivered_on(self) -> int | None:
        """The ordinal of the first attempt that was delivered."""
        for ordinal, attempt in enumerate(self.attempts, 1):
            if attempt.fate is Fate.DELIVERED:
                return ordinal
        return None

    @property
    def fate(self) -> Fate:
        """The fate of the event, as far as the ledger tells."""
        fates = {attempt.fate for attempt in self.attempts}.union(self.more or ())
        for fate in (Fate.DELIVERED, Fate.UNKNOWN):
            if fate in fates:
                return fate
        if self.sha256 is None:
            return Fate.UNDELIVERED
        if self.retries.are_over(self._now):
            return Fate.LOST
        return Fate.RETRYING if self.retries.will_end else Fate.UNDELIVERED

    @property
    def retry(self) -> str | None:
        """The retry rule that says so, where it is lost or still being retried."""
        return self.retries.rule.text if self.fate in (Fate.LOST, Fate.RETRYING) else None

    @property
    def until(self) -> float | None:
        """Until when it is still being retried, in seconds since 1970; None where that is open."""
        return self.retries.until if self.fate is Fate.RETRYING else None

    @property
    def tries_left(self) -> int | None:
        """How often it is still tried at most; None where that is open."""
        return self.retries.tries_left if self.fate is Fate.RETRYING else None


class Story(NamedTuple):
    """What was asked for, and the events that it names, in the order of their first attempts."""

    asked: str
    events: list[Event]

    @property
    def counted(self) -> list[Event]:
        """The events that are documents; the others only where there is no such."""
        return [event for event in self.events if event.parsed and event.sha256] or self.events

    @property
    def fate(self) -> Fate:
        """The worst fate of the events that are counted."""
        fates = {event.fate for event in self.counted}
        return next((fate for fate in _WORST_FIRST if fate in fates), Fate.NEVER_SEEN)
