"""Pipelined requests: answered in order, one at a time, and never an unbounded pile of them."""

import contextlib
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from support.events import CLEAN, event
from support.pair import Pair, paired
from support.process import forget_peak, paused, resident
from support.raw import ask, chunked, connected, post, wait_until
from support.receiver import OK, Seen
from support.sidecar import FOREIGN

MIB = 1 << 20


def echo(seen: Seen) -> bytes:
    """Refuses with the body's `messageContext`, so that an answer shows whose it is."""
    name = seen.body.partition(b'"messageContext": "')[2].partition(b'"')[0]
    if name == b"slow":
        time.sleep(0.1)
    return b"HTTP/1.1 409 Conflict\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name)


def named(name: str) -> bytes:
    return post(event(messageContext=name))


@pytest.fixture
def echoing(pair: Pair) -> Pair:
    pair.upstream.respond = echo
    return pair


@pytest.mark.parametrize("together", [True, False], ids=["in one packet", "in several"])
def test_answers_come_in_the_order_of_the_requests(echoing: Pair, together: bool) -> None:
    """Slow and quick ones alike: the answers' order is the requests', and the records' too."""
    traces = echoing.traces()
    names = ["slow", "b", "c", "slow", "e"]
    with connected(echoing.port) as client:
        requests = [named(name) for name in names]
        for data in [b"".join(requests)] if together else requests:
            client.send(data)
        assert [client.read().body.decode() for _ in names] == names
    references = [record["seq"] for record in traces.deliveries(len(names))]
    assert references == sorted(references)
    assert [echo(seen).rpartition(b"\r\n")[2].decode() for seen in traces.seen] == names


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (post(b"[1,"), 400),
        (post(b"{}"), 422),
        (post(CLEAN).replace(b"application/json", b"text/plain"), 415),
        (b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n", 405),
    ],
    ids=["document", "contract", "media type", "method"],
)
def test_a_refused_one_in_the_middle_takes_its_turn(
    echoing: Pair, refused: bytes, status: int
) -> None:
    """It is answered between its neighbours, which are forwarded as usual."""
    with connected(echoing.port) as client:
        client.send(named("slow") + refused + named("c"))
        answers = [client.read() for _ in range(3)]
    assert [answer.status for answer in answers] == [409, status, 409]
    assert (answers[0].body, answers[2].body) == (b"slow", b"c")


@pytest.mark.parametrize("garbage", [b"\xff\xfe\r\n\r\n", b"POST * HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_a_malformed_one_in_the_middle_ends_the_connection(echoing: Pair, garbage: bytes) -> None:
    """Those before it are answered, then it is, and the one behind it is never read."""
    traces = echoing.traces()
    with connected(echoing.port) as client:
        client.send(named("slow") + named("b") + garbage + named("d"))
        answers = [client.read() for _ in range(3)]
        assert client.read_rest() == b""
    assert [answer.status for answer in answers] == [409, 409, 400]
    assert len(traces.seen) == 2
    reasons = [record["reason"] for record in traces.deliveries(3)]
    assert sorted(reasons) == ["malformed_http", "upstream_rejected", "upstream_rejected"]


def test_an_oversized_one_behind_a_slow_one_is_answered_in_its_turn(echoing: Pair) -> None:
    """A head that refuses while the answer before it is still outstanding waits for it."""
    large = post(b"").replace(b"Length: 0", b"Length: 2000000")
    with connected(echoing.port) as client:
        client.send(named("slow") + large + b" " * 1000)
        assert [client.read().status, client.read().status] == [409, 413]
        assert client.read_rest() == b""


def test_many_in_one_packet_are_all_answered(echoing: Pair) -> None:
    """Hundreds of requests sent at once get hundreds of answers, in order."""
    names = [f"n{number}" for number in range(300)]
    with connected(echoing.port) as client:
        sender = threading.Thread(target=client.send, args=(b"".join(map(named, names)),))
        sender.start()
        assert [client.read().body.decode() for _ in names] == names
        sender.join()


def test_one_connection_has_one_request_upstream_at_a_time(tmp_path: Path) -> None:
    """However many are pipelined, the upstream gets the next when the last was answered."""
    release = threading.Event()

    def respond(seen: Seen) -> bytes:
        release.wait(30)
        return echo(seen)

    with paired(tmp_path, respond) as pair, connected(pair.port) as client:
        client.send(named("a") * 50)
        assert len(pair.upstream.wait_for(2, seconds=0.3)) == 1
        release.set()
        assert [client.read().body for _ in range(50)] == [b"a"] * 50
        assert len(pair.upstream.seen) == 50


def test_a_flood_behind_an_unanswered_request_is_not_read(tmp_path: Path) -> None:
    """While the first waits for the upstream, the rest stays with the sender, not in memory."""
    with (
        paired(tmp_path, lambda _: None, **{"upstream.timeout": "1s"}) as pair,
        connected(pair.port) as client,
    ):
        pid = pair.gate.process.pid
        before = forget_peak(pid)
        client.send(post(CLEAN))
        pair.upstream.wait_for(1)
        client.socket.setblocking(False)
        sent, packet = 0, post(CLEAN) * 500
        until = time.monotonic() + 0.7
        while time.monotonic() < until and sent < 64 * MIB:
            try:
                sent += client.socket.send(packet)
            except BlockingIOError:
                time.sleep(0.01)
        assert sent < 32 * MIB
        assert resident(pid, peak=True) - before < 24 * MIB
        assert len(pair.gate.records("delivery")) == 0
        client.socket.close()
        # The first runs to its end; those that were read and not begun are aborted.
        assert wait_until(lambda: len(pair.gate.records("delivery")) > 1)
        records = pair.gate.records("delivery")
        reasons = {record["reason"] for record in records}
        assert reasons <= {"client_gone", "upstream_timeout"}


def test_thousands_in_one_packet_cost_little_memory(tmp_path: Path) -> None:
    """What one read holds behind an unanswered request is not taken apart all at once."""
    tiny = b"GET / HTTP/1.1\r\n\r\n" * 12_000
    with (
        paired(tmp_path, lambda _: None, **{"upstream.timeout": "500ms"}) as pair,
        connected(pair.port) as client,
    ):
        pid = pair.gate.process.pid
        before = forget_peak(pid)
        with paused(pid):
            client.send(post(CLEAN) + tiny)
        assert client.read().status == 504
        assert resident(pid, peak=True) - before < 12 * MIB


def test_those_that_wait_are_screened_by_the_list_in_force_when_they_start(
    tmp_path: Path,
) -> None:
    """Three hundred are sent; their sender is taken off the list while the first is upstream."""
    networks = tmp_path / "networks"
    networks.write_text(f"{FOREIGN}\n")
    go, count = threading.Event(), 300

    def respond(_: Seen) -> bytes:
        go.wait(30)
        return OK

    keys = {"source.allow_file": str(networks)}
    with paired(tmp_path, respond, **keys) as pair, connected(pair.port, FOREIGN) as client:

        def send() -> None:
            with contextlib.suppress(OSError):
                client.send(post(CLEAN) * count)
                client.socket.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        pair.upstream.wait_for(1)
        networks.write_text("203.0.113.0/24\n")
        pair.gate.process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: bool(pair.gate.records("reload")))
        go.set()
        assert client.read().status == 200
        # A refusal ends the connection where the body behind it has not come yet.
        rest = client.read_rest()
        sender.join()
        assert 0 < rest.count(b"HTTP/1.1 403 ") == rest.count(b"HTTP/1.1 ")
        assert len(pair.gate.records("forward")) == 1
        assert ask(pair.port, post(CLEAN)).status == 200  # who stays on the list goes on


def test_a_body_that_comes_after_a_reload_is_judged_by_what_is_in_force(tmp_path: Path) -> None:
    """Its head had passed before: the sender, the path and the size are looked at anew."""
    networks = tmp_path / "networks"
    networks.write_text(f"{FOREIGN}\n")
    keys = {"source.allow_file": str(networks), "sidecar.max_in_flight": "1"}
    with paired(tmp_path, **keys) as pair:
        with connected(pair.port, FOREIGN) as client:
            client.send(post(CLEAN)[:-1])
            assert wait_until(lambda: ask(pair.port, post(CLEAN)).status == 503)
            networks.write_text("203.0.113.0/24\n")
            pair.gate.process.send_signal(signal.SIGHUP)
            assert wait_until(lambda: bool(pair.gate.records("reload")))
            client.send(CLEAN[-1:])
            answer = client.read()
            assert (answer.status, answer.body) == (403, b"")
            assert pair.gate.records("forward") == []
        assert ask(pair.port, post(CLEAN)).status == 200  # its place in flight is free again


@pytest.mark.parametrize("lines", [10, 30, 70, 30_000])
def test_what_comes_behind_many_empty_lines_is_read_or_the_connection_ends(
    pair: Pair, lines: int
) -> None:
    """Where a chunked body ends is not looked for without end; what it holds is judged anyway."""
    pair.upstream.respond = lambda _: OK
    traces = pair.traces()
    body = CLEAN[:-1] + b"\r\n\r\n" * lines + b"}"
    with connected(pair.port) as client:
        client.send(chunked(body) + post(CLEAN))
        assert client.read().status == 200
        if lines <= 30:
            assert client.read().status == 200
        else:
            assert client.read_rest() == b""
    count = 2 if lines <= 30 else 1
    assert [record["reason"] for record in traces.deliveries(count)] == ["clean"] * count
    assert traces.seen[0].body == body
