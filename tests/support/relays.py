"""What endpoints answer, and what the senders of two routes get of it: one relays, one does not."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from .events import CLEAN
from .faulty import answer_head
from .ledger import Record, assert_balanced, assert_chained
from .raw import Reply, ask, post
from .scripted import Act, Scripted, answering, endless, scripted, slowly

MAX_RESPONSE = 64 * 1024
# Seconds that an endpoint gets: enough for each that answers, on a busy machine too.
TIMEOUT = 3
KEYS = {"upstream.timeout": f"{TIMEOUT}s", "upstream.max_response": "64KiB"}
RELAYING, PLAIN = b"/voice", b"/cm/events"

# As a voice endpoint answers; bytes that no JSON library would write again in the same way.
INSTRUCTION = (
    '{ "instructions" : [ {"type": "say", "text": "Gr\\u00fc\u00df \u4f60\U0001f600\u2028",'
    ' "pause": 1.50, "pause": 1e2}]\r\n}\n'
).encode()
FULL = b'{"a": "' + bytes(range(128, 256)) * (MAX_RESPONSE // 128 - 1) + b"x" * 119 + b'"}'
assert len(FULL) == MAX_RESPONSE
CODED = b"Transfer-Encoding: chunked"


def write_routes(folder: Path) -> None:
    """Write the configuration file of both routes."""
    (folder / "hookgate.toml").write_text(
        '[[route]]\npath = "/voice"\ncontract = "cm-events"\nanswer = "relay"\n'
        '[[route]]\npath = "/cm/events"\n'
    )


class Gate(Protocol):
    """A running front, as far as it is looked at here."""

    audit: Path

    def stop(self) -> int:
        """Stop it and return its exit status."""


AnyGate = TypeVar("AnyGate", bound=Gate)


@contextmanager
def relaying_pair(
    front: Callable[..., AbstractContextManager[AnyGate]], folder: Path
) -> Iterator[tuple[AnyGate, Scripted]]:
    """A front with both routes, before an endpoint that does as it is told; its ledger is whole."""
    write_routes(folder)
    with scripted(answering(b"")) as upstream, front(upstream.url, folder, **KEYS) as gate:
        yield gate, upstream
        assert gate.stop() == 0
        assert_chained(gate.audit)
        assert_balanced(gate.audit)


@dataclass(frozen=True)
class Answering:
    """What an endpoint does, and what its sender is answered where it relays.

    `body` is None of an answer that did not come whole, for which `error` is the cause. `took` is
    the endpoint's status.
    """

    act: Act
    took: int
    body: bytes | None
    error: str | None = None
    has: tuple[bytes, ...] = ()
    lacks: tuple[bytes, ...] = ()


def _whole(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    return answer_head(status, *fields, b"Content-Length: %d" % len(body)) + body


def _chunks(*chunks: bytes) -> bytes:
    return b"".join(b"%x;a=b\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


ANSWERS: dict[str, Answering] = {
    "whole": Answering(
        answering(_whole(INSTRUCTION, b"Content-Type: application/json"), stay=True),
        200, INSTRUCTION, has=(b"Content-Type: application/json",),
    ),
    "in single bytes": Answering(slowly(_whole(b"ab"), 0), 200, b"ab"),
    "created": Answering(
        answering(_whole(b"{}", b"Location: /x", status=b"201 Created"), stay=True),
        201, b"{}", has=(b"Location: /x",),
    ),
    "an odd status": Answering(answering(_whole(b"", status=b"299 Odd"), stay=True), 299, b""),
    "empty": Answering(answering(_whole(b""), stay=True), 200, b"", has=(b"Content-Length: 0",)),
    "chunks and trailers": Answering(
        answering(answer_head(b"200 OK", CODED, b"Trailer: X-T") + _chunks(b"abc", b"de")
                  + b"0\r\nX-T: 1\r\n\r\n", stay=True),
        200, b"abcde", has=(b"Content-Length: 5",),
        lacks=(b"transfer-encoding", b"trailer", b"x-t"),
    ),
    "until it closes": Answering(answering(answer_head(b"200 OK") + INSTRUCTION), 200, INSTRUCTION),
    "by HTTP/1.0": Answering(answering(b"HTTP/1.0 200 OK\r\n\r\nab"), 200, b"ab"),
    "and closes": Answering(answering(_whole(b"ab", b"Connection: close")), 200, b"ab",
                            lacks=(b"connection",)),
    "interim ones before": Answering(
        answering(answer_head(b"100 Continue"), answer_head(b"103 Early Hints", b"X-Hint: a"),
                  _whole(b"ab"), stay=True),
        200, b"ab", lacks=(b"x-hint",),
    ),
    "an upgrade that is offered": Answering(
        answering(_whole(b"ab", b"Upgrade: h2c", b"Connection: Upgrade"), stay=True),
        200, b"ab", lacks=(b"upgrade", b"connection"),
    ),
    "fields of all kinds": Answering(
        answering(_whole(b"\x1f\x8b", b"Content-Encoding: gzip", b"Set-Cookie: a=b; Path=/",
                         b"X-b: \xe9\x80", b"X-Hop: 1", b"Connection: X-Hop, keep-alive",
                         b"Keep-Alive: timeout=5"), stay=True),
        200, b"\x1f\x8b",
        has=(b"Content-Encoding: gzip", b"Set-Cookie: a=b; Path=/", b"X-b: \xe9\x80"),
        lacks=(b"x-hop", b"keep-alive", b"connection"),
    ),
    "as much as is relayed": Answering(answering(_whole(FULL), stay=True), 200, FULL),
    "no content": Answering(
        answering(answer_head(b"204 No Content", b"X-a: 1"), stay=True),
        204, b"", has=(b"X-a: 1",), lacks=(b"content-length",),
    ),
    "no content of a length": Answering(
        answering(answer_head(b"204 No Content", b"Content-Length: 99999999"), stay=True),
        204, b"", lacks=(b"content-length",),
    ),
    "reset content": Answering(
        answering(_whole(b"", status=b"205 Reset Content"), stay=True),
        205, b"", has=(b"Content-Length: 0",),
    ),
    "reset content that has some": Answering(
        answering(_whole(b"ab", status=b"205 Reset Content"), stay=True),
        205, b"", has=(b"Content-Length: 0",),
    ),
    "a second answer behind": Answering(
        answering(_whole(b"ab") + _whole(b"cd", status=b"500 No"), stay=True), 200, b"ab"
    ),
    "cut off": Answering(answering(_whole(b"abcd")[:-1]), 200, None, "closed_early"),
    "cut off in chunks": Answering(
        answering(answer_head(b"200 OK", CODED) + _chunks(b"abc")), 200, None, "closed_early"
    ),
    "cut off behind a 201": Answering(
        answering(_whole(b"ab", status=b"201 Created")[:-1]), 201, None, "closed_early"
    ),
    "reset in the body": Answering(
        answering(_whole(b"abcd")[:-1], reset_after=True), 200, None, "reset"
    ),
    "reset in a body without length": Answering(
        answering(answer_head(b"200 OK") + b"ab", reset_after=True), 200, None, "reset"
    ),
    "a length over the bound": Answering(
        answering(answer_head(b"200 OK", b"Content-Length: %d" % (MAX_RESPONSE + 1)), stay=True),
        200, None, "too_large",
    ),
    "a byte over the bound in chunks": Answering(
        answering(answer_head(b"200 OK", CODED) + _chunks(FULL, b"x"), stay=True),
        200, None, "too_large",
    ),
    "chunks without end": Answering(
        endless(answer_head(b"200 OK", CODED), piece=_chunks(b"abc")), 200, None, "too_large"
    ),
    "no length and no end": Answering(
        endless(answer_head(b"200 OK"), piece=b"abc"), 200, None, "too_large"
    ),
    "trailers without end": Answering(
        endless(answer_head(b"200 OK", CODED), b"0\r\n", piece=b"X-T: 1\r\n"),
        200, None, "too_large",
    ),
    "no chunk": Answering(
        answering(answer_head(b"200 OK", CODED) + b"zz\r\n", stay=True), 200, None, "not_http"
    ),
    "a body that is coded for the connection": Answering(
        answering(answer_head(b"200 OK", b"Transfer-Encoding: gzip, chunked") + _chunks(b"ab")
                  + b"0\r\n\r\n", stay=True),
        200, None, "not_http",
    ),
    "a body that drips": Answering(
        slowly(_whole(bytes(99)), TIMEOUT / 100), 200, None, "timeout_answer"
    ),
}  # fmt: skip


def check_both_routes(
    case: Answering, port: int, upstream: Scripted, deliveries: Callable[[int], list[Record]]
) -> None:
    """One event by each route, sent once; `deliveries` waits for so many records of the gate."""
    before = len(deliveries(0))
    sent = upstream.act = _Counted(case.act)
    reply = ask(port, post(CLEAN, RELAYING))
    (record,) = deliveries(before + 1)[before:]
    _check_relayed(case, reply, record)
    plain = ask(port, post(CLEAN, PLAIN))
    (record,) = deliveries(before + 2)[before + 1 :]
    assert (plain.status, plain.body) == (200, b"")
    lines = [line.partition(b":")[0].lower() for line in plain.head.split(b"\r\n")[1:]]
    assert set(lines) <= {b"date", b"content-length"}
    assert (record["status"], record["upstream_status"]) == (200, case.took)
    assert "upstream_error" not in record
    assert sent.times == 2, "sent more than once"


class _Counted:
    def __init__(self, act: Act) -> None:
        self.act = act
        self.times = 0

    def __call__(self, connection: socket.socket) -> bool | None:
        self.times += 1
        return self.act(connection)


def _check_relayed(case: Answering, reply: Reply, record: Record) -> None:
    assert (record["outcome"], record["reason"]) == ("delivered", "clean")
    assert record["answered"] is True
    assert (record["status"], record["upstream_status"]) == (reply.status, case.took)
    assert record.get("upstream_error") == case.error
    if case.body is None:
        assert reply.status == 502
        assert reply.values(b"content-type") == [b"application/problem+json"]
        problem = json.loads(reply.body)
        assert (problem["reason"], problem["request_id"]) == ("clean", record["request_id"])
        return
    assert (reply.status, reply.body) == (case.took, case.body)
    lines = reply.head.split(b"\r\n")
    for line in case.has:
        assert line in lines
    for name in case.lacks:
        assert reply.values(name) == []
