"""Offers of another protocol, which are passed over (RFC 9110 7.8)."""

from typing import TYPE_CHECKING

from hookgate.policy import Head

if TYPE_CHECKING:
    from .reader import Reader


class BehindHead:
    """What the parser of one message's body calls, where another one has read the head."""

    def __init__(self, reader: "Reader") -> None:
        self._reader = reader
        self._begun = False
        self.on_body = reader.on_body

    def on_message_begin(self) -> None:
        if self._begun:
            self._reader.stop_reading()
        self._begun = True

    def on_message_complete(self) -> None:
        self._reader.on_message_complete()
        self._reader.read_heads()


def head_of_body(head: Head, *, keep_alive: bool = True) -> bytes:
    """Write a head that frames the same body, and offers nothing: it is for a parser.

    Of a head whose framing is at fault the parser will say so.
    """
    lines = [b"POST / HTTP/" + head.version.encode()]
    lines.append(b"Connection: " + (b"keep-alive" if keep_alive else b"close"))
    for name in (b"content-length", b"transfer-encoding"):
        lines += [name + b": " + value for value in head.named.get(name, ())]
    return b"\r\n".join((*lines, b"", b""))
