"""The upstream client alone, on plain asyncio and on uvloop: one result each, in time."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import pytest
import uvloop
from hookgate.policy import Reason
from hookgate.settings import UpstreamSettings
from hookgate.upstream import Response, Upstream
from support.scripted import (
    Act,
    Scripted,
    answering,
    endless,
    read_request,
    reset,
    scripted,
    slowly,
    unaccepting,
)

T = TypeVar("T")
DEADLINE, SLACK = 0.4, 0.4
KIB = 1 << 10
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY = b"{}"
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"

SETTINGS = UpstreamSettings(
    url="",
    host="preserve",
    timeout=DEADLINE,
    max_connections=4,
    max_response=64 * KIB,
    ca_file="",
    client_cert="",
    client_key="",
)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as running:
        yield running


class Sender:
    """Sends through one `Upstream` and notes every call of `done`."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.results: list[Response | Reason] = []

    def begin(self, body: bytes = BODY) -> "asyncio.Future[Response | Reason]":
        future: asyncio.Future[Response | Reason] = asyncio.get_running_loop().create_future()
        head = HEAD.replace(b"Length: 2", b"Length: %d" % len(body))

        def done(result: Response | Reason) -> None:
            self.results.append(result)
            future.set_result(result)

        self.upstream.send(head, body, done)
        return future


def run(
    runner: asyncio.Runner,
    url: str,
    play: Callable[[Sender], Awaitable[T]],
    settings: UpstreamSettings = SETTINGS,
) -> T:
    """Play with a sender to this URL; the client must close cleanly afterwards."""

    async def main() -> T:
        upstream = Upstream(replace(settings, url=url))
        try:
            return await play(Sender(upstream))
        finally:
            await upstream.close()
            await asyncio.sleep(0.01)
            assert upstream._open == 0
            assert not upstream._active

    return runner.run(main())


@contextmanager
def timed(low: float, high: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert low <= time.monotonic() - began < high


async def once(sender: Sender) -> Response | Reason:
    return await sender.begin()


def status_line(status: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, *fields)) + b"\r\n\r\n"


CODED = b"Transfer-Encoding: chunked"

INVALID: dict[str, Act] = {
    "closes": answering(),
    "resets": answering(reset_after=True),
    "closes within its head": answering(b"HTTP/1.1 200 OK\r\nA: b"),
    "garbage": answering(b"\0\1\2\3\r\n\r\n", stay=True),
    "101": answering(
        status_line(b"101 Switching Protocols", b"Connection: upgrade", b"Upgrade: x"), stay=True
    ),
    "101 without Upgrade": answering(status_line(b"101 Switching Protocols"), stay=True),
    "short body": answering(status_line(b"500 No", b"Content-Length: 9") + b"x"),
    "broken chunk": answering(status_line(b"500 No", CODED) + b"zz\r\n", stay=True),
    "two answers": answering(status_line(b"500 No", b"Content-Length: 0") + OK, stay=True),
    "large body": answering(
        status_line(b"500 No", b"Content-Length: 65537") + bytes(65537), stay=True
    ),
    "head without end": endless(b"HTTP/1.1 500 No\r\n", piece=b"A: b\r\n" * 100),
    "body without end": endless(status_line(b"500 No"), piece=bytes(KIB)),
    "trailers without end": endless(status_line(b"500 No", CODED) + b"0\r\n", piece=b"A: b\r\n"),
    "1xx without end": endless(piece=status_line(b"100 Continue")),
}


@pytest.mark.parametrize("fault", INVALID, ids=lambda name: name)
def test_a_broken_answer_is_invalid_at_once(runner: asyncio.Runner, fault: str) -> None:
    """It neither waits for the deadline nor sends again."""
    with scripted(INVALID[fault]) as upstream, timed(0, DEADLINE):
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
        assert run(runner, upstream.url, once) is Reason.UPSTREAM_TIMEOUT


@pytest.mark.parametrize(
    "act",
    [
        answering(OK, stay=True),
        answering(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        answering(status_line(b"200 OK", b"Content-Length: 9") + b"x", stay=True),
        answering(status_line(b"200 OK", CODED) + b"zz\r\n", stay=True),
        answering(OK + status_line(b"500 No", b"Content-Length: 0"), stay=True),
        answering(status_line(b"100 Continue") + OK, stay=True),
        endless(status_line(b"200 OK"), piece=bytes(KIB)),
        slowly(OK, 0),
    ],
    ids=["whole", "no length", "short", "broken", "two", "after 100", "endless", "single bytes"],
)
def test_a_2xx_head_decides(runner: asyncio.Runner, act: Act) -> None:
    """The response is there with its head, has no body, and `done` is called but once."""

    async def play(sender: Sender) -> Response | Reason:
        result = await sender.begin()
        await asyncio.sleep(0.05)
        assert sender.results == [result]
        return result

    with scripted(act) as upstream, timed(0, DEADLINE):
        result = run(runner, upstream.url, play)
    assert isinstance(result, Response)
    assert (result.status, result.body) == (200, b"")


def test_another_status_comes_with_fields_and_body(runner: asyncio.Runner) -> None:
    """In order and unchanged, chunks joined, trailers left out."""
    answer = status_line(b"503 Later", b"B: 1", b"a: 2", CODED) + b"2\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\n"
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


def test_nothing_listening_is_unreachable_for_all_at_once(runner: asyncio.Runner) -> None:
    """However many wait for how few connections, none waits for the deadline."""

    async def play(sender: Sender) -> list[Response | Reason]:
        return await asyncio.gather(*(sender.begin() for _ in range(20)))

    with scripted(answering(OK)) as gone:
        pass
    with timed(0, DEADLINE):
        assert set(run(runner, gone.url, play)) == {Reason.UPSTREAM_UNREACHABLE}


def test_a_name_that_is_nobodys_is_unreachable(runner: asyncio.Runner) -> None:
    """Failing to look it up is failing to connect."""
    settings = replace(SETTINGS, timeout=5.0)
    for name in ("no-such-name.invalid", "x" * 64 + ".invalid", "a..b"):
        result = run(runner, f"http://{name}:1", once, settings)
        assert result is Reason.UPSTREAM_UNREACHABLE


def test_connecting_counts_in_the_deadline(runner: asyncio.Runner) -> None:
    """An attempt that nobody replies to is a time-out."""
    with unaccepting() as listener, timed(DEADLINE, DEADLINE + SLACK):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert run(runner, url, once) is Reason.UPSTREAM_TIMEOUT


def test_one_connection_attempt_that_hangs_does_not_fail_another_exchange(
    runner: asyncio.Runner,
) -> None:
    """Each exchange has its own deadline, whoever's attempt it was that timed out."""

    async def play(sender: Sender) -> None:
        first = sender.begin()
        await asyncio.sleep(DEADLINE / 2)
        second = sender.begin()
        assert await first is Reason.UPSTREAM_TIMEOUT
        await asyncio.sleep(DEADLINE / 4)
        assert not second.done()
        assert await second is Reason.UPSTREAM_TIMEOUT

    with unaccepting() as listener:
        run(runner, f"http://127.0.0.1:{listener.getsockname()[1]}", play)


@pytest.mark.parametrize("greet", [lambda connection: None, reset], ids=["closes", "resets"])
def test_a_connection_that_ends_at_once_is_no_reason_to_wait_or_to_hammer(
    runner: asyncio.Runner, greet: Act
) -> None:
    """An upstream that accepts and hangs up is told apart from one that is slow."""
    with scripted(answering(OK)) as upstream, timed(0, DEADLINE):
        upstream.greet = greet
        result = run(runner, upstream.url, once)
        assert result in (Reason.UPSTREAM_INVALID, Reason.UPSTREAM_UNREACHABLE)
        assert upstream.connections <= 2


def test_whoever_has_room_gets_a_connection_at_once(runner: asyncio.Runner) -> None:
    """Exchanges that begin while others are connecting do not wait for those to end."""

    async def play(sender: Sender) -> None:
        for turn in range(40):
            sender.begin()
            for _ in range(turn % 5):
                await asyncio.sleep(0)
        await asyncio.sleep(0.3)
        assert upstream.connections == 40

    with scripted(answering(stay=True)) as upstream:
        settings = replace(SETTINGS, max_connections=100, timeout=5.0)
        run(runner, upstream.url, play, settings)


def test_clean_exchanges_share_connections_within_the_bound(runner: asyncio.Runner) -> None:
    """Sixty at once are served by four connections, which stay for the next sixty."""

    async def play(sender: Sender) -> None:
        for _ in range(2):
            results = await asyncio.gather(*(sender.begin() for _ in range(60)))
            assert {isinstance(r, Response) and r.status for r in results} == {200}
            await asyncio.sleep(0.05)

    with scripted(answering(OK, stay=True)) as upstream:
        run(runner, upstream.url, play)
        assert upstream.connections == 4


def test_faults_give_their_connections_back(runner: asyncio.Runner) -> None:
    """After any number of faults of every kind there is room as before."""
    acts = [
        answering(),
        answering(reset_after=True),
        answering(b"garbage\r\n", stay=True),
        answering(OK),
        answering(b"HTTP/1.1 200 OK\r\n\r\n"),
        answering(OK, stay=True),
    ]
    turns: list[int] = []

    def act(connection: socket.socket) -> bool | None:
        turns.append(1)
        return acts[len(turns) % len(acts)](connection)

    async def play(sender: Sender) -> None:
        results = await asyncio.gather(*(sender.begin() for _ in range(120)))
        assert len(results) == len(sender.results) == 120
        assert Reason.UPSTREAM_TIMEOUT not in results
        assert sender.upstream._open <= SETTINGS.max_connections

    with scripted(act) as upstream:
        run(runner, upstream.url, play, replace(SETTINGS, timeout=5.0))


def test_an_early_refusal_of_a_large_request_is_not_a_time_out(runner: asyncio.Runner) -> None:
    """An upstream that answers and hangs up while we still send is heard, or broken."""

    def act(connection: socket.socket) -> bool:
        connection.recv(1000)
        connection.sendall(status_line(b"413 Too Large", b"Content-Length: 0"))
        return False

    async def play(sender: Sender) -> Response | Reason:
        return await sender.begin(bytes(8 << 20))

    with scripted(act) as upstream, timed(0, DEADLINE):
        result = run(runner, upstream.url, play)
    assert result is Reason.UPSTREAM_INVALID or (
        isinstance(result, Response) and result.status == 413
    )


def test_closing_ends_what_is_under_way(runner: asyncio.Runner) -> None:
    """Exchanges in every state get their one result, and no connection is left."""

    async def play(sender: Sender) -> list["asyncio.Future[Response | Reason]"]:
        futures = [sender.begin() for _ in range(8)]
        await asyncio.sleep(0.1)
        futures += [sender.begin() for _ in range(2)]
        await sender.upstream.close()
        assert all(future.done() for future in futures)
        return futures

    with scripted(answering(stay=True)) as upstream:
        futures = run(runner, upstream.url, play, replace(SETTINGS, timeout=30.0))
    assert {future.result() for future in futures} == {Reason.UPSTREAM_TIMEOUT}


def test_connections_that_stay_unused_are_closed(runner: asyncio.Runner) -> None:
    """The upstream sees the end of an idle connection some seconds after its last exchange."""
    ended: list[Scripted] = []

    def act(connection: socket.socket) -> bool:
        answering(OK)(connection)
        assert connection.recv(1) == b""
        ended.append(upstream)
        return False

    async def play(sender: Sender) -> None:
        await sender.begin()
        connection = sender.upstream._idle[0]
        connection.idle_since -= 3.5
        await asyncio.sleep(1.5)
        assert ended

    with scripted(act) as upstream:
        run(runner, upstream.url, play)
