"""The guard's load, always the same: eight connections that send at once and wait for all answers.

The upstream too answers when it has all eight. The sidecar is stopped while they send, so that it
finds everything at once.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import NamedTuple

import httptools

from .events import EVENT

CONNECTIONS = 8
WARM_UP = 50
PATIENCE_SECONDS = 60
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Server = subprocess.Popen[str]
Mark = Callable[[Server], None]
Held = Callable[[], AbstractContextManager[None]]


class Kind(NamedTuple):
    """Requests of one kind: body, `source.allow`, status of every answer, whether it is sealed, and
    whether each head has another trace id.
    """

    body: bytes
    allow: str
    status: int
    sealed: bool = False
    varying: bool = False

    def request(self, number: int) -> bytes:
        """Make one of them."""
        head = "POST /cm/events HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
        if self.varying:
            head += f"traceparent: 00-{number:032x}-{number:016x}-01\r\n"
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


KINDS = {
    "accepted": Kind(EVENT, "127.0.0.1", 200),
    "sealed": Kind(EVENT, "127.0.0.1", 200, sealed=True),
    "varying": Kind(EVENT, "127.0.0.1", 200, varying=True),
    "foreign": Kind(EVENT, "cm.com", 403),
    "foreign-varying": Kind(EVENT, "cm.com", 403, varying=True),
    "broken": Kind(EVENT[:-2], "127.0.0.1", 400),
}


class Upstream(asyncio.Protocol):
    """The upstream's side of a connection: answers 200 once the event has come on all of them."""

    def __init__(self, held: Held, waiting: list[asyncio.Transport]) -> None:
        self._held = held
        self._waiting = waiting  # shared by the connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-len(EVENT) :]
        if self._tail == EVENT:
            self._waiting.append(self._transport)
        if len(self._waiting) == CONNECTIONS:
            with self._held():
                for transport in self._waiting:
                    transport.write(OK)
            self._waiting.clear()


class Sender(asyncio.Protocol):
    """The sender's side of a connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's
        self._parser = httptools.HttpResponseParser(self)

    def send(self, request: bytes) -> asyncio.Future[int]:
        """Send a request and return the status of the answer to come."""
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._status

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if not self._status.done():
            self._status.set_exception(ConnectionError("the sidecar is gone"))

    def on_message_complete(self) -> None:
        self._status.set_result(self._parser.get_status_code())


@contextmanager
def held(process: Server) -> Iterator[None]:
    """Stop a process until the block ends."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    yield
    process.send_signal(signal.SIGCONT)


async def drive(
    kind: Kind, upstream: socket.socket, process: Server, port: int, requests: int, mark: Mark
) -> None:
    """Warm up, mark, send so many requests, and mark again.

    Exits where an answer has another status than the kind's. Raises ConnectionError where the
    process ends before it has answered.
    """
    numbers = count(1)
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.Transport] = []
    await loop.create_server(lambda: Upstream(lambda: held(process), waiting), sock=upstream)
    opened = [await loop.create_connection(Sender, "127.0.0.1", port) for _ in range(CONNECTIONS)]

    async def send(waves: int) -> None:
        for _ in range(waves):
            async with asyncio.timeout(PATIENCE_SECONDS):
                with held(process):
                    answers = [sender.send(kind.request(next(numbers))) for _, sender in opened]
                statuses = await asyncio.gather(*answers)
            if set(statuses) != {kind.status}:
                sys.exit(f"guard: answered {set(statuses)}, not {kind.status}")

    await send(WARM_UP)
    mark(process)
    await send(requests // CONNECTIONS)
    mark(process)
    for transport, _ in opened:
        transport.close()
