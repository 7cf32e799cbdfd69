"""What a whole ledger tells of lost events, and of those whose end nobody knows."""

import time
from collections import Counter

from hookgate.ledger.reading.reader import Line, timestamp
from hookgate.ledger.record import Record
from hookgate.networks.range_set import RangeSet

from .fate import UNCERTAIN, Event, Fate
from .identity import NO_RANGES, Unread, digest_of
from .retries import Retries, rule_of
from .search import Read, find


def lost(read: Read, now: float | None = None) -> list[Event]:
    """Return every event of a ledger that is presumed lost.

    `now` is in seconds since 1970, None is the clock's. Memory grows with the distinct events that
    were not delivered.
    """
    losses = Losses(now=now)
    for line in map(Line.checked, read()):
        if line.record is not None:
            losses.add(line.record)
    return [event for event in losses.confirm(read) if event.fate is Fate.LOST]


class Losses:
    """Collect what may be lost or unknown while the ledger is read for something else, too.

    `unread` counts the attempts that belong to no event, from inside the `allowed` ranges. Fates
    are those of `now`, in seconds since 1970; None is the clock's.
    """

    def __init__(self, allowed: RangeSet = NO_RANGES, now: float | None = None) -> None:
        self.unread = Unread(allowed)
        self._now = time.time() if now is None else now
        self._tried: dict[str, Retries] = {}
        self._uncertain: set[str] = set()
        # The event that was forwarded, until its delivery is read.
        self._begun: dict[str, str] = {}

    def add(self, record: Record) -> None:
        """Add a record whose members are what they may be."""
        kind = record["event"]
        if kind == "delivery":
            request_id = record.get("request_id")
            begun = self._begun.pop(request_id, None) if type(request_id) is str else None
            # After a fault it has nothing but its request_id.
            digest = digest_of(record) or begun
            if digest is None:
                self.unread.add(record)
            elif record.get("outcome") == "delivered":
                self._tried.pop(digest, None)
                self._uncertain.discard(digest)
            else:
                self._note_failure(digest, record)
        elif kind == "forward":
            digest, request_id = digest_of(record), record.get("request_id")
            if type(request_id) is str and digest is not None:
                self._begun[request_id] = digest
        elif kind == "refusals":
            self.unread.add(record)

    def _note_failure(self, digest: str, record: Record) -> None:
        tried = self._tried.get(digest)
        if tried is None:
            tried = self._tried[digest] = Retries()
        tried.add(timestamp(record), rule_of(record))
        reason = record.get("reason")
        if type(reason) is str and reason in UNCERTAIN:
            self._uncertain.add(digest)

    @property
    def candidates(self) -> list[str]:
        """The SHA-256s of what may be lost or is uncertain, and was not delivered since."""
        over = (digest for digest, tried in self._tried.items() if tried.are_over(self._now))
        return list(dict.fromkeys((*over, *self._uncertain, *self._begun.values())))

    @property
    def left_open(self) -> Counter[Fate]:
        """The number of events that are neither delivered, lost nor unknown, by their fates.

        It is an upper bound: what is sent again after it was delivered counts, too.
        """
        unknown = self._uncertain.union(self._begun.values())
        return Counter(
            Fate.RETRYING if tried.will_end else Fate.UNDELIVERED
            for digest, tried in self._tried.items()
            if digest not in unknown and not tried.are_over(self._now)
        )

    def confirm(self, read: Read) -> list[Event]:
        """Return the candidates that are lost or unknown, from reading the same ledger again."""
        candidates = self.candidates
        stories = find(read, candidates, now=self._now).stories if candidates else []
        # One may be named as another's SHA-256.
        events = (
            event for story in stories for event in story.events if event.sha256 == story.asked
        )
        return [event for event in events if event.fate in (Fate.LOST, Fate.UNKNOWN)]
