"""The records as plain dicts: flat, bounded, and never more of a request than is listed here.

docs/audit.md maps every field to its Elastic Common Schema and OpenTelemetry name; a test holds
the page and `FIELDS` equal.
"""

import re
import time
from functools import lru_cache
from typing import Any, NamedTuple

from hookgate.policy import Decision, Head, Reason, salvage
from hookgate.policy.contract import is_utc_time

from .privacy import Privacy

Record = dict[str, Any]

_OUTCOMES = {reason.code: reason.outcome.value for reason in Reason}

LONGEST_TEXT = 256
MOST_ITEMS = 8
# As `channel` and `event_type` are recorded; anything else is "other".
_WORD = re.compile(r"[A-Za-z_ ]+")
_LONGEST_WORD = 64
# Of a Content-Type what stands before its parameters. Digits may be a phone number.
_MEDIA_TYPE = re.compile(rb"([a-z]{1,20}/[a-z.+-]{1,60})[ \t]*(?:;|\Z)")

FIELDS: dict[str, tuple[str, ...]] = {
    "start": (
        "event", "ts", "boot", "front", "version", "policy", "config", "worker", "replaces",
        "previous_line", "prev",
    ),
    "forward": ("event", "ts", "boot", "seq", "request_id", "reference", "sha256", "prev"),
    "delivery": (
        "event", "ts", "boot", "seq", "front", "request_id", "outcome", "reason", "status",
        "answered", "client", "peer", "method", "path", "route", "content_type", "bytes", "sha256",
        "reference", "event_reference", "channel", "event_type", "from", "to", "time_utc",
        "upstream_status", "duration_ms", "upstream_ms", "policy", "observed", "unknown",
        "unknown_in", "errors", "prev",
    ),
    "refusals": (
        "event", "ts", "boot", "front", "outcome", "reason", "count", "first_seq", "last_seq",
        "cause", "prev",
    ),
    "reload": (
        "event", "ts", "boot", "front", "result", "policy", "config", "old_policy", "old_config",
        "errors", "prev",
    ),
    "stop": (
        "event", "ts", "boot", "front", "received", "delivered", "refused", "failed", "aborted",
        "in_flight", "prev",
    ),
}  # fmt: skip


class Clock:
    """RFC 3339 timestamps in UTC with microseconds, the second formatted once."""

    def __init__(self) -> None:
        self._second = 0
        self._prefix = ""

    def now(self) -> str:
        """The present, as in 2025-09-03T08:00:05.123456Z."""
        nanoseconds = time.time_ns()
        second, rest = divmod(nanoseconds, 1_000_000_000)
        if second != self._second:
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
            self._second = second
        return f"{self._prefix}{rest // 1000:06d}Z"


class Event(NamedTuple):
    """What a record may hold of a document, already bounded and made private."""

    reference: str | None = None
    event_reference: str | None = None
    channel: str | None = None
    event_type: str | None = None
    sender: str | None = None
    recipient: str | None = None
    time_utc: str | None = None


NO_EVENT = Event()
_NOTHING: dict[str, Any] = {}


def read_event(document: dict[str, Any], privacy: Privacy) -> Event:
    """Pick the recorded members of a document; a member of the wrong type is left out."""
    if not document:
        return NO_EVENT
    event = document.get("event")
    if type(event) is not dict:
        event = _NOTHING
    reference, event_reference = document.get("reference"), event.get("reference")
    time_utc = document.get("timeUtc")
    return Event(
        reference[:LONGEST_TEXT] if type(reference) is str else None,
        event_reference[:LONGEST_TEXT] if type(event_reference) is str else None,
        _word(document.get("channel")),
        _word(event.get("type")),
        _party(document.get("from"), privacy),
        _party(document.get("to"), privacy),
        # A time that is none may be anything, a phone number too.
        time_utc if type(time_utc) is str and is_utc_time(time_utc) else None,
    )


def read_decided_event(decision: Decision | None, privacy: Privacy) -> Event:
    """The same of a decision's body, as far as anything can be read of one that did not parse."""
    if decision is None or not decision.body:
        return NO_EVENT
    return read_event(decision.document or salvage(decision.body), privacy)


class Ending(NamedTuple):
    """How a delivery ended, and the findings in words."""

    reason: Reason
    details: tuple[str, ...] = ()
    upstream_status: int | None = None

    @property
    def status(self) -> int | None:
        """The status that the sender is answered with; None where it left before."""
        return (
            self.upstream_status if self.reason is Reason.UPSTREAM_REJECTED else self.reason.status
        )


class HeadFacts(NamedTuple):
    """What a record says of a request's head, already bounded."""

    client: str | None
    peer: str
    method: str | None = None
    path: str | None = None
    route: str | None = None
    content_type: str | None = None


def head_facts(decision: Decision | None, peer: str) -> HeadFacts:
    """The same of a decision; None is one whose head was never read."""
    if decision is None:
        return HeadFacts(None, peer[:LONGEST_TEXT])
    head, origin, contract = decision.head, decision.origin, decision.contract
    return HeadFacts(
        (origin.client or None) if origin is not None else None,
        (origin.peer if origin is not None else peer)[:LONGEST_TEXT],
        _ascii(head.method),
        _ascii(head.path),
        contract.name[:LONGEST_TEXT] if contract is not None else None,
        _content_type(head),
    )


def forward_record(
    *, boot: str, seq: int, request_id: str, reference: str | None, sha256: str
) -> Record:
    """A `forward`; the journal fills in `ts` and `prev`."""
    return {
        "event": "forward",
        "ts": "",
        "boot": boot,
        "seq": seq,
        "request_id": request_id,
        "reference": reference,
        "sha256": sha256,
        "prev": "",
    }


def delivery_record(
    ending: Ending,
    decision: Decision | None,
    event: Event,
    facts: HeadFacts,
    *,
    boot: str,
    seq: int,
    front: str,
    request_id: str,
    gone: bool,
    size: int,
    sha256: str | None,
    duration_ms: float,
    upstream_ms: float | None,
    policy: str,
) -> Record:
    """A `delivery`; the journal fills in `ts` and `prev`.

    `gone` says that the sender was not there to be answered.
    """
    reason, details, upstream_status = ending
    status = ending.status
    client, peer, method, path, route, content_type = facts
    reference, event_reference, channel, event_type, sender, recipient, time_utc = event
    unknown = decision.unknown if decision is not None else None
    observed = decision.observed if decision is not None else None
    if observed and not details:
        details = tuple(text for found in observed for text in found.details)
    # One literal: merging dictionaries of this size costs as much as judging the head.
    return {
        "event": "delivery",
        "ts": "",
        "boot": boot,
        "seq": seq,
        "front": front,
        "request_id": request_id,
        "outcome": _OUTCOMES[reason.code],
        "reason": reason.code,
        "status": status,
        "answered": status is not None and not gone,
        "client": client,
        "peer": peer,
        "method": method,
        "path": path,
        "route": route,
        "content_type": content_type,
        "bytes": size,
        "sha256": sha256,
        "reference": reference,
        "event_reference": event_reference,
        "channel": channel,
        "event_type": event_type,
        "from": sender,
        "to": recipient,
        "time_utc": time_utc,
        "upstream_status": upstream_status,
        "duration_ms": duration_ms,
        "upstream_ms": upstream_ms,
        "policy": policy,
        "observed": [found.reason.code for found in observed] if observed else [],
        "unknown": unknown.members if unknown is not None else 0,
        "unknown_in": list(unknown.parents[:MOST_ITEMS]) if unknown is not None else [],
        "errors": bounded(details) if details else [],
        "prev": "",
    }


def bounded(texts: tuple[str, ...]) -> list[str]:
    """As many as a record holds, each as long."""
    return [text[:LONGEST_TEXT] for text in texts[:MOST_ITEMS]]


def _ascii(text: bytes) -> str:
    return text[:LONGEST_TEXT].decode("ascii", "backslashreplace")[:LONGEST_TEXT]


def _content_type(head: Head) -> str | None:
    values = head.named.get(b"content-type")
    return _media_type(values[0]) if values else None


@lru_cache(maxsize=256)
def _media_type(value: bytes) -> str:
    match = _MEDIA_TYPE.match(value.lower())
    return match[1].decode() if match else "other"


@lru_cache(maxsize=256)
def _is_word(text: str) -> bool:
    return _WORD.fullmatch(text) is not None


def _word(value: Any) -> str | None:
    if type(value) is not str:
        return None
    return value if len(value) <= _LONGEST_WORD and _is_word(value) else "other"


def _party(value: Any, privacy: Privacy) -> str | None:
    number = value.get("number") if type(value) is dict else None
    recorded = privacy.record(number) if type(number) is str else None
    return recorded[:LONGEST_TEXT] if recorded is not None else None
