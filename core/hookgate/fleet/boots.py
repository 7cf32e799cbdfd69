"""The boots of a gate: which of their lines the store has, and those that are on their way."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import structlog

from hookgate.ledger.record import Record

from .error import StoreError
from .segment import MOST_BYTES, MOST_SECONDS, Cut, Cutter, Place, digest_of
from .sending import Sending
from .store import Position, Store


class GapError(Exception):
    """A line came whose number is `n`, where a lower one of its boot was expected."""

    def __init__(self, boot: str, n: int) -> None:
        super().__init__(boot, n)
        self.boot, self.n = boot, n


class _Boot:
    __slots__ = ("bound", "cutter", "first_n", "forked", "last_n", "since", "skips")

    def __init__(self, boot: str, position: Position) -> None:
        self.cutter = Cutter(boot, position.next_n, position.tip)
        # The store has lines up to `bound`. Of these the gate has up to `last_n`, as far as files
        # were read. Where it has none they were deleted for their age, but for those from `first_n`
        # on, if that is not 0.
        self.bound = position.next_n - 1
        self.last_n = self.first_n = 0
        # Its lines are others than the store has.
        self.forked = False
        # Lines before the next segment are gone.
        self.skips = False
        self.since: float | None = None  # when the first line came that is not sent

    def note(self, n: int) -> None:
        """Note that the gate has this line."""
        if self.last_n < n <= self.bound:
            self.last_n = n


class Boots:
    """Take lines in the order of their numbers, and send them. All methods raise `StoreError`."""

    def __init__(
        self,
        store: Store,
        log: structlog.BoundLogger,
        found: set[tuple[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._log, self._clock = store, log, clock
        # What should not be, by kind and boot: who owns the set outlives this connection.
        self._found = found
        self._boots: dict[str, _Boot] = {}
        self._sending = Sending()
        self._on_its_way: Cut | None = None
        # How many lines were taken that were not before, and how many were sent.
        self.taken = self.lines = 0
        # Told of each line that says that an item is kept no more, also where it was sent before.
        self.on_released: Callable[[Record], None] = lambda _: None

    @property
    def behind(self) -> int:
        """How many bytes of lines were taken and are not sent."""
        waiting = sum(boot.cutter.size for boot in self._boots.values())
        return waiting + (self._on_its_way.size if self._on_its_way is not None else 0)

    @property
    def since(self) -> float | None:
        """When the oldest of these was written, in seconds since 1970."""
        began = [boot.cutter.began for boot in self._boots.values() if boot.cutter.size]
        if self._on_its_way is not None:
            began.append(self._on_its_way.began)
        return min(began, default=None)

    def has(self, name: str, n: int, tip: str) -> bool:
        """Tell whether the line with this number and digest was taken, or another after it."""
        boot = self._find(name)
        boot.note(n)
        next_n = boot.cutter.n
        return n < next_n - 1 or (n == next_n - 1 and tip == boot.cutter.tip)

    def take_next(self, raw: bytes, record: Record) -> bool:
        """Take a line that follows the last one of its boot, as nearly each does; False where it is
        another. Neither needs a look at what it names: it names what is known.
        """
        name, n = record.get("boot"), record.get("n")
        boot = self._boots.get(name) if type(name) is str else None
        if boot is None or type(n) is not int:
            return False
        cutter = boot.cutter
        if n != cutter.n or not cutter.tip or record.get("prev") != cutter.tip:
            return False
        self._note_release(record)
        self._add(boot, raw, record)
        return True

    def take(self, raw: bytes, record: Record, place: Place, *, may_skip: str = "") -> None:
        """Take the line at a place; one that was taken before changes nothing.

        Raises `GapError` where lines before it are missing, unless it is of the boot `may_skip`.
        """
        self._note_release(record)
        name, n, prev = place
        boot = self._find(name)
        cutter = boot.cutter
        if n > cutter.n and not boot.forked and name != may_skip:
            raise GapError(name, n)
        boot.note(n)
        if n < cutter.n:
            if n < cutter.n - 1 or cutter.tip == digest_of(raw):
                return
            self._fork(boot, n, prev)
        elif n > cutter.n:
            self._send(boot)
            if cutter.n > 1 and not boot.forked:
                self._tell("ship.lost", name, first_n=cutter.n, last_n=n - 1)
            boot.skips = True
            boot.cutter = Cutter(name, n, prev)
        elif cutter.tip and prev != cutter.tip:
            self._fork(boot, n, prev)
        self._add(boot, raw, record)

    def _note_release(self, record: Record) -> None:
        if record["event"] == "released":
            self.on_released(record)

    def _add(self, boot: _Boot, raw: bytes, record: Record) -> None:
        boot.cutter.add(raw, record)
        self.taken += 1
        if boot.since is None:
            boot.since = self._clock()
        if boot.cutter.size >= MOST_BYTES:
            self._send(boot)

    def send_due(self) -> None:
        """Send what has waited for long enough."""
        now = self._clock()
        due = [
            b for b in self._boots.values() if b.since is not None and now - b.since >= MOST_SECONDS
        ]
        for boot in due:
            self._send(boot)
        if due:
            self.settle()

    def flush(self) -> None:
        """Send all that was taken."""
        for boot in self._boots.values():
            self._send(boot)
        self.settle()

    def settle(self) -> None:
        """Wait until what is on its way is sent."""
        self._sending.settle()
        self._on_its_way = None

    def close(self) -> None:
        """Send no more; what is on its way is given up."""
        if self._sending.is_under_way:
            self._store.break_off()
            with suppress(StoreError):
                self._sending.settle()
        self._sending.close()

    def recount(self, firsts: Mapping[str, int], *, is_cut: bool) -> None:
        """Begin to note anew which lines the gate has of these boots: a file that held them, each
        from its first line on, is another now. One that was not cut may have been deleted whole, as
        old ones are.
        """
        self.flush()
        for name, first_n in firsts.items():
            boot = self._find(name)
            if not boot.forked:
                boot.bound = boot.cutter.n - 1
                boot.last_n, boot.first_n = 0, first_n if is_cut else 0

    def tell_cuts(self) -> None:
        """Tell of boots whose last lines were sent once, and did not come again."""
        self.settle()
        for name, boot in self._boots.items():
            if boot.last_n < boot.bound and (boot.last_n or boot.first_n):
                first_n = max(boot.last_n + 1, boot.first_n)
                self._tell("ship.cut", name, first_n=first_n)
                self._store.tell_cut(name, first_n)
                boot.bound = 0

    def _find(self, name: str) -> _Boot:
        boot = self._boots.get(name)
        if boot is None:
            boot = self._boots[name] = _Boot(name, self._store.position(name))
        return boot

    def _fork(self, boot: _Boot, n: int, prev: str) -> None:
        """From here on its lines are others than the store has."""
        self._send(boot)
        if not boot.forked:
            self._tell("ship.fork", boot.cutter.boot, n=n)
        boot.forked = True
        boot.cutter = Cutter(boot.cutter.boot, n, prev)

    def _tell(self, event: str, boot: str, **where: int) -> None:
        self._found.add((event.removeprefix("ship."), boot))
        self._log.error(event, boot=boot, **where)

    def _send(self, boot: _Boot) -> None:
        """Begin to send what was taken of a boot."""
        boot.since = None
        cut = boot.cutter.cut()
        if cut is None:
            return
        self.settle()
        self._on_its_way = cut
        self._sending.begin(partial(self._put, cut, is_fork=boot.forked, is_first=boot.skips))
        boot.skips = False

    def _put(self, cut: Cut, *, is_fork: bool, is_first: bool) -> None:
        segment = cut.pack()
        if is_fork:
            if not self._store.put_fork(segment):
                self._log.error("ship.fork_not_kept", boot=segment.boot, first_n=segment.first_n)
        elif not self._store.put(segment, is_first=is_first):
            raise StoreError("another shipper sends lines of this gate")
        self.lines += segment.lines
