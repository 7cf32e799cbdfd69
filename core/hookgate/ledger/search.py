"""Finding events in a ledger, by any of their names, with every attempt at them."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from hookgate.policy.source import RangeSet

from .fate import Event, Story, make_attempt
from .identity import NO_RANGES, Unread, digest_of
from .reader import Line
from .record import Record

Read = Callable[[], Iterable[Line]]

# Bodies of which a line told no name; if there are more, any event may be one of them.
_MOST_NAMELESS = 100_000


class Found(NamedTuple):
    """A story for each name that was asked for, and how many attempts belong to no event.

    Those `unread` are from inside the ranges, and each may have been at any of the events.
    """

    stories: list[Story]
    unread: int


def find(
    read: Read, names: Iterable[str], allowed: RangeSet = NO_RANGES, *, records: bool = False
) -> Found:
    """Find the events of each name: a reference, an event's own, a SHA-256 or a request_id.

    `allowed` are the ranges that count as inside. `read` is called once, and again where an event
    was found late: by a request_id, or after lines that told its body and not its name. Memory
    grows with what is asked for, not with the ledger. `records` keeps each attempt's own.
    """
    search = _Search(names, allowed, records)
    search.read(read())
    if search.found_late:
        search.read(read())
    for event in search.events.values():
        event.sort()
    stories = [
        Story(name, sorted((event for event in events.values() if event.attempts), key=_began))
        for name, events in search.asked.items()
    ]
    return Found(stories, search.unread.count)


def _began(event: Event) -> float:
    return event.attempts[0].moment


class _Search:
    """`asked` has the events of each name. An event's key is its SHA-256, else a request_id."""

    def __init__(self, names: Iterable[str], allowed: RangeSet, records: bool) -> None:
        self.asked: dict[str, dict[str, Event]] = {name: {} for name in names}
        self.events: dict[str, Event] = {}
        self.unread = Unread(allowed)
        self.found_late = False
        self._records = records
        # What was forwarded, until its delivery is read.
        self._begun: dict[str, Line] = {}
        # The bodies of which a line told no reference, by hash.
        self._nameless: set[int] = set()

    def read(self, lines: Iterable[Line]) -> None:
        for event in self.events.values():
            event.clear()
        self.unread.clear()
        for line in lines:
            record = line.record
            if record is None:
                continue
            kind = record["event"]
            try:
                if kind == "delivery":
                    self._end(line, record)
                elif kind == "forward":
                    self._begin(line, record)
                elif kind == "refusals":
                    self.unread.add(record)
            except TypeError:
                continue  # a name that is no text: no gate wrote this line
        for line in self._begun.values():
            if line.record is not None:
                self._finish(line, line.record, digest_of(line.record))
        self._begun.clear()

    def _begin(self, line: Line, record: Record) -> None:
        request_id = record.get("request_id")
        if type(request_id) is str:
            self._begun[request_id] = line
            self._match(record, digest_of(record))

    def _end(self, line: Line, record: Record) -> None:
        begun = self._begun.pop(record.get("request_id", ""), None)
        digest = digest_of(record)
        told = digest is not None and record.get("reference") is not None
        if digest is None and begun is not None and begun.record is not None:
            digest = digest_of(begun.record)  # after a fault it has nothing but its request_id
        self._match(record, digest)
        if not self._finish(line, record, digest) and digest is not None and not told:
            self._note_nameless(record, digest)

    def _finish(self, line: Line, record: Record, digest: str | None) -> bool:
        """Count an attempt; returns whether it is at one of the events."""
        event = self.events.get(digest or record.get("request_id", ""))
        if event is not None:
            event.learn(record)
            event.add(make_attempt(line, record, keep_record=self._records))
        elif digest is None:
            self.unread.add(record)
        return event is not None

    def _note_nameless(self, record: Record, digest: str) -> None:
        """Another attempt at this body may tell the name that a fault or a refusal left out."""
        is_crippled = record.get("outcome") != "delivered" or digest_of(record) is None
        if is_crippled and len(self._nameless) <= _MOST_NAMELESS:
            self._nameless.add(hash(digest))

    def _match(self, record: Record, digest: str | None) -> None:
        """Put the event of a record under each name of it that is asked for."""
        asked, get = self.asked, record.get
        names = get("reference"), get("event_reference"), get("request_id"), digest
        if asked.keys().isdisjoint(names):
            return
        key = digest or str(get("request_id"))
        found_by = [name for name in names if name in asked]
        event = self.events.get(key)
        if event is None:
            event = self.events[key] = Event(digest)
            self.found_late |= digest is not None and (
                found_by == [get("request_id")]
                or hash(digest) in self._nameless
                or len(self._nameless) > _MOST_NAMELESS
            )
        for name in found_by:
            asked[name][key] = event
