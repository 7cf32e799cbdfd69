"""What an upstream says unasked is nobody's answer: its connection is not used again."""

import asyncio
import contextlib
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from hookgate.policy import Reason
from hookgate.settings import UpstreamSettings
from hookgate.upstream.connection import UpstreamConnection
from hookgate.upstream.response import Response
from support.exchanges import HEAD, SETTINGS, Handler, Result, Sender, run
from support.faulty import answer_head
from support.scripted import read_request, scripted

PATIENT = replace(SETTINGS, timeout=10.0, max_connections=1)


def numbered(number: int) -> bytes:
    """An answer that tells which request it is for."""
    return answer_head(b"200 OK", b"N: %d" % number, b"Content-Length: 0")


class Talker:
    """Answers each request with a number one higher, then waits for what else to say.

    `quiet`, it waits for nothing but the next request.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.connections = 0
        self.quiet = False
        self._tls = tls
        self._answered = 0
        self._orders: queue.Queue[bytes] = queue.Queue()
        self._done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def say(self, data: bytes) -> None:
        """Send it on the connection of the last request; returns when it has arrived."""
        self._orders.put(data)
        self._done.wait(5)
        self._done.clear()

    def hang_up(self) -> None:
        """End the connection of the last request; returns when that has arrived."""
        self.say(b"")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._orders.put(b"")
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), contextlib.ExitStack() as stack:
            connection = stack.enter_context(plain)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(plain, server_side=True))
            order = b"-"
            while order:
                read_request(connection)
                self._answered += 1
                connection.sendall(numbered(self._answered))
                if self.quiet:
                    continue
                order = self._orders.get()
                if order:
                    connection.sendall(order)
                else:
                    connection.shutdown(socket.SHUT_RDWR)
                self._done.set()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=["plain", "TLS"])
def talker(
    request: pytest.FixtureRequest, authority: trustme.CA, tmp_path: Path
) -> Iterator[tuple[Talker, UpstreamSettings]]:
    """An upstream, and the settings to reach it with."""
    context = None
    if request.param == "TLS":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    running = Talker(context)
    ca_file = str(tmp_path / "ca.pem") if context else ""
    try:
        yield running, replace(PATIENT, ca_file=ca_file)
    finally:
        running.close()


def number(result: Result) -> int:
    assert isinstance(result, Response)
    return int(dict(result.fields)[b"N"])


UNASKED = {
    "a second answer": numbered(99),
    "a known answer": numbered(1),
    "half an answer": numbered(99)[:20],
    "an empty line": b"\r\n",
    "garbage": b"\0",
}


@pytest.mark.parametrize("unasked", UNASKED.values(), ids=UNASKED.keys())
def test_what_came_before_a_request_is_not_its_answer(
    runner: asyncio.Runner, talker: tuple[Talker, UpstreamSettings], unasked: bytes
) -> None:
    """It has arrived, and the event loop has not seen it yet: the request takes another way."""
    upstream, settings = talker

    async def play(sender: Sender) -> None:
        for turn in range(1, 4):
            assert number(await sender.begin()) == turn
            upstream.say(unasked)
            # Not a turn of the loop between: nothing tells the client but the kernel.
        assert number(await sender.begin()) == 4
        assert upstream.connections == 4

    run(runner, upstream.url, play, settings)


def test_who_waits_does_not_get_it_either(
    runner: asyncio.Runner, talker: tuple[Talker, UpstreamSettings]
) -> None:
    """A connection goes from one exchange straight to the next, but not with bytes on it."""
    upstream, settings = talker

    async def play(sender: Sender) -> None:
        results: list[Result] = []
        done = asyncio.Event()

        def finish(result: Result) -> None:
            results.append(result)
            if len(results) < 4:
                upstream.say(numbered(99))  # before the client hands its connection on
            else:
                done.set()

        for _ in range(4):
            sender.upstream.send(HEAD + b"{}", Handler(finish))
        await done.wait()
        assert sorted(map(number, results)) == [1, 2, 3, 4]
        assert upstream.connections == 4

    run(runner, upstream.url, play, settings)


def test_a_connection_that_was_closed_meanwhile_fails_no_request(
    runner: asyncio.Runner, talker: tuple[Talker, UpstreamSettings]
) -> None:
    """Its end has arrived, and the event loop has not seen it yet."""
    upstream, settings = talker

    async def play(sender: Sender) -> None:
        for turn in range(1, 4):
            assert number(await sender.begin()) == turn
            upstream.hang_up()
        assert upstream.connections == 3

    run(runner, upstream.url, play, settings)


def test_a_quiet_connection_is_used_again(
    runner: asyncio.Runner, talker: tuple[Talker, UpstreamSettings]
) -> None:
    """What TLS itself sends is no reason to connect anew."""
    upstream, settings = talker

    async def play(sender: Sender) -> None:
        upstream.quiet = True
        for turn in range(1, 30):
            assert number(await sender.begin()) == turn
        assert upstream.connections == 1

    run(runner, upstream.url, play, settings)


def test_an_upstream_that_speaks_first_is_not_asked(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that came with the connection answers nothing; no byte of the event is sent."""
    made = UpstreamConnection.connection_made
    received: list[bytes] = []
    greeted = threading.Event()

    def connection_made(connection: UpstreamConnection, transport: asyncio.BaseTransport) -> None:
        greeted.wait(5)
        made(connection, transport)

    def greet(connection: socket.socket) -> bool:
        connection.sendall(numbered(99))
        greeted.set()
        with contextlib.suppress(OSError):
            received.append(connection.recv(1000))
        return False

    async def play(sender: Sender) -> Result:
        return await sender.begin()

    monkeypatch.setattr(UpstreamConnection, "connection_made", connection_made)
    with scripted(lambda _: False) as upstream:
        upstream.greet = greet
        assert run(runner, upstream.url, play) is Reason.UPSTREAM_UNREACHABLE
    assert [data for data in received if data] == []


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "TLS"])
def test_a_2xx_before_the_request_has_left_delivers_nothing(
    runner: asyncio.Runner, authority: trustme.CA, tmp_path: Path, over_tls: bool
) -> None:
    """An event that was not read whole was not taken, whoever wants the body; a refusal is relayed;
    none of the connections is reused.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    statuses = [b"200 OK", b"200 OK", b"413 Too Large"]
    told = threading.Event()

    def greet(plain: socket.socket) -> bool:
        connection = context.wrap_socket(plain, server_side=True) if over_tls else plain
        with contextlib.suppress(OSError), connection:
            connection.recv(1000)
            connection.sendall(answer_head(statuses.pop(0), b"Content-Length: 0"))
            told.wait(5)  # and read no more until the answer was
            told.clear()
        return False

    async def begin(sender: Sender, *, relays: bool = False) -> Result:
        result = await sender.begin(bytes(32 << 20), relays=relays)
        told.set()
        return result

    async def play(sender: Sender) -> None:
        for relays in (False, True):
            assert await begin(sender, relays=relays) is Reason.UPSTREAM_INVALID
        assert [failed.status for failed in sender.failures] == [0, 0]
        refused = await begin(sender)
        assert isinstance(refused, Response)
        assert refused.status == 413
        assert upstream.connections == 3

    with scripted(lambda _: False) as upstream:
        upstream.greet = greet
        url = upstream.url.replace("http:", "https:") if over_tls else upstream.url
        settings = replace(PATIENT, ca_file=str(tmp_path / "ca.pem") if over_tls else "")
        run(runner, url, play, settings)
