"""Items that leave by themselves: what is too old, and what a process had claimed that ended.

A line is synced within a second or so, and a removal may come to the disk before it. So what is
recorded in one look is dropped in the next but one: a power cut leaves no item gone without a line.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from .claims import Claim
from .entry import Swept
from .store import Store
from .threads import call_in

# Of each second: what is released leaves the disk to those who wait to be kept.
_SECONDS = 0.05
_LOOP_SECONDS = 5.0
# Each is an open file until it is dropped.
_MOST_RECORDED = 64


class Releases:
    """Claim items, have the loop record that, and drop them; on the thread that looks.

    `record(claim)` is called in the loop, and says whether it could; `counts` counts by
    cause; `note_fault` is told of what it raised.
    """

    def __init__(
        self,
        store: Store,
        loop: asyncio.AbstractEventLoop,
        record: Callable[[Claim], bool],
        counts: Counter[str],
        note_fault: Callable[[str, Exception], None],
    ) -> None:
        self._store = store
        self._loop = loop
        self._record = record
        self._counts = counts
        self._note_fault = note_fault
        self._claims: Iterator[Claim] = iter(())
        self._recorded: list[Claim] = []
        self._recorded_before: list[Claim] = []

    def release_some(self, swept: Swept) -> None:
        """Release what an earlier look found, and this one, for a moment; what is left over a later
        look finds again. Raises `StoreError`.
        """
        until = time.monotonic() + _SECONDS
        while self._recorded_before:
            self._store.drop(self._recorded_before.pop())
        self._recorded_before, self._recorded = self._recorded, []
        for claims in (self._claims, self._claim(swept)):
            self._claims = claims
            for claim in claims:
                self._release(claim)
                if time.monotonic() > until or len(self._recorded) >= _MOST_RECORDED:
                    return

    def _claim(self, swept: Swept) -> Iterator[Claim]:
        for entry in swept.claims:
            if claim := self._store.take_over(entry):
                yield claim
        for entry in swept.expired:
            if claim := self._store.claim(entry, "expired"):
                yield claim

    def _release(self, claim: Claim) -> None:
        """Have it recorded, to be dropped; else it is stale, and this is tried again."""
        written: Future[bool] = Future()
        recorded = False
        try:
            if call_in(self._loop, self._record_now, claim, written):
                with contextlib.suppress(TimeoutError):
                    written.result(_LOOP_SECONDS)
            recorded = not written.cancel() and written.result()
        finally:
            self._recorded.append(claim) if recorded else claim.close()

    def _record_now(self, claim: Claim, written: "Future[bool]") -> None:
        if not written.set_running_or_notify_cancel():
            return  # nobody waits for it any more, and it will be asked for again
        recorded = False
        try:
            recorded = self._record(claim)
        except Exception as error:  # noqa: BLE001  # the claim stays, and is tried again
            self._note_fault("release", error)
        self._counts[claim.cause] += recorded
        written.set_result(recorded)
