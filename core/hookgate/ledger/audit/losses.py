"""What a whole ledger tells of lost events, and of those whose end nobody knows."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from hookgate.ledger.reading.reader import Line, parse, timestamp
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.record import Record
from hookgate.networks.range_set import RangeSet

from .fate import UNCERTAIN, Event, Fate
from .holding import ERASED
from .identity import NO_RANGES, Unread, digest_of
from .losses_scan import LossesRun
from .retries import Retries, rule_of
from .search import Read, find_bodies

# These come to no good by themselves.
WORRYING = (Fate.LOST, Fate.HELD, Fate.UNKNOWN)


def lost(read: Read, now: float | None = None) -> list[Event]:
    """Return every event of a ledger that is presumed lost.

    `now` is in seconds since 1970, None is the clock's. Memory grows with the distinct events that
    were not delivered, or that were kept.
    """
    losses = Losses(now=now)
    for _ in losses.watch(read()):
        pass
    return [event for event in losses.confirm(read) if event.fate is Fate.LOST]


class Losses:
    """Collect what may be lost, held or unknown while the ledger is read for something else, too.

    `unread` counts the attempts that belong to no event, from inside the `allowed` ranges. Fates
    are those of `now`, in seconds since 1970; None is the clock's.
    """

    def __init__(self, allowed: RangeSet = NO_RANGES, now: float | None = None) -> None:
        self.unread = Unread(allowed)
        self._now = time.time() if now is None else now
        self._tried: dict[str, Retries] = {}
        # What may have arrived, and what was answered 200 and is not sent again.
        self._uncertain: set[str] = set()
        self._custody: set[str] = set()
        # What was kept, or sent from there, and was delivered.
        self._kept: set[str] = set()
        self._arrived: set[str] = set()
        # The event that was forwarded, and whether by a replay, until its delivery is read.
        self._begun: dict[str, tuple[str, bool]] = {}

    def add(self, record: Record) -> None:
        """Add a record whose members are what they may be."""
        kind = record["event"]
        if kind == "delivery":
            request_id = record.get("request_id")
            nothing = None, False
            begun = self._begun.pop(request_id, nothing) if type(request_id) is str else nothing
            # After a fault it has nothing but its request_id.
            digest, is_replay = digest_of(record) or begun[0], _is_replay(record) or begun[1]
            if digest is None:
                self.unread.add(record)
            elif record.get("outcome") == "delivered":
                self._note_arrival(digest, is_replay=is_replay)
            else:
                self._note_failure(digest, record, is_replay=is_replay)
        elif kind == "forward":
            digest, request_id = digest_of(record), record.get("request_id")
            if type(request_id) is str and digest is not None:
                self._begun[request_id] = digest, _is_replay(record)
        elif kind == "released":
            digest = digest_of(record)
            is_sent = record.get("cause") not in ERASED
            if digest is not None and is_sent and digest not in self._arrived:
                self._uncertain.add(digest)
        elif kind == "refusals":
            self.unread.add(record)

    def watch(self, lines: Iterable[Line | Run]) -> Iterator[Line | Run]:
        """Add the lines that somebody reads, and yield them; runs are by `tell_losses` as well."""
        for line in lines:
            if isinstance(line, Line):
                self._add_line(line)
            elif not self._add_run(line.told.also):
                for one in line.lines():
                    self._add_line(one)
            yield line

    def _add_line(self, line: Line) -> None:
        if (record := line.checked().record) is not None:
            self.add(record)

    def _add_run(self, told: LossesRun | None) -> bool:
        """Add what a run says, if that can be done all at once; else do nothing."""
        begun = self._begun
        if told is None or not begun.keys().isdisjoint(told.done.split("\n")):
            return False
        records = [record for raw in told.lines if (record := parse(raw)) is not None]
        if any(digest_of(record) is None and record["request_id"] in begun for record in records):
            return False
        arrived = frozenset(told.arrived.split("\n"))
        # What is held was tried.
        for digest in (self._tried.keys() & arrived) | (self._uncertain & arrived):
            self._note_arrival(digest, is_replay=False)
        for request, digest in told.ended:
            _, is_replay = begun.pop(request, ("", False))
            if is_replay:
                self._note_arrival(digest, is_replay=True)
        for record in records:
            self.add(record)
        begun.update((request, (digest, False)) for request, digest in told.begun)
        return True

    def _note_arrival(self, digest: str, *, is_replay: bool) -> None:
        self._tried.pop(digest, None)
        self._uncertain.discard(digest)
        self._custody.discard(digest)
        # What is released as delivered after that need not be looked for.
        if is_replay or digest in self._kept:
            self._arrived.add(digest)

    def _note_failure(self, digest: str, record: Record, *, is_replay: bool) -> None:
        if digest in self._arrived:
            return
        if record.get("kept") is not None:
            self._kept.add(digest)
        if record.get("custody") is True:
            self._custody.add(digest)
        tried = self._tried.get(digest)
        if tried is None:
            tried = self._tried[digest] = Retries()
        if not is_replay:
            tried.add(timestamp(record), rule_of(record))
        reason = record.get("reason")
        if type(reason) is str and reason in UNCERTAIN:
            self._uncertain.add(digest)

    @property
    def candidates(self) -> list[str]:
        """The SHA-256s of what may be lost, held or unknown, and was not delivered since."""
        over = (digest for digest, tried in self._tried.items() if tried.are_over(self._now))
        return list(dict.fromkeys((*over, *self._worrying)))

    @property
    def _worrying(self) -> set[str]:
        """What comes to no good by itself, whatever its retry rule says."""
        return self._uncertain.union(self._custody, (digest for digest, _ in self._begun.values()))

    @property
    def left_open(self) -> Counter[Fate]:
        """The number of events that are neither delivered, lost, held nor unknown, by their fates.

        It is an upper bound: what is sent again after it was delivered counts, too.
        """
        worrying = self._worrying
        return Counter(
            Fate.RETRYING if tried.will_end else Fate.UNDELIVERED
            for digest, tried in self._tried.items()
            if digest not in worrying and not tried.are_over(self._now)
        )

    def confirm(self, read: Read, *, by_bytes: bool = False) -> list[Event]:
        """Return the candidates that are lost, held or unknown, from reading the ledger again.

        `by_bytes` is that of `find`.
        """
        if not (candidates := self.candidates):
            return []
        found = find_bodies(read, candidates, self._begun, self._now, by_bytes=by_bytes)
        return [event for event in found if event.fate in WORRYING]


def _is_replay(record: Record) -> bool:
    return record.get("replay_of") is not None
