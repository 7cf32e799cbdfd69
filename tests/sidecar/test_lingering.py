"""A sender that is refused while it still sends sees the answer, not a reset."""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from hookgate_sidecar.wire import LINGER_SECONDS
from support.events import CLEAN
from support.pair import Pair, paired
from support.process import accepted, descriptors, forget_peak, resident
from support.raw import Client, ask, connected, post, wait_until
from support.receiver import receiving
from support.sidecar import ALLOWED, FOREIGN, sidecar

MIB = 1 << 20
BODY = CLEAN + b" " * (2 * MIB)

REFUSALS = {
    "413": (post(BODY), ALLOWED, 413, "body_too_large"),
    "403": (post(BODY), FOREIGN, 403, "source_not_allowed"),
    "415": (
        post(BODY).replace(b"application/json", b"text/plain", 1),
        ALLOWED,
        415,
        "content_type_unsupported",
    ),
    "405": (post(BODY).replace(b"POST", b"DELETE", 1), ALLOWED, 405, "method_not_allowed"),
    "400": (post(BODY).replace(b"Host: gate\r\n", b"", 1), ALLOWED, 400, "malformed_http"),
    "413 of chunks": (
        b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
        ALLOWED,
        413,
        "body_too_large",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda name: name)
def test_all_of_2_mb_can_be_sent_before_the_answer_is_read(pair: Pair, refusal: str) -> None:
    """No byte of it is answered with a reset; then comes the answer, and then the end."""
    data, source, status, reason = REFUSALS[refusal]
    traces = pair.traces()
    with connected(pair.port, source) as client:
        client.send(data)
        assert client.read().status == status
        assert client.read_rest() == b""
    assert traces.delivery()["reason"] == reason
    assert traces.untouched


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda name: name)
def test_2_mb_in_small_pieces_can_be_sent_too(pair: Pair, refusal: str) -> None:
    """A sender that goes on long after the answer was ready finds it all the same."""
    data, source, status, reason = REFUSALS[refusal]
    traces = pair.traces()
    with connected(pair.port, source) as client:
        for at in range(0, len(data), 8192):
            client.send(data[at : at + 8192])
            time.sleep(0.001)
        assert client.read().status == status
        assert client.read_rest() == b""
    assert traces.delivery()["reason"] == reason


def test_the_answer_does_not_wait_for_the_rest_of_the_body(pair: Pair) -> None:
    """It is there as soon as the head was refused, and the sending side is closed behind it."""
    began = time.monotonic()
    with connected(pair.port) as client:
        client.send(REFUSALS["413"][0][:1000])
        assert client.read().status == 413
        assert client.read_rest() == b""
        assert time.monotonic() - began < 10  # and not when the time for a body is over
        client.send(b" " * MIB)


def send_until_cut(client: Client, piece: bytes, pause: float) -> int:
    """How many bytes could be sent before the connection broke, in at most 10 s."""
    sent, until = 0, time.monotonic() + 10
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            client.send(piece)
            sent += len(piece)
            time.sleep(pause)
    return sent


def test_an_endless_sender_is_cut_off_by_volume(tmp_path: Path) -> None:
    """The rest of a refused body is dropped only up to a bound, and kept nowhere."""
    with paired(tmp_path) as pair:
        pid = pair.gate.process.pid
        before = forget_peak(pid)
        with connected(pair.port) as client:
            client.send(post(b"").replace(b"Length: 0", b"Length: 10000000000"))
            assert client.read().status == 413
            assert send_until_cut(client, bytes(65536), 0) < 48 * MIB
        assert resident(pid, peak=True) - before < 8 * MIB


def test_a_slow_sender_is_cut_off_by_time(tmp_path: Path) -> None:
    """Nor may it go on for long, however little it sends."""
    with paired(tmp_path) as pair:
        pid = pair.gate.process.pid
        assert ask(pair.port, post(CLEAN)).status == 200
        before, began = descriptors(pid), time.monotonic()
        with connected(pair.port) as client:
            client.send(post(b"").replace(b"Length: 0", b"Length: 10000000000"))
            assert client.read().status == 413
            assert send_until_cut(client, b" ", 0.01) < 2000
            assert 1.5 < time.monotonic() - began < 10
        assert wait_until(lambda: descriptors(pid) <= before)


def test_lingering_ends_when_the_sender_closes(pair: Pair) -> None:
    """A sender that leaves after its answer frees its connection at once."""
    pid = pair.gate.process.pid
    assert ask(pair.port, post(CLEAN)).status == 200  # libuv opens what it keeps with the first
    assert wait_until(lambda: accepted(pair.port) == 0)
    before, began = descriptors(pid), time.monotonic()
    with connected(pair.port) as client:
        client.send(REFUSALS["413"][0][:1000])
        assert client.read().status == 413
    assert wait_until(lambda: descriptors(pid) <= before)
    assert time.monotonic() - began < LINGER_SECONDS


def test_a_slow_reader_gets_the_whole_answer_before_the_close(tmp_path: Path) -> None:
    """A relayed answer that is read slowly is not cut off after the lingering time."""
    body = bytes(12_000_000)
    head = b"HTTP/1.1 500 Large\r\nContent-Length: %d\r\n\r\n" % len(body)
    with (
        receiving(lambda _: head + body) as upstream,
        sidecar(upstream.url, tmp_path, **{"upstream.max_response": "16MiB"}) as gate,
        socket.socket() as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.bind((ALLOWED, 0))
        client.connect(("127.0.0.1", gate.port))
        client.sendall(post(CLEAN, b"/cm/events", b"Connection: close"))
        time.sleep(LINGER_SECONDS + 1)
        client.settimeout(5)
        received = 0
        while data := client.recv(65536):
            received += len(data)
        assert received > len(body)
