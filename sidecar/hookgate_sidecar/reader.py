"""Bytes from a sender become requests: llhttp in its strict mode, and the bounds it does not have.

The parser's callbacks collect; what a head means, and what is to be done about it, is for others.
"""

from collections import deque
from collections.abc import Callable

import httptools

from hookgate.policy import Head, Reason, declared_length, make_head

from .pieces import Pieces
from .request import Request, Sender
from .request_line import line_fault, other_protocol
from .shared import Shared
from .upgrade import StopReading, UpgradeOffered, body_parser, head_of_body


class Reader:
    """Read one connection's requests into `requests`, in order of arrival.

    `receiving` is the one that is not complete yet. `unparsed` was put back, for `read_on`: at
    once, or where it is `exhausted`, when others had their turn. `framing_bytes` came since a head
    or a part of a body was complete. `done` says that nothing more will be read.

    The parser gets pieces that end where a message may end. None begins while more than one waits.
    `on_progress` is called whenever a request begins, has its head, or is complete. `screen` gets
    each head, and gives the request its answer if it is refused.
    """

    def __init__(
        self,
        shared: Shared,
        sender: Sender,
        requests: deque[Request],
        on_progress: Callable[[], None],
        screen: Callable[[Request, Head], None],
    ) -> None:
        self.receiving: Request | None = None
        self.done = False
        self.unparsed = b""
        self._gate = shared.gate
        self._settings = shared.settings
        self._sender = sender
        self._requests = requests
        self._on_progress = on_progress
        self._screen = screen
        self._parser = httptools.HttpRequestParser(self)
        self._unparsed_from = 0
        self._pieces = Pieces(shared.settings.max_head)
        self._piece = b""
        self.framing_bytes = bytearray()
        self._saw_progress = False
        self._body_to_come = 0  # of the length that was declared

    @property
    def exhausted(self) -> bool:
        """Tell whether others should have their turn first."""
        return self._pieces.exhausted

    def begin_turn(self) -> None:
        """Note that others had their turn."""
        self._pieces.begin_turn()

    def read(self, data: bytes) -> None:
        """Parse what came. Raises whatever a bug raises."""
        if self.unparsed:
            self.unparsed = self.unparsed[self._unparsed_from :] + data
            self._unparsed_from = 0
            return
        self._pieces.begin_turn()
        self._read_from(data, 0)

    def read_on(self) -> None:
        """Parse what was put back. Raises whatever a bug raises."""
        data, self.unparsed = self.unparsed, b""
        self._read_from(data, self._unparsed_from)

    def begin(self) -> Request:
        """Begin the delivery of a request that begins to arrive."""
        sender = self._sender
        request = Request.begun(self._gate.begin(sender.peer, sender.proxied_for))
        self._requests.append(request)
        self.receiving = request
        self._on_progress()
        return request

    def give_up(self) -> Request | None:
        """Read nothing more; returns the request that was not complete."""
        request, self.receiving = self.receiving, None
        self.done = True
        self.unparsed = b""
        return request

    def close(self) -> None:
        """Refer to nothing that refers to this: the connection is gone.

        Left to the garbage collector, short connections made a worker grow by megabytes between
        its rounds.
        """
        self.give_up()
        del self._parser, self._on_progress, self._screen

    def _read_from(self, data: bytes, start: int) -> None:
        pieces = self._pieces
        while start < len(data) and not self.done:
            in_message = self.receiving is not None
            if pieces.exhausted or (len(self._requests) > 1 and not in_message):
                self.unparsed, self._unparsed_from = data, start
                break
            if self._body_to_come:
                end = min(start + self._body_to_come, len(data))
            else:
                end = pieces.end(data, start, self.framing_bytes, in_message=in_message)
            self._feed(data[start:end])
            start = end

    def _feed(self, piece: bytes) -> None:
        self._piece = piece
        self._saw_progress = False
        if self._body_to_come:
            self._body_to_come -= len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, UpgradeOffered):
                self._pass_over(error.__context__)
            elif isinstance(error.__context__, StopReading):
                self._stop_receiving(None)
            else:
                raise error.__context__ or error from None
        except httptools.HttpParserUpgrade:
            self._stop_receiving(None)
        except httptools.HttpParserError as error:
            is_in_head = self.receiving is None or not self.receiving.head_complete
            other = other_protocol(bytes(self.framing_bytes) + piece) if is_in_head else None
            self._stop_receiving(other or str(error))
        self._piece = b""
        if self._saw_progress:
            # The empty line that ends a chunked body may have begun.
            chunked = self.receiving is not None and not self._body_to_come
            self.framing_bytes[:] = piece[-3:] if chunked else b""
            return
        self.framing_bytes += piece
        # Heads, empty lines before them, chunk extensions and trailers may go on without end.
        if len(self.framing_bytes) > self._settings.max_head and not self.done:
            self._refuse_rest(Reason.HEAD_TOO_LARGE)

    def _pass_over(self, offer: UpgradeOffered) -> None:
        self._parser = parser = body_parser(self.on_body, self._end_passed_over)
        parser.feed_data(head_of_body(offer.head, keep_alive=offer.keep_alive))

    def _end_passed_over(self) -> None:
        self.on_message_complete()
        self._parser = httptools.HttpRequestParser(self)

    def _stop_receiving(self, malformed: str | None) -> None:
        """The parser gave up: nothing after this can be framed."""
        last = self._requests[-1] if self._requests else None
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

    # httptools

    def on_message_begin(self) -> None:
        if self._pieces.too_many:
            raise StopReading
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
                raise StopReading

    def on_headers_complete(self) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.head_complete = True
        self._saw_progress = True
        parser = self._parser
        method, request.version = parser.get_method(), parser.get_http_version()
        raw = bytes(self.framing_bytes) + self._piece if self.framing_bytes else self._piece
        if len(raw) > self._settings.max_head:
            request.refuse(Reason.HEAD_TOO_LARGE)
            raise StopReading
        if fault := line_fault(raw, method, request.target, request.version):
            request.refuse(Reason.MALFORMED_HTTP, fault)
            raise StopReading
        self._on_progress()
        peer, proxied_for, scheme = self._sender
        head = make_head(
            peer, method, request.target, request.fields, request.version, proxied_for, scheme
        )
        self._screen(request, head)
        if request.answer is not None and (
            request.answer.last or b"transfer-encoding" in head.named
        ):
            # To find where the chunks of a refused request end costs more than another connection.
            raise StopReading
        self._body_to_come = declared_length(head) or 0
        self._pieces.begin_body()
        request.expects = (
            request.answer is None and b"expect" in head.named and request.version == "1.1"
        )
        if b"upgrade" in head.named and parser.should_upgrade():
            raise UpgradeOffered(head, parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        self._saw_progress = True
        request.append(body, self._gate, self._settings.max_buffered)

    def on_message_complete(self) -> None:
        request = self.receiving
        assert request is not None  # noqa: S101  # on_message_begin came first
        request.complete = self._saw_progress = True
        request.keep_alive = self._parser.should_keep_alive() and not self._pieces.too_many
        self.receiving = None
        self._on_progress()
