"""Which fields travel upstream and back, and which are ours. Pure."""

import re

from hookgate.bounded_cache import remember_short
from hookgate.policy import UNIX_PEER, Fields, Head
from hookgate.policy.source import Origin
from hookgate.signing.schemes import SIGNED_FIELDS
from hookgate.signing.sign import SIGNATURE_FIELDS

# RFC 9110 7.6.1 and the fields it lists; Expect was answered here, Content-Length is fresh.
_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"content-length",
        b"expect",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_FORWARDING = frozenset((b"forwarded", b"x-real-ip", b"x-request-id"))
_OURS = (b"x-forwarded-", b"x-hookgate-")
# RFC 3875 4.1.18: nginx, WSGI and CGI read X_Forwarded_For as X-Forwarded-For. Some (lighttpd,
# Apache before 2.4) read X.Forwarded.For so too, and any other sign.
_SIGN = re.compile(rb"[^a-z0-9]")

# RFC 9110 7.6.1: a field meant for the recipient must not be a connection option. Naming one of
# these in Connection would make upstream parse something else than what was judged.
_KEPT = frozenset((b"host", b"content-type", b"content-encoding")) | SIGNED_FIELDS

_HOST = re.compile(rb"[A-Za-z0-9._~:\[\]-]{1,255}")


@remember_short(1024)
def _travels(name: bytes) -> bool:
    read = _read_as(name)
    return not (
        read in _HOP_BY_HOP or read in _FORWARDING or read.startswith(_OURS) or b"_" in name
    )


@remember_short(1024)
def _read_as(name: bytes) -> bytes:
    return _SIGN.sub(b"-", name.lower())


def _connection_options(values: list[bytes] | None) -> frozenset[bytes]:
    if not values or values == [b"keep-alive"] or values == [b"close"]:
        return frozenset()
    options = {option.strip(b" \t").lower() for option in b",".join(values).split(b",")}
    return frozenset(options - _KEPT)


def upstream_request(head: bytes, body: bytes, request_id: str, signature: bytes = b"") -> bytes:
    """Make a request in one piece, of what `upstream_head` made and the lines of `signature`: to
    copy an event costs less than a second write.
    """
    rest = f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\n\r\n"
    return b"".join((head, signature, rest.encode(), body))


def upstream_head(
    head: Head, origin: Origin, host: bytes, client_field: bytes = b"", *, signed: bool = False
) -> bytes:
    """Make what goes upstream before the fields that differ between requests of one head.

    Method and target are verbatim, fields keep their order, names and values. `host` replaces the
    sender's Host unless it is b"". A trusted peer's own X-Forwarded-Proto and -Host are kept, being
    part of what it vouches for; not so where it speaks the PROXY protocol, and lets fields pass as
    they are. So is its `client_field`, in lower case, which holds the one address that was read.
    Where what is sent is `signed`, the fields of a signature are nobody else's.
    """
    # Only a trusted proxy makes a chain.
    trusted = bool(origin.chain) and head.proxied_for is None
    dropped = _connection_options(head.named.get(b"connection"))
    ours = SIGNATURE_FIELDS if signed else frozenset()
    if client_field:
        ours |= {client_field}
    vouched = client_field if trusted else b""
    parts = [head.method, b" ", head.target, b" HTTP/1.1\r\n"]
    for name, value in head.fields:
        if (
            _travels(name)
            and not (dropped and name.lower() in dropped)
            and not (ours and _read_as(name) in ours and name.lower() != vouched)
        ):
            if host and name.lower() == b"host":
                value = host  # the one value that may change
            parts += (name, b": ", value, b"\r\n")
    # What came over a Unix socket names the client and those behind the proxy: it has no address.
    peers = () if origin.peer == UNIX_PEER else (origin.peer,)
    chain = ", ".join((*origin.chain, *peers)).encode()
    proto = _vouched(head, b"x-forwarded-proto", trusted)
    parts += (
        b"X-Forwarded-For: ",
        chain,
        b"\r\nX-Forwarded-Proto: ",
        proto if proto in (b"http", b"https") else head.scheme,
        b"\r\nX-Forwarded-Host: ",
        _vouched(head, b"x-forwarded-host", trusted) or head.named[b"host"][0],
        b"\r\n",
    )
    return b"".join(parts)


def _vouched(head: Head, name: bytes, trusted: bool) -> bytes:
    values = head.named.get(name) if trusted else None
    return values[0] if values and len(values) == 1 and _HOST.fullmatch(values[0]) else b""


def relayed_fields(fields: Fields) -> list[tuple[bytes, bytes]]:
    """Pick the fields of an upstream's answer that travel back to the sender."""
    connection = [value for name, value in fields if name.lower() == b"connection"]
    dropped = _HOP_BY_HOP | _connection_options(connection)
    return [(name, value) for name, value in fields if name.lower() not in dropped]
