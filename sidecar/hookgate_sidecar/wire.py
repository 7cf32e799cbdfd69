"""A connection's transport, and the ways in which it comes to its end."""

import asyncio
from collections.abc import Callable

from .state import CLOSED, CLOSING, LINGERING, OPEN

# A sender that is refused while it still sends must see the answer, not a reset: what comes is
# read and dropped up to this much, for this long.
LINGER_BYTES = 8 * 1024 * 1024
LINGER_SECONDS = 2.0
# A request that was on its way when the drain began is still taken within this time.
LAST_CALL_SECONDS = 0.25
# What was written goes to the kernel at the end of the loop's turn.
_FLUSH_SECONDS = 0.001


class Wire:
    """Hold a transport, pause its reading, and close it, by the connection's `state`.

    `backlogged` says that nothing is read until an answer is written. The `transport` is there
    until it is lost; what is asked for after that is not done.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, tls: bool
    ) -> None:
        self.state = OPEN
        self.tls = tls
        self.transport = transport
        self.backlogged = False
        self._yielding = False
        self._loop = loop
        self._dropped = 0

    def advance(self, state: int) -> None:
        """Go to a state; to one that lies behind it stays where it is."""
        if state > self.state:
            self.state = state

    def lose(self) -> None:
        """Let go of the transport, which is gone."""
        self.state = CLOSED
        del self.transport  # under TLS it refers to its protocol

    @property
    def unsent(self) -> int:
        """How many bytes of answers the kernel has not taken yet."""
        return 0 if self.state == CLOSED else self.transport.get_write_buffer_size()

    def time_limit(self, keep_alive: float) -> float:
        """How many seconds the end may take; who reads slowly gets the rest of the answer."""
        flushing = self.unsent and self.transport.is_closing()
        return keep_alive if flushing else LINGER_SECONDS

    def hold_back(self, backlogged: bool) -> None:
        """Read nothing more while answers are owed, or read on."""
        self.backlogged = backlogged
        if not self._yielding:  # else it is paused until it reads on
            self._pause(backlogged)

    def yield_turn(self, read_on: Callable[[], None]) -> None:
        """Let others have their turn, then `read_on`."""
        if not self._yielding:
            self._yielding = True
            if not self.backlogged:
                self._pause(True)
            self._loop.call_soon(self._end_turn, read_on)

    def _end_turn(self, read_on: Callable[[], None]) -> None:
        self._yielding = False
        if self.state < CLOSED:
            if not self.backlogged:
                self._pause(False)
            read_on()

    def _pause(self, paused: bool) -> None:
        (self.transport.pause_reading if paused else self.transport.resume_reading)()

    def drop(self, data: bytes) -> None:
        """Throw away what came after the last answer, and abort where that is too much."""
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES:
            self.abort()

    def linger(self) -> None:
        """End our side, and read what is on its way: unread it would reset the answer."""
        if self.state >= CLOSING:
            return
        self.state = LINGERING
        if self.backlogged:
            self.hold_back(False)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def close(self) -> None:
        """Send what is written, then close."""
        if self.state < CLOSED:
            self.state = CLOSING
            self.transport.close()

    def close_at_once(self) -> None:
        """Send what is written, and wait for nothing: the place is not its own any more."""
        self.close()
        if self.tls:  # else it would wait until the peer ends TLS too
            self._loop.call_later(_FLUSH_SECONDS, self.abort)

    def abort(self) -> None:
        """Close, whatever is not sent."""
        if self.state < CLOSED:
            self.transport.abort()
