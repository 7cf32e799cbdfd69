"""The requests that `demo` and `send` send: documented events, and what must not get through."""

import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from hookgate.policy import Reason
from hookgate.samples import documented_events

_JSON = {"Content-Type": "application/json"}
_EVENT = documented_events()["rcs-suggestion-click"]
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Sample:
    """One request, and the reason that it must end with.

    `raw` replaces all other parts where no well-behaved client would send them; `{target}` and
    `{host}` in it are filled in. `chunked` sends the body without a Content-Length.
    """

    name: str
    reason: Reason
    body: bytes = _EVENT
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: dict(_JSON))
    chunked: bool = False
    raw: str = ""


def _event(old: bytes, new: bytes) -> bytes:
    assert old in _EVENT  # noqa: S101  # a sample that changes nothing would prove nothing
    return _EVENT.replace(old, new)


CLEAN = (
    *(Sample(name, Reason.CLEAN, body) for name, body in documented_events().items()),
    Sample("sent in chunks", Reason.CLEAN, chunked=True),
    Sample("a member nobody knows yet", Reason.CLEAN, _event(b"{\n", b'{\n  "priority": 5,\n')),
)

HOSTILE = (
    Sample("GET", Reason.METHOD_NOT_ALLOWED, b"", "GET"),
    Sample("no Content-Type", Reason.CONTENT_TYPE_MISSING, headers={}),
    Sample("a form", Reason.CONTENT_TYPE_UNSUPPORTED,
           headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Sample("charset=latin1", Reason.CHARSET_UNSUPPORTED,
           headers={"Content-Type": "application/json; charset=iso-8859-1"}),
    Sample("said to be gzip", Reason.CONTENT_ENCODING_UNSUPPORTED,
           headers={**_JSON, "Content-Encoding": "gzip"}),
    Sample("2 MB", Reason.BODY_TOO_LARGE, b'{"pad":"' + b"x" * 2_000_000 + b'"}'),
    Sample("2 MB in chunks", Reason.BODY_TOO_LARGE, b'{"pad":"' + b"x" * 2_000_000 + b'"}',
           chunked=True),
    Sample("empty body", Reason.BODY_EMPTY, b""),
    Sample("byte 0xFF", Reason.NOT_UTF8, _event(b"Show", b"\xff")),
    Sample("cut off", Reason.MALFORMED_JSON, _EVENT[:-20]),
    Sample("a second document behind", Reason.MALFORMED_JSON, _EVENT + b"{}"),
    Sample("a key twice, once escaped", Reason.DUPLICATE_KEY,
           _event(b'"channel"', b'"\\u0063hannel": "Instagram",\n  "channel"')),
    Sample("100,000 brackets", Reason.TOO_DEEP, b'{"a":' + b"[" * 100_000),
    Sample("100,000 numbers", Reason.TOO_MANY_VALUES, b'{"a":[0' + b",0" * 100_000 + b"]}"),
    Sample("1e999", Reason.NUMBER_OUT_OF_RANGE, _event(b"{\n", b'{\n  "n": 1e999,\n')),
    Sample("a list of events", Reason.NOT_AN_OBJECT, b"[" + _EVENT + b"]"),
    Sample("no timeUtc", Reason.CONTRACT_VIOLATION, _event(b'"timeUtc"', b'"time"')),
    Sample("30 February", Reason.CONTRACT_VIOLATION, _event(b"2025-09-03", b"2025-02-30")),
    Sample("RCS without reference", Reason.CONTRACT_VIOLATION, _event(b'"reference"', b'"ref"')),
    Sample("two lengths at once", Reason.MALFORMED_HTTP,
           raw="POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
               "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Sample("an upgrade to WebSocket", Reason.MALFORMED_HTTP,
           raw="POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"),
)  # fmt: skip


class _FromAddress(HTTPAdapter):
    """Connects from one local address."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(self._source, 0), **kwargs)


def fire(sample: Sample, url: str, source: str | None = None) -> int:
    """Send a sample to `url` and return the answer's status; wait up to 30 seconds for it.

    `source` is a local address to send from. Raises OSError, which requests' errors are too, and
    ValueError for an answer or a URL that cannot be parsed.
    """
    if sample.raw:
        return _fire_raw(sample.raw, url, source)
    body = iter([sample.body[:100], sample.body[100:]]) if sample.chunked else sample.body
    with requests.Session() as session:
        # Neither a proxy nor credentials of the user's own may change what is sent.
        session.trust_env = False
        if source is not None:
            for scheme in ("http://", "https://"):
                session.mount(scheme, _FromAddress(source))
        response = session.request(
            sample.method, url, data=body, headers=sample.headers, timeout=TIMEOUT_SECONDS
        )
        return response.status_code


def _fire_raw(raw: str, url: str, source: str | None) -> int:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        raise OSError("broken HTTP is sent over plain http only")
    request = raw.format(target=parts.path or "/", host=parts.netloc).encode()
    with socket.create_connection(
        (parts.hostname, parts.port or 80),
        TIMEOUT_SECONDS,
        source_address=(source, 0) if source else None,
    ) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n" not in answer:
            data = connection.recv(4096)
            if not data:
                raise OSError("the connection was closed without an answer")
            answer += data
    return int(answer.split(b" ", 2)[1])
