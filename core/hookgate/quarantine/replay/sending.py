"""Sending items again: each recorded, judged and sent by the gate's own way, as a front would."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Protocol

from hookgate.gate.answer import DELIVERED, Answer
from hookgate.gate.closing import end_faulted
from hookgate.gate.delivery import Delivery
from hookgate.gate.gate import Gate
from hookgate.ledger.audit.fate import UNCERTAIN
from hookgate.policy import Reason
from hookgate.quarantine.encryption import Identities
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.error import StoreError
from hookgate.quarantine.items import Items

from .items import DamagedError, Opened, open_item
from .plan import Planned, Verdict
from .session import Leaving, Releases, screen

# So many failures in a row are the endpoint's, not the events'.
MOST_FAILURES = 5
# Items that are read ahead, and those that are released together at most: a sync each.
_AHEAD = 32
_TOGETHER = 128
_CHANGED, _CLAIMED = "changed", "claimed"
_GIVEN_BACK = ""
# RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4: later it may take what it refuses.
_OF_ITS_LOAD = (408, 425, 429)
_CANNOT = {
    Reason.AUDIT_UNAVAILABLE.code: "the ledger cannot be written",
    Reason.GATE_ERROR.code: "a fault in hookgate; its log says where",
}


class Booking(Protocol):
    """What keeps others from sending what is sent here; both raise `StoreError`."""

    def begin(self, entry: Entry) -> str:
        """Claim an item to send it; returns a word that says why that cannot be, or ""."""
        ...

    def give_back(self, entry: Entry) -> None:
        """End a claim: what was sent has not arrived."""
        ...


class Sending:
    """Send what is planned, in its order, and release what is delivered.

    `told` is what each line says beside the first request_id: `actor` and `why`. At most `rate`
    begin in a second, 0 for no bound, and one at a time until the first was delivered. `booking` is
    for items that others may send too. `ends` counts by reason code how they ended, `changed` what
    is no more as it was planned, and `claimed` what others send or have sent; `on_end` is told of
    each. `stopped` says in words why not all was sent.
    """

    def __init__(
        self,
        gate: Gate,
        store: Items,
        identities: Identities,
        told: dict[str, str],
        *,
        rate: float,
        booking: Booking | None = None,
        on_end: Callable[[Planned, str], None] = lambda *_: None,
    ) -> None:
        self.ends: Counter[str] = Counter()
        self.stopped = ""
        self.releases = Releases(store, gate, told)
        self._gate = gate
        self._store = store
        self._identities = identities
        self._told = told
        self._booking = booking
        self._pause = 1 / rate if rate else 0.0
        self._next = 0.0
        self._on_end = on_end
        self._failures = 0
        self._under_way = 0
        self._ended = asyncio.Event()
        self._stopping = asyncio.Event()
        self._leaving: asyncio.Queue[Leaving | None] = asyncio.Queue()

    def stop(self, why: str) -> None:
        """Begin no more; what is under way runs to its end."""
        self.stopped = self.stopped or why
        self._stopping.set()

    async def run(self, planned: Sequence[Planned]) -> None:
        """Send and release; returns once nothing is under way."""
        releasing = asyncio.create_task(self._release())
        async for one, item in self._read_ahead(planned):
            if self.stopped:
                break
            if one.verdict is Verdict.DELIVERED:
                self._leaving.put_nowait(Leaving(one.entry, "delivered", one.kept))
            elif one.verdict is Verdict.SEND and await self._may_begin():
                if item is None:
                    self._note(one, _CHANGED)
                elif await self._is_booked(one):
                    self._send(one, item)
        while self._under_way:
            await self._next_end()
        self._leaving.put_nowait(None)
        await releasing

    async def _read_ahead(
        self, planned: Sequence[Planned]
    ) -> AsyncIterator[tuple[Planned, Opened | None]]:
        opening: asyncio.Task[list[Opened | None]] | None = None
        batch: Sequence[Planned] = ()
        for first in range(0, len(planned) + _AHEAD, _AHEAD):
            following = planned[first : first + _AHEAD]
            opened = await opening if opening is not None else []
            opening = asyncio.create_task(asyncio.to_thread(self._open, following))
            for pair in zip(batch, opened, strict=True):
                yield pair
            batch = following

    def _open(self, batch: Sequence[Planned]) -> list[Opened | None]:
        return [self._open_one(one) if one.verdict is Verdict.SEND else None for one in batch]

    def _open_one(self, planned: Planned) -> Opened | None:
        with suppress(DamagedError):
            opened = open_item(self._store, planned.entry, self._identities)
            if opened.kept == planned.kept:
                return opened
        return None

    async def _may_begin(self) -> bool:
        """Wait for room, and for the rate; False once it is stopped."""
        if (wait := self._next - monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
        while self._under_way >= self._room:
            await self._next_end()
        self._next = max(self._next, monotonic()) + self._pause
        return not self.stopped

    @property
    def _room(self) -> int:
        is_proven = self.ends[Reason.CLEAN.code] > 0 and not self._failures
        return self._gate.config.upstream.max_connections if is_proven else 1

    async def _next_end(self) -> None:
        self._ended.clear()
        await self._ended.wait()

    async def _is_booked(self, planned: Planned) -> bool:
        """Claim what is sent next, where others may send it too."""
        if self._booking is None:
            return True
        try:
            why = await asyncio.to_thread(self._booking.begin, planned.entry)
        except StoreError as error:
            self.stop(str(error))
            return False
        if why:
            self._note(planned, _CLAIMED)
        return not why

    def _send(self, planned: Planned, opened: Opened) -> None:
        item, head = opened.item, opened.head
        delivery = self._gate.begin(head.peer, head.proxied_for)
        delivery.gone = True  # nobody waits for its answer
        delivery.replayed = {"replay_of": item.request_id, **self._told}
        self._under_way += 1

        def done(answer: Answer) -> None:
            self._under_way -= 1
            self._ended.set()
            self._end(planned, delivery, answer)

        try:
            answer = delivery.apply_screening(screen(delivery, head, item.request_id))
        except Exception as error:  # noqa: BLE001  # as what a front screens
            answer = end_faulted(delivery, "screen", error)
        if answer is None:
            delivery.deliver(item.body, done)
        else:
            done(answer)

    def _end(self, planned: Planned, delivery: Delivery, answer: Answer) -> None:
        if answer is DELIVERED:
            self._failures = 0
            self._leaving.put_nowait(Leaving(planned.entry, "replayed", planned.kept))
            self._note(planned, Reason.CLEAN.code)
            return
        code = _reason_of(delivery)
        self._note(planned, code)
        # What may have arrived stays claimed; so does what no line tells the end of.
        if self._booking is not None and code not in UNCERTAIN and code not in _CANNOT:
            self._leaving.put_nowait(Leaving(planned.entry, _GIVEN_BACK))
        if code in _CANNOT:
            self.stop(_CANNOT[code])
        elif _is_of_the_endpoint(code, answer):
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                self.stop(f"the endpoint failed {self._failures} in a row, the last by {code}")

    def _note(self, planned: Planned, code: str) -> None:
        self.ends[code] += 1
        self._on_end(planned, code)

    async def _release(self) -> None:
        while (first := await self._leaving.get()) is not None:
            leaving = [first]
            while len(leaving) < _TOGETHER and not self._leaving.empty():
                more = self._leaving.get_nowait()
                if more is None:
                    self._leaving.put_nowait(None)
                    break
                leaving.append(more)
            for one in leaving:
                if self._booking is not None and one.cause == _GIVEN_BACK:
                    with suppress(StoreError):  # it stays claimed, and so unknown
                        await asyncio.to_thread(self._booking.give_back, one.entry)
            await self.releases.release([one for one in leaving if one.cause != _GIVEN_BACK])


def _reason_of(delivery: Delivery) -> str:
    code = delivery.record.get("reason") if delivery.record is not None else None
    if code is None and delivery.decision is not None and delivery.decision.finding is not None:
        code = delivery.decision.finding.reason.code
    return code or Reason.GATE_ERROR.code


def _is_of_the_endpoint(code: str, answer: Answer) -> bool:
    """Whether it may be none of the event's doing: most 4xx may."""
    if code == Reason.UPSTREAM_REJECTED.code:
        return not 400 <= answer.status < 500 or answer.status in _OF_ITS_LOAD
    return code.startswith("upstream_")
