"""How many connections there may be, whose they are, and that none is held for ever."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.process import accepted, descriptors, forget_peak, paused, resident
from support.raw import Client, ask, connected, post, wait_until
from support.scripted import reset
from support.sidecar import ALLOWED, FOREIGN, PROXY

TOTAL, STRANGERS = 12, 4
MIB = 1 << 20


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with paired(
        tmp_path_factory.mktemp("gate"),
        **{
            "sidecar.max_connections": str(TOTAL),
            "sidecar.max_foreign_connections": str(STRANGERS),
        },
    ) as running:
        # What it opens with the first event, such as a connection upstream, is nobody's leak.
        assert ask(running.port, post(CLEAN)).status == 200
        yield running


@pytest.fixture
def stack(pair: Pair) -> Iterator[contextlib.ExitStack]:
    """Connections of one test, which begins when those of others are gone."""
    pid = pair.gate.process.pid
    assert wait_until(lambda: accepted(pair.port) == 0)
    before = descriptors(pid)
    with contextlib.ExitStack() as clients:
        yield clients
    assert wait_until(lambda: descriptors(pid) <= before + 1)


def hold(stack: contextlib.ExitStack, port: int, source: str, count: int) -> list[Client]:
    """Connections that began a request each, so that the sidecar has surely seen them."""
    clients = [stack.enter_context(connected(port, source)) for _ in range(count)]
    for client in clients:
        client.send(post(CLEAN)[:-1])
    return clients


def assert_overloaded(port: int, source: str) -> None:
    with connected(port, source) as client:
        answer = client.read()
        assert answer.status == 503
        assert int(answer.values(b"Retry-After")[0]) > 0
        assert client.read_rest() == b""


def test_strangers_share_a_few_connections(pair: Pair, stack: contextlib.ExitStack) -> None:
    """Beyond the share of strangers one more gets 503; the allowed and proxies still get in."""
    traces = pair.traces()
    hold(stack, pair.port, FOREIGN, STRANGERS)
    assert_overloaded(pair.port, FOREIGN)
    assert_overloaded(pair.port, "127.0.0.67")
    assert ask(pair.port, post(CLEAN)).status == 200
    forwarded = post(CLEAN, b"/", b"X-Forwarded-For: " + ALLOWED.encode())
    assert ask(pair.port, forwarded, PROXY).status == 200
    records = traces.deliveries(4 + STRANGERS)
    overloaded = [record for record in records if record["reason"] == "overloaded"]
    assert [(r["outcome"], r["status"]) for r in overloaded] == [("failed", 503)] * 2


def test_a_place_is_free_when_its_stranger_has_left(
    pair: Pair, stack: contextlib.ExitStack
) -> None:
    """The share counts those who are there, not those who ever were."""
    with contextlib.ExitStack() as first:
        idle = [first.enter_context(connected(pair.port, FOREIGN)) for _ in range(STRANGERS)]
        assert len(idle) == STRANGERS
        assert_overloaded(pair.port, FOREIGN)
    assert wait_until(lambda: ask(pair.port, post(CLEAN), FOREIGN).status == 403)


def test_all_connections_together_have_a_bound(pair: Pair, stack: contextlib.ExitStack) -> None:
    """Allowed peers fill it too; one more gets 503 and a place that is left is taken again."""
    clients = hold(stack, pair.port, ALLOWED, TOTAL)
    assert_overloaded(pair.port, ALLOWED)
    clients[0].send(post(CLEAN)[-1:])
    assert clients[0].read().status == 200
    clients[0].socket.close()
    assert wait_until(lambda: ask(pair.port, post(CLEAN)).status == 200)


def test_a_storm_of_strangers_takes_no_place_of_the_allowed(
    pair: Pair, stack: contextlib.ExitStack
) -> None:
    """However many strangers connect and stay, whoever is allowed gets in."""
    for _ in range(10 * TOTAL):
        stranger = stack.enter_context(connected(pair.port, FOREIGN))
        stranger.send(post(CLEAN)[:-1])
    for _ in range(5):
        assert ask(pair.port, post(CLEAN)).status == 200


def test_an_allowed_peer_that_is_turned_away_sees_the_503_and_no_reset(
    pair: Pair, stack: contextlib.ExitStack
) -> None:
    """A request that was already on its way is no reason to reset the connection."""
    hold(stack, pair.port, ALLOWED, TOTAL)
    assert_overloaded(pair.port, ALLOWED)
    with paused(pair.gate.process.pid):
        late = stack.enter_context(connected(pair.port))
        late.send(post(CLEAN + b" " * 100_000))
    assert late.read().status == 503
    assert late.read_rest() == b""


def test_descriptors_return_after_a_storm(tmp_path: Path) -> None:
    """Connections that are left in every way leave no descriptor behind."""
    with paired(tmp_path, **{"upstream.max_connections": "1"}) as pair:
        pid = pair.gate.process.pid
        assert ask(pair.port, post(CLEAN)).status == 200
        before = descriptors(pid)
        for round_ in range(40):
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(connected(pair.port)) for _ in range(10)]
                for place, client in enumerate(clients):
                    client.send(
                        (b"", post(CLEAN)[:50], post(CLEAN), b"\xff", post(b"["))[place % 5]
                    )
                if round_ % 2:
                    for client in clients:
                        reset(client.socket)
        assert wait_until(lambda: descriptors(pid) <= before)
        assert ask(pair.port, post(CLEAN)).status == 200


LARGE = b"HTTP/1.1 500 Broken\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000)


@pytest.mark.parametrize("requests", [1, 2, 20], ids=["one", "two", "twenty"])
def test_a_sender_that_reads_no_answers_is_cut_off(tmp_path: Path, requests: int) -> None:
    """Unread answers stop the reading, do not pile up, and end the connection in time."""
    with paired(tmp_path, lambda _: LARGE, **{"sidecar.keep_alive": "500ms"}) as pair:
        pid = pair.gate.process.pid
        assert ask(pair.port, post(CLEAN)).status == 500
        before, memory = descriptors(pid), forget_peak(pid)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.bind((ALLOWED, 0))
        with client:
            client.connect(("127.0.0.1", pair.port))
            client.settimeout(1)
            with contextlib.suppress(TimeoutError):
                for _ in range(requests):
                    client.sendall(post(CLEAN))
                    time.sleep(0.01)
            assert wait_until(lambda: descriptors(pid) <= before)
        assert resident(pid, peak=True) - memory < 16 * MIB


def test_a_sender_that_floods_and_reads_nothing_is_cut_off(tmp_path: Path) -> None:
    """So do small answers, once there are so many that they no longer fit anywhere."""
    refused = b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n" * 1000
    keys = {"sidecar.keep_alive": "500ms", "sidecar.head_timeout": "500ms"}
    with paired(tmp_path, **keys) as pair:
        pid = pair.gate.process.pid
        assert ask(pair.port, post(CLEAN)).status == 200
        before, memory = descriptors(pid), forget_peak(pid)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.bind((ALLOWED, 0))
        with client:
            client.connect(("127.0.0.1", pair.port))
            client.settimeout(1)
            with contextlib.suppress(TimeoutError, ConnectionError):
                for _ in range(1000):
                    client.sendall(refused)
            assert wait_until(lambda: descriptors(pid) <= before)
        assert resident(pid, peak=True) - memory < 32 * MIB
