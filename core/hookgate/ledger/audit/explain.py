"""A record read back as the checks that it went through, and as the head that it came with."""

import re
from typing import NamedTuple

from hookgate.ledger.record import Record
from hookgate.policy import Head, make_head

OK, NOT_REACHED, NOT_CHECKED, NOT_KNOWN = "ok", "not reached", "not checked", "not known"

# The stations of a request in their order, each with the reasons that end it there.
STATIONS: dict[str, tuple[str, ...]] = {
    "http": (
        "malformed_http", "expectation_failed", "head_too_large", "head_timeout", "overloaded",
        "client_gone",
    ),
    "source": ("source_not_allowed", "source_unresolved"),
    "method": ("method_not_allowed",),
    "route": ("path_not_routed",),
    "media_type": (
        "content_type_missing", "content_type_repeated", "content_type_unsupported",
        "charset_unsupported",
    ),
    "encoding": ("content_encoding_unsupported",),
    "size": ("body_too_large",),
    "body": ("body_timeout",),
    "document": (
        "body_empty", "not_utf8", "malformed_json", "duplicate_key", "too_deep",
        "too_many_values", "number_out_of_range", "not_an_object",
    ),
    "contract": ("contract_violation",),
    "ledger": ("audit_unavailable",),
    "upstream": (
        "upstream_rejected", "upstream_unreachable", "upstream_invalid", "upstream_timeout",
    ),
}  # fmt: skip
_STATION_OF = {reason: name for name, reasons in STATIONS.items() for reason in reasons}
# nginx has no body to look at, and writes no ledger.
_NOT_NGINX = ("body", "document", "contract", "ledger")
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
        else:
            result = OK if end else NOT_KNOWN
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
        case "contract":
            return text("route")
        case "upstream" if record.get("upstream_status") is not None:
            return f"status {text('upstream_status')} in {text('upstream_ms')} ms"
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
