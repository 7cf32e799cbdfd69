"""Shipping: every line of a gate's ledgers into the store, in order, from wherever the store is.

Nothing is remembered on the gate: the store says how far it is, and the ledger's files are read
from there. So a store that was restored from an older backup gets again what it lacks.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

from hookgate import __version__
from hookgate.ledger.record import Record

from .boots import Boots, GapError
from .error import StoreError
from .live import ChangedError, FileKey, Live
from .rotated import Rotated
from .segment import place_of
from .status import HELLO_SECONDS
from .store import Store


class Progress(NamedTuple):
    """How far a shipper was at a time, in seconds since 1970.

    `trouble` is why the store cannot be used, "" where it can. `since` is when the oldest line was
    written that is not sent, None where all that was read is; `behind` how many bytes are not.
    `read` is how far each file was read that is written to. `found` has what should not be, as a
    kind and a boot each.
    """

    at: float
    trouble: str = ""
    since: float | None = None
    behind: int = 0
    lines: int = 0
    read: Mapping[FileKey, int] = {}
    found: frozenset[tuple[str, str]] = frozenset()


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
        self._gate, self._connect = gate, connect
        self._log, self._clock = log, clock
        self._rotated = Rotated(ledger, log)
        self._store: Store | None = None
        self._boots: Boots | None = None
        self._steps: Iterator[None] | None = None
        self._live = Live(ledger, self._rotated)
        self._found: set[tuple[str, str]] = set()
        # The gap that a second reading of all files must show before its lines count as lost.
        self._suspect: tuple[str, int] | None = None
        self._lost: set[tuple[object, object]] = set()
        self._said_hello: float | None = None
        self._lines = 0
        self.on_released: Callable[[Record], None] = lambda _: None
        # Replaced whole: another thread may look at it.
        self.progress = Progress(time.time(), "it was not reached yet")

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
            is_more = self._turn()
        except StoreError as error:
            self.progress = self.progress._replace(trouble=str(error), found=frozenset(self._found))
            self.close()
            raise
        self._note()
        return is_more

    def flush(self) -> None:
        """Send all that was read. Raises `StoreError`."""
        if self._boots is not None:
            self._boots.flush()
            self._note()

    def break_off(self) -> None:
        """End a call that the store does not answer; for another thread."""
        if (store := self._store) is not None:
            store.break_off()

    def close(self) -> None:
        """Hang up, and forget what was read: the store knows how far it is."""
        if self._boots is not None:
            self._boots.close()
        self._lines = self.lines
        if self._store is not None:
            self._store.close()
        self._store = self._boots = self._steps = self._said_hello = None
        self._rotated.left = 0
        self._live.close()

    def _turn(self) -> bool:
        if self._store is None or self._boots is None:
            self._store = self._connect()
            self._boots = Boots(self._store, self._log, self._found, self._clock)
            self._boots.on_released = self.on_released
            self._hello(self._store, self._boots)
            self._steps = self._catch_up(self._boots)
        boots = self._boots
        try:
            is_more = self._step(boots)
        except GapError as gap:
            self._doubt(gap)
            is_more = self._begin_anew(boots)
        except ChangedError as changed:
            is_more = self._begin_anew(boots, changed.cut)
        boots.send_due()
        if not is_more:
            boots.settle()
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

    def _begin_anew(self, boots: Boots, cut: Path | None = None) -> bool:
        """Read all files again, and see what the gate has no more of what was sent."""
        for path, firsts in self._live.firsts.items():
            boots.recount(firsts, is_cut=path == cut)
        self._steps = self._catch_up(boots)
        return True

    def _note(self) -> None:
        """Say how far it is."""
        boots = self._boots
        if boots is None:
            return
        self.progress = Progress(
            time.time(), "", self._since(boots), self.behind, self.lines, self._live.read,
            frozenset(self._found),
        )  # fmt: skip

    def _since(self, boots: Boots) -> float | None:
        """Say when the oldest line was written that is not sent; while files are read that may hold
        older ones, as it was said before.
        """
        if boots.since is None and self._steps is not None:
            return self.progress.since
        return boots.since

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
        since = self._since(boots)
        wall = time.time()
        late = None if since is None else wall - since
        gate = store.hello(f"hookgate {__version__}", self.behind, late, wall)
        if gate != self._gate:
            raise StoreError(f"its login is that of gate {gate}, and fleet.name is {self._gate}")

    def _catch_up(self, boots: Boots) -> Iterator[None]:
        """Send what the files hold that the store lacks, oldest first."""
        while True:
            # These are opened before the others are listed: what is renamed from now on is in both.
            self._live.close()
            self._live.open()
            yield from self._rotated.read(boots)
            if self._rotated.is_as_listed:
                break
        while self._follow(boots):
            yield
        if self._rotated.is_whole:
            boots.tell_cuts()
        boots.flush()

    def _follow(self, boots: Boots) -> bool:
        """Read what was written since; whether there is more."""
        for raw, record, firsts in self._live.lines():
            if boots.take_next(raw, record):
                boot, n = record["boot"], record["n"]
            elif (place := place_of(record)) is not None:
                boot, n, _ = place
                boots.take(raw, record, place, may_skip=boot if (boot, n) in self._lost else "")
            else:
                continue
            firsts.setdefault(boot, n)
        return self._live.is_behind
