"""Keeping, off the event loop: threads store what is refused, and its answer waits for that."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from hookgate.settings import QuarantineSettings

from .claims import Claim
from .encryption import parse_recipients
from .entry import Swept, Usage
from .error import NotKept, StoreError
from .item import Item
from .releases import Releases
from .store import Store
from .threads import Threads, call_in

__all__ = ["Keeper", "Kept", "NotKept"]

# A sender is answered well before it gives up, whatever the disk does.
KEEP_SECONDS = 2.0
# An item waits for three syncs, and a disk makes those of several at once: on a busy one [measured]
# four threads kept 400 items a second, and one 75.
THREADS = 4
MOST_ITEMS = 256
MOST_BYTES = 32 << 20
# A look through the whole store takes so long: a few folders each second.
LOOK_SECONDS = 60
_CLOSE_SECONDS = 3.0


class Kept(NamedTuple):
    """What became of a body: the SHA-256 of its file in hex, or a `refusal` that says why not.

    It has no `status`, as an endpoint's answer has.
    """

    sha256: str
    refusal: str
    status: int = 0


@dataclass(slots=True, eq=False)
class _Job:
    item: Item
    record: dict[str, Any]
    done: Callable[[Kept], None]
    timer: asyncio.TimerHandle | None = None
    ended: bool = False


class Keeper:
    """Keep bodies on threads of its own. Make it inside the event loop.

    `release(claim)` is called in the loop; it writes that an item is kept no more, and says
    whether it could. `usage` is as of the last look, None before the first; `available` says
    whether the store can be used, as far as is known. `kept`, `not_kept` by word and `released` by
    cause are counts. Raises `QuarantineKeyError` for recipients that nothing can be encrypted to.
    """

    def __init__(
        self,
        settings: QuarantineSettings,
        log: structlog.BoundLogger,
        release: Callable[[Claim], bool],
    ) -> None:
        self.kept = 0
        self.not_kept: Counter[str] = Counter()
        self.released: Counter[str] = Counter()
        self.usage: Usage | None = None
        self.available = True
        self._is_full = False
        self._log = log.bind(path=settings.path)
        self._store = Store(
            Path(settings.path),
            parse_recipients(settings.recipients),
            max_items=settings.max_items,
            max_bytes=settings.max_bytes,
            max_age=settings.max_age,
        )
        self._loop = asyncio.get_running_loop()
        self._threads = Threads("quarantine", THREADS)
        self._is_closing = False
        self._is_begun = threading.Event()  # the first look has ended, well or not
        self._is_idle = asyncio.Event()  # once it is closing
        self._waiting = 0
        self._waiting_bytes = 0
        self._second = 0
        self._is_looking = False
        self._releases = Releases(self._store, self._loop, release, self.released, self._note_fault)
        self._look(partial(self._store.open, create=True))

    def keep(self, item: Item, record: dict[str, Any], done: Callable[[Kept], None]) -> None:
        """Keep an item beside a copy of its `delivery`; `done` is called in the loop, once, later,
        after two seconds at the latest.
        """
        job = _Job(item, record.copy(), done)
        if self._waiting >= MOST_ITEMS or (
            self._waiting and self._waiting_bytes + len(item.body) > MOST_BYTES
        ):
            self._loop.call_soon(self._end, job, Kept("", NotKept.BUSY))
        elif self._is_closing or not self._threads.submit(partial(self._store_item, job)):
            self._loop.call_soon(self._end, job, Kept("", NotKept.UNAVAILABLE))
        else:
            self._waiting += 1
            self._waiting_bytes += len(item.body)
            late = Kept("", NotKept.TOO_SLOW)
            job.timer = self._loop.call_later(KEEP_SECONDS, self._end, job, late)

    def tick(self) -> None:
        """Look through some of the store, on a thread; called once a second, in the loop."""
        self._second += 1
        if self._is_looking or self._is_closing:
            return
        second = self._second % LOOK_SECONDS
        if self.available:
            numbers = range(second * 256 // LOOK_SECONDS, (second + 1) * 256 // LOOK_SECONDS)
            self._look(partial(self._store.sweep, numbers))
        elif not second:
            self._look(self._store.open)

    async def close(self) -> None:
        """Wait for what was begun, three seconds at most, and end the threads. Once is enough."""
        if self._is_closing:
            return
        self._is_closing = True
        self._note_idle()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_idle.wait(), _CLOSE_SECONDS)
        self._threads.end()

    # On a thread.

    def _store_item(self, job: _Job) -> None:
        kept, error = Kept("", NotKept.TOO_SLOW), None
        self._is_begun.wait(KEEP_SECONDS)
        if not job.ended:
            try:
                kept = Kept(self._store.keep(job.item, job.record, lambda: not job.ended), "")
            except StoreError as raised:
                kept, error = Kept("", raised.word), raised
            except Exception as raised:  # noqa: BLE001  # the thread goes on
                self._note_fault("keep", raised)
                kept = Kept("", NotKept.UNAVAILABLE)
        call_in(self._loop, self._stored, job, kept, error)

    def _look_now(self, look: Callable[[], Swept]) -> None:
        swept, error = None, None
        try:
            swept = look()
            self._releases.release_some(swept)
        except StoreError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001  # the thread goes on
            self._note_fault("look", raised)
        self._is_begun.set()
        call_in(self._loop, self._looked, swept, error)

    # In the loop.

    def _look(self, look: Callable[[], Swept]) -> None:
        self._is_looking = self._threads.submit(partial(self._look_now, look))

    def _looked(self, swept: Swept | None, error: StoreError | None) -> None:
        self._is_looking = False
        if swept is not None:
            self.usage = swept.usage
        if swept is not None or error is not None:
            self._note(error)
        self._note_idle()

    def _stored(self, job: _Job, kept: Kept, error: StoreError | None) -> None:
        self._waiting -= 1
        self._waiting_bytes -= len(job.item.body)
        if kept.sha256:
            self._is_full = False
        if kept.sha256 or error is not None:
            self._note(error)
        self._end(job, kept)
        self._note_idle()

    def _note_idle(self) -> None:
        if self._is_closing and not self._waiting and not self._is_looking:
            self._is_idle.set()

    def _end(self, job: _Job, kept: Kept) -> None:
        if job.ended:
            return
        job.ended = True
        if job.timer is not None:
            job.timer.cancel()
        if kept.sha256:
            self.kept += 1
        else:
            self.not_kept[kept.refusal] += 1
        try:
            job.done(kept)
        except Exception as error:  # noqa: BLE001  # the others of this turn get their answers
            self._note_fault("done", error)

    def _note(self, error: StoreError | None) -> None:
        """Log what has changed: that the store is full, cannot be used, or can be again."""
        unavailable = error is not None and error.word is NotKept.UNAVAILABLE
        if unavailable and self.available:
            self._log.error("quarantine.unavailable", error=str(error))
        elif not unavailable and not self.available:
            self._log.info("quarantine.recovered")
        self.available = not unavailable
        if error is not None and error.word is NotKept.FULL and not self._is_full:
            self._is_full = True
            self._log.error("quarantine.full", error=str(error))

    def _note_fault(self, where: str, error: Exception) -> None:
        self._log.error("quarantine.fault", where=where, error=type(error).__name__)
