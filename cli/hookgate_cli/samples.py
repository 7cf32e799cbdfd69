"""The requests that `demo` and `send` send: documented bodies, and what must not get through."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from hookgate.policy import Reason
from hookgate.samples import documented_samples

_JSON = {"Content-Type": "application/json"}
# The sample of each contract that the others are made of.
_BASES = {
    "cm-events": "rcs-suggestion-click",
    "cm-messages": "whatsapp-text",
    "cm-status": "report",
    "cm-email": "old-one-event",
    "cm-payments": "finalstatus",
    "cm-voice": "call",
    "cm-two-way": "message",
}


@dataclass(frozen=True)
class Sample:
    """One request, and the reason that it must end with.

    `raw` replaces all other parts where no well-behaved client would send them; `{target}` and
    `{host}` in it are filled in. `chunked` sends the body without a Content-Length.
    """

    name: str
    reason: Reason
    body: bytes
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: dict(_JSON))
    chunked: bool = False
    raw: str = ""


# What keeps a contract no longer once one of its texts is another.
_VIOLATIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "cm-events": (
        ("no timeUtc", '"timeUtc"', '"time"'),
        ("30 February", "2025-09-03", "2025-02-30"),
        ("RCS without reference", '"reference"', '"ref"'),
    ),
    "cm-messages": (
        ("no sender", '"from"', '"sender"'),
        ("no message", '"message":', '"content":'),
        ("a number that is none", '"0031600000002"', "31600000002"),
    ),
    "cm-status": (
        ("no status", '"status"', '"state"'),
        ("nothing in messages", '"msg"', '"message"'),
    ),
    "cm-email": (("no MailID", '"MailID"', '"Mail"'), ("no EventType", '"EventType"', '"Type"')),
    "cm-payments": (
        ("no event", '"event"', '"kind"'),
        ("30 February", "2025-09-03", "2025-02-30"),
    ),
    "cm-voice": (),
    "cm-two-way": (),
}


def base(contract: str) -> bytes:
    """Return the documented body that the samples of a contract are made of."""
    return documented_samples(contract)[_BASES[contract]]


def clean(contract: str) -> tuple[Sample, ...]:
    """Return what must pass on a route of this contract."""
    body = base(contract)
    return (
        *(Sample(name, Reason.CLEAN, one) for name, one in documented_samples(contract).items()),
        Sample("sent in chunks", Reason.CLEAN, body, chunked=True),
        Sample("a member nobody knows yet", Reason.CLEAN, _with_member(body, '"priority": 5')),
    )


def hostile(contract: str) -> tuple[Sample, ...]:
    """Return what must not pass on a route of this contract."""
    return (*_broken(base(contract)), *_misshapen(contract), *_BROKEN_HTTP)


def _with_member(body: bytes, member: str) -> bytes:
    return body.replace(b"{\n", b"{\n  %b,\n" % member.encode(), 1)


def _broken(body: bytes) -> tuple[Sample, ...]:
    """What is refused before any contract is asked."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    latin = {"Content-Type": "application/json; charset=iso-8859-1"}
    large = b'{"pad":"' + b"x" * 2_000_000 + b'"}'
    return (
        Sample("GET", Reason.METHOD_NOT_ALLOWED, b"", "GET"),
        Sample("no Content-Type", Reason.CONTENT_TYPE_MISSING, body, headers={}),
        Sample("a form", Reason.CONTENT_TYPE_UNSUPPORTED, body, headers=form),
        Sample("charset=latin1", Reason.CHARSET_UNSUPPORTED, body, headers=latin),
        Sample("said to be gzip", Reason.CONTENT_ENCODING_UNSUPPORTED, body,
               headers={**_JSON, "Content-Encoding": "gzip"}),
        Sample("2 MB", Reason.BODY_TOO_LARGE, large),
        Sample("2 MB in chunks", Reason.BODY_TOO_LARGE, large, chunked=True),
        Sample("empty body", Reason.BODY_EMPTY, b""),
        Sample("byte 0xFF", Reason.NOT_UTF8, body.replace(b'": "', b'": "\xff', 1)),
        Sample("cut off", Reason.MALFORMED_JSON, body[:-20]),
        Sample("a second document behind", Reason.MALFORMED_JSON, body + b"{}"),
        Sample("a key twice, once escaped", Reason.DUPLICATE_KEY,
               _with_member(body, '"n": 1, "\\u006e": 2')),
        Sample("100,000 brackets", Reason.TOO_DEEP, b'{"a":' + b"[" * 100_000),
        Sample("100,000 numbers", Reason.TOO_MANY_VALUES, b'{"a":[0' + b",0" * 100_000 + b"]}"),
        Sample("1e999", Reason.NUMBER_OUT_OF_RANGE, _with_member(body, '"n": 1e999')),
    )  # fmt: skip


def _misshapen(contract: str) -> Iterator[Sample]:
    body = base(contract)
    if isinstance(json.loads(body), dict):
        yield Sample("a list of events", Reason.NOT_AN_OBJECT, b"[" + body + b"]")
    else:
        yield Sample("a text", Reason.NOT_AN_OBJECT, b'"Opened"')
    for name, old, new in _VIOLATIONS[contract]:
        changed = body.replace(old.encode(), new.encode(), 1)
        assert changed != body  # noqa: S101  # a sample that changes nothing would prove nothing
        yield Sample(name, Reason.CONTRACT_VIOLATION, changed)


_BROKEN_HTTP = (
    Sample("two lengths at once", Reason.MALFORMED_HTTP, b"",
           raw="POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
               "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Sample("an upgrade to WebSocket", Reason.MALFORMED_HTTP, b"",
           raw="POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"),
)  # fmt: skip
