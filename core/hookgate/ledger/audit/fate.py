"""What became of events: every attempt at each, and how it ended.

`identity` says what an event is, `search` finds those that are asked for, and `losses` those of a
whole ledger that were lost.
"""

from collections import Counter
from typing import NamedTuple

from hookgate.ledger.reading.reader import timestamp
from hookgate.ledger.record import Record

from .attempts import UNCERTAIN, Attempt, Fate
from .holding import Held, Holding
from .identity import has_parsed
from .retries import Retries

__all__ = ["MOST_ATTEMPTS", "UNCERTAIN", "Attempt", "Event", "Fate", "Story"]

# Of one event; more are only counted.
MOST_ATTEMPTS = 1000

# Of several events that share a name this is told first.
_WORST_FIRST = (
    Fate.LOST, Fate.UNKNOWN, Fate.HELD, Fate.UNDELIVERED, Fate.RETRYING, Fate.DELIVERED,
)  # fmt: skip


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
        "holding",
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
        self.holding = Holding()

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
        """Add an attempt; beyond `MOST_ATTEMPTS` only its fate. A replay is no try of a sender."""
        moment = attempt.moment
        if not attempt.is_replay:
            self.retries.add(moment, attempt.rule)
        if attempt.kept is not None:
            end = attempt.outcome, attempt.reason
            self.holding.keep(attempt.kept, moment, *end, attempt.path)
        if attempt.custody:
            self.holding.custody = True
        if len(self.attempts) < MOST_ATTEMPTS:
            self.attempts.append(attempt)
        else:
            self.more = self.more or Counter()
            self.more[attempt.fate] += 1

    def release(self, record: Record) -> None:
        """Add that something of it is kept no more, as a `released` line tells."""
        kept, cause = _text(record.get("kept")), record.get("cause")
        if kept is not None:
            self.holding.release(kept, timestamp(record), str(cause))

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
        """The number of attempts of whoever sends it; replays are none."""
        return self.retries.tries

    @property
    def count(self) -> int:
        """The number of attempts, replays too."""
        return len(self.attempts) + (self.more.total() if self.more is not None else 0)

    @property
    def ends(self) -> Counter[Fate]:
        """The number of attempts by fate."""
        ends = Counter([attempt.fate for attempt in self.attempts])
        return ends if self.more is None else ends + self.more

    @property
    def arrival(self) -> Attempt | None:
        """The first attempt that was delivered, if it is among those that are listed."""
        return next((each for each in self.attempts if each.fate is Fate.DELIVERED), None)

    @property
    def delivered_on(self) -> int | None:
        """Which of the tries was the first that was delivered; None where a replay was."""
        arrival = self.arrival
        if arrival is None or arrival.is_replay:
            return None
        before = self.attempts[: self.attempts.index(arrival)]
        return 1 + sum(not each.is_replay for each in before)

    @property
    def held_elsewhere(self) -> list[Held]:
        """What is kept of it for paths on which it was not delivered, where it was on another: the
        same bytes, to another receiver maybe.
        """
        paths = {each.path for each in self.attempts if each.fate is Fate.DELIVERED}
        return [held for held in self.holding.left if paths and held.path not in paths]

    @property
    def fate(self) -> Fate:
        """The fate of the event, as far as the ledger tells."""
        fates = {attempt.fate for attempt in self.attempts}.union(self.more or ())
        if Fate.DELIVERED in fates:
            return Fate.DELIVERED
        if Fate.UNKNOWN in fates or self.holding.may_have_arrived:
            return Fate.UNKNOWN
        if self.sha256 is None:
            return Fate.UNDELIVERED
        if self.holding.custody or self.retries.are_over(self._now):
            return Fate.LOST if self.holding.held is None else Fate.HELD
        return Fate.RETRYING if self.retries.will_end else Fate.UNDELIVERED

    @property
    def retry(self) -> str | None:
        """The retry rule that says so, where it is lost, held or still being retried."""
        fate = self.fate
        is_over = fate in (Fate.LOST, Fate.HELD) and self.retries.are_over(self._now)
        return self.retries.rule.text if is_over or fate is Fate.RETRYING else None

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
