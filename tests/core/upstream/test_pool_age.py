"""A connection has a greatest age; the one after it goes where the endpoint's name leads now."""

import asyncio
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest
import uvloop

from hookgate.upstream import pool
from hookgate.upstream.lookup import Address, Lookup
from hookgate.upstream.response import Response
from support.exchanges import SETTINGS, Sender, run
from support.raw import wait_until
from support.scripted import Scripted, answering, scripted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NAME = "endpoint.invalid"
AGE = 0.6


class Names:
    """A resolver that knows one name, that of the `address` where it is at present."""

    def __init__(self) -> None:
        self.address = "127.0.0.1"
        self.look_ups = 0

    def ask(self, lookup: Lookup, flags: int) -> list[Address]:
        if flags:
            raise OSError("no number")
        self.look_ups += 1
        return [(socket.AF_INET, (self.address, lookup.endpoint.port))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    resolver = Names()
    monkeypatch.setattr(Lookup, "_ask", lambda lookup, flags: resolver.ask(lookup, flags))
    return resolver


@pytest.fixture(params=[asyncio.SelectorEventLoop, uvloop.Loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second is the greatest age."""
    monkeypatch.setattr(pool, "MAX_AGE_SECONDS", AGE)
    monkeypatch.setattr(pool, "AGES_APART", 1)


@pytest.fixture
def old() -> Iterator[Scripted]:
    with scripted(answering(OK, stay=True)) as running:
        yield running


@pytest.fixture
def new(old: Scripted) -> Iterator[Scripted]:
    """On the same port of another address."""
    listener = socket.create_server(("127.0.0.2", old.port))
    with scripted(answering(OK, stay=True), listener) as running:
        yield running


def test_a_name_that_moves_is_followed_under_steady_traffic(
    runner: asyncio.Runner, names: Names, old: Scripted, new: Scripted
) -> None:
    """Though the old address goes on to answer: no connection to it is older than it may be."""

    async def play(sender: Sender) -> None:
        loop = asyncio.get_running_loop()

        async def go_on(seconds: float) -> None:
            until = loop.time() + seconds
            while loop.time() < until:
                result = await sender.begin()
                assert isinstance(result, Response)
                await asyncio.sleep(0.005)

        await go_on(AGE / 4)
        assert (old.connections, names.look_ups) == (1, 1)
        names.address = "127.0.0.2"
        await go_on(1.5 * AGE)
        before = old.connections
        assert new.connections >= 1
        await go_on(1.5 * AGE)
        assert old.connections == before
        assert names.look_ups == old.connections + new.connections

    run(runner, f"http://{NAME}:{old.port}", play)


def test_even_where_requests_wait_for_each_connection(
    runner: asyncio.Runner, names: Names, old: Scripted, new: Scripted
) -> None:
    """One that is never idle is not kept either."""

    async def play(sender: Sender) -> None:
        loop = asyncio.get_running_loop()

        async def one(seconds: float) -> None:
            until = loop.time() + seconds
            while loop.time() < until:
                assert isinstance(await sender.begin(), Response)

        busy = asyncio.gather(*(one(2.5 * AGE) for _ in range(4 * SETTINGS.max_connections)))
        await asyncio.sleep(AGE / 4)
        assert new.connections == 0
        names.address = "127.0.0.2"
        await busy
        assert new.connections >= SETTINGS.max_connections

    run(runner, f"http://{NAME}:{old.port}", play)


def test_an_exchange_that_is_under_way_outlives_it(
    runner: asyncio.Runner, names: Names, old: Scripted
) -> None:
    """It is not cut short."""

    def late(connection: socket.socket) -> bool:
        connection.settimeout(2 * AGE)
        try:
            while connection.recv(65536):
                pass
        except TimeoutError:
            connection.sendall(OK)
        return False

    async def play(sender: Sender) -> None:
        assert isinstance(await sender.begin(), Response)
        assert old.connections == 1

    old.act = late
    run(runner, f"http://{NAME}:{old.port}", play)


def test_those_made_together_do_not_end_together(
    runner: asyncio.Runner, names: Names, old: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or all of a busy gate's handshakes would come in one turn."""
    monkeypatch.setattr(pool, "MAX_AGE_SECONDS", 30.0)
    monkeypatch.setattr(pool, "AGES_APART", 8)
    answer = old.act

    def answer_once_two_are_there(connection: socket.socket) -> bool | None:
        assert wait_until(lambda: old.connections > 1)
        return answer(connection)

    old.act = answer_once_two_are_there

    async def play(sender: Sender) -> None:
        await asyncio.gather(*(sender.begin() for _ in range(4)))
        timers = [connection.aging for connection in sender.upstream._connected]
        ages = sorted(timer.when() for timer in timers if timer is not None)
        assert len(ages) > 1
        assert all(later - sooner > 0.5 for sooner, later in pairwise(ages))
        now = asyncio.get_running_loop().time()
        assert all(now < age <= now + 30 for age in ages)

    run(runner, f"http://{NAME}:{old.port}", play)
