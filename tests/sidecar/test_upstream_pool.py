"""Connections to the upstream are kept, bounded, and never make a delivery fail or double."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.events import CLEAN, event
from support.pair import Pair, paired
from support.process import paused
from support.raw import Reply, ask, connected, post, wait_until
from support.receiver import OK, Receiver, Seen
from support.scripted import answering, read_request, reset, scripted
from support.sidecar import Sidecar, sidecar

CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def ask_at_once(gate: Sidecar, count: int) -> list[Reply]:
    """Answers to requests that the sidecar all finds waiting at the same moment."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(gate.port)) for _ in range(count)]
        with paused(gate.process.pid):
            for client in clients:
                client.send(post(CLEAN))
        return [client.read() for client in clients]


class Busy:
    """Answers slowly and knows how many requests it had at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, _: Seen) -> bytes:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self.seconds)
        with self._lock:
            self._now -= 1
        return OK


def test_one_connection_serves_one_delivery_after_another(pair: Pair) -> None:
    """Clean exchanges leave their connection for the next, whoever sends it."""
    traces = pair.traces()
    for _ in range(10):
        assert ask(pair.port, post(CLEAN)).status == 200
    with connected(pair.port) as client:
        for _ in range(10):
            client.send(post(CLEAN))
            assert client.read().status == 200
    assert len(traces.seen) == 20
    assert traces.connections <= 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    ],
    ids=["chunked", "no content", "failure", "HTTP/1.0", "after a 100"],
)
def test_every_whole_answer_leaves_its_connection(pair: Pair, answer: bytes) -> None:
    """Whatever its status or framing, an answer that ended cleanly does."""
    pair.upstream.respond = lambda _: answer
    traces = pair.traces()
    for _ in range(5):
        ask(pair.port, post(CLEAN))
    assert len(traces.seen) == 5
    assert traces.connections <= 1
    pair.upstream.respond = lambda _: OK


def test_an_announced_close_is_heeded(pair: Pair) -> None:
    """After `Connection: close` the next delivery gets a connection of its own."""
    pair.upstream.respond = lambda _: CLOSING + Receiver.CLOSE
    for _ in range(5):
        assert ask(pair.port, post(CLEAN)).status == 200
    pair.upstream.respond = lambda _: OK


def test_an_upstream_that_closes_idle_connections_costs_no_delivery(pair: Pair) -> None:
    """One that closes unannounced, after its answer, is simply connected to again."""
    pair.upstream.respond = lambda _: OK + Receiver.CLOSE
    traces = pair.traces()
    for _ in range(10):
        assert ask(pair.port, post(CLEAN)).status == 200
        time.sleep(0.02)
    assert traces.connections == len(traces.seen) == 10
    pair.upstream.respond = lambda _: OK


@pytest.mark.parametrize("pause", [0, 0.05], ids=["at once", "later"])
def test_what_an_idle_connection_says_is_no_answer_to_the_next(
    tmp_path: Path, pause: float
) -> None:
    """Bytes that nobody asked for end the connection and are read by nobody."""

    def act(connection: socket.socket) -> bool:
        read_request(connection)
        forged = b"HTTP/1.1 500 Forged\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(OK + (b"" if pause else forged))
        time.sleep(pause)
        connection.sendall(forged if pause else b"")
        return True

    with scripted(act) as upstream, sidecar(upstream.url, tmp_path) as gate:
        for _ in range(3):
            assert ask(gate.port, post(CLEAN)).status == 200
            time.sleep(2 * pause)
        assert upstream.connections == 3


def test_an_idle_connection_is_closed_after_some_seconds(tmp_path: Path) -> None:
    """Sooner than common servers would, so that none is used which is about to go."""
    ended: list[float] = []

    def act(connection: socket.socket) -> bool:
        began = time.monotonic()
        answering(OK)(connection)
        connection.settimeout(10)
        assert connection.recv(1) == b""
        ended.append(time.monotonic() - began)
        return False

    with scripted(act) as upstream, sidecar(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        assert wait_until(lambda: bool(ended))
    assert 3.5 < ended[0] < 10


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with paired(
        tmp_path_factory.mktemp("narrow"),
        **{"upstream.max_connections": "3", "upstream.timeout": "20s"},
    ) as running:
        yield running


def test_more_deliveries_than_connections_wait_their_turn(narrow: Pair) -> None:
    """The upstream never has more at once than allowed, and everyone is served."""
    narrow.upstream.respond = busy = Busy(0.02)
    traces = narrow.traces()
    assert {reply.status for reply in ask_at_once(narrow.gate, 30)} == {200}
    assert busy.most == 3
    assert traces.connections <= 3
    assert len(traces.seen) == 30


def test_waiting_goes_on_when_each_connection_closes(narrow: Pair) -> None:
    """Connections that end with their answer are replaced for those who wait."""
    narrow.upstream.respond = lambda _: CLOSING + Receiver.CLOSE
    assert {reply.status for reply in ask_at_once(narrow.gate, 30)} == {200}


def test_waiting_goes_on_when_each_exchange_fails(narrow: Pair) -> None:
    """Connections that break are replaced too; each delivery fails once and at once."""
    narrow.upstream.respond = lambda _: Receiver.CLOSE
    began = time.monotonic()
    traces = narrow.traces()
    assert {reply.status for reply in ask_at_once(narrow.gate, 30)} == {502}
    assert time.monotonic() - began < 10
    assert len(traces.seen) == 30


def test_waiting_counts_in_the_deadline(tmp_path: Path) -> None:
    """Who gets no connection in time is told 504, and nothing of it is sent."""
    keys = {"upstream.max_connections": "1", "upstream.timeout": "2s"}
    with paired(tmp_path, lambda _: None, **keys) as pair:
        assert {reply.status for reply in ask_at_once(pair.gate, 5)} == {504}
        # None waited for a place and then had its whole time again.
        assert all(r["duration_ms"] < 4_000 for r in pair.gate.wait_for_deliveries(5))
        # The place of the one that timed out may have gone to another at its last moment.
        assert len(pair.upstream.seen) <= 2


def test_all_who_wait_learn_at_once_that_the_upstream_is_down(tmp_path: Path) -> None:
    """More deliveries than connections: each is 502 at once, none waits for the deadline."""
    with scripted(answering(OK)) as gone:
        pass
    keys = {"upstream.max_connections": "2", "upstream.timeout": "20s"}
    with sidecar(gone.url, tmp_path, **keys) as gate:
        began = time.monotonic()
        assert {reply.status for reply in ask_at_once(gate, 12)} == {502}
        assert time.monotonic() - began < 10
        reasons = {record["reason"] for record in gate.wait_for_deliveries(12)}
        assert reasons == {"upstream_unreachable"}


def test_nothing_is_sent_twice_whatever_breaks(tmp_path: Path) -> None:
    """Through resets and closes among good answers each event arrives once or not at all."""
    seen: list[bytes] = []

    def act(connection: socket.socket) -> bool:
        body = read_request(connection)
        seen.append(body.partition(b'"messageContext": "')[2].partition(b'"')[0])
        turn = len(seen) % 4
        if turn < 2:
            connection.sendall(OK)
        elif turn == 2:
            reset(connection)
        return turn == 0

    with scripted(act) as upstream, sidecar(upstream.url, tmp_path) as gate:
        with ThreadPoolExecutor(4) as pool:
            bodies = [event(messageContext=f"n{number}") for number in range(100)]
            replies = list(pool.map(lambda body: ask(gate.port, post(body)), bodies))
        assert {reply.status for reply in replies} == {200, 502}
        assert len(seen) == len(set(seen))
        assert len(gate.records("forward")) == len(gate.records("delivery")) == 100
