"""Exchanges with the gate, each of which ends early where its sender leaves."""

import asyncio

from mitmproxy.connection import Client

from hookgate.gate.answer import Answer
from hookgate.gate.delivery import Delivery

# Between two looks whether the senders are still there: mitmproxy tells no addon before the request
# hook has returned.
_WATCH_SECONDS = 0.05


class Exchanges:
    """The exchanges under way, and the watch over their senders."""

    def __init__(self) -> None:
        self._senders: dict[Delivery, Client] = {}
        self._watch: asyncio.TimerHandle | None = None

    async def run(self, delivery: Delivery, sender: Client, body: bytes) -> Answer:
        """Deliver a body and return the answer; tell the delivery if its sender leaves before."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()
        self._senders[delivery] = sender
        if self._watch is None:
            self._watch = loop.call_later(_WATCH_SECONDS, self._watch_senders)
        try:
            delivery.deliver(body, answered.set_result)
            return await answered
        finally:
            del self._senders[delivery]

    def _watch_senders(self) -> None:
        for delivery, sender in tuple(self._senders.items()):
            if not sender.connected:
                delivery.leave()
        loop = asyncio.get_running_loop()
        self._watch = (
            loop.call_later(_WATCH_SECONDS, self._watch_senders) if self._senders else None
        )
