"""Bytes from a sender become requests: llhttp in its strict mode, and the bounds it does not have.

The parser's callbacks collect and screen; what is to be done about it is the connection's affair.
A whole request whose head is byte for byte one that passed before is not parsed again.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import httptools

from hookgate.boundary import end_of_section
from hookgate.gate.answer import Answer
from hookgate.gate.delivery import Delivery
from hookgate.policy import Head, Reason, Standing, declared_length, make_head

from .admission import Place
from .heads import LONGEST, KnownHead, Sender
from .request_line import line_fault, skip_line_ends
from .upgrade import BehindHead, head_of_body

if TYPE_CHECKING:
    from .connection import Connection
    from .server import Server


# What is parsed in one go: a piece of a few bytes takes some 4 us, a chunk of one byte 1 us, and
# others wait meanwhile. A body of a declared length is one piece, and takes next to nothing.
_MOST_AT_ONCE = 4 * 1024
_PIECE_BYTES = 256
# Behind how many empty lines in a chunked body its end is still looked for: 4 us each.
_MOST_CUTS = 64


class _StopReading(Exception):  # noqa: N818  # no error: how a parser callback ends the parsing
    """Nothing after this request can be framed."""


class _UpgradeOffered(Exception):  # noqa: N818  # no error either
    """httptools takes all that comes behind this head for the other protocol."""

    def __init__(self, head: Head, keep_alive: bool) -> None:
        self.head = head
        self.keep_alive = keep_alive


class Request:
    """A request on its way in, then waiting for its turn and its answer.

    `size` counts the bytes of its `body`, which is whole or grows, and goes when it is started or
    refused. `target` and `fields` are the parser's; what came `whole` has none.
    """

    target: bytes
    fields: list[tuple[bytes, bytes]]

    __slots__ = (
        "answer",
        "answered",
        "body",
        "complete",
        "delivery",
        "expects",
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

    `receiving` is the one that is not complete yet. Of `unfed` the rest was put back, for
    `read_on`: at once, or where it is `tired`, when others had their turn. `done` says that nothing
    more will be read.

    The parser gets pieces that end where a message may end: so each head is there as it was sent,
    however many share a read. None begins while more than one waits.
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
        self.read_heads()
        self.unfed = b""
        self._room = _MOST_AT_ONCE  # for what is parsed in this turn
        self._unfed_from = 0
        self._piece = b""
        # What came since a head or a part of a body was complete, and before the piece.
        self._unsettled = bytearray()
        self._settled = False
        self._body_to_come = 0  # of the length that was declared
        self._cuts = 0  # in reads of this message
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
        if self.unfed:
            self.unfed = self.unfed[self._unfed_from :] + data
            self._unfed_from = 0
            return
        self._room = _MOST_AT_ONCE
        between = not (self._unsettled or self._queue or self.done or self.receiving)
        self._read_from(data, 0)
        if between:
            self._learn(data)

    def _read_from(self, data: bytes, start: int) -> None:
        while start < len(data) and not self.done:
            if self.tired or (len(self._queue) > 1 and self.receiving is None):
                self.unfed, self._unfed_from = data, start
                break
            if self._body_to_come:
                end = min(start + self._body_to_come, len(data))
            else:
                end = min(self._end_of_piece(data, start), start + self._room)
                self._room -= end - start + _PIECE_BYTES
            self._feed(data[start:end])
            start = end
        if self._many_clients and self.receiving is not None and not self.receiving.head_complete:
            self._connection.count_as(Standing.TRUSTED)

    def _end_of_piece(self, data: bytes, start: int) -> int:
        """Where the message may end, or may be found too large."""
        if self.receiving is None:
            end = end_of_section(data, skip_line_ends(data, start), b"")
        elif self._cuts > _MOST_CUTS:
            end = len(data)  # and nothing is read behind this message
        else:
            end = end_of_section(data, start, self._unsettled)
            self._cuts += end < len(data)
        return min(end, start + self._settings.max_head + 1 - len(self._unsettled))

    def repeat(self, data: bytes) -> Request | None:
        """Take one whole request with a known head; None, and nothing done, if it is not that.

        The parser is at the boundary of two messages before it and, unfed, after it.
        """
        if self._unsettled or self._queue or self.done or self.receiving or self.unfed:
            return None
        head, blank_line, body = data.partition(b"\r\n\r\n")
        known = self._heads.get((self._sender, head))
        if known is None or len(body) != known.length or not blank_line:
            return None
        gate, settings, screened = self._gate, self._settings, known.screened
        counts = gate.counts
        if (
            screened.compiled is not gate.desk.compiled
            or settings is not self._server.settings
            or counts.under_way >= settings.max_in_flight
            or counts.buffered + 2 * known.length > settings.max_buffered
        ):
            return None
        delivery = gate.begin(self._peer, self._proxied_for)
        version = screened.decision.head.version
        request = Request(delivery, version, body, known.length, whole=True)
        self._queue.append(request)
        request.answer = delivery.apply_screening(screened)
        if request.answer is None:
            delivery.held = known.length
            counts.buffered += known.length
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
            self._heads.remember((self._sender, head), KnownHead(screened, len(body)))

    @property
    def tired(self) -> bool:
        """Whether others should have their turn first."""
        return self._room <= 0

    def rest(self) -> None:
        """Others had their turn."""
        self._room = _MOST_AT_ONCE

    def read_on(self) -> None:
        """Parse what was put back."""
        data, self.unfed = self.unfed, b""
        self._read_from(data, self._unfed_from)

    def begin(self) -> Request:
        """A request begins to arrive."""
        delivery = self._gate.begin(self._peer, self._proxied_for)
        # Grown in place: a list of pieces of a few bytes would take thirty times their size.
        request = Request(delivery, "1.1", bytearray(), 0, whole=False)
        request.target, request.fields = b"", []
        self._queue.append(request)
        self.receiving = request
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

    def _feed(self, piece: bytes) -> None:
        self._piece = piece
        self._settled = False
        if self._body_to_come:
            self._body_to_come -= len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, _UpgradeOffered):
                self._pass_over(error.__context__)
            elif isinstance(error.__context__, _StopReading):
                self._stop_receiving(None)
            else:
                raise error.__context__ or error from None
        except httptools.HttpParserUpgrade:
            self._stop_receiving(None)
        except httptools.HttpParserError as error:
            self._stop_receiving(str(error))
        self._piece = b""
        if self._settled:
            # The empty line that ends a chunked body may have begun.
            chunked = self.receiving is not None and not self._body_to_come
            self._unsettled[:] = piece[-3:] if chunked else b""
            return
        self._unsettled += piece
        # Heads, empty lines before them, chunk extensions and trailers may go on without end.
        if len(self._unsettled) > self._settings.max_head and not self.done:
            self._refuse_rest(Reason.HEAD_TOO_LARGE)

    def read_heads(self) -> None:
        """Parse what comes next from a message's first byte."""
        self._parser = httptools.HttpRequestParser(self)

    def _pass_over(self, offer: _UpgradeOffered) -> None:
        self._parser = parser = httptools.HttpRequestParser(BehindHead(self))
        parser.feed_data(head_of_body(offer.head, keep_alive=offer.keep_alive))

    def stop_reading(self) -> None:
        """End the parsing, from within one of its callbacks: nothing after this can be framed."""
        raise _StopReading

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
            self._refuse_rest(Reason.MALFORMED_HTTP, malformed)
        self.done = True

    def _refuse_rest(self, reason: Reason, detail: str = "") -> None:
        (self.receiving or self.begin()).refuse(reason, detail)
        self.done = True

    def _count_by_client(self, delivery: Delivery) -> None:
        standing = Standing.FOREIGN if delivery.foreign else Standing.ALLOWED
        self._connection.count_as(standing)

    def _has_room(self, size: int) -> bool:
        # No body may be larger than what it leaves free: however many large ones are held, there is
        # room for an event.
        return self._gate.counts.buffered + size <= self._settings.max_buffered

    # httptools

    def on_message_begin(self) -> None:
        if self._cuts > _MOST_CUTS:
            raise _StopReading
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
        self._settled = True
        method, request.version = self._parser.get_method(), self._parser.get_http_version()
        raw = bytes(self._unsettled) + self._piece if self._unsettled else self._piece
        if len(raw) > self._settings.max_head:
            request.refuse(Reason.HEAD_TOO_LARGE)
            raise _StopReading
        if fault := line_fault(raw, method, request.target, request.version):
            request.refuse(Reason.MALFORMED_HTTP, fault)
            raise _StopReading
        self._advanced()
        head = make_head(
            self._peer,
            method,
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
            self._gate.counts.under_way > self._settings.max_in_flight
            or not self._has_room(2 * (declared_length(head) or 0))
        ):
            request.refuse(Reason.OVERLOADED)
        if request.answer is not None and (
            request.answer.last or b"transfer-encoding" in head.named
        ):
            # To find where the chunks of a refused request end costs more than another connection.
            raise _StopReading
        self._body_to_come, self._cuts = declared_length(head) or 0, 0
        request.expects = (
            request.answer is None and b"expect" in head.named and request.version == "1.1"
        )
        if b"upgrade" in head.named and self._parser.should_upgrade():
            raise _UpgradeOffered(head, self._parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        self._settled = True
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
                self._gate.counts.buffered += len(body)

    def on_message_complete(self) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.complete = self._settled = True
        request.keep_alive = self._parser.should_keep_alive() and self._cuts <= _MOST_CUTS
        self.receiving = None
        self._advanced()
