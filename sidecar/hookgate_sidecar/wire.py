"""A connection's transport, and the ways in which it comes to its end."""

import asyncio
from collections.abc import Callable

from .state import CLOSED, CLOSING, LINGERING, OPEN, State

# A sender that is refused while it still sends must see the answer, not a reset: what comes is
# read and dropped up to this much, for this long.
LINGER_BYTES = 8 * 1024 * 1024
LINGER_SECONDS = 2.0
# What was written goes to the kernel at the end of the loop's turn.
_FLUSH_SECONDS = 0.001

# Why nothing is read: answers are owed, or others have their turn.
BACKLOG, TURN = 1, 2


class Wire:
    """Write to a transport, pause its reading, and close it, by the connection's `state`.

    `paused_for` holds why its reading is paused: `BACKLOG`, `TURN`, both or 0. Nothing is done to a
    transport that is gone.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, tls: bool
    ) -> None:
        self.state: State = OPEN
        self.tls = tls
        self.paused_for = 0
        self._transport = transport
        self._loop = loop
        self._dropped = 0

    def advance(self, state: State) -> None:
        """Go to a state; to one that lies behind it stays where it is."""
        if state > self.state:
            self.state = state

    def lose(self) -> None:
        """Let go of the transport, which is gone."""
        self.state = CLOSED
        del self._transport  # under TLS it refers to its protocol

    @property
    def unsent(self) -> int:
        """How many bytes of answers the kernel has not taken yet."""
        return 0 if self.state is CLOSED else self._transport.get_write_buffer_size()

    def time_limit(self, keep_alive: float) -> float:
        """How many seconds the end may take; who reads slowly gets the rest of the answer."""
        flushing = self.unsent and self._transport.is_closing()
        return keep_alive if flushing else LINGER_SECONDS

    def write(self, data: bytes) -> None:
        """Send, after what was written before."""
        if self.state < CLOSED:
            self._transport.write(data)

    def pause(self, reason: int) -> None:
        """Read nothing, for as long as there is a reason."""
        if not self.paused_for:
            self._transport.pause_reading()
        self.paused_for |= reason

    def resume(self, reason: int) -> None:
        """Read on, unless there is another reason."""
        if self.paused_for == reason:
            self._transport.resume_reading()
        self.paused_for &= ~reason

    def yield_turn(self, read_on: Callable[[], None]) -> None:
        """Let others have their turn, then `read_on`."""
        if not self.paused_for & TURN:
            self.pause(TURN)
            self._loop.call_soon(self._end_turn, read_on)

    def _end_turn(self, read_on: Callable[[], None]) -> None:
        if self.state < CLOSED:
            self.resume(TURN)
            read_on()

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
        self.resume(BACKLOG)
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def close(self) -> None:
        """Send what is written, then close."""
        if self.state < CLOSED:
            self.state = CLOSING
            self._transport.close()

    def close_at_once(self) -> None:
        """Send what is written, and wait for nothing: the place is not its own any more."""
        self.close()
        if self.tls:  # else it would wait until the peer ends TLS too
            self._loop.call_later(_FLUSH_SECONDS, self.abort)

    def abort(self) -> None:
        """Close, whatever is not sent."""
        if self.state < CLOSED:
            self._transport.abort()
