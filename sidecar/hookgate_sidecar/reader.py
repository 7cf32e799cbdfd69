"""Bytes from a sender become requests: llhttp in its strict mode, and the bounds it does not have.

The parser's callbacks collect and screen; what is to be done about it is the connection's affair.
A whole request whose head is byte for byte one that passed before is not parsed again.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import httptools

from hookgate.answer import Answer
from hookgate.delivery import Delivery
from hookgate.policy import Reason, Standing, declared_length, make_head

from .admission import Place
from .heads import LONGEST, KnownHead, Sender

if TYPE_CHECKING:
    from .connection import Connection
    from .server import Server

# One read may hold thousands of pipelined requests: it is parsed piece by piece, and no further
# while more than one of them waits.
_PIECE = 16 * 1024


class _StopReading(Exception):  # noqa: N818  # no error: how a parser callback ends the parsing
    """Nothing after this request can be framed."""


class Request:
    """A request on its way in, then waiting for its turn and its answer.

    `fed` counts the bytes of the reads before its head was complete, `size` those of its `body`,
    which is whole or grows, and goes when it is started or refused.
    `target`, `fields` and `fed` are the parser's; what came `whole` has none.
    """

    target: bytes
    fields: list[tuple[bytes, bytes]]
    fed: int

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

    def __init__(
        self, delivery: Delivery, version: str, body: bytes | bytearray, size: int, *, whole: bool
    ) -> None:
        self.delivery = delivery
        self.version = version
        self.head_complete = whole
        self.expects = False
        self.body = body
        self.size = size
        self.complete = whole
        self.keep_alive = whole
        self.started = False
        self.answer: Answer | None = None
        self.answered = False

    def refuse(self, reason: Reason, detail: str = "") -> None:
        """End it for what the front saw, unless it has its answer already."""
        if self.answer is None and not self.delivery.ended:
            self.answer = self.delivery.refuse(reason, self.size, detail)
        self.body = b""


class Reader:
    """Reads one connection's requests into `queue`, in order of arrival.

    `receiving` is the one that is not complete yet. `unfed` was put back, for `read_on`. `done`
    says that nothing more will be read.
    `advanced` is called whenever a request begins, has its head, or is complete.
    """

    def __init__(
        self,
        server: "Server",
        connection: "Connection",
        queue: deque[Request],
        advanced: Callable[[], None],
    ) -> None:
        self.receiving: Request | None = None
        self.done = False
        self._gate = server.gate
        self._settings = server.settings
        self._connection = connection
        self._queue = queue
        self._advanced = advanced
        self._parser = httptools.HttpRequestParser(self)
        self.unfed = b""
        self._feeding = 0
        self._begun = 0
        self._progressed = False
        self._quiet = 0
        self._server = server
        place = connection.place
        self._peer, self._proxied_for = place.peer, place.proxied_for
        self._sender: Sender = place.peer, place.proxied_for, connection.scheme
        self.stand(place)

    def stand(self, place: Place) -> None:
        """Go by the standing that the connection has before HTTP."""
        foreign = place.before_http is Standing.FOREIGN
        self._heads = self._server.heads_of_strangers if foreign else self._server.heads
        # Each head names its client.
        self._many_clients = place.before_http is Standing.TRUSTED

    def read(self, data: bytes) -> None:
        """Parse what came. Raises whatever a bug raises."""
        at_boundary = self.receiving is None and not self._queue and not self.done
        for start in range(0, len(data), _PIECE):
            if self.done:
                return
            if len(self._queue) > 1:
                self.unfed = data[start:]
                return
            self._feed(data[start : start + _PIECE])
        if at_boundary:
            self._learn(data)
        if self._many_clients and self.receiving is not None and not self.receiving.head_complete:
            self._connection.count_as(Standing.TRUSTED)

    def repeat(self, data: bytes) -> Request | None:
        """Take one whole request with a known head; None, and nothing done, if it is not that.

        The parser is at the boundary of two messages before it and, unfed, after it.
        """
        if self.receiving is not None or self._queue or self.done:
            return None
        head, blank_line, body = data.partition(b"\r\n\r\n")
        known = self._heads.get((self._sender, head))
        if known is None or len(body) != known.length or not blank_line:
            return None
        gate, settings, screened = self._gate, self._settings, known.screened
        if (
            screened.terms is not gate.terms
            or settings is not self._server.settings
            or gate.under_way >= settings.max_in_flight
            or gate.buffered + 2 * known.length > settings.max_buffered
        ):
            return None
        delivery = gate.begin(self._peer, self._proxied_for)
        version = screened.decision.head.version
        request = Request(delivery, version, body, known.length, whole=True)
        self._queue.append(request)
        request.answer = delivery.repeat(screened)
        if request.answer is None:
            delivery.held = known.length
            gate.buffered += known.length
        if self._many_clients:
            self._count_by_client(delivery)
        return request

    def _learn(self, data: bytes) -> None:
        """Remember what a head was screened to, if `data` was exactly one request with it.

        The parser found the body's end where its declared length says, so it will for any body.
        """
        if self.done or self.receiving is not None or len(self._queue) != 1:
            return
        request = self._queue[0]
        screened = request.delivery.screened
        if (
            screened is None
            or not request.keep_alive
            or request.expects  # it awaits 100, though no body comes
            or self._settings is not self._server.settings  # this connection has other bounds
        ):
            return
        head, blank_line, body = data.partition(b"\r\n\r\n")
        if screened.decision.finding is None:
            if request.answer is not None or request.size != len(body):
                return  # refused for something else than its head
        elif self._heads is not self._server.heads_of_strangers:
            return  # whoever a trusted proxy speaks for could drive out what passed
        short = len(head) + len(blank_line) <= LONGEST
        if short and declared_length(screened.decision.head) == len(body):
            self._heads.learn((self._sender, head), KnownHead(screened, len(body)))

    def read_on(self) -> None:
        """Parse what was put back."""
        data, self.unfed = self.unfed, b""
        self.read(data)

    def begin(self) -> Request:
        """A request begins to arrive."""
        delivery = self._gate.begin(self._peer, self._proxied_for)
        # Grown in place: a list of pieces of a few bytes would take thirty times their size.
        request = Request(delivery, "1.1", bytearray(), 0, whole=False)
        request.target, request.fields, request.fed = b"", [], 0
        self._queue.append(request)
        self.receiving = request
        self._begun += 1
        self._advanced()
        return request

    def give_up(self) -> Request | None:
        """Read nothing more; returns the request that was not complete."""
        request, self.receiving = self.receiving, None
        self.done = True
        self.unfed = b""
        return request

    def close(self) -> None:
        """The connection is gone: refer to nothing that refers to this.

        Left to the garbage collector, short connections made a worker grow by megabytes between
        its rounds.
        """
        self.give_up()
        del self._parser, self._advanced, self._connection

    def _feed(self, data: bytes) -> None:
        before = self.receiving
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
        request = self.receiving
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
        if self.receiving is None and last is not None and not last.keep_alive:
            # Data after a request that said `Connection: close`, or after an Upgrade or CONNECT:
            # nobody will read it.
            self.done = True
            return
        if last is not None:
            last.keep_alive = False
        if malformed is not None:
            (self.receiving or self.begin()).refuse(Reason.MALFORMED_HTTP, malformed)
        self.done = True

    def _count_by_client(self, delivery: Delivery) -> None:
        standing = Standing.FOREIGN if delivery.foreign else Standing.ALLOWED
        self._connection.count_as(standing)

    def _head_too_large(self, request: Request) -> bool:
        settings = self._settings
        if request.fed + self._feeding <= settings.max_head:
            return False
        line = len(self._parser.get_method()) + len(request.target) + len("  HTTP/1.1\r\n\r\n")
        return line + sum(len(n) + len(v) + 4 for n, v in request.fields) > settings.max_head

    def _has_room(self, size: int) -> bool:
        # No body may be larger than what it leaves free: however many large ones are held, there is
        # room for an event.
        return self._gate.buffered + size <= self._settings.max_buffered

    # httptools

    def on_message_begin(self) -> None:
        self.begin()

    def on_url(self, url: bytes) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        if not request.head_complete:  # trailers are dropped
            # llhttp leaves the white space behind a value, which is no part of it (RFC 9110 5.5).
            request.fields.append((name, value.rstrip(b" \t")))
            if len(request.fields) > self._settings.max_fields:
                request.refuse(Reason.HEAD_TOO_LARGE)
                raise _StopReading

    def on_headers_complete(self) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.head_complete = True
        self._progressed = True
        request.version = self._parser.get_http_version()
        if self._head_too_large(request):
            request.refuse(Reason.HEAD_TOO_LARGE)
            raise _StopReading
        self._advanced()
        head = make_head(
            self._peer,
            self._parser.get_method(),
            request.target,
            request.fields,
            request.version,
            self._proxied_for,
            self._connection.scheme,
        )
        request.answer = request.delivery.screen(head)
        if self._many_clients:
            self._count_by_client(request.delivery)
        if request.answer is None and (
            self._gate.under_way > self._settings.max_in_flight
            or not self._has_room(2 * (declared_length(head) or 0))
        ):
            request.refuse(Reason.OVERLOADED)
        if request.answer is not None and request.answer.last:
            raise _StopReading
        request.expects = (
            request.answer is None and b"expect" in head.named and request.version == "1.1"
        )

    def on_body(self, body: bytes) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        self._progressed = True
        request.expects = False
        if request.answer is None:
            request.size += len(body)
            if request.size > (most := request.delivery.max_body):
                request.refuse(Reason.BODY_TOO_LARGE, f"more than {most} bytes")
            elif not self._has_room(request.size):
                request.refuse(Reason.OVERLOADED)
            else:
                request.body += body
                request.delivery.held = request.size
                self._gate.buffered += len(body)

    def on_message_complete(self) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.complete = True
        request.keep_alive = self._parser.should_keep_alive()
        self.receiving = None
        self._advanced()
