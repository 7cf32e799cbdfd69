"""The upstream client's connections: made when needed, within the bound, given back."""

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import replace
from math import inf

import pytest

from hookgate.policy import Reason
from hookgate.upstream.connection import UpstreamConnection
from hookgate.upstream.dial import Dial, P
from hookgate.upstream.pool import UpstreamPool
from hookgate.upstream.response import Response
from support.exchanges import AT_ONCE, HURRIED, SETTINGS, Result, Sender, once, run, timed
from support.faulty import CLOSING, answer_head
from support.scripted import Act, answering, reset, scripted, unaccepting

DEADLINE, SLACK = HURRIED.timeout, 4.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_nothing_listening_is_unreachable_for_all_at_once(runner: asyncio.Runner) -> None:
    """However many wait for how few connections, none waits for the deadline."""

    async def play(sender: Sender) -> list[Result]:
        return await asyncio.gather(*(sender.begin() for _ in range(20)))

    with scripted(answering(OK)) as gone:
        pass
    with timed(0, AT_ONCE):
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
        assert run(runner, url, once, HURRIED) is Reason.UPSTREAM_TIMEOUT


def test_each_exchange_has_a_deadline_of_its_own(runner: asyncio.Runner) -> None:
    """One whose attempt to connect ran out of time takes no other with it."""

    async def play(sender: Sender) -> None:
        first = sender.begin()
        await asyncio.sleep(DEADLINE / 2)
        second, began = sender.begin(), asyncio.get_running_loop().time()
        assert await first is Reason.UPSTREAM_TIMEOUT
        assert await second is Reason.UPSTREAM_TIMEOUT
        assert asyncio.get_running_loop().time() - began >= DEADLINE * 0.99

    with unaccepting() as listener:
        run(runner, f"http://127.0.0.1:{listener.getsockname()[1]}", play, HURRIED)


def test_a_deadline_at_the_very_moment_of_connecting_costs_no_place(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection that came too late is counted neither twice nor for ever."""
    made = UpstreamConnection.connection_made
    late = [True, False, True, False]

    def connection_made(connection: UpstreamConnection, transport: asyncio.BaseTransport) -> None:
        made(connection, transport)
        if late.pop(0):
            assert isinstance(connection._pool, UpstreamPool)
            connection._pool._expire(inf)

    async def play(sender: Sender) -> None:
        for _ in range(2):
            assert await sender.begin() is Reason.UPSTREAM_TIMEOUT
            assert isinstance(await sender.begin(), Response)
            await asyncio.sleep(0.05)
            assert sender.upstream._open == 0

    monkeypatch.setattr(UpstreamConnection, "connection_made", connection_made)
    with scripted(answering(CLOSING)) as upstream:
        run(runner, upstream.url, play, replace(HURRIED, max_connections=1))


@pytest.mark.parametrize("greet", [lambda connection: None, reset], ids=["closes", "resets"])
def test_a_connection_that_ends_at_once_is_no_reason_to_wait_or_to_hammer(
    runner: asyncio.Runner, greet: Act
) -> None:
    """An upstream that accepts and hangs up is told at once, however many wait."""

    async def play(sender: Sender) -> list[Result]:
        results = [await sender.begin() for _ in range(20)]
        return results + await asyncio.gather(*(sender.begin() for _ in range(20)))

    settings = replace(SETTINGS, timeout=5.0)
    with scripted(answering(OK)) as upstream, timed(0, 2):
        upstream.greet = greet
        results = run(runner, upstream.url, play, settings)
        assert set(results) <= {Reason.UPSTREAM_INVALID, Reason.UPSTREAM_UNREACHABLE}
        assert upstream.connections <= 40


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


@pytest.mark.parametrize("fails", [False, True], ids=["connects", "fails"])
def test_who_is_served_by_another_attempt_leaves_its_own(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    """However attempts overtake each other there is one for each request, and its end is heard."""
    connect = Dial.connect
    dials: list[Dial] = []

    async def play(sender: Sender) -> None:
        overtaken = asyncio.Event()

        async def connect_late(dial: Dial, make_protocol: Callable[[], P]) -> P:
            dials.append(dial)
            if dial is dials[0]:
                await overtaken.wait()
                if fails:
                    raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
            return await connect(dial, make_protocol)

        monkeypatch.setattr(Dial, "connect", connect_late)
        first, second, third = sender.begin(), sender.begin(), sender.begin()
        assert isinstance(await first, Response)
        assert isinstance(await second, Response)
        assert not third.done()
        overtaken.set()
        result = await third
        assert result is Reason.UPSTREAM_UNREACHABLE if fails else isinstance(result, Response)
        assert len(dials) == 3

    with scripted(answering(CLOSING)) as upstream:
        run(runner, upstream.url, play)
        assert upstream.connections == 3 - fails


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
        connection.sendall(answer_head(b"413 Too Large", b"Content-Length: 0"))
        return False

    async def play(sender: Sender) -> Result:
        return await sender.begin(bytes(8 << 20))

    with scripted(act) as upstream, timed(0, AT_ONCE):
        result = run(runner, upstream.url, play)
    assert result is Reason.UPSTREAM_INVALID or (
        isinstance(result, Response) and result.status == 413
    )


def test_closing_ends_what_is_under_way(runner: asyncio.Runner) -> None:
    """Exchanges in every state get their one result, and no connection is left."""

    async def play(sender: Sender) -> list[asyncio.Future[Result]]:
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
    ended: list[bool] = []

    def act(connection: socket.socket) -> bool:
        answering(OK)(connection)
        ended.append(connection.recv(1) == b"")
        return False

    async def play(sender: Sender) -> None:
        await sender.begin()
        sender.upstream._idle[0].idle_since -= 3.5
        await asyncio.sleep(1.5)
        assert ended == [True]

    with scripted(act) as upstream:
        run(runner, upstream.url, play)
