"""The boots of a gate: which of their lines the store has, and those that are on their way."""

import time
from collections.abc import Callable

import structlog

from hookgate.ledger.record import Record

from .error import StoreError
from .segment import MOST_BYTES, MOST_SECONDS, Cutter, digest_of, place_of
from .store import Position, Store


class GapError(Exception):
    """A line came whose number is `n`, where a lower one of its boot was expected."""

    def __init__(self, boot: str, n: int) -> None:
        super().__init__(boot, n)
        self.boot, self.n = boot, n


class _Boot:
    __slots__ = ("cutter", "forked", "last_n", "position", "since", "skips")

    def __init__(self, boot: str, position: Position) -> None:
        self.position = position
        self.cutter = Cutter(boot, position.next_n, position.tip)
        # Its lines are others than the store has.
        self.forked = False
        # Lines before the next segment are gone.
        self.skips = False
        self.last_n = 0
        self.since: float | None = None  # when the first line came that is not sent


class Boots:
    """Take lines in the order of their numbers, and send them. All methods raise `StoreError`."""

    def __init__(
        self, store: Store, log: structlog.BoundLogger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._log, self._clock = store, log, clock
        self._boots: dict[str, _Boot] = {}
        # How many lines were taken that were not before, and how many were sent.
        self.taken = self.lines = 0
        # Told of each line that says that an item is kept no more, also where it was sent before.
        self.on_released: Callable[[Record], None] = lambda _: None

    @property
    def behind(self) -> int:
        """How many bytes of lines were taken and are not sent."""
        return sum(boot.cutter.size for boot in self._boots.values())

    @property
    def since(self) -> float | None:
        """When the oldest of these was written, in seconds since 1970."""
        return min((b.cutter.began for b in self._boots.values() if b.cutter.size), default=None)

    def has(self, name: str, n: int, tip: str) -> bool:
        """Tell whether the line with this number and digest was taken, or another after it."""
        boot = self._find(name)
        boot.last_n = max(boot.last_n, n)
        next_n = boot.cutter.n
        return n < next_n - 1 or (n == next_n - 1 and tip == boot.cutter.tip)

    def take(self, raw: bytes, record: Record, *, may_skip: str = "") -> None:
        """Take a line; one that was taken before, or that has no place in a chain, changes nothing.

        Raises `GapError` where lines before it are missing, unless it is of the boot `may_skip`.
        """
        place = place_of(record)
        if place is None:
            return
        if record.get("event") == "released":
            self.on_released(record)
        name, n, prev = place
        boot = self._find(name)
        cutter = boot.cutter
        if n > cutter.n and not boot.forked and name != may_skip:
            raise GapError(name, n)
        boot.last_n = max(boot.last_n, n)
        if n < cutter.n:
            if n < cutter.n - 1 or cutter.tip == digest_of(raw):
                return
            self._fork(boot, n, prev)
        elif n > cutter.n:
            self._send(boot)
            boot.skips = True
            boot.cutter = Cutter(name, n, prev)
        elif cutter.tip and prev != cutter.tip:
            self._fork(boot, n, prev)
        boot.cutter.add(raw, record)
        self.taken += 1
        if boot.since is None:
            boot.since = self._clock()
        if boot.cutter.size >= MOST_BYTES:
            self._send(boot)

    def send_due(self) -> None:
        """Send what has waited for long enough."""
        now = self._clock()
        for boot in self._boots.values():
            if boot.since is not None and now - boot.since >= MOST_SECONDS:
                self._send(boot)

    def flush(self) -> None:
        """Send all that was taken."""
        for boot in self._boots.values():
            self._send(boot)

    def tell_cuts(self) -> None:
        """Tell of boots whose last lines were sent once, and did not come again."""
        for name, boot in self._boots.items():
            if 0 < boot.last_n < boot.position.next_n - 1:
                self._log.error("ship.cut", boot=name, first_n=boot.last_n + 1)
                self._store.tell_cut(name, boot.last_n + 1)

    def _find(self, name: str) -> _Boot:
        boot = self._boots.get(name)
        if boot is None:
            boot = self._boots[name] = _Boot(name, self._store.position(name))
        return boot

    def _fork(self, boot: _Boot, n: int, prev: str) -> None:
        """From here on its lines are others than the store has."""
        self._send(boot)
        if not boot.forked:
            self._log.error("ship.fork", boot=boot.cutter.boot, n=n)
        boot.forked = True
        boot.cutter = Cutter(boot.cutter.boot, n, prev)

    def _send(self, boot: _Boot) -> None:
        boot.since = None
        segment = boot.cutter.cut()
        if segment is None:
            return
        if boot.forked:
            if not self._store.put_fork(segment):
                self._log.error("ship.fork_not_kept", boot=segment.boot, first_n=segment.first_n)
        elif not self._store.put(segment, is_first=boot.skips):
            raise StoreError("another shipper sends lines of this gate")
        boot.skips = False
        self.lines += segment.lines
