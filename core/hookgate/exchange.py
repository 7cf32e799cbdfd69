"""One HTTP exchange after another on a connection to the upstream.

Callbacks rather than coroutines: an exchange costs no task, no future and no object on its way. It
runs on uvloop and on plain asyncio. Errors of sockets, TLS and the parser become `Reason`s here and
nowhere else.
"""

import asyncio
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Protocol

import httptools

from .policy import Reason

if TYPE_CHECKING:
    from .upstream import Upstream

_LARGEST_HEAD = 64 * 1024
_LONGEST_KNOWN = 1024
_NEVER = inf


@dataclass(frozen=True, slots=True)
class Response:
    """An upstream's answer; a 2xx one without its body, which decides nothing."""

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes


class Caller(Protocol):
    """Who sends a request."""

    def finish(self, result: Response | Reason, /) -> None:
        """What came of it; called exactly once."""


class _StopReading(Exception):  # noqa: N818  # no error: how a parser callback ends the parsing
    """What follows is no answer to what was sent."""


class Connection(asyncio.Protocol):
    """One connection to the upstream. Parser callbacks only note; `data_received` acts.

    `deadline` is that of the exchange under way, infinite between two. `attempt` was to make a
    connection for it and may still be at that. `idle_since` is the pool's.
    """

    def __init__(self, pool: "Upstream", max_response: int) -> None:
        self.deadline = _NEVER
        self.attempt: asyncio.Task[None] | None = None
        self.idle_since = 0.0
        self._pool = pool
        self._max_response = max_response
        self._transport: asyncio.Transport | None = None
        self._caller: Caller | None = None
        self._asked_for_head = False
        self._closed = False
        self._parser = httptools.HttpResponseParser(self)
        self._reset()

    def _reset(self) -> None:
        self._status = 0
        self._fields: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_size = 0
        self._received = 0
        self._head_complete = False
        self._complete = False
        self._keep_alive = False

    def is_usable(self) -> bool:
        """Whether another exchange may begin on it."""
        return self._transport is not None and not self._transport.is_closing()

    def begin(self, request: bytes, caller: Caller, deadline: float) -> None:
        """Send a request; `caller.finish` is called exactly once."""
        assert self._transport is not None  # noqa: S101  # the pool holds connected ones only
        if self._received:
            self._reset()
        self._caller = caller
        self._asked_for_head = request.startswith(b"HEAD ")
        self.deadline = deadline
        self._transport.write(request)

    def end(self, result: Response | Reason) -> None:
        """Drop the connection and tell what came of the exchange under way, if one is."""
        self.close()
        self._conclude(result)

    def close(self) -> None:
        """Drop the connection, even if it is still to be made."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def _conclude(self, result: Response | Reason) -> None:
        self.deadline = _NEVER
        if self.attempt is not None:
            self.attempt.cancel()
            self.attempt = None
        self._tell(result)

    def _tell(self, result: Response | Reason) -> None:
        caller, self._caller = self._caller, None
        if caller is not None:
            caller.finish(result)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP or TLS transport
        self._pool.gained(self)
        if self._closed:
            self.close()

    def data_received(self, data: bytes) -> None:
        if self.deadline == _NEVER:
            self.close()  # an answer that nobody asked for
            return
        whole = not self._received
        if whole and (known := self._pool.known.get(data)) is not None:
            self._finish(known, True)
            return
        self._received += len(data)
        broken = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            broken = True
        if self._head_complete and self._status < 300:
            # The head decides. The rest is read for the connection's sake, under the same deadline.
            self._tell(self._response())
        if broken or self._is_oversized():
            self.end(Reason.UPSTREAM_INVALID)
        elif self._complete:
            if whole and self._keep_alive and self._status < 300 and len(data) <= _LONGEST_KNOWN:
                self._pool.known.learn(data, self._response())
            self._finish(self._response(), self._keep_alive)

    def _is_oversized(self) -> bool:
        if not self._head_complete:
            return self._received > _LARGEST_HEAD
        # Chunk framing and trailers count in what was received, not in the body.
        return (
            self._body_size > self._max_response
            or self._received > 2 * self._max_response + _LARGEST_HEAD
        )

    def _finish(self, response: Response, keep_alive: bool) -> None:
        transport = self._transport
        self._conclude(response)
        if transport is not None and keep_alive and not transport.get_write_buffer_size():
            self._pool.release(self)
        else:
            self.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._transport = None
        if self.deadline != _NEVER:
            self.end(self._response() if self._ends_with_connection() else Reason.UPSTREAM_INVALID)
        self._pool.lost(self)

    def _ends_with_connection(self) -> bool:
        # RFC 9112 6.3: without a length the body ends where the connection does.
        names = {name.lower() for name, _ in self._fields}
        return self._head_complete and not names & {b"content-length", b"transfer-encoding"}

    def _response(self) -> Response:
        delivered = 200 <= self._status < 300
        return Response(self._status, self._fields, b"" if delivered else b"".join(self._body))

    # httptools

    def on_message_begin(self) -> None:
        if self._complete:
            raise _StopReading

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_complete:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._status < 100:
            raise _StopReading
        self._head_complete = self._status >= 200
        # RFC 9112 6.3: an answer to HEAD has no body, whatever length it names. The connection is
        # not used again: the parser still waits for one.
        if self._head_complete and self._asked_for_head:
            self._complete = True

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._status >= 300 and self._body_size <= self._max_response:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._status >= 200:
            self._complete = True
            # llhttp forgets it when the message is over.
            self._keep_alive = self._parser.should_keep_alive()
        else:
            self._fields = []  # 100 and 103 come before the answer
