"""The request line as it was sent: llhttp tells its parts, and not what stood between them."""

import re

_EMPTY_LINES = re.compile(rb"(?:\r\n)*")
# How other protocols begin: a TLS record (RFC 8446 5.1), and a preface (RFC 9113 3.4).
_OTHER_PROTOCOLS = {
    b"\x16": "TLS, to a listener without it",
    b"PRI * HTTP/2": "HTTP/2; HTTP/1.1 is spoken here",
}
_LINE_ENDS = re.compile(rb"[\r\n]*")


def other_protocol(begun: bytes) -> str | None:
    """Say which protocol it is that begins so, if one that is not HTTP/1.1 is known."""
    known = (name for start, name in _OTHER_PROTOCOLS.items() if begun.startswith(start))
    return next(known, None)


def line_fault(head: bytes, method: bytes, target: bytes, version: str) -> str | None:
    """Say what is wrong with the first line of a whole head, as sent; None if nothing is.

    llhttp takes any number of spaces, line feeds before the line, and RTSP and ICE for HTTP. A line
    is `method SP target SP HTTP/1.1 CRLF` (RFC 9112 3); empty lines may precede it (RFC 9112 2.2).
    """
    line = b"%s %s HTTP/%s\r\n" % (method, target, version.encode())
    if head.startswith(line):
        return None
    start = skip_line_ends(head, 0)
    before = _EMPTY_LINES.match(head)
    if before is None or before.end() != start:
        return "a bare CR or LF before the request line"
    if not head.startswith(line, start):
        return (
            "the request line is not a method, a target and an HTTP version, with one space between"
        )
    return None


def skip_line_ends(data: bytes, start: int) -> int:
    """Return where the first byte that is neither CR nor LF stands, or the end."""
    found = _LINE_ENDS.match(data, start)
    return found.end() if found is not None else start
