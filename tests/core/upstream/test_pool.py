"""The upstream client alone, on plain asyncio and on uvloop: one result each, in time."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable

import pytest

from hookgate.policy import Reason
from hookgate.upstream.response import Response
from support.exchanges import AT_ONCE, HEAD, HURRIED, Result, Sender, once, run, timed
from support.faulty import answer_head
from support.scripted import Act, answering, endless, read_request, scripted, slowly

DEADLINE, SLACK = HURRIED.timeout, 4.0
KIB = 1 << 10
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


CODED = b"Transfer-Encoding: chunked"

INVALID: dict[str, Act] = {
    "closes": answering(),
    "resets": answering(reset_after=True),
    "closes within its head": answering(b"HTTP/1.1 200 OK\r\nA: b"),
    "garbage": answering(b"\0\1\2\3\r\n\r\n", stay=True),
    "101": answering(
        answer_head(b"101 Switching Protocols", b"Connection: upgrade", b"Upgrade: x"), stay=True
    ),
    "101 without Upgrade": answering(answer_head(b"101 Switching Protocols"), stay=True),
    "short body": answering(answer_head(b"500 No", b"Content-Length: 9") + b"x"),
    "broken chunk": answering(answer_head(b"500 No", CODED) + b"zz\r\n", stay=True),
    "large body": answering(
        answer_head(b"500 No", b"Content-Length: 65537") + bytes(65537), stay=True
    ),
    "head without end": endless(b"HTTP/1.1 500 No\r\n", piece=b"A: b\r\n" * 100),
    "body without end": endless(answer_head(b"500 No"), piece=bytes(KIB)),
    "trailers without end": endless(answer_head(b"500 No", CODED) + b"0\r\n", piece=b"A: b\r\n"),
    "1xx without end": endless(piece=answer_head(b"100 Continue")),
}


@pytest.mark.parametrize("fault", INVALID, ids=lambda name: name)
def test_a_broken_answer_is_invalid_at_once(runner: asyncio.Runner, fault: str) -> None:
    """It neither waits for the deadline nor sends again."""
    with scripted(INVALID[fault]) as upstream, timed(0, AT_ONCE):
        assert run(runner, upstream.url, once) is Reason.UPSTREAM_INVALID
        assert upstream.connections == 1


@pytest.mark.parametrize(
    "act",
    [answering(stay=True), answering(b"HTTP/1.1 20"), slowly(OK, 0.05)],
    ids=["silent", "stops", "drips"],
)
def test_a_late_answer_is_a_time_out(runner: asyncio.Runner, act: Act) -> None:
    """The deadline covers the exchange as a whole."""

    def stay(connection: socket.socket) -> bool:
        act(connection)
        return True

    with scripted(stay) as upstream, timed(DEADLINE, DEADLINE + SLACK):
        assert run(runner, upstream.url, once, HURRIED) is Reason.UPSTREAM_TIMEOUT


class Stalling(asyncio.Protocol):
    """Another connection, with which the process is busy for a while."""

    def __init__(self, stall: Callable[[], None]) -> None:
        self._stall = stall

    def data_received(self, data: bytes) -> None:
        self._stall()


@pytest.mark.parametrize("where", ["in a callback", "while sockets are read"])
def test_an_answer_that_came_in_time_counts_though_nobody_read_it(
    runner: asyncio.Runner, where: str
) -> None:
    """This process was held up past the deadline: what came meanwhile is read first."""
    answered = threading.Event()

    def act(connection: socket.socket) -> bool:
        read_request(connection)
        connection.sendall(OK)
        answered.set()
        return True

    def stall() -> None:
        assert answered.wait(5)
        time.sleep(1.5 * DEADLINE)

    async def play(sender: Sender) -> Result:
        await sender.begin()  # makes the connection, so that the next is sent at once
        answered.clear()
        loop = asyncio.get_running_loop()
        if where == "in a callback":
            loop.call_soon(stall)
            return await sender.begin()
        ours, theirs = socket.socketpair()
        with theirs:
            other, _ = await loop.create_connection(lambda: Stalling(stall), sock=ours)
            theirs.sendall(b"x")
            result = await sender.begin()
            other.close()
            return result

    with scripted(act) as upstream:
        result = run(runner, upstream.url, play, HURRIED)
        assert result == Response(200, [(b"Content-Length", b"2")], b"")


@pytest.mark.parametrize(
    "act",
    [
        answering(OK, stay=True),
        answering(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        answering(answer_head(b"200 OK", b"Content-Length: 9") + b"x", stay=True),
        answering(answer_head(b"200 OK", CODED) + b"zz\r\n", stay=True),
        answering(OK + answer_head(b"500 No", b"Content-Length: 0"), stay=True),
        answering(answer_head(b"100 Continue") + OK, stay=True),
        endless(answer_head(b"200 OK"), piece=bytes(KIB)),
        slowly(OK, 0),
    ],
    ids=["whole", "no length", "short", "broken", "two", "after 100", "endless", "single bytes"],
)
def test_a_2xx_head_decides(runner: asyncio.Runner, act: Act) -> None:
    """The response is there with its head, has no body, and `done` is called but once."""

    async def play(sender: Sender) -> Result:
        result = await sender.begin()
        await asyncio.sleep(0.05)
        assert sender.results == [result]
        return result

    with scripted(act) as upstream, timed(0, AT_ONCE):
        result = run(runner, upstream.url, play)
    assert isinstance(result, Response)
    assert (result.status, result.body) == (200, b"")


def test_another_status_comes_with_fields_and_body(runner: asyncio.Runner) -> None:
    """In order and unchanged, chunks joined, trailers left out."""
    answer = answer_head(b"503 Later", b"B: 1", b"a: 2", CODED) + (
        b"2\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\n"
    )
    with scripted(answering(answer)) as upstream:
        result = run(runner, upstream.url, once)
    fields = [(b"B", b"1"), (b"a", b"2"), (b"Transfer-Encoding", b"chunked")]
    assert result == Response(503, fields, b"abc")


def test_the_request_is_sent_as_it_is(runner: asyncio.Runner) -> None:
    """Head and body arrive byte for byte, a large one too."""
    received: list[bytes] = []

    def act(connection: socket.socket) -> bool:
        received.append(read_request(connection))
        connection.sendall(OK)
        return True

    body = bytes(range(256)) * 4096

    async def play(sender: Sender) -> None:
        await sender.begin(body)
        await sender.begin(b"")

    with scripted(act) as upstream:
        run(runner, upstream.url, play)
        assert upstream.connections == 1
    assert received == [
        HEAD.replace(b": 2", b": %d" % len(body)) + body,
        HEAD.replace(b": 2", b": 0"),
    ]
