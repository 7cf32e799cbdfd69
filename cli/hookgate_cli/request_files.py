"""Requests that are stored in files: events as JSON or JSON Lines, or raw HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httptools

from hookgate.policy import Fields, Head, make_head
from hookgate_sidecar.upgrade import head_of_body

from .common import read_file

_REQUEST_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [^ \r\n]+ HTTP/[0-9.]+\r?\n")


class StoredRequest(NamedTuple):
    """One request of a file; `head` is None where its HTTP is broken or cut off.

    `is_bare` says that the file holds the body alone.
    """

    name: str
    head: Head | None
    body: bytes
    is_bare: bool = False


def read_requests(file: Path, peer: str, target: bytes) -> Iterator[StoredRequest]:
    """Read the requests that a file holds: JSON, JSON Lines, or one raw HTTP request.

    Where the file says nothing of them, `peer` sent them to `target`. Exits with 2 where the file
    cannot be read.
    """
    data = read_file(file)
    if _REQUEST_LINE.match(data):
        yield _parse_http(str(file), data, peer)
    elif file.suffix in (".jsonl", ".ndjson"):
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield _as_posted(f"{file}:{number}", line, peer, target)
    else:
        yield _as_posted(str(file), data, peer, target)


def _as_posted(name: str, body: bytes, peer: str, target: bytes) -> StoredRequest:
    fields: Fields = [
        (b"Host", b"localhost"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"%d" % len(body)),
    ]
    return StoredRequest(name, make_head(peer, b"POST", target, fields), body, is_bare=True)


class _Parsed:
    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.in_body = False
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_body:
            self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.in_body = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def _parse_http(name: str, data: bytes, peer: str) -> StoredRequest:
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        # Saved by an editor: bare line feeds, which no gate takes from the network.
        head, separator, body = data.partition(b"\n\n")
        data = head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body
    parsed = _Parsed()
    parser = httptools.HttpRequestParser(parsed)
    offer: int | None = None
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade as error:
        offer = error.args[0]
    except httptools.HttpParserError:
        return StoredRequest(name, None, b"")
    method, version = parser.get_method(), parser.get_http_version()
    made = make_head(peer, method, parsed.target, parsed.fields, version)
    if offer is not None:
        # The parser has taken the body for another protocol.
        parsed = _Parsed()
        try:
            httptools.HttpRequestParser(parsed).feed_data(head_of_body(made) + data[offer:])
        except httptools.HttpParserError:
            return StoredRequest(name, None, b"")
    return StoredRequest(name, made if parsed.complete else None, parsed.body)
