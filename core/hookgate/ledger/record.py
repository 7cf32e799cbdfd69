"""The records as plain dicts: flat, bounded, and never more of a request than is listed here.

docs/audit.md maps every field to its Elastic Common Schema and OpenTelemetry name; a test holds
the page and `FIELDS` equal.
"""

import re
from dataclasses import dataclass
from typing import Any

from hookgate.policy import Decision, Head, Origin, Reason, salvage
from hookgate.policy.event_reader import LONGEST_TEXT, EventReader

from .privacy import Privacy

Record = dict[str, Any]

_CLEAN = Reason.CLEAN
_OUTCOMES = {reason.code: reason.outcome.value for reason in Reason}

MOST_ITEMS = 8
# For what no route was found.
_READER = EventReader()
# Of a Content-Type what stands before its parameters. Digits may be a phone number.
_MEDIA_TYPE = re.compile(rb"([a-z]{1,20}/[a-z.+-]{1,60})[ \t]*(?:;|\Z)")

# What the journal adds to each record; a sealed line has `SEAL` behind them.
CHAINED = ("n", "prev")
SEAL = "mac"
# Of what is sent again: the request_id that it had first, who had it sent, and why.
REPLAYED = ("replay_of", "actor", "why")
# A record has these only where there is something to say: in each line they would take 3 % of it.
# In the order in which they are found.
RARE = (
    *("names", *REPLAYED, "signature", "upstream_error", "kept", "not_kept", "custody"),
    *("unusual", "retry", "near"),
)

FIELDS: dict[str, tuple[str, ...]] = {
    "start": (
        "event", "ts", "boot", "front", "version", "policy", "config", "libraries", "worker",
        "replaces", "key", "previous_line", "follows", "n", "prev",
    ),
    "forward": (
        "event", "ts", "boot", "seq", "request_id", "reference", "sha256", *REPLAYED, "n", "prev",
    ),
    "delivery": (
        "event", "ts", "boot", "seq", "front", "request_id", "outcome", "reason", "status",
        "answered", "client", "peer", "method", "path", "route", "content_type", "bytes", "sha256",
        "reference", "event_reference", "channel", "event_type", "from", "to", "time_utc",
        "upstream_status", "duration_ms", "upstream_ms", "policy", "observed", "unknown",
        "unknown_in", "errors", *RARE, "n", "prev",
    ),
    "released": (
        "event", "ts", "boot", "front", "cause", "kept", "sha256", "actor", "why", "n", "prev",
    ),
    "refusals": (
        "event", "ts", "boot", "front", "outcome", "reason", "count", "first_seq", "last_seq",
        "cause", "n", "prev",
    ),
    "gap": (
        "event", "ts", "boot", "front", "cause", "first_n", "last_n", "n", "prev",
    ),
    "reload": (
        "event", "ts", "boot", "front", "result", "policy", "config", "old_policy", "old_config",
        "errors", "n", "prev",
    ),
    "stop": (
        "event", "ts", "boot", "front", "received", "delivered", "refused", "failed", "aborted",
        "in_flight", "n", "prev",
    ),
}  # fmt: skip


_BEGUN = tuple(name for name in FIELDS["delivery"] if name not in (*RARE, *CHAINED))


def begin_record(head_fields: Record, decision: Decision | None, privacy: Privacy) -> Record:
    """Begin a `delivery` with what its route's contract has recorded of the body, made private.

    Of one that did not parse that is as far as anything can be read.
    """
    record = head_fields.copy()
    if decision is not None and decision.body:
        document = decision.document
        if document is None:
            document = salvage(decision.body)
        route = decision.route
        reader = route.reader if route is not None else _READER
        reader.read(document, record, privacy.record)
    return record


@dataclass(slots=True)
class Ending:
    """How a delivery ended, and the findings in words. `status` is what the sender is answered,
    where that is not its reason's.
    """

    reason: Reason
    details: tuple[str, ...] = ()
    upstream_status: int | None = None
    status: int | None = None


def head_fields(
    decision: Decision | None, origin: Origin | None, peer: str, boot: str, front: str, policy: str
) -> Record:
    """Make what a `delivery` has of the head alone; None is one that was never read.

    `origin` is where it came from, as far as that is known. It serves for every request with the
    same head.
    """
    record: Record = dict.fromkeys(_BEGUN)
    record |= {"event": "delivery", "boot": boot, "front": front, "policy": policy}
    record |= {"observed": [], "unknown": 0, "unknown_in": [], "errors": []}
    record["peer"] = peer[:LONGEST_TEXT]
    if origin is not None:
        record["client"] = origin.client or None
        record["peer"] = origin.peer[:LONGEST_TEXT]
    if decision is not None:
        head, route = decision.head, decision.route
        record["method"] = ascii_text(head.method)
        record["path"] = ascii_text(head.path)
        record["route"] = route.contract.name[:LONGEST_TEXT] if route is not None else None
        record["content_type"] = _content_type(head)
    return record


def forward_record(
    boot: str, seq: int, request_id: str, reference: str | None, sha256: str
) -> Record:
    """Make a `forward`; the journal fills in `ts` and adds `n` and `prev`."""
    return {
        "event": "forward",
        "ts": "",
        "boot": boot,
        "seq": seq,
        "request_id": request_id,
        "reference": reference,
        "sha256": sha256,
    }


def end_record(
    record: Record,
    ending: Ending,
    decision: Decision | None,
    *,
    seq: int,
    request_id: str,
    gone: bool,
    size: int,
    sha256: str | None,
    duration_ms: float | None,
    upstream_ms: float | None,
) -> None:
    """Fill in how the delivery ended; the journal fills in `ts` and adds `n` and `prev`.

    `gone` says that the sender was not there to be answered.
    """
    reason, details = ending.reason, ending.details
    # None where the sender left before it was answered.
    status = ending.status or reason.status
    record["seq"] = seq
    record["request_id"] = request_id
    record["outcome"] = _OUTCOMES[reason.code]
    record["reason"] = reason.code
    record["status"] = status
    record["answered"] = status is not None and not gone
    record["bytes"] = size
    record["sha256"] = sha256
    record["upstream_status"] = ending.upstream_status
    record["duration_ms"] = duration_ms
    record["upstream_ms"] = upstream_ms
    if decision is not None:
        if decision.remarks is not None:
            unknown, unusual = decision.remarks
            if unknown is not None:
                record["unknown"] = unknown.members
                record["unknown_in"] = list(unknown.parents[:MOST_ITEMS])
            if unusual:
                record["unusual"] = bounded(unusual)
        if decision.observed:
            record["observed"] = [found.reason.code for found in decision.observed]
            details = details or tuple(
                text for found in decision.observed for text in found.details
            )
        if reason is not _CLEAN and (route := decision.route) is not None and route.retry:
            record["retry"] = route.retry
    if details:
        record["errors"] = bounded(details)


def bounded(texts: tuple[str, ...]) -> list[str]:
    """Return as many texts as a record holds, each cut to `LONGEST_TEXT`."""
    return [text[:LONGEST_TEXT] for text in texts[:MOST_ITEMS]]


def ascii_text(text: bytes) -> str:
    """Return bytes of a head as a record has them."""
    return text[:LONGEST_TEXT].decode("ascii", "backslashreplace")[:LONGEST_TEXT]


def _content_type(head: Head) -> str | None:
    values = head.named.get(b"content-type")
    return _media_type(values[0]) if values else None


def _media_type(value: bytes) -> str:
    match = _MEDIA_TYPE.match(value.lower())
    return match[1].decode() if match else "other"
