"""The processes around the sidecar of strangers.py: thousands of strangers, and the upstream."""

import asyncio
import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection

import uvloop
from bench.events import EVENT

CLEAN, STRANGER = "127.0.0.10", "127.0.0.66"
LOAD_CORE = 1
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
RETURN_SECONDS = 5
DRIP_SECONDS = 0.004


class Upstream(asyncio.Protocol):
    """The upstream's side of a connection: answers 200 to whatever ends like the event."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-len(EVENT) :]
        if self._tail == EVENT:
            self._transport.write(OK)


class Stranger(asyncio.Protocol):
    """One stranger's connection; `gone` is done when it has ended."""

    def __init__(self, gone: asyncio.Future[None]) -> None:
        self.gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's

    def connection_lost(self, _: Exception | None) -> None:
        self.gone.set_result(None)


class Strangers:
    """`count` strangers, each of whom keeps a connection or tries again every five seconds."""

    def __init__(self, port: int, count: int) -> None:
        self.open: set[Stranger] = set()
        self.turned_away = 0
        self._port = port
        self._drips: deque[Stranger] = deque()
        self._tasks = [asyncio.create_task(self._stay(place)) for place in range(count)]
        self._tasks.append(asyncio.create_task(self._drip(count / 2)))

    async def _stay(self, place: int) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(place / 1000)  # they come a thousand a second
        while True:
            stranger = Stranger(loop.create_future())
            with contextlib.suppress(OSError):
                await self._connect(stranger)
                self.open.add(stranger)
                if place % 2:
                    stranger.transport.write(b"POST / HTTP/1.1\r\nX: ")
                    self._drips.append(stranger)
                await stranger.gone
                self.open.discard(stranger)
            self.turned_away += 1
            await asyncio.sleep(RETURN_SECONDS)

    async def _connect(self, stranger: Stranger) -> None:
        await asyncio.get_running_loop().create_connection(
            lambda: stranger, "127.0.0.1", self._port, local_addr=(STRANGER, 0)
        )

    async def _drip(self, a_second: float) -> None:
        while True:
            await asyncio.sleep(DRIP_SECONDS)
            for _ in range(min(len(self._drips), round(a_second * DRIP_SECONDS))):
                stranger = self._drips.popleft()
                if not stranger.gone.done():
                    stranger.transport.write(b"x")
                    self._drips.append(stranger)


async def _strangers(port: int, count: int, pipe: Connection) -> None:
    strangers = Strangers(port, count)
    while True:
        await asyncio.sleep(0.2)
        if pipe.poll():
            pipe.recv()
            pipe.send((len(strangers.open), strangers.turned_away))


def strangers_process(port: int, count: int, pipe: Connection) -> None:
    """Run `count` strangers; answer each message with how many are open and were turned away."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with contextlib.suppress(KeyboardInterrupt, EOFError):
        uvloop.run(_strangers(port, count, pipe))


def upstream_process(pipe: Connection) -> None:
    """Run the upstream, and send its port through the pipe."""
    os.sched_setaffinity(0, {LOAD_CORE})

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


@contextlib.contextmanager
def forked(target: object, *arguments: object) -> Iterator[Connection]:
    """Run a function in a process until the block ends; yields this end of their pipe."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=target, args=(*arguments, theirs), daemon=True)  # type: ignore[arg-type]
    process.start()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()
