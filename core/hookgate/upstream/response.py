"""An upstream's bytes become one answer, the same however they are cut."""

import re
from dataclasses import dataclass

import httptools

from hookgate.boundary import end_of_section

# RFC 9112 4, but for the space before a phrase that is left out, which many leave out as well.
# llhttp takes other versions, RTSP, ICE and line ends before it.
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r\n")
_LARGEST_HEAD = 64 * 1024
_WITHOUT_BODY = frozenset((204, 304))


@dataclass(frozen=True, slots=True)
class Response:
    """An upstream's answer; a 2xx one has its body only where that was asked for."""

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes


class InvalidResponseError(Exception):
    """What came is no answer, or too much of one."""


class AnswerTooLargeError(InvalidResponseError):
    """The answer, or its head, is over a bound."""


class ResponseReader:
    """Reads one answer after another, each begun by `reset`.

    `max_body` is in bytes. An answer `to_head` has no body, whatever length it names
    (RFC 9112 6.3). The body of a 2xx is dropped unless it is `wanted`.
    `status` and `head_complete` are those of the answer, once its head is there; 1xx ones before it
    are dropped. `complete` says that it is whole, `keep_alive` that another may follow it.
    """

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._parser = httptools.HttpResponseParser(self)
        self.to_head = False
        self.wanted = False
        self.reset()

    def reset(self) -> None:
        """Begin another answer."""
        self.status = 0
        self.head_complete = False
        self.complete = False
        self.keep_alive = False
        self._fields: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_size = 0
        self._size = 0
        self._piece = b""
        self._head = bytearray()  # what came of the head, before the piece
        self._before = b""  # the end of that, or of what came of the body
        self._to_come = 0  # of the length that was declared
        self._kept = False  # whether the body is

    @property
    def begun(self) -> bool:
        """Whether anything came of the answer."""
        return self._size > 0

    def feed(self, data: bytes) -> bool:
        """Read what came; return whether all of it belongs to the answer.

        Raises `InvalidResponseError`, whereupon nothing more can be read.
        """
        start = 0
        while start < len(data) and not self.complete:
            if self._to_come:
                end = min(start + self._to_come, len(data))
                self._to_come -= end - start
            else:
                end = end_of_section(data, start, self._before)
            self._feed(data[start:end])
            start = end
        return start == len(data)

    def response(self) -> Response:
        """Make the answer, as far as it has come."""
        return Response(self.status, self._fields, b"".join(self._body))

    def ends_with_connection(self) -> bool:
        """Tell whether it has no length, and ends where the connection does (RFC 9112 6.3)."""
        names = {name.lower() for name, _ in self._fields}
        return self.head_complete and not names & {b"content-length", b"transfer-encoding"}

    def _is_coded(self) -> bool:
        """Tell whether the body is coded for the connection, beyond chunks (RFC 9112 7)."""
        found = [value for name, value in self._fields if name.lower() == b"transfer-encoding"]
        return [coding.lower() for coding in found] not in ([], [b"chunked"])

    def _may_go_on(self) -> bool:
        """Tell whether a body was announced where none can be (RFC 9112 6.3): some servers send it,
        later, and it would be taken for the start of the next answer.
        """
        return self.status in _WITHOUT_BODY and (
            self._to_come > 0
            or any(name.lower() == b"transfer-encoding" for name, _ in self._fields)
        )

    def _feed(self, piece: bytes) -> None:
        self._piece = piece
        self._before = piece[-3:] if len(piece) >= 3 else (self._before + piece)[-3:]
        self._size += len(piece)
        in_head = not self.head_complete
        try:
            self._parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if in_head and self._size > _LARGEST_HEAD:
                raise AnswerTooLargeError from None
            raise InvalidResponseError from None
        if not in_head:
            # Chunk framing and trailers count in what came, not in the body.
            if self._body_size > self._max_body or self._size > 2 * self._max_body + _LARGEST_HEAD:
                raise AnswerTooLargeError
        elif not self.head_complete:
            if self._size > _LARGEST_HEAD:
                raise AnswerTooLargeError
            self._head += self._piece
        elif self._kept and self._to_come > self._max_body and not self.complete:
            raise AnswerTooLargeError

    # httptools. What these raise comes back as an `HttpParserError`.

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_complete:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        head = bytes(self._head) + self._piece
        if self._size > _LARGEST_HEAD or _STATUS_LINE.match(head) is None:
            raise InvalidResponseError
        self._head.clear()
        self._piece = self._before = b""
        if self.status < 200:
            return
        self.head_complete = True
        self._kept = self.wanted or self.status >= 300
        if self.to_head:
            # The connection is not used again: the parser still waits for a body.
            self.complete = True
            return
        if self.wanted and self.status < 300 and self._is_coded():
            raise InvalidResponseError  # its body means nothing without a field that stays behind
        lengths = [value for name, value in self._fields if name.lower() == b"content-length"]
        if lengths:
            self._to_come = int(lengths[0])  # llhttp lets no two pass, nor anything but digits

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._kept and self._body_size <= self._max_body:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self.status >= 200:
            self.complete = True
            # llhttp forgets it when the message is over.
            self.keep_alive = self._parser.should_keep_alive() and not self._may_go_on()
        else:
            self._fields = []  # 100 and 103 come before the answer
