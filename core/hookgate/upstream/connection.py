"""One HTTP exchange after another on a connection to the upstream.

Callbacks rather than coroutines: an exchange costs no task, no future and no object on its way. It
runs on uvloop and on plain asyncio. Errors of sockets, TLS and the parser become `Failure`s here
and in the pool, nowhere else.
"""

import asyncio
import select
from math import inf
from typing import Protocol

from hookgate.bounded_cache import BoundedCache
from hookgate.policy import Reason

from .dial import failure
from .error import Failure, UpstreamError
from .response import AnswerTooLargeError, InvalidResponseError, Response, ResponseReader

_LONGEST_KNOWN = 1024
_NEVER = inf
_TLS_ALERT = b"\x15\x03"  # RFC 8446 5.1: what a TLS server says to bytes that are none

_TOO_EARLY = Failure(Reason.UPSTREAM_INVALID, UpstreamError.TOO_EARLY)


class ResponseHandler(Protocol):
    """Who sends a request. `relays` says that a 2xx is wanted with its body, and so whole."""

    relays: bool

    def on_response(self, result: Response | Failure, /) -> None:
        """Take what came of it; called exactly once."""


class Pool(Protocol):
    """What a connection knows of its pool.

    `known` holds whole answers after which a connection stayed open, and what they meant to who
    wants no body.
    """

    known: BoundedCache[bytes, Response]

    def gained(self, connection: "UpstreamConnection", /) -> None:
        """Note that a connection is made."""

    def release(self, connection: "UpstreamConnection", /) -> None:
        """Take a connection back, for its next exchange."""

    def lost(self, connection: "UpstreamConnection", /) -> None:
        """Note that a connection is gone."""


class UpstreamConnection(asyncio.Protocol):
    """One connection to the upstream.

    HTTP/1.1 does not say which request an answer is for: it is for the one that was sent last, and
    a stale one would be taken for it. So what had come before a request is sent costs the
    connection, and a 2xx that comes before the whole request left is none. What comes later, and
    what waits in TLS as half a record, cannot be told apart.

    `deadline` is that of the exchange under way, infinite between two. `attempt` was to make a
    connection for it and may still be at that. `idle_since`, `aging` and `outlived` (it is too
    old for another exchange) are the pool's. `error` is what it ended with.
    """

    def __init__(self, pool: Pool, max_response: int) -> None:
        self.deadline = _NEVER
        self.attempt: asyncio.Task[None] | None = None
        self.idle_since = 0.0
        self.aging: asyncio.TimerHandle | None = None
        self.outlived = False
        self.error: BaseException | None = None
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._readable = select.poll()
        self._writable: select.poll | None = None  # for TLS
        self._used = False
        self._spoke = False
        self._handler: ResponseHandler | None = None
        self._closed = False
        self._reader = ResponseReader(max_response)
        self._parses = False  # whether the reader has, or must have, a part of the answer

    def is_usable(self) -> bool:
        """Tell whether another exchange may begin: it is open, and nothing waits to be read."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        # What has arrived, the event loop would tell only in its next turn; 0.6 us. TLS has tickets
        # of its own to read before the first answer.
        return not self._readable.poll(0) or not (self._used or self._writable is None)

    def failure_unused(self) -> Failure:
        """Tell why it was not usable as soon as it was made; nothing was sent on it."""
        seen = 0
        if self._transport is not None and not self._transport.is_closing():
            seen = sum(events for _, events in self._readable.poll(0))
        elif not self._spoke:
            return failure(Reason.UPSTREAM_UNREACHABLE, self.error)
        if seen & select.POLLERR:
            error = UpstreamError.RESET
        elif seen & select.POLLRDHUP:
            error = UpstreamError.CLOSED_EARLY
        else:  # it speaks before it is asked, as for SSH and SMTP
            error = UpstreamError.NOT_HTTP
        return Failure(Reason.UPSTREAM_UNREACHABLE, error)

    def _has_unsent(self, transport: asyncio.Transport) -> bool:
        """Tell whether a part of the request is still to leave; TLS may hold back more."""
        if transport.get_write_buffer_size():
            return True
        return self._writable is not None and not self._writable.poll(0)

    def begin(self, request: bytes, handler: ResponseHandler, deadline: float) -> None:
        """Send a request; `handler.on_response` is called exactly once.

        `deadline` is a time of the loop: the pool ends what goes on after it.
        """
        assert self._transport is not None  # noqa: S101  # the pool holds connected ones only
        if self._parses:
            self._reader.reset()
        self._reader.to_head = to_head = request.startswith(b"HEAD ")
        self._reader.wanted = relays = handler.relays
        # What is known is known of other methods, and lacks the body.
        self._parses = to_head or relays
        self._used = True
        self._handler = handler
        self.deadline = deadline
        self._transport.write(request)

    def end(self, result: Response | Failure) -> None:
        """Drop the connection and tell what came of the exchange under way, if one is."""
        self.close()
        reader = self._reader
        took = reader.wanted and reader.head_complete and reader.status < 300
        if took and isinstance(result, Failure) and result is not _TOO_EARLY:
            result = result._replace(status=reader.status)
        self._end_exchange(result)

    def close(self) -> None:
        """Drop the connection, even if it is still to be made."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def _end_exchange(self, result: Response | Failure) -> None:
        self.deadline = _NEVER
        if self.attempt is not None:
            self.attempt.cancel()
            self.attempt = None
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.on_response(result)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP or TLS transport
        connected = transport.get_extra_info("socket")
        self._readable.register(connected, select.POLLIN | select.POLLRDHUP)
        if transport.get_extra_info("ssl_object") is not None:
            self._writable = select.poll()
            self._writable.register(connected, select.POLLOUT)
        self._pool.gained(self)
        if self._closed:
            self.close()

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if self.deadline == _NEVER or transport is None:
            self._spoke = True
            self.close()  # an answer that nobody asked for
            return
        whole = not self._parses
        if whole and (known := self._pool.known.get(data)) is not None:
            self._complete(transport, known, keep_alive=True)
            return
        self._parses, reader = True, self._reader
        rest = False
        broken: UpstreamError | None = None
        begins = not reader.begun
        try:
            rest = not reader.feed(data)
        except AnswerTooLargeError:
            broken = UpstreamError.TOO_LARGE
        except InvalidResponseError:
            is_alert = begins and data.startswith(_TLS_ALERT)
            broken = UpstreamError.TLS_NONE if is_alert else UpstreamError.NOT_HTTP
        delivered = reader.head_complete and reader.status < 300
        if delivered and self._has_unsent(transport):
            self.end(_TOO_EARLY)
            return
        if delivered and not reader.wanted:
            # The head decides. The rest is read for the connection's sake, under the same deadline.
            handler, self._handler = self._handler, None
            if handler is not None:
                handler.on_response(reader.response())
        if broken is not None:
            self.end(Failure(Reason.UPSTREAM_INVALID, broken))
        elif reader.complete:
            keep_alive = reader.keep_alive and not rest
            if whole and keep_alive and delivered and len(data) <= _LONGEST_KNOWN:
                self._pool.known.remember(data, reader.response())
            self._complete(transport, reader.response(), keep_alive=keep_alive)

    def _complete(
        self, transport: asyncio.Transport, response: Response, *, keep_alive: bool
    ) -> None:
        # As `_has_unsent`, without a call for each event.
        unsent = transport.get_write_buffer_size() or (
            self._writable is not None and not self._writable.poll(0)
        )
        self._end_exchange(_TOO_EARLY if unsent and response.status < 300 else response)
        if keep_alive and not unsent:
            self._pool.release(self)
        else:
            self.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.error = exc
        if self.deadline != _NEVER:
            reader = self._reader
            # RFC 9112 8: what an error ended is not whole. Of a rejection the status counts.
            ended = reader.ends_with_connection() and (exc is None or reader.status >= 300)
            failed = failure(Reason.UPSTREAM_INVALID, exc)
            self.end(reader.response() if ended else failed)
        self._pool.lost(self)
