"""Answers as bytes."""

import time
from email.utils import formatdate

from hookgate.gate.answer import DELIVERED, Answer
from hookgate.reason_phrases import PHRASES

# An interim answer (RFC 9110 15.2.1).
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_LINES = {status: f"HTTP/1.1 {status} {phrase}\r\n".encode() for status, phrase in PHRASES.items()}


class AnswerWriter:
    """Render answers; `tick` renews what depends on the time, once a second."""

    def __init__(self) -> None:
        self._date = b""
        self._delivered = b""
        self._bare: dict[int, bytes] = {}
        self.tick()

    def tick(self) -> None:
        """Renew the Date (RFC 9110 6.6.1) and the answer that nearly every request gets."""
        self._date = b"Date: %s\r\n" % formatdate(time.time(), usegmt=True).encode()
        self._delivered = self._render(DELIVERED, b"")
        self._bare.clear()

    def render(self, answer: Answer, keep_alive: bool, http10: bool) -> bytes:
        """Return the bytes of an answer; `http10` says that the request was HTTP/1.0."""
        if keep_alive and not http10:
            if answer is DELIVERED:
                return self._delivered
            if not (answer.fields or answer.body):
                return self._bare.get(answer.status) or self._remember(answer)
            return self._render(answer, b"")
        option = b"Connection: keep-alive\r\n" if keep_alive else b"Connection: close\r\n"
        return self._render(answer, option)

    def _remember(self, answer: Answer) -> bytes:
        self._bare[answer.status] = data = self._render(answer, b"")
        return data

    def _render(self, answer: Answer, option: bytes) -> bytes:
        line = _LINES.get(answer.status) or b"HTTP/1.1 %d \r\n" % answer.status
        fields = b"".join(
            b"%s: %s\r\n" % field for field in answer.fields if field[0].lower() != b"date"
        )
        length = b"Content-Length: %d\r\n" % len(answer.body) if answer.has_length else b""
        return b"".join((line, self._date, fields, option, length, b"\r\n", answer.body))
