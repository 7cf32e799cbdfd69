"""A browser's connection: uvicorn's, with bounds on how many there are and on how long each waits.

uvicorn bounds neither the time in which a request comes nor a reader that stops reading.
"""

import asyncio
from collections.abc import Iterable
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 32
# Seconds: for a whole request to come, and for a reader to take what was written.
REQUEST_SECONDS = 5.0
STALL_SECONDS = 5.0
# Bytes of a head.
LONGEST_HEAD = 16 << 10


class Connection(H11Protocol):
    """One connection. A new one is always let in: of those that wait for a request, or for their
    reader, the one that began longest ago makes room.
    """

    _began = 0.0
    _request_deadline: asyncio.TimerHandle | None = None
    _stall_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a place, and wait for a request."""
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > MOST_CONNECTIONS:
            others = cast("Iterable[Connection]", self.connections)
            idle = [other for other in others if other.is_idle and other is not self]
            min(idle, key=lambda other: other.began, default=self).transport.abort()

    @property
    def is_waiting(self) -> bool:
        """Whether no whole request has come that is still to be answered."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request, or for its reader to take what was written."""
        return self.is_waiting or self._stall_deadline is not None

    @property
    def began(self) -> float:
        """When it began to wait, by the loop's clock."""
        return self._began

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        _cancel(self._request_deadline, self._stall_deadline)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Stop the clock of a request that has come whole."""
        super().handle_events()
        if not self.is_waiting:
            _cancel(self._request_deadline)

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it is here."""
        super().on_response_complete()
        if self.is_waiting and not self.transport.is_closing():
            self._await_request()

    def pause_writing(self) -> None:
        """Cut off a reader that does not read on in time."""
        super().pause_writing()
        self._stall_deadline = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on with a reader that reads again."""
        _cancel(self._stall_deadline)
        self._stall_deadline = None
        super().resume_writing()

    def _await_request(self) -> None:
        _cancel(self._request_deadline)
        self._began = self.loop.time()
        self._request_deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)


def _cancel(*deadlines: asyncio.TimerHandle | None) -> None:
    for deadline in deadlines:
        if deadline is not None:
            deadline.cancel()
