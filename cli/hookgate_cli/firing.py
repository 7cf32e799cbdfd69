"""Sending a sample to a gate, from an address of one's own choice."""

import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter

from hookgate.direct_session import DirectSession

from .samples import Sample

TIMEOUT_SECONDS = 30


class Answer(NamedTuple):
    """What came back; of broken HTTP the body is not read."""

    status: int
    body: bytes = b""


class _FromAddress(HTTPAdapter):
    """Connects from one local address."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(self._source, 0), **kwargs)


def fire(sample: Sample, url: str, source: str | None = None) -> Answer:
    """Send a sample to `url` and return the answer; wait up to 30 seconds for it.

    `source` is a local address to send from. Raises OSError, which requests' errors are too, and
    ValueError for an answer or a URL that cannot be parsed.
    """
    if sample.raw:
        return _fire_raw(sample.raw, url, source)
    body = iter([sample.body[:100], sample.body[100:]]) if sample.chunked else sample.body
    with DirectSession() as session:
        # Neither a proxy nor credentials of the user's own may change what is sent.
        session.trust_env = False
        if source is not None:
            for scheme in ("http://", "https://"):
                session.mount(scheme, _FromAddress(source))
        response = session.request(
            sample.method, url, data=body, headers=sample.headers, timeout=TIMEOUT_SECONDS
        )
        return Answer(response.status_code, response.content)


def _fire_raw(raw: str, url: str, source: str | None) -> Answer:
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
    return Answer(int(answer.split(b" ", 2)[1]))
