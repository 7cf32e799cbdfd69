"""One connection from a sender: bytes in, deliveries to the gate, answers out in order.

llhttp parses, in its strict mode; its callbacks collect, and `_pump` acts after each read.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import httptools

from hookgate.answer import Answer
from hookgate.gate import Delivery
from hookgate.policy import Reason, make_head

if TYPE_CHECKING:
    from .server import Server

# A sender that is refused while it still sends must see the answer, not a reset: what comes is
# read and dropped up to this much, for this long.
LINGER_BYTES = 8 * 1024 * 1024
LINGER_SECONDS = 2.0

# One read may hold thousands of pipelined requests: it is parsed piece by piece, and no further
# while more than one of them waits.
_PIECE = 16 * 1024

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _StopReading(Exception):  # noqa: N818  # no error: how a parser callback ends the parsing
    """Nothing after this request can be framed."""


class _Request:
    """A request on its way in, then waiting for its turn and its answer."""

    __slots__ = (
        "answer",
        "answered",
        "body",
        "complete",
        "delivery",
        "expects",
        "fed",
        "fields",
        "head_complete",
        "keep_alive",
        "size",
        "started",
        "target",
        "version",
    )

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.target = b""
        self.version = "1.1"
        self.fields: list[tuple[bytes, bytes]] = []
        self.fed = 0
        self.head_complete = False
        self.expects = False
        self.body: list[bytes] = []
        self.size = 0
        self.complete = False
        self.keep_alive = False
        self.started = False
        self.answer: Answer | None = None
        self.answered = False

    def refuse(self, reason: Reason, detail: str = "") -> None:
        """End it for what the front saw, unless it has its answer already."""
        if self.answer is None and not self.delivery.ended:
            self.answer = self.delivery.refuse(reason, self.size, detail)
        self.body.clear()


class Connection(asyncio.Protocol):
    """The server side of one connection; `deadline` is when `expire` is due."""

    def __init__(self, server: "Server") -> None:
        self.deadline = float("inf")
        self.foreign = False
        self.peer = ""
        self._server = server
        self._settings = server.settings
        self._loop = server.loop
        self._max_body = server.gate.policy.max_body
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._queue: deque[_Request] = deque()
        self._receiving: _Request | None = None
        self._pumping = False
        self._reading_paused = False
        self._writing_paused = False
        self._ended_by_sender = False
        self._unreadable = False
        self._draining = False
        self._stopped = False
        self._answered_any = False
        self._lingering = False
        self._discarded = 0
        self._unfed = b""
        self._feeding = 0
        self._begun = 0
        self._progressed = False
        self._quiet = 0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP transport
        peername = transport.get_extra_info("peername")
        if not peername:
            self._abort()  # it was reset before it could be accepted: nobody is there
            return
        self.peer = str(peername[0])
        self._restart_deadline()
        if not self._server.admit(self):
            request = self._begin()
            request.refuse(Reason.OVERLOADED)
            self._write(request)
            # Those who may send see the answer and no reset; strangers are not waited for.
            if self.foreign:
                self._close()
            else:
                self._linger()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._discarded += len(data)
            if self._discarded > LINGER_BYTES:
                self._abort()
            return
        if self._unreadable:
            return
        try:
            self._receive(data)
            self._pump()
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault(error)

    def eof_received(self) -> bool:
        if self._lingering or not self._queue:
            return False
        # A sender may close its side after its last request and still wait for the answer.
        self._ended_by_sender = True
        if self._receiving is not None:
            self._receiving.delivery.leave(self._receiving.size)
            self._queue.remove(self._receiving)
            self._receiving = None
        return bool(self._queue)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._transport = None
        for request in self._queue:
            request.delivery.leave(request.size)
        self._queue.clear()
        self._receiving = None
        self._server.forget(self)

    def pause_writing(self) -> None:
        self._writing_paused = True
        self._restart_deadline()

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._restart_deadline()
        self._pump()

    # what the server asks

    def expire(self) -> None:
        """The deadline passed: of the head, the body, keep-alive or lingering."""
        request = self._receiving
        if self._lingering or self._writing_paused:
            self._abort()  # also a sender that does not read its answers
        elif request is not None:
            request.refuse(Reason.BODY_TIMEOUT if request.head_complete else Reason.HEAD_TIMEOUT)
            self._unreadable = True
            self._pump()
        else:
            self._close()

    def drain(self) -> None:
        """Finish what was begun, then close; at once if nothing was."""
        self._draining = True
        if not self._queue and not self._lingering:
            self._close()

    def begin_nothing_more(self) -> None:
        """Only what is on its way upstream is still answered."""
        self._stopped = True

    def cut(self) -> None:
        """Close now: the drain is over."""
        self._abort()

    # httptools

    def on_message_begin(self) -> None:
        self._begin()

    def on_url(self, url: bytes) -> None:
        request = self._receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        request = self._receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        if not request.head_complete:  # trailers are dropped
            # llhttp leaves the white space behind a value, which is no part of it (RFC 9110 5.5).
            request.fields.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        request = self._receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.head_complete = True
        self._progressed = True
        request.version = self._parser.get_http_version()
        if self._head_too_large(request):
            request.refuse(Reason.HEAD_TOO_LARGE)
            raise _StopReading
        self._restart_deadline()
        head = make_head(
            self.peer, self._parser.get_method(), request.target, request.fields, request.version
        )
        request.answer = request.delivery.screen(head)
        if request.answer is not None and request.answer.last:
            raise _StopReading
        request.expects = (
            request.answer is None and b"expect" in head.named and request.version == "1.1"
        )

    def on_body(self, body: bytes) -> None:
        request = self._receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        self._progressed = True
        request.expects = False
        if request.answer is None:
            request.size += len(body)
            if request.size > self._max_body:
                request.refuse(Reason.BODY_TOO_LARGE, f"more than {self._max_body} bytes")
            else:
                request.body.append(body)

    def on_message_complete(self) -> None:
        request = self._receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.complete = True
        request.keep_alive = self._parser.should_keep_alive()
        self._receiving = None
        self._restart_deadline()

    # receiving

    def _begin(self) -> _Request:
        request = _Request(self._server.gate.begin(self.peer))
        self._queue.append(request)
        self._receiving = request
        self._begun += 1
        self._restart_deadline()
        return request

    def _receive(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            if self._unreadable:
                return
            if len(self._queue) > 1:
                self._unfed = data[start:]
                return
            self._feed(data[start : start + _PIECE])

    def _feed(self, data: bytes) -> None:
        before = self._receiving
        self._feeding = len(data)
        self._begun = 0
        self._progressed = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, _StopReading):
                raise error.__context__ or error from None
            self._stop_receiving(None)
        except httptools.HttpParserUpgrade:
            self._stop_receiving(None)
        except httptools.HttpParserError as error:
            self._stop_receiving(str(error))
        request = self._receiving
        if request is None:
            return
        if not request.head_complete:
            # Where it began within this read is not known if another was read before it.
            if request is before or (before is None and self._begun == 1):
                request.fed += len(data)
            if request.fed > self._settings.max_head:
                request.refuse(Reason.HEAD_TOO_LARGE)
            return
        # Chunk extensions and trailers may go on without end.
        self._quiet = 0 if self._progressed else self._quiet + len(data)
        if self._quiet > self._settings.max_head:
            request.refuse(Reason.HEAD_TOO_LARGE)

    def _stop_receiving(self, malformed: str | None) -> None:
        """The parser gave up: nothing after this can be framed."""
        last = self._queue[-1] if self._queue else None
        if self._receiving is None and last is not None and not last.keep_alive:
            # Data after a request that said `Connection: close`, or after an Upgrade or CONNECT:
            # nobody will read it.
            self._unreadable = True
            return
        if last is not None:
            last.keep_alive = False
        if malformed is not None:
            (self._receiving or self._begin()).refuse(Reason.MALFORMED_HTTP, malformed)
        self._unreadable = True

    def _head_too_large(self, request: _Request) -> bool:
        settings = self._settings
        if len(request.fields) > settings.max_fields:
            return True
        if request.fed + self._feeding <= settings.max_head:
            return False
        line = len(self._parser.get_method()) + len(request.target) + len("  HTTP/1.1\r\n\r\n")
        return line + sum(len(n) + len(v) + 4 for n, v in request.fields) > settings.max_head

    # answering

    def _pump(self) -> None:
        """Answer what can be answered, in order; start the next delivery."""
        if self._pumping:
            return
        self._pumping = True
        try:
            self._serve_queue()
            while self._unfed and len(self._queue) <= 1 and not self._writing_paused:
                data, self._unfed = self._unfed, b""
                if not self._lingering:
                    self._receive(data)
                    self._serve_queue()
            self._apply_backpressure()
        except Exception as error:  # noqa: BLE001  # fails closed
            self._fault(error)
        finally:
            self._pumping = False

    def _serve_queue(self) -> None:
        while self._queue and not self._writing_paused and self._transport is not None:
            request = self._queue[0]
            if request.answer is not None:
                self._finish(request)
            elif request.complete and not request.started and not self._stopped:
                request.started = True
                body = request.body[0] if len(request.body) == 1 else b"".join(request.body)
                request.delivery.deliver(body, self._answered)
            else:
                if request.expects:
                    request.expects = False
                    self._send(_CONTINUE)
                break

    def _answered(self, answer: Answer) -> None:
        if self._queue:
            self._queue[0].answer = answer
            self._pump()

    def _finish(self, request: _Request) -> None:
        last = len(self._queue) == 1
        closing = not (request.complete and request.keep_alive) or (
            last and (self._draining or self._ended_by_sender or self._unreadable)
        )
        request.keep_alive = not closing
        self._write(request)
        self._answered_any = True
        self._queue.popleft()
        if not closing:
            self._restart_deadline()
            return
        for unanswered in self._queue:
            unanswered.delivery.leave(unanswered.size)
        self._queue.clear()
        if self._ended_by_sender or (request.complete and not self._unreadable):
            self._close()
        else:
            self._linger()

    def _write(self, request: _Request) -> None:
        if request.answer is not None and not request.answered:
            data = self._server.writer.render(
                request.answer, keep_alive=request.keep_alive, old=request.version == "1.0"
            )
            request.answered = True
            self._send(data)

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _apply_backpressure(self) -> None:
        pause = len(self._queue) > 1 or self._writing_paused
        if self._transport is None or self._lingering or pause == self._reading_paused:
            return
        self._reading_paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
        self._restart_deadline()

    def _restart_deadline(self) -> None:
        """How long this connection may now take for what it is at."""
        settings = self._settings
        if self._lingering:
            seconds = LINGER_SECONDS
        elif self._writing_paused:
            seconds = settings.keep_alive
        elif self._receiving is not None and not self._reading_paused:
            in_body = self._receiving.head_complete
            seconds = settings.body_timeout if in_body else settings.head_timeout
        elif self._queue:
            seconds = float("inf")  # the upstream has its own deadline
        else:
            seconds = settings.keep_alive if self._answered_any else settings.head_timeout
        self.deadline = self._loop.time() + seconds

    # closing

    def _linger(self) -> None:
        self._lingering = True
        self._receiving = None
        self._restart_deadline()
        if self._transport is not None:
            if self._reading_paused:
                self._transport.resume_reading()
            self._transport.write_eof()

    def _close(self) -> None:
        self._lingering = True
        self._restart_deadline()
        if self._transport is not None:
            self._transport.close()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _fault(self, error: Exception) -> None:
        """An exception in this file: what has no answer yet ends as gate_error."""
        self._server.gate.log_fault("connection", error)
        for request in self._queue:
            if not request.delivery.forwarded:
                request.refuse(Reason.GATE_ERROR)
        try:
            if self._queue:
                self._queue[0].keep_alive = False
                self._write(self._queue[0])
            self._close()
        except Exception as second:  # noqa: BLE001  # fails closed
            self._server.gate.log_fault("connection", second)
            self._abort()
