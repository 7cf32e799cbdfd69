"""Finding events in a ledger, by any of their names, with every attempt at them."""

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from hookgate.ledger.members import PLAIN, usual
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.sieve import Sieve
from hookgate.ledger.record import Record
from hookgate.networks.range_set import RangeSet

from .fate import Event, Story, make_attempt
from .findings import tell_gap
from .identity import FOREIGN, NO_RANGES, Unread, digest_meant, digest_of, may_be_forwarded

# Called with nothing, or with a `Sieve` by which lines are left out.
Read = Callable[..., Iterable[Line]]
# Bodies of which a line told no name; if there are more, any event may be one of them.
_MOST_NAMELESS = 100_000

_TOLD = f'"{PLAIN}++"'
# What tells its body, and what foreign senders sent, matters if it holds what is asked for.
_UNNEEDED = "|".join(
    (
        usual("delivery", sha256=_TOLD),
        usual("forward", sha256=_TOLD),
        usual("delivery", reason=f'"(?:{"|".join(sorted(FOREIGN))})"', sha256="null"),
    )
)


class Found(NamedTuple):
    """A story for each name that was asked for, and how many attempts belong to no event.

    Those `unread` are from inside the ranges, and each may have been at any of the events.
    """

    stories: list[Story]
    unread: int


def find(
    read: Read,
    names: Iterable[str],
    allowed: RangeSet = NO_RANGES,
    *,
    records: bool = False,
    now: float | None = None,
    by_bytes: bool = False,
    on_problem: Callable[[Line], None] = lambda _: None,
) -> Found:
    """Find the events of each name: its record's, its SHA-256 or `webhook-id`, a request_id.

    `allowed` are the ranges that count as inside. `read` is called once, and again where an event
    was found late: by what only some attempts have, a request_id or a contract's `names` of then,
    or after lines that told its body and not its name. Memory grows with what is asked for, not
    with the ledger. `records` keeps each attempt's own.

    With `by_bytes` `read` is given a `Sieve`, and again to look for what was learned of the
    events. `on_problem` is told once each line that is no record, as far as that can matter to an
    answer. Fates are those of `now`, in seconds since 1970; else the clock's.
    """
    meant = {name: digest_meant(name) for name in names}
    search = _Search([*meant, *meant.values()], allowed, records, on_problem)
    _read(search, read, by_bytes=by_bytes)
    now = time.time() if now is None else now
    for event in search.events.values():
        event.settle(now)
    exact, asked = search.exact, search.asked
    stories = [
        Story(name, _in_order(exact.get(name, asked[name]) or exact.get(digest, asked[digest])))
        for name, digest in meant.items()
    ]
    return Found(stories, search.unread.count)


def _read(search: "_Search", read: Read, *, by_bytes: bool) -> None:
    known = set(search.asked)
    sieve = Sieve(known, _UNNEEDED) if by_bytes else None
    search.read(_lines(read, sieve))
    while sieve is not None and (learned := search.learned - known):
        known |= learned
        if _is_any_unseen(learned, sieve, read):
            sieve, search.found_late = Sieve(known, _UNNEEDED), False
            search.read(_lines(read, sieve), again=True)
    if search.found_late:
        search.read(_lines(read, sieve), again=True)


def _lines(read: Read, sieve: Sieve | None) -> Iterable[Line]:
    return read() if sieve is None else read(sieve)


def _is_any_unseen(texts: set[str], sieve: Sieve, read: Read) -> bool:
    """Whether a line with one of the texts was left out by the sieve, as it has another name."""
    probe = Sieve(texts)
    raws = (line.raw for line in read(probe))
    return any(not probe.leaves_out(raw) and sieve.leaves_out(raw) for raw in raws)


def _in_order(events: dict[str, Event]) -> list[Event]:
    # One without an attempt was announced under another SHA-256 than it has.
    seen = [event for event in events.values() if event.attempts]
    return sorted(seen, key=lambda event: event.attempts[0].moment) if len(seen) > 1 else seen


class _Search:
    """`asked` has the events of each name. An event's key is its SHA-256, else a request_id."""

    def __init__(
        self,
        names: Iterable[str],
        allowed: RangeSet,
        records: bool,
        on_problem: Callable[[Line], None],
    ) -> None:
        self.asked: dict[str, dict[str, Event]] = {name: {} for name in names}
        # Those asked for by a SHA-256 or a request_id, which no sender chooses: no other has them.
        self.exact: dict[str, dict[str, Event]] = {}
        self.events: dict[str, Event] = {}
        self.unread = Unread(allowed)
        self.found_late = False
        # What lines may hold, and nothing else that is asked for, that are about the events.
        self.learned: set[str] = set()
        self._records = records
        self._on_problem = on_problem
        # Where the lines are that were told to it for a member that is wrong.
        self._refused: set[str] = set()
        # What was forwarded, until its delivery is read.
        self._begun: dict[str, Line] = {}
        # The bodies of which a line told no reference, by hash.
        self._nameless: set[int] = set()

    def read(self, lines: Iterable[Line], *, again: bool = False) -> None:
        for event in self.events.values():
            event.clear()
        self.unread.clear()
        begun, events, is_other = self._begun, self.events, self.asked.keys().isdisjoint
        for line in lines:
            record = line.record
            if record is None:
                if not again:
                    self._on_problem(line)
                continue
            get, kind = record.get, record["event"]
            try:
                if kind == "delivery":
                    request_id: Any = get("request_id")
                    digest: Any = get("sha256")
                    reference = get("reference")
                    names = reference, get("event_reference"), request_id, digest
                    # Most lines are of other events; these conditions are all that they cost.
                    may_matter = not digest or digest in events or not is_other(names)
                    if not may_matter and (more := get("names")):
                        may_matter = not is_other(more)
                    forward = begun.pop(request_id, None)
                    if may_matter:
                        self._end(line, forward)
                    elif reference is None and get("outcome") != "delivered":
                        self._note_nameless(digest)
                elif kind == "forward":
                    request_id = get("request_id")
                    if is_other((get("reference"), request_id, get("sha256"))):
                        if type(request_id) is str:
                            begun[request_id] = line
                    elif self._check(line) is not None and request_id is not None:
                        begun[request_id] = line
                        self._match(record, digest_of(record))
                elif kind == "gap" and not again:
                    self._on_problem(line._replace(record=None, problem=tell_gap(record)))
                elif kind == "refusals" and self._check(line) is not None:
                    self.unread.add(record)
            except TypeError:
                self._check(line)  # a name that is no text: no gate wrote this line
        for line in begun.values():
            body = digest_of(line.record or {})
            if (body is None or body in events) and (checked := self._check(line)) is not None:
                self.learned.add(checked["request_id"])
                self._finish(line, checked, body)
        begun.clear()

    def _check(self, line: Line) -> Record | None:
        """The record of a line that matters, if each of its members is what it may be."""
        checked = line.checked()
        if checked.record is None and line.place not in self._refused:
            self._refused.add(line.place)
            self._on_problem(checked)
        return checked.record

    def _end(self, line: Line, forward: Line | None) -> None:
        record = self._check(line)
        begun = self._check(forward) if forward is not None else None
        if record is None:
            if forward is not None and begun is not None:
                self._begun[begun["request_id"]] = forward
            return
        digest, told = digest_of(record), True
        if digest is None and begun is not None:
            # After a fault it has nothing but its request_id.
            digest, told = digest_of(begun), False
        elif digest is None and may_be_forwarded(record) and "request_id" in record:
            self.learned.add(record["request_id"])
        self._match(record, digest)
        is_asked = self._finish(line, record, digest)
        if digest is not None and not told and not is_asked:
            self._note_nameless(digest)

    def _finish(self, line: Line, record: Record, digest: str | None) -> bool:
        """Count an attempt; returns whether it is at one of the events."""
        event = self.events.get(digest or record.get("request_id", ""))
        if event is not None:
            event.learn(record)
            event.add(make_attempt(line, record, keep_record=self._records))
        elif digest is None:
            self.unread.add(record)
        return event is not None

    def _note_nameless(self, digest: str) -> None:
        """Another attempt at this body may tell the name that a fault or a refusal left out."""
        if len(self._nameless) <= _MOST_NAMELESS:
            self._nameless.add(hash(digest))

    def _match(self, record: Record, digest: str | None) -> None:
        """Put the event of a record under each name of it that is asked for."""
        asked, get = self.asked, record.get
        every_time = get("reference"), get("event_reference"), digest
        names = *every_time, get("request_id"), *(get("names") or ())
        if asked.keys().isdisjoint(names):
            return
        key = digest or str(get("request_id"))
        found_by = [name for name in names if name in asked]
        event = self.events.get(key)
        if event is None:
            event = self.events[key] = Event(digest)
            self.learned.add(key)
            self.found_late |= digest is not None and (
                asked.keys().isdisjoint(every_time)
                or hash(digest) in self._nameless
                or len(self._nameless) > _MOST_NAMELESS
            )
        for name in found_by:
            asked[name][key] = event
            if name in (digest, get("request_id")):
                self.exact.setdefault(name, {})[key] = event
