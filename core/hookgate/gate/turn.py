"""A turn of the event loop: what came in it goes through each stage together, in this order.

1. judge: the bodies that are complete, but no more than a turn bears; the rest waits for the next.
2. conclude: what the upstream answered, and what the quarantine kept.
3. flush: the lines of both are written at once.
4. send: what was found clean goes upstream, now that its `forward` line is written.
5. respond: what has ended is answered, now that its `delivery` line is.

One delivery after the other from end to end took a sixth more: each found the processor's caches
filled by what the one before had done last.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Generic, NamedTuple, Protocol, TypeVar

from hookgate.quarantine.keeper import Kept
from hookgate.upstream.error import Failure
from hookgate.upstream.response import Response

# How many bytes of body are judged in a turn, beside the delivery that waits longest. What a byte
# may cost at worst, and so a turn, is in docs/performance.md.
MOST_BYTES = 24 * 1024
# What a delivery takes without its body, in bytes that take as long.
_OVERHEAD = 256


# What a delivery waited for: its upstream's answer, or word from the quarantine.
Result = Response | Failure | Kept


class Waiting(Protocol):
    """Who waits for a turn.

    `size` is how many bytes its body has. `ended` says that its record is made.
    """

    size: int
    ended: bool


W = TypeVar("W", bound=Waiting)


class Stages(NamedTuple, Generic[W]):
    """What is done with a delivery in each stage.

    Each of `judge` may raise: then `fail` closes it. `conclude` ends it for what its upstream
    answered or the quarantine kept, `send` is told whether its line was written, `respond` answers
    its sender. None of these four raises.
    """

    judge: Sequence[Callable[[W], None]]
    conclude: Callable[[W, Result], None]
    send: Callable[[W, bool], None]
    respond: Callable[[W], None]
    fail: Callable[[W, str, Exception], None]


class Turn(Generic[W]):
    """What waits for the end of this turn, or of a later one. Make it inside the event loop.

    `flush` writes the lines and says whether there were some and they are written; it never raises.
    `to_conclude` have what they waited for; `to_send` and `to_answer` wait for their lines. Whoever
    adds to them makes the turn end, if it is not `ending` already.
    """

    def __init__(self, stages: Stages[W], flush: Callable[[], bool]) -> None:
        self.to_send: list[W] = []
        self.to_answer: list[W] = []
        self.to_conclude: list[tuple[W, Result]] = []
        self._stages = stages
        self._flush = flush
        self._loop = asyncio.get_running_loop()
        self.ending = False
        self._arrived: list[W] = []
        self._bytes = 0  # of those
        # What earlier turns left, by order of arrival; by size also some that are gone from there.
        self._number = 0
        self._waiting: dict[int, W] = {}
        self._by_size: list[tuple[int, int]] = []

    def judge(self, delivery: W) -> None:
        """Have a delivery judged whose body is complete, in this turn or a later one."""
        self._arrived.append(delivery)
        self._bytes += delivery.size
        if not self.ending:
            self.end_soon()

    def end_soon(self) -> None:
        """End this turn, which is not `ending` yet, when the loop has read what came."""
        self.ending = True
        self._loop.call_soon(self.end)

    def end(self) -> None:
        """Take what waits through each stage."""
        self.ending = False
        _, conclude, send, respond, _ = self._stages
        if self._arrived or self._waiting:
            self._judge(self._take())
        to_conclude, self.to_conclude = self.to_conclude, []
        for delivery, result in to_conclude:
            conclude(delivery, result)
        to_send, self.to_send = self.to_send, []
        to_answer, self.to_answer = self.to_answer, []
        written = self._flush()
        for delivery in to_send:
            send(delivery, written)
        for delivery in to_answer:
            respond(delivery)
        if self._waiting and not self.ending:
            self.end_soon()  # after sockets were read

    def _judge(self, deliveries: list[W]) -> None:
        judge, _, _, respond, fail = self._stages
        for delivery in deliveries:
            if delivery.ended:  # the sender left, or the front gave up
                respond(delivery)
        for stage in judge:
            for delivery in deliveries:
                if delivery.ended:
                    continue
                try:
                    stage(delivery)
                except Exception as error:  # noqa: BLE001  # fails closed
                    fail(delivery, "deliver", error)

    def end_all(self) -> None:
        """End turns until nothing waits to be judged."""
        self.end()
        while self._arrived or self._waiting:
            self.end()

    def _take(self) -> list[W]:
        """What is judged in this turn, in order of arrival.

        Where it would be too much: whoever waits longest, and the smallest. So an event waits for
        none that is larger, and the largest for no more turns than others were before it.
        """
        arrived, self._arrived = self._arrived, []
        size, self._bytes = self._bytes, 0
        if not self._waiting and size + len(arrived) * _OVERHEAD <= MOST_BYTES:
            return arrived
        for delivery in arrived:
            self._number += 1
            self._waiting[self._number] = delivery
            heappush(self._by_size, (delivery.size, self._number))
        taken = dict(self._take_oldest())
        taken.update(self._take_smallest())
        if len(self._by_size) > 2 * len(self._waiting):  # the oldest are in it still
            self._by_size = [(d.size, number) for number, d in self._waiting.items()]
            heapify(self._by_size)
        return [taken[number] for number in sorted(taken)]

    def _take_oldest(self) -> Iterator[tuple[int, W]]:
        while self._waiting:
            number = next(iter(self._waiting))
            delivery = self._waiting.pop(number)
            yield number, delivery
            if not delivery.ended:
                return

    def _take_smallest(self) -> Iterator[tuple[int, W]]:
        room = MOST_BYTES
        while self._by_size:
            size, number = self._by_size[0]
            delivery = self._waiting.get(number)
            if delivery is not None and not delivery.ended:
                room -= size + _OVERHEAD
                if room < 0:
                    return
            heappop(self._by_size)
            if delivery is not None:
                del self._waiting[number]
                yield number, delivery
