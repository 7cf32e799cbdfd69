"""The one HTTP client that both fronts send with: pooled connections, one deadline, no retries.

Callbacks rather than coroutines: an exchange costs no task and no future on its way. It runs on
uvloop and on plain asyncio. Errors of sockets, TLS and the parser become `Reason`s here and
nowhere else.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

from .known import Known
from .policy import Reason
from .settings import UpstreamSettings
from .tls import client_context

# Common servers close an idle connection after 5 s (Node.js, uvicorn) or more; closing first
# means that none is picked which is about to go.
IDLE_SECONDS = 4.0
_LARGEST_HEAD = 64 * 1024
# An upstream says the same again and again: whole answers that were read before are not parsed.
_MOST_KNOWN = 64
_LONGEST_KNOWN = 1024


@dataclass(frozen=True, slots=True)
class Response:
    """An upstream's answer; a 2xx one without its body, which decides nothing."""

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes


Done = Callable[[Response | Reason], None]


class _StopReading(Exception):  # noqa: N818  # no error: how a parser callback ends the parsing
    """What follows is no answer to what was sent."""


def endpoint(settings: UpstreamSettings) -> tuple[str, int, ssl.SSLContext | None]:
    """Where to connect, and with what TLS, if any."""
    url = urlsplit(settings.url)
    if url.scheme == "http":
        return url.hostname or "", url.port or 80, None
    tls = client_context(settings.ca_file, settings.client_cert, settings.client_key)
    return url.hostname or "", url.port or 443, tls


class _Exchange:
    """One request and its answer. `done` is called exactly once."""

    __slots__ = ("attempt", "body", "connection", "deadline", "done", "head")

    def __init__(self, head: bytes, body: bytes, done: Done, deadline: float) -> None:
        self.head = head
        self.body = body
        self.done: Done | None = done
        self.deadline = deadline
        self.attempt: asyncio.Task[None] | None = None
        self.connection: _Connection | None = None

    def finish(self, result: Response | Reason) -> None:
        """Tell the result, if none was told yet."""
        done, self.done = self.done, None
        if done is not None:
            done(result)


class Upstream:
    """Sends to one upstream. Must be used from the event loop it is made in."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._host, self._port, self._tls = endpoint(settings)
        self._loop = asyncio.get_running_loop()
        self._idle: list[_Connection] = []
        self._waiting: deque[_Exchange] = deque()
        # In order of deadline, all time-outs being equal: one timer, for the first, serves them
        # all. A timer set and cancelled for each exchange cost 4 us.
        self._active: dict[_Exchange, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._connected: set[_Connection] = set()
        self._reaper: asyncio.TimerHandle | None = None
        self._retired = False
        # Whole answers after which the connection stayed open, and what they meant.
        self.known = Known[bytes, Response](_MOST_KNOWN)

    @property
    def busy(self) -> bool:
        """Whether an exchange is under way."""
        return bool(self._active)

    def retire(self) -> None:
        """Keep no connection from now on; what is under way goes on to its end."""
        self._retired = True
        self._close_idle()

    def send(self, head: bytes, body: bytes, done: Done) -> None:
        """Send a request; `done` is called later with the response, or why there is none.

        The deadline covers waiting for a connection, connecting and the exchange.
        """
        now = self._loop.time()
        exchange = _Exchange(head, body, done, now + self._settings.timeout)
        self._active[exchange] = None
        if self._timer is None:
            self._timer = self._loop.call_at(exchange.deadline, self._expire_overdue)
        connection = self._take_idle(now)
        if connection is not None:
            connection.begin(exchange)
            return
        self._waiting.append(exchange)
        self._connect_if_needed()

    async def close(self) -> None:
        """Cut everything off; exchanges under way end as timed out."""
        for task in tuple(self._connecting):
            task.cancel()
        for exchange in tuple(self._active):
            self._expire(exchange)
        for timer in (self._timer, self._reaper):
            if timer is not None:
                timer.cancel()
        self._close_idle()
        if self._connecting:
            await asyncio.wait(self._connecting)

    def _close_idle(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _take_idle(self, now: float) -> "_Connection | None":
        oldest = now - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable() and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    @property
    def _open(self) -> int:
        return len(self._connecting) + len(self._connected)

    def _connect_if_needed(self) -> None:
        """Start a connection for each exchange that waits without one, while there is room."""
        for exchange in self._waiting:
            if self._open >= self._settings.max_connections:
                return
            if exchange.attempt is None:
                exchange.attempt = task = self._loop.create_task(self._connect(exchange))
                self._connecting.add(task)
                task.add_done_callback(self._attempt_over)

    async def _connect(self, exchange: _Exchange) -> None:
        connection = _Connection(self, self._settings.max_response)
        try:
            await self._loop.create_connection(
                lambda: connection, self._host, self._port, ssl=self._tls
            )
        except (OSError, UnicodeError):  # TLS, look-up and time-out errors are OSErrors
            self._give_up(exchange)
            return
        except asyncio.CancelledError:
            # uvloop closes a transport that was just made without telling its protocol.
            connection.close()
            self._connected.discard(connection)
            raise
        if connection.is_usable():
            # It serves who waits longest; whom it was made for may need another.
            exchange.attempt = None
            self.release(connection)
        else:
            self._give_up(exchange)  # it was reset as soon as it was accepted

    def _attempt_over(self, attempt: asyncio.Task[None]) -> None:
        self._connecting.discard(attempt)
        self._connect_if_needed()

    def _give_up(self, exchange: _Exchange) -> None:
        # Only the one that the attempt was for, unless a connection has served it since.
        exchange.attempt = None
        if exchange in self._waiting:
            self._waiting.remove(exchange)
            self.conclude(exchange, Reason.UPSTREAM_UNREACHABLE)

    def release(self, connection: "_Connection") -> None:
        """Take a connection that is ready for its next exchange."""
        if self._waiting and connection.is_usable():
            connection.begin(self._waiting.popleft())
            return
        if self._retired:
            connection.close()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._reaper is None:
            self._reaper = self._loop.call_later(1.0, self._reap)

    def gained(self, connection: "_Connection") -> None:
        """Note that a connection is made."""
        self._connected.add(connection)

    def lost(self, connection: "_Connection") -> None:
        """Note that a connection is gone."""
        self._connected.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._connect_if_needed()

    def conclude(self, exchange: _Exchange, result: Response | Reason) -> None:
        """End an exchange with its result."""
        self._active.pop(exchange, None)
        if exchange.attempt is not None:
            exchange.attempt.cancel()
        exchange.finish(result)

    def _expire_overdue(self) -> None:
        now = self._loop.time()
        for exchange in list(self._active):
            if exchange.deadline > now:
                break
            self._expire(exchange)
        first = next(iter(self._active), None)
        self._timer = (
            None if first is None else self._loop.call_at(first.deadline, self._expire_overdue)
        )

    def _expire(self, exchange: _Exchange) -> None:
        if exchange in self._waiting:
            self._waiting.remove(exchange)
        if exchange.connection is not None:
            exchange.connection.close()
        self.conclude(exchange, Reason.UPSTREAM_TIMEOUT)

    def _reap(self) -> None:
        oldest = self._loop.time() - IDLE_SECONDS
        for connection in [c for c in self._idle if c.idle_since < oldest]:
            self._idle.remove(connection)
            connection.close()
        self._reaper = self._loop.call_later(1.0, self._reap) if self._idle else None


class _Connection(asyncio.Protocol):
    """One connection to the upstream. Parser callbacks only note; `data_received` acts."""

    def __init__(self, upstream: Upstream, max_response: int) -> None:
        self.idle_since = 0.0
        self._upstream = upstream
        self._max_response = max_response
        self._transport: asyncio.Transport | None = None
        self._exchange: _Exchange | None = None
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

    def begin(self, exchange: _Exchange) -> None:
        """Send the exchange's request."""
        assert self._transport is not None  # noqa: S101  # the pool holds connected ones only
        if self._received:
            self._reset()
        self._exchange = exchange
        exchange.connection = self
        # One buffer: to copy an event takes less than uvloop's writelines and writev do beside it.
        self._transport.write(exchange.head + exchange.body)

    def close(self) -> None:
        """Drop the connection, whatever is under way on it, even if it is still to be made."""
        self._exchange = None
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP or TLS transport
        self._upstream.gained(self)
        if self._closed:
            self.close()

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self.close()  # an answer that nobody asked for
            return
        whole = not self._received
        if whole and (known := self._upstream.known.get(data)) is not None:
            self._finish(exchange, known, keep_alive=True)
            return
        self._received += len(data)
        broken = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            broken = True
        if self._head_complete and self._status < 300:
            # The head decides. The rest is read for the connection's sake, under the same deadline.
            exchange.finish(self._response())
        if broken or self._is_oversized():
            self._end(Reason.UPSTREAM_INVALID)
        elif self._complete:
            if whole and self._keep_alive and self._status < 300 and len(data) <= _LONGEST_KNOWN:
                self._upstream.known.learn(data, self._response())
            self._finish(exchange, self._response(), keep_alive=self._keep_alive)

    def _is_oversized(self) -> bool:
        if not self._head_complete:
            return self._received > _LARGEST_HEAD
        # Chunk framing and trailers count in what was received, not in the body.
        return (
            self._body_size > self._max_response
            or self._received > 2 * self._max_response + _LARGEST_HEAD
        )

    def _finish(self, exchange: _Exchange, response: Response, *, keep_alive: bool) -> None:
        self._exchange = None
        exchange.connection = None
        transport = self._transport
        self._upstream.conclude(exchange, response)
        if transport is not None and keep_alive and not transport.get_write_buffer_size():
            self._upstream.release(self)
        else:
            self.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._transport = None
        if self._exchange is not None:
            self._end(self._response() if self._ends_with_connection() else Reason.UPSTREAM_INVALID)
        self._upstream.lost(self)

    def _ends_with_connection(self) -> bool:
        # RFC 9112 6.3: without a length the body ends where the connection does.
        names = {name.lower() for name, _ in self._fields}
        return self._head_complete and not names & {b"content-length", b"transfer-encoding"}

    def _end(self, result: Response | Reason) -> None:
        exchange, self._exchange = self._exchange, None
        self.close()
        if exchange is not None:
            self._upstream.conclude(exchange, result)

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
        exchange = self._exchange
        if self._head_complete and exchange is not None and exchange.head.startswith(b"HEAD "):
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
