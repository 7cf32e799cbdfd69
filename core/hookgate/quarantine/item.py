"""A kept delivery as bytes: its request as HTTP (RFC 9112), as it came. Pure.

A field of ours ends the head, `X-Hookgate-Kept`: a JSON object in ASCII with what the bytes do not
say of where they came from. So whatever reads HTTP can read an item once it is decrypted.
"""

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from hookgate.policy import Fields, Head, Origin, make_head

_KEPT = b"X-Hookgate-Kept"
_OURS = b"x-hookgate-"
_LENGTH = b"content-length"
# The body is whole here, its length is told anew, and nobody waits to be told to go on.
_FRAMING = (_LENGTH, b"transfer-encoding", b"expect")
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(_TOKEN + rb" [^\x00-\x20\x7f]+ HTTP/1\.[01]")
_NAME = re.compile(_TOKEN)
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_WHITE = b" \t"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class ItemError(ValueError):
    """Why something is no item; the message follows its name, and holds nothing of it."""


class Item(NamedTuple):
    """A delivery to be kept, or one that was.

    `received` is in seconds since 1970, kept to the microsecond. `signed` says whether its
    signature held, None where its route asked for none. Of `head` all is kept but framing, in whose
    place there is a Content-Length, and fields of ours.
    """

    head: Head
    body: bytes
    origin: Origin
    request_id: str
    received: float
    signed: bool | None


def item_name(sha256_of_body: str, target: bytes) -> str:
    """Name the item of this body, by its SHA-256 in hex, at this target, query included."""
    return f"{sha256_of_body}-{sha256(target).hexdigest()[:16]}"


def write_item(item: Item) -> bytes:
    """Write an item. Raises `ItemError` where `read_item` would read another, or none."""
    head = item.head
    line = b"%b %b HTTP/%b" % (head.method, head.target, head.version.encode())
    if _REQUEST_LINE.fullmatch(line) is None:
        raise ItemError("has no request line")
    lines = [line]
    for name, value in head.fields:
        lower = name.lower()
        if lower in _FRAMING or lower.startswith(_OURS):
            continue
        _check_field(name, value)
        lines.append(b"%b: %b" % (name, value))
    lines.append(b"Content-Length: %d" % len(item.body))
    lines.append(b"%b: %b" % (_KEPT, _describe(item)))
    return b"\r\n".join((*lines, b"", item.body))


def read_item(text: bytes) -> Item:
    """Read what `write_item` wrote. Raises `ItemError`: a file may be of another hand."""
    head, end, body = text.partition(b"\r\n\r\n")
    line, *rest = head.split(b"\r\n")
    if not end or _REQUEST_LINE.fullmatch(line) is None:
        raise ItemError("is no HTTP request")
    fields = [_read_field(field) for field in rest]
    if len(fields) < 2 or fields[-1][0] != _KEPT:
        raise ItemError(f"has no {_KEPT.decode()} at the end of its head")
    said = _read_object(fields.pop()[1])
    if fields[-1] != (b"Content-Length", b"%d" % len(body)):
        raise ItemError("has no Content-Length of its body")
    if any(name.lower() in _FRAMING or name.lower().startswith(_OURS) for name, _ in fields[:-1]):
        raise ItemError("has a field that no item has")
    try:
        return _make(line, fields, body, said)
    except (KeyError, TypeError, ValueError):
        raise ItemError(f"has another {_KEPT.decode()} than items have") from None


def _make(line: bytes, fields: Fields, body: bytes, said: dict[str, Any]) -> Item:
    method, target, version = line.split(b" ")
    peer, chain, scheme = _text(said["peer"]), said["chain"], _text(said["scheme"])
    proxied_for, signed = said["proxied_for"], said["signed"]
    if type(chain) is not list or not (signed is None or type(signed) is bool):
        raise TypeError
    head = make_head(
        peer,
        method,
        target,
        fields,
        version[-3:].decode(),
        None if proxied_for is None else _text(proxied_for),
        scheme.encode("latin-1"),
    )
    origin = Origin(peer, _text(said["client"]), tuple(map(_text, chain)), None)
    return Item(head, body, origin, _text(said["request_id"]), _read_time(said["received"]), signed)


def _check_field(name: bytes, value: bytes) -> None:
    # RFC 9112 5: white space around a value is none of it.
    if _NAME.fullmatch(name) is None or _BAD_VALUE.search(value) or value.strip(_WHITE) != value:
        raise ItemError("has a field that is none")


def _read_field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b": ")
    if not colon:
        raise ItemError("has a field that is none")
    _check_field(name, value)
    return name, value


def _describe(item: Item) -> bytes:
    said = {
        "request_id": item.request_id,
        "received": _write_time(item.received),
        "peer": item.origin.peer,
        "client": item.origin.client,
        "chain": item.origin.chain,
        "scheme": item.head.scheme.decode("latin-1"),
        "proxied_for": item.head.proxied_for,
        "signed": item.signed,
    }
    return json.dumps(said, separators=(",", ":")).encode("ascii")


def _read_object(value: bytes) -> dict[str, Any]:
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        said = None
    if type(said) is not dict:
        raise ItemError(f"has a {_KEPT.decode()} that is no JSON object")
    return said


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _write_time(seconds: float) -> str:
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ItemError("has no time") from None
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _read_time(value: object) -> float:
    text = _text(value)
    if _TIME.fullmatch(text) is None:
        raise ValueError
    return datetime.fromisoformat(text).timestamp()
