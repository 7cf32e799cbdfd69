"""The exchange with the upstream: what it gets, how long it may take, what comes back."""

import threading
import time
from pathlib import Path

import pytest

from support.events import CLEAN, event
from support.mitmdump import Running, running_mitmdump
from support.raw import ask, connected, post
from support.receiver import OK, Seen


def test_fields_travel_as_they_were_sent(running: Running) -> None:
    """In order, names and values unchanged, hop-by-hop and forwarding fields taken out."""
    traces = running.traces()
    fields = [b"X-b: 1", b"x-A:  two  ", b"X-b: \xe9\x80", b"Empty:", b"Connection: X-Hop"]
    hostile = [b"X-Hop: 1", b"X-Forwarded-For: 6.6.6.6", b"Under_Score: 1", b"Via: 1.1 a"]
    assert ask(running.port, post(CLEAN, b"/a%2F\x80?q=\xff", *fields, *hostile)).status == 200
    [seen] = traces.seen
    assert seen.request_line == b"POST /a%2F\x80?q=\xff HTTP/1.1"
    assert seen.fields[:7] == [
        (b"Host", b"gate"),
        (b"Content-Type", b"application/json"),
        (b"X-b", b"1"),
        (b"x-A", b"two"),
        (b"X-b", b"\xe9\x80"),
        (b"Empty", b""),
        (b"Via", b"1.1 a"),
    ]
    assert [name for name, _ in seen.fields[7:]] == [
        b"X-Forwarded-For",
        b"X-Forwarded-Proto",
        b"X-Forwarded-Host",
        b"Content-Length",
        b"X-Request-Id",
    ]
    assert seen.values(b"x-forwarded-for") == [b"127.0.0.10"]
    record = traces.delivery()
    assert record["path"] == "/a%2F\\x80"
    assert "q=" not in running.gate.audit.read_text()


@pytest.mark.parametrize(
    "body",
    [CLEAN, b" \n" + CLEAN + b"\t", event(x=1.0).replace(b"1.0", b"1.00"), event(u="\u2028\\/")],
    ids=["plain", "white space", "number", "escapes"],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_the_body_travels_byte_for_byte(running: Running, body: bytes, chunked: bool) -> None:
    """Whatever its framing was, the upstream gets the same bytes with one Content-Length."""
    traces = running.traces()
    data = post(body)
    if chunked:
        data = data.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
        data = data.removesuffix(body) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    assert ask(running.port, data).status == 200
    [seen] = traces.seen
    assert seen.body == body
    assert seen.values(b"content-length") == [b"%d" % len(body)]
    assert seen.values(b"transfer-encoding") == []
    assert traces.delivery()["sha256"] == seen.digest


@pytest.mark.parametrize("status", [302, 404, 409, 500, 503])
def test_what_the_upstream_refuses_is_relayed(running: Running, status: int) -> None:
    """Status, fields and body, without hop-by-hop fields; the connection stays."""
    answer = (
        b"HTTP/1.1 %d No\r\nX-Why: because\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
        b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwhy\r\n0\r\n\r\n"
        % status
    )
    traces, respond = running.traces(), running.upstream.respond
    running.upstream.respond = lambda _: answer
    try:
        with connected(running.port) as client:
            for _ in range(2):
                client.send(post(CLEAN))
                reply = client.read()
                assert (reply.status, reply.body) == (status, b"why")
                assert reply.values(b"x-why") == [b"because"]
                assert reply.values(b"content-length") == [b"3"]
                assert reply.values(b"x-hop") == reply.values(b"transfer-encoding") == []
    finally:
        running.upstream.respond = respond
    records = traces.deliveries(2)
    assert {r["reason"] for r in records} == {"upstream_rejected"}
    assert {r["status"] for r in records} == {status}


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", b"nonsense\r\n\r\n"],
    ids=["101", "nonsense"],
)
def test_a_broken_answer_is_502(running: Running, answer: bytes) -> None:
    """Never a tunnel, never passed on."""
    traces, respond = running.traces(), running.upstream.respond
    running.upstream.respond = lambda _: answer
    try:
        assert ask(running.port, post(CLEAN)).status == 502
    finally:
        running.upstream.respond = respond
    assert traces.delivery()["reason"] == "upstream_invalid"


def test_a_slow_upstream_is_given_up_in_time_and_delays_nobody_else(tmp_path: Path) -> None:
    """The deadline is the upstream's; other senders are answered meanwhile."""

    def respond(seen: Seen) -> bytes | None:
        return None if b"slow" in seen.request_line else OK

    with running_mitmdump(tmp_path, respond, **{"upstream.timeout": "1s"}) as running:
        assert ask(running.port, post(CLEAN)).status == 200
        took: list[float] = []
        statuses: list[int] = []

        def wait() -> None:
            began = time.monotonic()
            statuses.append(ask(running.port, post(CLEAN, b"/slow")).status)
            took.append(time.monotonic() - began)

        slow = [threading.Thread(target=wait) for _ in range(5)]
        for thread in slow:
            thread.start()
        assert len(running.upstream.wait_for(6)) == 6
        waited: list[float] = []
        while any(thread.is_alive() for thread in slow):
            began = time.monotonic()
            assert ask(running.port, post(CLEAN)).status == 200
            waited.append(time.monotonic() - began)
        for thread in slow:
            thread.join()
        # One behind another, the slow ones would keep each of these for seconds.
        assert sorted(waited)[len(waited) // 2] < 1 < len(waited)
        assert statuses == [504] * 5
        assert all(1 <= seconds < 5 for seconds in took)
        reasons = [r["reason"] for r in running.gate.records("delivery")]
        assert reasons.count("upstream_timeout") == 5


def test_an_upstream_that_is_not_there_is_502(tmp_path: Path) -> None:
    """And recorded as unreachable."""
    with running_mitmdump(tmp_path) as running:
        running.upstream.close()
        assert ask(running.port, post(CLEAN)).status == 502
        assert running.gate.wait_for_deliveries(1)[0]["reason"] == "upstream_unreachable"
        assert running.gate.opened() == []
