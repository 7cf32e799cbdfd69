"""Shipping: every line of a gate's ledgers into the store, in order, from wherever the store is.

Nothing is remembered on the gate: the store says how far it is, and the ledger's files are read
from there. So a store that was restored from an older backup gets again what it lacks.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from hookgate import __version__
from hookgate.ledger.names import is_part
from hookgate.ledger.reading.parsing import parse
from hookgate.ledger.reading.tail import Tail
from hookgate.ledger.record import Record

from .boots import Boots, GapError
from .error import StoreError
from .rotated import Rotated
from .store import Store

HELLO_SECONDS = 10.0
_ALL = 1 << 62


class Shipper:
    """Send the ledger at a path with its workers' and rotated files; `gate` is whose it is.

    `turn` does a part of what there is to do and returns; whoever calls waits a while when it says
    that there is no more. It raises `StoreError`, after which the next one begins anew with another
    connection.
    """

    def __init__(
        self,
        ledger: Path,
        gate: str,
        connect: Callable[[], Store],
        log: structlog.BoundLogger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._gate, self._connect = ledger, gate, connect
        self._log, self._clock = log, clock
        self._rotated = Rotated(ledger, log)
        self._store: Store | None = None
        self._boots: Boots | None = None
        self._steps: Iterator[None] | None = None
        self._tails: dict[Path, Tail] = {}
        # The gap that a second reading of all files must show before its lines count as lost.
        self._suspect: tuple[str, int] | None = None
        self._lost: set[tuple[object, object]] = set()
        self._said_hello: float | None = None
        self._lines = 0
        self.on_released: Callable[[Record], None] = lambda _: None

    @property
    def lines(self) -> int:
        """How many lines were sent."""
        return self._lines + (self._boots.lines if self._boots is not None else 0)

    @property
    def behind(self) -> int:
        """How many bytes are still to be sent: of lines, and of files that are yet to be read."""
        return self._rotated.left + (self._boots.behind if self._boots is not None else 0)

    def turn(self) -> bool:
        """Send some of what there is; whether there is more at once."""
        try:
            return self._turn()
        except StoreError:
            self.close()
            raise

    def flush(self) -> None:
        """Send all that was read. Raises `StoreError`."""
        if self._boots is not None:
            self._boots.flush()

    def close(self) -> None:
        """Hang up, and forget what was read: the store knows how far it is."""
        self._lines = self.lines
        if self._store is not None:
            self._store.close()
        self._store = self._boots = self._steps = self._said_hello = None
        self._rotated.left = 0
        self._close_tails()

    def _turn(self) -> bool:
        if self._store is None or self._boots is None:
            self._store = self._connect()
            self._boots = Boots(self._store, self._log, self._clock)
            self._boots.on_released = self.on_released
            self._hello(self._store, self._boots)
            self._steps = self._catch_up(self._boots)
        boots = self._boots
        try:
            is_more = self._step(boots)
        except GapError as gap:
            self._doubt(gap)
            self._steps, is_more = self._catch_up(boots), True
        boots.send_due()
        self._hello(self._store, boots)
        return is_more

    def _step(self, boots: Boots) -> bool:
        if self._steps is None:
            return self._follow(boots)
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
        return True

    def _doubt(self, gap: GapError) -> None:
        """Read all files again; where they are the same and the gap is, its lines are gone."""
        place = gap.boot, gap.n
        if place == self._suspect and self._rotated.is_as_listed:
            self._lost.add(place)
        self._suspect = place

    def _hello(self, store: Store, boots: Boots) -> None:
        now = self._clock()
        if self._said_hello is not None:
            if now - self._said_hello < HELLO_SECONDS:
                return
            if self._steps is not None:
                self._log.info("ship.catching_up", lines=self.lines, bytes_left=self.behind)
        self._said_hello = now
        gate = store.hello(f"hookgate {__version__}", self.behind, boots.since)
        if gate != self._gate:
            raise StoreError(f"its login is that of gate {gate}, and fleet.name is {self._gate}")

    def _catch_up(self, boots: Boots) -> Iterator[None]:
        """Send what the files hold that the store lacks, oldest first."""
        while True:
            # These are opened before the others are listed: what is renamed from now on is in both.
            self._close_tails()
            self._open_tails()
            yield from self._rotated.read(boots)
            if self._rotated.is_as_listed:
                break
        while self._follow(boots):
            yield
        boots.flush()
        if self._rotated.is_whole:
            boots.tell_cuts()

    def _follow(self, boots: Boots) -> bool:
        """Read what was written since; whether there is more."""
        self._open_tails()
        for tail in self._tails.values():
            for raw in tail.poll():
                if (record := parse(raw)) is not None:
                    boot = record.get("boot")
                    is_lost = (boot, record.get("n")) in self._lost
                    boots.take(raw, record, may_skip=str(boot) if is_lost else "")
            if tail.trouble:
                self._rotated.not_read(str(tail.path), tail.trouble)
        return any(tail.is_behind for tail in self._tails.values())

    def _open_tails(self) -> None:
        for path in self._rotated.siblings():
            if path not in self._tails and is_part(path.name, self._ledger):
                self._tails[path] = Tail(path, _ALL)

    def _close_tails(self) -> None:
        for tail in self._tails.values():
            tail.close()
        self._tails.clear()
