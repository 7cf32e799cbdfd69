"""Whatever the upstream does, the sender is answered once, in time, and it is recorded."""

import socket
import time
from pathlib import Path

import pytest

from support.events import CLEAN
from support.faulty import AT_ONCE, DEADLINE, PATIENCE, Faulty, answer_head
from support.raw import ask, post
from support.scripted import Act, answering, endless, reset, scripted, slowly, unaccepting
from support.sidecar import sidecar

SLACK = 4.0  # what a busy machine may add
KIB, MIB = 1 << 10, 1 << 20
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

INVALID = {
    "closes without a byte": answering(),
    "resets without a byte": answering(reset_after=True),
    "closes within the status line": answering(b"HTTP/1.1 20"),
    "closes within the head": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"),
    "resets within the head": answering(b"HTTP/1.1 200 OK\r\nA: b\r\n", reset_after=True),
    "garbage": answering(b"\x16\x03\x01garbage\r\n\r\n", stay=True),
    "a request": answering(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", stay=True),
    "HTTP/0.9": answering(b"<html>ok</html>", stay=True),
    "HTTP/2": answering(b"HTTP/2 200\r\n\r\n", stay=True),
    "status of two digits": answering(b"HTTP/1.1 20 OK\r\n\r\n", stay=True),
    "status of four digits": answering(b"HTTP/1.1 2000 OK\r\n\r\n", stay=True),
    "status of words": answering(b"HTTP/1.1 OK\r\n\r\n", stay=True),
    "status 000": answering(b"HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n", stay=True),
    "bare LF": answering(b"HTTP/1.1 500 No\nContent-Length: 0\n\n", stay=True),
    "folded": answering(answer_head(b"500 No", b"A: b", b" c", b"Content-Length: 0"), stay=True),
    "NUL in a field": answering(answer_head(b"500 No", b"A: \0", b"Content-Length: 0"), stay=True),
    "length twice": answering(
        answer_head(b"500 No", b"Content-Length: 1", b"Content-Length: 2") + b"ab", stay=True
    ),
    "length and chunked": answering(
        answer_head(b"500 No", b"Content-Length: 5", b"Transfer-Encoding: chunked")
        + b"0\r\n\r\n",
        stay=True,
    ),
    "broken chunk": answering(
        answer_head(b"500 No", b"Transfer-Encoding: chunked") + b"zz\r\n", stay=True
    ),
    "body shorter than announced": answering(answer_head(b"500 No", b"Content-Length: 9") + b"x"),
    "chunks that stop": answering(
        answer_head(b"500 No", b"Transfer-Encoding: chunked") + b"1\r\nx\r\n"
    ),
    "body reset": answering(
        answer_head(b"500 No", b"Content-Length: 9") + b"x", reset_after=True
    ),
    "101 with Upgrade": answering(
        answer_head(b"101 Switching Protocols", b"Connection: upgrade", b"Upgrade: h2c"), stay=True
    ),
    "101 without Upgrade": answering(answer_head(b"101 Switching Protocols"), stay=True),
    "101, then 200": answering(
        answer_head(b"101 Switching Protocols", b"Connection: upgrade", b"Upgrade: x") + OK,
        stay=True,
    ),
    "101 without Upgrade, then 200": answering(answer_head(b"101 Go") + OK, stay=True),
    "another protocol": answering(OK.replace(b"HTTP/1.1", b"RTSP/1.0"), stay=True),
    "another version": answering(OK.replace(b"HTTP/1.1", b"HTTP/2.0"), stay=True),
    "a line feed before": answering(b"\n" + OK, stay=True),
    "body over the bound": answering(
        answer_head(b"500 No", b"Content-Length: %d" % (64 * KIB + 1)),
        bytes(64 * KIB + 1),
        stay=True,
    ),
    "announced over the bound": answering(
        answer_head(b"500 No", b"Content-Length: 10000000000"), bytes(65 * KIB), stay=True
    ),
    "body without end": endless(answer_head(b"500 No"), piece=bytes(KIB)),
    "chunks without end": endless(
        answer_head(b"500 No", b"Transfer-Encoding: chunked"), piece=b"400\r\n%s\r\n" % bytes(KIB)
    ),
    "chunk extension without end": endless(
        answer_head(b"500 No", b"Transfer-Encoding: chunked") + b"1;a=", piece=b"b" * KIB
    ),
    "trailers without end": endless(
        answer_head(b"500 No", b"Transfer-Encoding: chunked") + b"0\r\n", piece=b"A: b\r\n" * 100
    ),
    "head without end": endless(b"HTTP/1.1 500 No\r\n", piece=b"A: b\r\n" * 100),
    "field without end": endless(b"HTTP/1.1 500 No\r\nA: ", piece=b"b" * KIB),
    "1xx without end": endless(piece=answer_head(b"103 Early Hints", b"Link: x")),
}  # fmt: skip

SLOW = {
    "never answers": answering(stay=True),
    "drips its head": slowly(OK, 0.05),
    "stops within its head": answering(b"HTTP/1.1 200 OK\r\n", stay=True),
    "sends 100 and nothing more": answering(answer_head(b"100 Continue"), stay=True),
    "stops within its body": answering(
        answer_head(b"500 No", b"Content-Length: 9") + b"x", stay=True
    ),
    "drips its body": slowly(answer_head(b"500 No", b"Content-Length: 900") + b"x" * 900, 0.005),
}


@pytest.mark.parametrize("fault", INVALID, ids=lambda name: name)
def test_a_broken_answer_is_502_at_once(faulty_pair: Faulty, fault: str) -> None:
    """It is `upstream_invalid`, long before the deadline, and the connection is not reused."""
    exchanged = faulty_pair.exchange(INVALID[fault], 502, "upstream_invalid")
    assert exchanged.seconds < AT_ONCE
    assert b"upstream_invalid" in exchanged.answer.body
    assert faulty_pair.gate.records()[-1]["outcome"] == "failed"
    faulty_pair.assert_recovers(reused=False)


@pytest.mark.parametrize("behind", [OK, b"\r\n", b"x"], ids=["an answer", "a line end", "garbage"])
def test_a_refusal_with_more_behind_it_is_relayed(faulty_pair: Faulty, behind: bytes) -> None:
    """As it would be where that came later; the connection is not reused."""
    refusal = answer_head(b"503 Later", b"Content-Length: 3") + b"not"
    exchanged = faulty_pair.exchange(
        answering(refusal + behind, stay=True), 503, "upstream_rejected"
    )
    assert exchanged.answer.body == b"not"
    faulty_pair.assert_recovers(reused=False)


@pytest.mark.parametrize("greet", [lambda connection: None, reset], ids=["closes", "resets"])
def test_an_upstream_that_ends_each_connection_is_502_at_once(
    faulty_pair: Faulty, greet: Act
) -> None:
    """Connecting again and again until the deadline would help nobody."""
    gate, upstream = faulty_pair.gate, faulty_pair.upstream
    for _ in range(20):
        before, connections = len(gate.records()), upstream.connections
        upstream.greet = greet
        began = time.monotonic()
        try:
            assert ask(gate.port, post(CLEAN)).status == 502
        finally:
            upstream.greet = None
        assert time.monotonic() - began < AT_ONCE
        reason = gate.records()[before + 1]["reason"]
        assert reason in ("upstream_invalid", "upstream_unreachable")
        assert upstream.connections <= connections + 1
        faulty_pair.assert_recovers(reused=False)


@pytest.mark.parametrize("fault", SLOW, ids=lambda name: name)
def test_a_late_answer_is_504_at_the_deadline(hurried_pair: Faulty, fault: str) -> None:
    """The deadline covers the whole exchange, however busily the upstream dribbles."""
    exchanged = hurried_pair.exchange(SLOW[fault], 504, "upstream_timeout")
    assert DEADLINE <= exchanged.seconds < DEADLINE + SLACK
    assert hurried_pair.gate.records()[-1]["upstream_status"] is None
    hurried_pair.assert_recovers(reused=False)


def test_nothing_listens(tmp_path: Path) -> None:
    """An upstream that is down is 502 `upstream_unreachable` at once; back up, it is used."""
    with scripted(answering(OK)) as upstream:
        url, port = upstream.url, upstream.port
    with sidecar(url, tmp_path, **{"upstream.timeout": f"{PATIENCE}s"}) as gate:
        began = time.monotonic()
        answer = ask(gate.port, post(CLEAN))
        assert time.monotonic() - began < AT_ONCE
        assert (answer.status, b"upstream_unreachable" in answer.body) == (502, True)
        with scripted(answering(OK), socket.create_server(("127.0.0.1", port))):
            assert ask(gate.port, post(CLEAN)).status == 200
        outcomes = [record["outcome"] for record in gate.wait_for_deliveries(2)]
        assert outcomes == ["failed", "delivered"]


def test_an_upstream_that_accepts_nothing_is_a_time_out(tmp_path: Path) -> None:
    """Connecting counts in the deadline."""
    keys = {"upstream.timeout": f"{DEADLINE}s"}
    with (
        unaccepting() as listener,
        sidecar(f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path, **keys) as gate,
    ):
        began = time.monotonic()
        assert ask(gate.port, post(CLEAN)).status == 504
        assert DEADLINE <= time.monotonic() - began < DEADLINE + SLACK
        assert gate.wait_for_deliveries(1)[0]["reason"] == "upstream_timeout"


def test_a_large_event_to_an_upstream_that_does_not_read_is_a_time_out(
    hurried_pair: Faulty,
) -> None:
    """Sending counts in the deadline too."""
    hurried_pair.upstream.act = lambda connection: time.sleep(1.5 * DEADLINE)
    began = time.monotonic()
    assert ask(hurried_pair.gate.port, post(CLEAN + b" " * (MIB - len(CLEAN)))).status == 504
    assert DEADLINE <= time.monotonic() - began < DEADLINE + SLACK
    hurried_pair.assert_recovers(reused=False)
