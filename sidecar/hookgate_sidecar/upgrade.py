"""Offers of another protocol, which are passed over (RFC 9110 7.8)."""

from collections.abc import Callable

import httptools

from hookgate.policy import Head


class StopReading(Exception):  # noqa: N818  # no error: how a parser callback ends the parsing
    """Nothing after this request can be framed."""


class UpgradeOffered(Exception):  # noqa: N818  # no error either
    """httptools takes all that comes behind this head for the other protocol."""

    def __init__(self, head: Head, keep_alive: bool) -> None:
        self.head = head
        self.keep_alive = keep_alive


def body_parser(
    on_body: Callable[[bytes], None], on_complete: Callable[[], None]
) -> httptools.HttpRequestParser:
    """Make a parser for one body behind a `head_of_body`, which is to be fed to it first.

    A message without a body is complete then. It raises `StopReading` where another one begins.
    """
    return httptools.HttpRequestParser(_Body(on_body, on_complete))


class _Body:
    """Takes a parser's calls for one body, where another parser has read the head."""

    def __init__(self, on_body: Callable[[bytes], None], on_complete: Callable[[], None]) -> None:
        self.on_body = on_body
        self.on_message_complete = on_complete
        self._begun = False

    def on_message_begin(self) -> None:
        if self._begun:
            raise StopReading
        self._begun = True


def head_of_body(head: Head, *, keep_alive: bool = True) -> bytes:
    """Write a head that frames the same body, and offers nothing: it is for a parser.

    Of a head whose framing is at fault the parser will say so.
    """
    lines = [b"POST / HTTP/" + head.version.encode()]
    lines.append(b"Connection: " + (b"keep-alive" if keep_alive else b"close"))
    for name in (b"content-length", b"transfer-encoding"):
        lines += [name + b": " + value for value in head.named.get(name, ())]
    return b"\r\n".join((*lines, b"", b""))
