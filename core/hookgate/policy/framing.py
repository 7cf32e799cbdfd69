"""HTTP that must not be interpreted: what a parser lets through although two readers may differ.

Both fronts parse with a library (llhttp, mitmproxy); these are the faults that at least one of
them accepts. References are to RFC 9112 (HTTP/1.1) and RFC 9110 (semantics).
"""

import re
import string

from hookgate.bounded_cache import remember_short

from .request import Head
from .verdict import Finding, Reason

# RFC 9110 8.6: Content-Length = 1*DIGIT. Leading zeros are legal there, but nginx, Go and llhttp
# disagree on "007", so the only spelling taken is the shortest one.
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,18}")

# RFC 9110 7.2: Host = uri-host [ ":" port ]; reg-name without percent-encoding, or an IP-literal.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")

# RFC 9110 5.6.2
_TOKEN_CHARACTERS = b"!#$%&'*+-.^_`|~" + string.digits.encode() + string.ascii_letters.encode()

# A field value holds VCHAR, obs-text, SP and HTAB (RFC 9110 5.5); a target no white space.
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BAD_TARGET = re.compile(rb"[\x00-\x20\x7f]")


def find_malformed(head: Head) -> Finding | None:
    """Find the first thing about a head that makes it unsafe to interpret (RFC 9112, RFC 9110)."""
    named = head.named
    problem = (
        _request_line(head.method, head.version)
        or _target(head.target)
        or _host(named.get(b"host"))
        or _body_framing(head.version, named)
        or _upgrade(named.get(b"upgrade"))
        or _names(named)
    )
    if problem is None and _BAD_VALUE.search(b"".join([value for _, value in head.fields])):
        problem = "a field value holds a control character"
    if problem is not None:
        return Finding(Reason.MALFORMED_HTTP, (problem,))
    # RFC 9110 10.1.1: an HTTP/1.0 client's expectation is ignored.
    expect = named.get(b"expect")
    if expect is None or head.version == "1.0" or [v.lower() for v in expect] == [b"100-continue"]:
        return None
    return Finding(Reason.EXPECTATION_FAILED, ("only 100-continue can be expected",))


def _request_line(method: bytes, version: str) -> str | None:
    if version not in ("1.1", "1.0"):
        return "the HTTP version is not 1.1 or 1.0"
    if not method or method.translate(None, _TOKEN_CHARACTERS):
        return "the method is not a token"
    if method == b"CONNECT":
        return "no tunnel is offered here"
    return None


# A sender's requests differ in little but the body: remembering a target or a Host costs a fifth of
# matching it again.
@remember_short(1024)
def _target(target: bytes) -> str | None:
    if not target.startswith(b"/"):
        return "the target is not in origin form"
    if _BAD_TARGET.search(target):
        return "the target holds a control character or a space"
    return None


def _upgrade(values: list[bytes] | None) -> str | None:
    # RFC 9110 7.8: an offer may be ignored, and is not forwarded. Clients offer h2c or TLS with
    # whole requests; a WebSocket's opening is no event.
    if values is not None and b"websocket" in b",".join(values).lower():
        return "no WebSocket is offered here"
    return None


def _names(named: dict[bytes, list[bytes]]) -> str | None:
    if b"" in named or b"".join(named).translate(None, _TOKEN_CHARACTERS):
        return "a field name is not a token"
    return None


def _host(values: list[bytes] | None) -> str | None:
    if values is None:
        return "no Host"
    if len(values) != 1:
        return "more than one Host"
    return _host_text(values[0])


@remember_short(256)
def _host_text(value: bytes) -> str | None:
    return None if _HOST.fullmatch(value) else "Host is not a host"


def _body_framing(version: str, named: dict[bytes, list[bytes]]) -> str | None:
    lengths = named.get(b"content-length")
    codings = named.get(b"transfer-encoding")
    if lengths is not None:
        if codings is not None:
            return "both Content-Length and Transfer-Encoding"
        if len(lengths) != 1 or _LENGTH.fullmatch(lengths[0]) is None:
            return "Content-Length is not one plain number"
    elif codings is not None:
        if version == "1.0":
            return "Transfer-Encoding in HTTP/1.0"
        if len(codings) != 1 or codings[0].lower() != b"chunked":
            return "Transfer-Encoding is not exactly chunked"
    return None


def declared_length(head: Head) -> int | None:
    """Return the Content-Length, in bytes, of a head that `find_malformed` passed; None without."""
    values = head.named.get(b"content-length")
    return int(values[0]) if values else None
