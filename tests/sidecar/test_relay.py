"""On a route that relays, the endpoint's own 2xx goes back; on another exactly 200 and nothing."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.faulty import answer_head
from support.raw import ask, connected, post
from support.relays import (
    ANSWERS,
    INSTRUCTION,
    RELAYING,
    check_both_routes,
    relaying_pair,
    write_routes,
)
from support.scripted import Scripted, answering, read_request, reset, scripted
from support.sidecar import Sidecar, sidecar

Pair = tuple[Sidecar, Scripted]


@pytest.fixture(scope="module")
def relaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with relaying_pair(sidecar, tmp_path_factory.mktemp("relay")) as pair:
        yield pair


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda name: name)
def test_what_the_endpoint_answers_decides(relaying: Pair, answer: str) -> None:
    """Whole it goes back; cut, broken, late or too large it is a 502 that is delivered."""
    gate, upstream = relaying
    check_both_routes(ANSWERS[answer], gate.port, upstream, gate.wait_for_deliveries)


def test_relayed_answers_keep_their_order_and_their_ends(relaying: Pair) -> None:
    """Pipelined: each answer is where its request was, one without a length (204) too."""
    gate, upstream = relaying
    answers = [
        _of(b"201 Created", b"first"),
        answer_head(b"204 No Content"),
        _of(b"200 OK", b""),
        _of(b"202 Accepted", INSTRUCTION),
    ]
    turn = iter(answers)
    upstream.act = lambda connection: answering(next(turn), stay=True)(connection)
    before = len(gate.wait_for_deliveries(0))
    with connected(gate.port) as client:
        client.send(post(CLEAN, RELAYING) * 4 + post(CLEAN, b"/elsewhere"))
        replies = [client.read() for _ in range(5)]
    assert [(reply.status, reply.body) for reply in replies[:4]] == [
        (201, b"first"),
        (204, b""),
        (200, b""),
        (202, INSTRUCTION),
    ]
    assert replies[4].status == 404
    found = gate.wait_for_deliveries(before + 5)[before:]
    assert sorted(record["status"] for record in found) == [200, 201, 202, 204, 404]


def test_a_sender_of_http_1_0_gets_it_too(relaying: Pair) -> None:
    """With a length, though it came in chunks, and then the end of the connection."""
    gate, upstream = relaying
    head = answer_head(b"200 OK", b"Transfer-Encoding: chunked")
    upstream.act = answering(head + b"3\r\nabc\r\n0\r\n\r\n", stay=True)
    with connected(gate.port) as client:
        client.send(post(CLEAN, RELAYING).replace(b"HTTP/1.1", b"HTTP/1.0"))
        reply = client.read()
        assert (reply.status, reply.body) == (200, b"abc")
        assert reply.values(b"connection") == [b"close"]
        assert client.is_closed()


def test_a_sender_that_leaves_while_the_body_is_awaited(relaying: Pair) -> None:
    """The event runs to its end, and nobody was answered."""
    gate, upstream = relaying
    headed, left = threading.Event(), threading.Event()

    def act(connection: socket.socket) -> bool:
        read_request(connection)
        connection.sendall(answer_head(b"201 Created", b"Content-Length: 2") + b"a")
        headed.set()
        assert left.wait(10)
        connection.sendall(b"b")
        return False

    upstream.act = act
    before = len(gate.wait_for_deliveries(0))
    with connected(gate.port) as client:
        client.send(post(CLEAN, RELAYING))
        assert headed.wait(10)
        reset(client.socket)
    # Once another sender is refused, the gate has read what came before.
    for _ in range(2):
        assert ask(gate.port, post(CLEAN, b"/elsewhere")).status == 404
    left.set()
    (record,) = [r for r in gate.wait_for_deliveries(before + 3)[before:] if r["status"] != 404]
    assert (record["outcome"], record["reason"]) == ("delivered", "clean")
    assert (record["status"], record["answered"]) == (201, False)


def test_a_mebibyte_comes_back_byte_for_byte(tmp_path: Path) -> None:
    """The largest answer by default; one byte more is a 502."""
    write_routes(tmp_path)
    most = 1 << 20
    body = INSTRUCTION * (most // len(INSTRUCTION)) + b" " * (most % len(INSTRUCTION))
    with (
        scripted(answering(_of(b"200 OK", body))) as upstream,
        sidecar(upstream.url, tmp_path) as gate,
    ):
        reply = ask(gate.port, post(CLEAN, RELAYING))
        assert (reply.status, reply.body) == (200, body)
        upstream.act = answering(_of(b"200 OK", body + b" "))
        assert ask(gate.port, post(CLEAN, RELAYING)).status == 502
        first, second = gate.wait_for_deliveries(2)
        assert (first["status"], second["status"]) == (200, 502)
        assert second["upstream_error"] == "too_large"


def _of(status: bytes, body: bytes) -> bytes:
    return answer_head(status, b"Content-Length: %d" % len(body)) + body
