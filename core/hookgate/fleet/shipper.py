"""Shipping: every line of a gate's ledgers into the store, in order, from wherever the store is.

Nothing is remembered on the gate: the store says how far it is, and the ledger's files are read
from there. So a store that was restored from an older backup gets again what it lacks.
"""

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from hookgate import __version__
from hookgate.ledger.names import is_part
from hookgate.ledger.reading.files import find_ledger, sort
from hookgate.ledger.reading.parsing import parse
from hookgate.ledger.reading.reader import read_file
from hookgate.ledger.reading.source import probe
from hookgate.ledger.reading.tail import Tail
from hookgate.ledger.record import Record

from .error import StoreError
from .segment import MOST_BYTES, MOST_SECONDS, Cutter, digest_of
from .store import Position, Store

_HELLO_SECONDS = 10.0
_ALL = 1 << 62


class _Boot:
    """One boot: what was read of it, and how it stands to what the store has."""

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


class Shipper:
    """Send the ledger at a path with its workers' and rotated files.

    `turn` does what there is to do and returns; whoever calls waits a while in between. It raises
    `StoreError`, after which the next one begins anew with another connection.
    """

    def __init__(
        self,
        ledger: Path,
        connect: Callable[[], Store],
        log: structlog.BoundLogger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._connect, self._log, self._clock = ledger, connect, log, clock
        self._store: Store | None = None
        self._boots: dict[str, _Boot] = {}
        self._tails: dict[Path, Tail] = {}
        self._said_hello: float | None = None
        self.lines = self.segments = 0

    @property
    def behind(self) -> int:
        """How many bytes of lines were read and are not in the store."""
        return sum(boot.cutter.size for boot in self._boots.values())

    def turn(self) -> bool:
        """Send what there is; whether there is more at once."""
        try:
            return self._turn()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Hang up, and forget what was read: the store knows how far it is."""
        if self._store is not None:
            self._store.close()
        self._store = None
        for tail in self._tails.values():
            tail.close()
        self._tails.clear()
        self._boots.clear()

    def flush(self) -> None:
        """Send what is left of each boot. Raises `StoreError`."""
        for boot in self._boots.values():
            self._send(boot)

    def _turn(self) -> bool:
        if self._store is None:
            self._store = self._connect()
            self._catch_up()
        is_more = self._follow()
        now = self._clock()
        for boot in self._boots.values():
            if boot.since is not None and now - boot.since >= MOST_SECONDS:
                self._send(boot)
        if self._said_hello is None or now - self._said_hello >= _HELLO_SECONDS:
            self._said_hello = now
            self._store.hello(f"hookgate {__version__}", self.behind, None)
        return is_more

    def _catch_up(self) -> None:
        """Send what the files hold that the store lacks, oldest first."""
        found = find_ledger(self._ledger)
        for note in found.notes:
            self._log.warning("ship.not_read", file=note.file, why=note.text)
        live = [path for path in found.files if is_part(path.name, self._ledger)]
        for source in sort(probe(path) for path in found.files if path not in live):
            for line in read_file(source):
                if line.record is not None:
                    self._take(line.raw, line.record)
        for path in sorted(live):
            self._tails[path] = Tail(path, _ALL)
        while self._follow():
            pass
        self.flush()
        for name, boot in self._boots.items():
            if boot.last_n + 1 < boot.position.next_n:
                self._log.error("ship.cut", boot=name, first_n=boot.last_n + 1)
                self._known_store.tell_cut(name, boot.last_n + 1)

    def _follow(self) -> bool:
        """Read what was written since; whether there is more."""
        folder = self._ledger.parent
        for path in folder.glob(f"{self._ledger.stem}*{self._ledger.suffix}"):
            if path not in self._tails and is_part(path.name, self._ledger):
                self._tails[path] = Tail(path, _ALL)
        for tail in self._tails.values():
            for raw in tail.poll():
                record = parse(raw)
                if record is not None:
                    self._take(raw, record)
        return any(tail.is_behind for tail in self._tails.values())

    def _take(self, raw: bytes, record: Record) -> None:
        name, n, prev = record.get("boot"), record.get("n"), record.get("prev")
        if type(name) is not str or type(n) is not int or type(prev) is not str:
            return  # of nginx, or of version 0.1.0: it has no place in a chain
        boot = self._boots.get(name)
        if boot is None:
            boot = self._boots[name] = _Boot(name, self._known_store.position(name))
        boot.last_n = max(boot.last_n, n)
        cutter = boot.cutter
        if n < cutter.n:
            if n == cutter.n - 1 and cutter.tip != digest_of(raw):
                self._fork(name, boot, n, prev)
                boot.cutter.add(raw, record)
            return
        if n > cutter.n and not boot.forked:
            self._send(boot)
            boot.skips = True
            boot.cutter = Cutter(name, n, prev)
        elif n == cutter.n and cutter.tip and prev != cutter.tip:
            self._fork(name, boot, n, prev)
        boot.cutter.add(raw, record)
        if boot.since is None:
            boot.since = self._clock()
        if boot.cutter.size >= MOST_BYTES:
            self._send(boot)

    def _fork(self, name: str, boot: _Boot, n: int, prev: str) -> None:
        """From here on its lines are others than the store has."""
        self._send(boot)
        self._log.error("ship.fork", boot=name, n=n)
        boot.forked = True
        boot.cutter = Cutter(name, n, prev)

    def _send(self, boot: _Boot) -> None:
        boot.since = None
        segment = boot.cutter.cut()
        if segment is None:
            return
        if boot.forked:
            self._known_store.put_fork(segment)
        elif not self._known_store.put(segment, is_first=boot.skips):
            raise StoreError("the store has other lines by now: another shipper sends the same")
        boot.skips = False
        self.lines += segment.lines
        self.segments += 1

    @property
    def _known_store(self) -> Store:
        if self._store is None:
            raise StoreError("not connected")
        return self._store
