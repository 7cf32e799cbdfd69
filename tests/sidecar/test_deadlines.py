"""Time is bounded as a whole, not byte by byte: of a head, of a body, of doing nothing."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.process import descriptors
from support.raw import Client, Reply, ask, connected, post, wait_until

HEAD, BODY, IDLE = 0.3, 0.5, 0.4
SLACK = 4.0  # what a busy machine may add

START = b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with paired(
        tmp_path_factory.mktemp("gate"),
        **{
            "sidecar.head_timeout": f"{HEAD}s",
            "sidecar.body_timeout": f"{BODY}s",
            "sidecar.keep_alive": f"{IDLE}s",
        },
    ) as running:
        yield running


def drip(client: Client, piece: bytes) -> Reply:
    """Send the piece every 20 ms until there is an answer."""
    client.socket.settimeout(0.02)
    for _ in range(250):
        with contextlib.suppress(OSError):
            client.send(piece)
        try:
            return client.read()
        except TimeoutError:
            pass
    raise AssertionError("no answer")


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"P", b""),
        (b"POST /", b"a"),
        (START, b"X: y\r\n"),
        (START + b"X: ", b"y"),
    ],
    ids=["one byte", "target", "fields", "value"],
)
def test_a_head_has_one_deadline(pair: Pair, start: bytes, piece: bytes) -> None:
    """A head that is not complete in time is 408, however busily it arrives."""
    traces, began = pair.traces(), time.monotonic()
    with connected(pair.port) as client:
        client.send(start)
        answer = drip(client, piece)
        took = time.monotonic() - began
        client.socket.settimeout(5)
        assert client.read_rest() == b""
    assert answer.status == 408
    assert HEAD <= took < HEAD + SLACK
    record = traces.delivery()
    assert (record["outcome"], record["reason"]) == ("refused", "head_timeout")
    assert traces.untouched


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (START + b"Content-Length: 1000\r\n\r\n", b""),
        (START + b"Content-Length: 1000\r\n\r\n", b" "),
        (START + b"Transfer-Encoding: chunked\r\n\r\n", b""),
        (START + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (START + b"Transfer-Encoding: chunked\r\n\r\n1;a=", b"b"),
        (START + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["nothing", "bytes", "no chunk", "chunks", "extension", "trailers"],
)
def test_a_body_has_one_deadline(pair: Pair, start: bytes, piece: bytes) -> None:
    """A body that is not complete in time is 408, however busily it arrives."""
    traces, began = pair.traces(), time.monotonic()
    with connected(pair.port) as client:
        client.send(start)
        answer = drip(client, piece)
        took = time.monotonic() - began
        client.socket.settimeout(5)
        assert client.read_rest() == b""
    assert answer.status == 408
    assert BODY <= took < BODY + SLACK
    record = traces.delivery()
    assert (record["outcome"], record["reason"]) == ("refused", "body_timeout")
    assert traces.untouched


def test_the_deadline_of_a_second_request_starts_with_it(tmp_path: Path) -> None:
    """A kept connection gives its next head the whole time again."""
    head = 2.0
    keys = {"sidecar.head_timeout": f"{head}s"}
    with paired(tmp_path, **keys) as pair, connected(pair.port) as client:
        client.send(post(CLEAN))
        assert client.read().status == 200
        time.sleep(0.6 * head)
        client.send(post(CLEAN)[:30])
        time.sleep(0.6 * head)
        client.send(post(CLEAN)[30:])
        assert client.read().status == 200
        client.send(b"POST")
        assert client.read().status == 408
        records = pair.gate.wait_for_deliveries(3)
    assert [record["status"] for record in records] == [200, 200, 408]


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "an empty line"])
def test_a_connection_that_asks_for_nothing_is_closed(pair: Pair, sent: bytes) -> None:
    """It ends after the head's time without an answer or a record."""
    traces, began = pair.traces(), time.monotonic()
    with connected(pair.port) as client:
        client.send(sent)
        assert client.read_rest() == b""
    assert HEAD <= time.monotonic() - began < HEAD + SLACK
    assert traces.deliveries(0) == []


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n"], ids=["nothing", "empty lines"])
def test_an_idle_connection_is_closed(pair: Pair, sent: bytes) -> None:
    """After its answer a connection stays for the keep-alive time, and not for ever."""
    with connected(pair.port) as client:
        began = time.monotonic()
        client.send(post(CLEAN))
        assert client.read().status == 200
        client.send(sent)
        assert client.read_rest() == b""
        assert IDLE <= time.monotonic() - began < IDLE + SLACK


def test_empty_lines_do_not_keep_a_connection(pair: Pair) -> None:
    """Line ends between requests are skipped and buy no time."""
    began = time.monotonic()
    with connected(pair.port) as client:
        client.send(post(CLEAN))
        assert client.read().status == 200
        client.socket.settimeout(0.02)
        while time.monotonic() < began + IDLE + SLACK:
            try:
                client.send(b"\r\n")
                assert client.socket.recv(1) == b""
                break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert time.monotonic() - began < IDLE + SLACK


def test_slow_senders_by_the_hundred_end_and_hinder_nobody(tmp_path: Path) -> None:
    """While 200 connections drip their heads, a clean event passes; then they are all gone."""
    with paired(tmp_path, **{"sidecar.head_timeout": "1s"}) as pair:
        pid = pair.gate.process.pid
        before = descriptors(pid)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connected(pair.port)) for _ in range(200)]
            for client in clients:
                client.send(START)
            assert ask(pair.port, post(CLEAN)).status == 200
            assert all(client.read().status == 408 for client in clients)
        assert wait_until(lambda: descriptors(pid) <= before + 1)
        reasons = [record["reason"] for record in pair.gate.wait_for_deliveries(201)]
        assert reasons == ["clean"] + ["head_timeout"] * 200


def test_a_connection_on_which_nothing_comes_has_a_heads_time(tmp_path: Path) -> None:
    """Keep-alive's is for one that had an answer."""
    keys = {"sidecar.head_timeout": "200ms", "sidecar.keep_alive": "60s"}
    with paired(tmp_path, **keys) as pair, connected(pair.port) as client:
        assert client.read_rest() == b""
