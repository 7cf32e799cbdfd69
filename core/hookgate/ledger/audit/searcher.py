"""The walk over a ledger's lines that gathers the events which are asked for."""

from collections.abc import Callable, Iterable, KeysView
from typing import Any

from hookgate.ledger.reading.reader import Line
from hookgate.ledger.record import Record
from hookgate.networks.range_set import RangeSet

from .attempts import make_attempt
from .fate import Event
from .gap_lines import tell_gap
from .identity import Unread, digest_of, may_be_forwarded

# Bodies of which a line told no name; if there are more, any event may be one of them.
_MOST_PASSED = 100_000
# `gap` lines of which it is looked whether their lines are here.
_MOST_GAPS = 1000


class Searcher:
    """Gather events by their names.

    `asked` has those of each name; an event's key is its SHA-256, else a request_id. `records`
    keeps each attempt's own. `on_problem` is told once each line that is no record, as far as that
    can matter.
    """

    def __init__(
        self,
        names: Iterable[str],
        allowed: RangeSet,
        records: bool,
        on_problem: Callable[[Line], None],
    ) -> None:
        self.asked: dict[str, dict[str, Event]] = {name: {} for name in names}
        # Compared with what may be no text, in lines that no gate wrote.
        self._names: KeysView[Any] = self.asked.keys()
        # Those asked for by a SHA-256 or a request_id, which no sender chooses: no other has them.
        self.exact: dict[str, dict[str, Event]] = {}
        self.events: dict[str, Event] = {}
        self.unread = Unread(allowed)
        self.found_late = False
        # What lines may hold, and nothing else that is asked for, that are about the events.
        self.learned: set[str] = set()
        # The `gap` lines.
        self.gaps: list[Line] = []
        self._records = records
        self._on_problem = on_problem
        # Where the lines are that were told to it for a member that is wrong.
        self._refused: set[str] = set()
        # What was forwarded, until its delivery is read.
        self._begun: dict[str, Line] = {}
        # The bodies of which a line told no reference, as a fault or a refusal leaves it out and a
        # release has none, by hash.
        self._passed: set[int] = set()

    def read(self, lines: Iterable[Line], *, again: bool = False) -> None:
        """Read a ledger; `again` for the events that are known by now, with all their attempts."""
        for event in self.events.values():
            event.clear()
        self.unread.clear()
        begun, events, is_other = self._begun, self.events, self._names.isdisjoint
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
                        self._note_passed(digest)
                elif kind == "forward":
                    request_id = get("request_id")
                    if is_other((get("reference"), request_id, get("sha256"))):
                        if type(request_id) is str:
                            begun[request_id] = line
                    elif self._check(line) is not None and request_id is not None:
                        begun[request_id] = line
                        self._match(record, digest_of(record))
                elif kind == "released":
                    self._release(line)
                elif kind == "gap" and not again:
                    if len(self.gaps) < _MOST_GAPS:
                        self.gaps.append(line)
                    else:
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

    def _release(self, line: Line) -> None:
        """Add what a `released` line says to the event, or remember that there was one of it."""
        digest = digest_of(line.record or {})
        if digest is None:
            return
        if digest not in self.events:
            self._note_passed(digest)
        elif (record := self._check(line)) is not None:
            self.events[digest].release(record)

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
        is_asked = self._finish(line, record, digest, begun)
        if digest is not None and not told and not is_asked:
            self._note_passed(digest)

    def _finish(
        self, line: Line, record: Record, digest: str | None, begun: Record | None = None
    ) -> bool:
        """Count an attempt; returns whether it is at one of the events."""
        event = self.events.get(digest or record.get("request_id", ""))
        if event is not None:
            event.learn(record)
            event.add(make_attempt(line, record, begun, keep_record=self._records))
        elif digest is None:
            self.unread.add(record)
        return event is not None

    def _note_passed(self, digest: str) -> None:
        """Another attempt at this body may tell the name that this line does not."""
        if len(self._passed) <= _MOST_PASSED:
            self._passed.add(hash(digest))

    def _match(self, record: Record, digest: str | None) -> None:
        """Put the event of a record under each name of it that is asked for."""
        asked, get = self.asked, record.get
        every_time = get("reference"), get("event_reference"), digest
        names = *every_time, get("request_id"), *(get("names") or ())
        if self._names.isdisjoint(names):
            return
        key = digest or str(get("request_id"))
        found_by = [name for name in names if name in asked]
        event = self.events.get(key)
        if event is None:
            event = self.events[key] = Event(digest)
            self.learned.add(key)
            self.found_late |= digest is not None and (
                self._names.isdisjoint(every_time)
                or hash(digest) in self._passed
                or len(self._passed) > _MOST_PASSED
            )
        for name in found_by:
            asked[name][key] = event
            if name in (digest, get("request_id")):
                self.exact.setdefault(name, {})[key] = event
