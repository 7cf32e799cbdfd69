"""A record read back as the checks that it went through, and as the head that it came with."""

import re
from typing import NamedTuple

from hookgate.ledger.record import Record
from hookgate.policy import CHECKS, Fault, Head, OnNginx, Phase, Reason, make_head

OK, NOT_REACHED, NOT_CHECKED, NOT_KNOWN = "ok", "not reached", "not checked", "not known"

# Where a request may end without a check's finding.
_BESIDE_CHECKS = {
    "http": (Reason.HEAD_TOO_LARGE, Reason.HEAD_TIMEOUT, Reason.OVERLOADED, Reason.CLIENT_GONE),
    "body": (Reason.BODY_TIMEOUT,),
    "ledger": (Reason.AUDIT_UNAVAILABLE,),
    "upstream": tuple(reason for reason in Reason if reason.fault is Fault.UPSTREAM),
}
_ON_HEAD = [check.name for check in CHECKS if Phase.HEAD in check.phases]
_ON_BODY = [check.name for check in CHECKS if Phase.HEAD not in check.phases]
# The stations of a request in their order, each with the reasons that end it there.
STATIONS: dict[str, tuple[str, ...]] = {
    name: tuple(
        reason.code
        for reason in Reason
        if reason.check == name or reason in _BESIDE_CHECKS.get(name, ())
    )
    for name in (*_ON_HEAD, "body", *_ON_BODY, "ledger", "upstream")
}
_STATION_OF = {reason: name for name, reasons in STATIONS.items() for reason in reasons}
# nginx writes no ledger, and has no body to look at.
_NOT_NGINX = frozenset(
    ("body", "ledger", *(check.name for check in CHECKS if check.on_nginx is OnNginx.NO))
)
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


class StationResult(NamedTuple):
    """What a request met on its way. `result` is `OK`, a reason's code, or why there is none."""

    name: str
    saw: str
    result: str
    observed: bool
    details: tuple[str, ...]


def retrace(record: Record) -> list[StationResult]:
    """Return a delivery's way through the gate, told by a record that `members` found right."""
    reason = str(record.get("reason"))
    end = _end(record, reason)
    errors = tuple(record.get("errors") or ())
    observed = record.get("observed") or ()
    seen = {_STATION_OF.get(code): code for code in observed}
    refused = record.get("outcome") == "refused"
    names = list(STATIONS)
    last = names.index(end) if end else len(names) - 1
    stations = []
    for place, name in enumerate(names):
        details: tuple[str, ...] = ()
        is_end = name == end and reason != "clean"
        if name in _NOT_NGINX and record.get("front") == "nginx":
            result = NOT_CHECKED
        elif place > last:
            result = NOT_REACHED
        elif is_end:
            result = reason
            details = errors if refused else ()
        elif name in seen:
            result = seen[name]
            details = () if refused else errors
        elif not end:
            result = NOT_KNOWN
        elif name == "signature" and record.get("signature") is None:
            result = NOT_CHECKED  # its route asks for none
        else:
            result = OK
        saw = _saw(name, record) if place <= last else ""
        stations.append(StationResult(name, saw, result, name in seen and not is_end, details))
    return stations


def _end(record: Record, reason: str) -> str:
    """The station where it ended, "" where that is not known, as after a fault of the gate."""
    if record.get("upstream_ms") is not None or reason == "clean":
        return "upstream"
    end = _STATION_OF.get(reason, "")
    # Whoever has a client got past the head; what breaks or ends after that does in the body.
    return "body" if end == "http" and record.get("client") else end


def _saw(name: str, record: Record) -> str:
    def text(field: str) -> str:
        value = record.get(field)
        return "" if value is None else str(value)

    match name:
        case "source":
            client, peer = text("client") or "nobody", text("peer")
            return f"client {client}" + ("" if client == peer else f", peer {peer}")
        case "method":
            return text("method")
        case "route":
            return text("path")
        case "media_type":
            return text("content_type")
        case "size":
            return f"{text('bytes')} bytes"
        case "signature":
            return text("signature")
        case "contract":
            return text("route")
        case "upstream" if record.get("upstream_status") is not None:
            broken = record.get("upstream_error")
            and_then = f", then {broken}" if broken is not None else ""
            return f"status {text('upstream_status')}{and_then} in {text('upstream_ms')} ms"
        case "upstream" if record.get("upstream_error") is not None:
            return f"{text('upstream_error')} after {text('upstream_ms')} ms"
        case _:
            return ""


def rebuild_head(record: Record, header: str, size: int) -> Head:
    """Make a head like the one that the record is of, for a body of `size` bytes.

    `header` is the field that trusted proxies name the client in. What no record holds is missing:
    the query, other fields, and the parameters of Content-Type.
    """
    peer, client = str(record.get("peer")), record.get("client")
    content_type = record.get("content_type", "application/json")
    fields = [(b"Host", b"localhost"), (b"Content-Length", b"%d" % size)]
    if content_type is not None:
        fields.append((b"Content-Type", _bytes(content_type)))
    if client and client != peer:
        value = f'for="[{client}]"' if ":" in client else f"for={client}"
        fields.append((header.encode(), _bytes(value if header == "forwarded" else client)))
    path = _ESCAPED.sub(
        lambda match: bytes((int(match[1], 16),)), _bytes(record.get("path") or "/")
    )
    return make_head(peer, _bytes(record.get("method") or "POST"), path, fields)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
