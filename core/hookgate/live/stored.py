"""The gates of a fleet as its store knows them, told as /status would tell it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from hookgate.fleet.error import StoreError
from hookgate.fleet.follower import Known, Received, StoreFollower
from hookgate.fleet.store_client import StoreClient
from hookgate.ledger.reading.parsing import parse
from hookgate.ledger.record import Record

from .causes import STORED
from .figures import moment
from .gate import Gate
from .history import COLUMN_SECONDS, COLUMNS
from .lines import LineAnswers, counts
from .step import Answer

Told = tuple[Gate, Answer | str, float]
_SPAN = timedelta(seconds=COLUMNS * COLUMN_SECONDS)
_STOPPED = "it has stopped"
_HAD_STOPPED = "it had stopped; whether it runs again is not known, as "
_UNKNOWN = "the store has no gate of this name"
_NONE = "no gate belongs to it yet: hookgate fleet init --gate NAME adds one"
# Half of all lines, which count for nothing.
_FORWARD = b'{"event":"forward"'


class _Shown:
    """A gate that is shown."""

    def __init__(self, name: str) -> None:
        self.gate = Gate(name, STORED)
        self.lines = LineAnswers()
        self.has_begun = False
        self.damaged = 0


class StoredGates:
    """The gates that are `named`, or as many of all as are told of together at `most`."""

    def __init__(self, store: StoreClient, named: Sequence[str], most: int) -> None:
        self._follower = StoreFollower(store, _SPAN)
        self._is_of_all, self._most = not named, most
        self._shown = {name: _Shown(name) for name in named}
        self._instead: tuple[Gate, ...] = () if named else (Gate("the fleet", STORED),)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Those that are known by now; one that stands for others, where there are more or none."""
        return *(shown.gate for shown in self._shown.values()), *self._instead

    def read(self, clock: Callable[[], float]) -> Iterator[Told]:
        """Read on, and yield what is told of each gate or why nothing is, and its time in seconds
        since 1970. Of one that is new that is several: the last quarter of an hour.
        """
        try:
            known = {one.gate: one for one in self._follower.look()}
            yield from self._choose(known, clock())
            for name, shown in self._shown.items():
                if name in known and not shown.has_begun:
                    yield from self._begin(shown, known[name], clock())
            for received in self._follower.fresh(self._shown):
                shown = self._shown[received.gate]
                for record in _records(shown, received):
                    shown.lines.add(record, received.at + self._follower.ahead)
        except StoreError as error:
            now = clock()
            for gate in self.gates:
                yield gate, f"the store cannot be used: {error}", now
            return
        now = clock()
        for name, shown in self._shown.items():
            yield self._tell(shown, known.get(name), now)

    def _choose(self, known: dict[str, Known], now: float) -> Iterator[Told]:
        """Show those that are new, and say what is not shown."""
        if not self._is_of_all:
            return
        for name in known:
            if len(self._shown) < self._most and name not in self._shown:
                self._shown = {**self._shown, name: _Shown(name)}
        more = len(known.keys() - self._shown.keys())
        where, why = "the fleet", _NONE if not self._shown else ""
        if more:
            where, why = f"{more} more", f"{self._most} are shown: name those to be seen by --gate"
        if not why:
            self._instead = ()
        elif [gate.where for gate in self._instead] != [where]:
            self._instead = (Gate(where, STORED),)
        for gate in self._instead:
            yield gate, why, now

    def _begin(self, shown: _Shown, known: Known, now: float) -> Iterator[Told]:
        """Tell the last quarter of an hour of a gate, as far as it was heard of."""
        shown.lines, shown.damaged = LineAnswers(), 0
        follower = self._follower
        for received in follower.past(shown.gate.where, len(self._shown)):
            for record in _records(shown, received):
                shown.lines.add_past(record, received.at + follower.ahead, now)
        if follower.past_since:
            shown.lines.read_since = follower.past_since + follower.ahead
        shown.has_begun = True
        if known.seen is not None:
            is_over = known.stopped or known.silent
            until = min(now, known.seen + follower.ahead) if is_over else now
            told = {"shipping": {"received": self._received(known)}}
            for answer, at in shown.lines.past(until):
                yield shown.gate, {**answer, **told}, at

    def _tell(self, shown: _Shown, known: Known | None, now: float) -> Told:
        ahead = self._follower.ahead
        if known is None:
            return shown.gate, _UNKNOWN, now
        if known.silent:
            why = f"{_HAD_STOPPED}{known.silent}" if known.stopped else known.silent
            return shown.gate, why, now if known.seen is None else known.seen + ahead
        if known.stopped and known.received is not None:
            return shown.gate, _STOPPED, known.received + ahead
        found = {**known.found, "damaged": shown.damaged}
        shipping: dict[str, Any] = {"received": self._received(known), "findings": found}
        if known.lag is not None:
            shipping |= {"lag_seconds": known.lag, "behind": known.behind}
        answer = {
            **shown.lines.answer(now),
            "hookgate": known.software.removeprefix("hookgate "),
            "shipping": shipping,
            "unread": self._follower.unread(known.gate),
        }
        return shown.gate, answer, now

    def _received(self, known: Known) -> str | None:
        return None if known.received is None else moment(known.received + self._follower.ahead)


def _records(shown: _Shown, received: Received) -> Iterator[Record]:
    """Yield the records of a segment that are of the boot that its gate said."""
    if received.raw is None:
        shown.damaged += 1
        return
    for raw in received.raw.split(b"\n"):
        if raw.startswith(_FORWARD):
            continue
        record = parse(raw)
        if record is not None and record.get("boot") == received.boot and counts(record):
            yield record
