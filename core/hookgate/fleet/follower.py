"""What a store receives, read on as it comes; first what it received in the last minutes.

All times of receipt are by the store's clock, so that no gate's clock counts.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from . import queries
from .error import StoreError
from .places import chunked, in_order, share_out
from .reader import text_of
from .status import HELLO_SECONDS, find_now
from .store_client import StoreClient

# Bytes of text that are read of the past: of all gates together, and of one.
_PAST, _MOST_PAST = 128 << 20, 64 << 20
# Segments of the past in all, and of a boot.
_MOST_SEGMENTS, _MOST_OF_BOOT = 16_384, 1024
# A segment's day may be that before its receipt.
_SLACK = timedelta(hours=1)
# Two times in which a shipper says that it lives: what its gate did since nobody knows.
_PATIENCE = timedelta(seconds=2 * HELLO_SECONDS)
_FOUND_EVERY = timedelta(seconds=5)
_FOUND_SPAN = timedelta(days=1)


class Known(NamedTuple):
    """What a store knows of a gate. `seen` is when its shipper was heard of last, `received` when
    lines were, in seconds since 1970 by the store's clock. `stopped` says that all its boots did;
    `silent` and `behind` say in words what is so, "" where it is not. `lag` is for how many seconds
    lines wait at the gate, None where that is not long; `found` counts what should not be, by kind.
    """

    gate: str
    seen: float | None
    received: float | None
    stopped: bool
    software: str
    silent: str
    behind: str
    lag: float | None
    found: Counter[str]


class Received(NamedTuple):
    """A segment, and when it was received. `raw` is None where it does not hold what it says."""

    gate: str
    boot: str
    at: float
    raw: bytes | None


class StoreFollower:
    """Follow the gates of a store over `span`. All methods raise `StoreError`."""

    def __init__(self, store: StoreClient, span: timedelta) -> None:
        self._store, self._span = store, span
        # Of each gate its boots of which something was received of late, with the number of their
        # next line; and of these the next that is to be read.
        self._boots: dict[str, dict[str, int]] = {}
        self._next: dict[tuple[str, str], int] = {}
        self._found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._running: frozenset[str] = frozenset()
        # The store's time, when it was asked and when for what changes seldom; this machine's time
        # less it, in seconds.
        self._now = self._found_at = datetime.fromtimestamp(0, UTC)
        self.ahead = self.past_since = 0.0

    def look(self) -> list[Known]:
        """Look how the gates are."""
        rows = self._store.rows(queries.LATELY, span=self._span)
        if rows:
            self._now = rows[0].now
            self.ahead = time.time() - self._now.timestamp()
        boots: dict[str, dict[str, int]] = {row.gate: {} for row in rows}
        for row in rows:
            if row.boot is not None:
                boots[row.gate][row.boot] = row.next_n
        self._boots = boots
        of_late = {(gate, boot) for gate, known in boots.items() for boot in known}
        # Of one that comes again only what is received then is of late.
        self._next = {key: n for key, n in self._next.items() if key in of_late}
        if rows and self._is_due(rows):
            self._find()
        return [self._known(row) for row in {row.gate: row for row in rows}.values()]

    def past(self, gate: str, gates: int) -> Iterator[Received]:
        """Read what was received of a gate in the span; of so many gates as much as there is room
        for, the newest. What came up to `past_since` of that was not read, or not all.
        """
        self.past_since = 0.0
        boots = self._boots[gate]
        if not boots:
            return
        size = min(_MOST_PAST, _PAST // max(1, gates))
        most = min(_MOST_OF_BOOT, _MOST_SEGMENTS // len(boots))
        given = {"gate": gate, "boots": list(boots), "tos": list(boots.values())}
        places = self._store.rows(queries.PAST, **given, **self._since(), size=size, most=most)
        first = {place.boot: place for place in reversed(in_order(places))}
        read = Counter(place.boot for place in places)
        ends = [first[boot].received for boot, many in read.items() if many == most]
        ends += [place.left_at for place in places[:1] if place.left_at is not None]
        self.past_since = max(ends).timestamp() if ends else 0.0
        yield from self._fetch(in_order(places))
        self._next |= {(gate, boot): n for boot, n in boots.items()}

    def fresh(self, gates: Iterable[str]) -> Iterator[Received]:
        """Read on in these gates, at most so much that a look ends soon; of each gate alike."""
        wanted = [
            (gate, boot, self._next.get((gate, boot), 1), to_n)
            for gate in gates
            for boot, to_n in self._boots.get(gate, {}).items()
            if self._next.get((gate, boot), 1) < to_n
        ]
        if not wanted:
            return
        names = ("gates", "boots", "froms", "tos")
        given = dict(zip(names, map(list, zip(*wanted, strict=True)), strict=True))
        places = self._store.rows(queries.FRESH, **given, **self._since())
        taken = share_out(places)
        yield from self._fetch(taken)
        there = Counter((place.gate, place.boot) for place in places)
        read = Counter((place.gate, place.boot) for place in taken)
        for gate, boot, _, to_n in wanted:
            key = gate, boot
            # What is missing there will not come.
            if there[key] < queries.MOST_SEGMENTS and read[key] == there[key]:
                self._next[key] = to_n

    def unread(self, gate: str) -> int:
        """Return how many lines of a gate are there that a look had no room for."""
        boots = self._boots.get(gate, {})
        return sum(n - self._next.get((gate, boot), n) for boot, n in boots.items())

    def _since(self) -> dict[str, object]:
        since = self._now - self._span
        return {"since": since, "day": (since - _SLACK).date()}

    def _is_due(self, rows: Iterable[Any]) -> bool:
        """Tell whether to ask for what changes seldom: at once if one that stopped runs again."""
        if not timedelta() <= self._now - self._found_at < _FOUND_EVERY:
            return True
        gone = (row for row in rows if row.gate not in self._running)
        return any(row.received is not None and row.received > self._found_at for row in gone)

    def _find(self) -> None:
        """Ask for what changes seldom. What a forger made too much of to ask for in time, with a
        gate's password, hides no gate: then it is as it was, or as if all ran.
        """
        self._found_at = self._now
        with suppress(StoreError):
            found: defaultdict[str, Counter[str]] = defaultdict(Counter)
            for gate, kind, count in self._store.rows(queries.FOUND, since=self._now - _FOUND_SPAN):
                found[gate][kind] += count
            self._found = found
        try:
            self._running = frozenset(row.gate for row in self._store.rows(queries.RUNNING_LATELY))
        except StoreError:
            self._running = frozenset(self._boots)

    def _known(self, row: Any) -> Known:
        words = {finding.kind: finding.text for finding in find_now(row, _PATIENCE)}
        behind = words.get("behind", "")
        lag = (row.seen - row.behind_since).total_seconds() if behind else None
        stopped = row.received is not None and row.gate not in self._running
        return Known(
            row.gate, _seconds(row.seen), _seconds(row.received), stopped, row.software or "",
            words.get("silent", ""), behind, lag, self._found[row.gate],
        )  # fmt: skip

    def _fetch(self, places: Sequence[Any]) -> Iterator[Received]:
        """Fetch segments in this order; those of a boot are in the order of their lines."""
        for chunk in chunked(places):
            sane = [place for place in chunk if place.is_sane]
            rows = self._store.rows(
                queries.BODIES,
                boots=[place.boot for place in sane],
                gates=[place.gate for place in sane],
                firsts=[place.first_n for place in sane],
                days=[place.day for place in sane],
            )
            bodies = {(row.gate, row.boot, row.first_n): row for row in rows}
            for place in chunk:
                # One that is not sane is not fetched; one that is not there was deleted.
                row = bodies.pop((place.gate, place.boot, place.first_n), None)
                if row is not None or not place.is_sane:
                    raw = text_of(*row[3:]) if row is not None else None
                    yield Received(place.gate, place.boot, place.received.timestamp(), raw)
                self._next[place.gate, place.boot] = place.first_n + place.lines


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
