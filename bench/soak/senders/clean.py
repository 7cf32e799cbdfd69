"""The paced clean sender, in a process of its own: each event has its moment.

    python -m bench.soak.senders.clean SITE PORT RATE SECONDS

An event goes out on an idle connection or a new one, and is sent once. Its latency counts from its
moment, so that a gate that stalls is charged for every event that it kept waiting. Of three
connections one comes through the trusted proxy, which names the clean sender. Prints JSON: see
`Clean`.
"""

import asyncio
import gc
import sys
import time
from hashlib import sha256
from typing import NamedTuple

import httptools
import uvloop
from bench.soak.process import await_begin, print_result
from bench.soak.site import CLEAN, JSON, PROXY, Site, event, post, proxy_header

PATIENCE_SECONDS = 20
_USES = 50
_FORWARDED = f"X-Forwarded-For: {CLEAN}"


class Clean(NamedTuple):
    """What became of the clean events, by the SHA-256 of their bodies.

    `answers` are status and Unix time, `unanswered` the times of those that got none. Latencies
    are those of the answers; `late_us` is how late the sender itself was.
    """

    answers: dict[str, tuple[int, float]]
    unanswered: dict[str, float]
    latencies_us: list[int]
    late_us: list[int]


class Connection(asyncio.Protocol):
    """One connection; `idle` tells whether it takes another event."""

    def __init__(self, *lines: str, preface: bytes = b"") -> None:
        self.idle = True
        self._lines = lines
        self._preface = preface
        self._uses = 0
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's
        transport.write(self._preface)  # type: ignore[attr-defined]  # TCP's

    def send(self, body: bytes) -> asyncio.Future[int]:
        """Send an event; return its status to come, ConnectionError where the connection ends."""
        self.idle = False
        self._uses += 1
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(post(body, JSON, *self._lines))
        return self._answer

    @property
    def is_open(self) -> bool:
        """Whether it is not about to end."""
        return not self._transport.is_closing()

    def leave(self) -> None:
        """Abort the connection."""
        self.idle = False
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.leave()

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._parser.get_status_code())
        self.idle = self._parser.should_keep_alive() and self._uses < _USES
        if not self.idle:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self.idle = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError())


class Sender:
    """The connections, and what became of each event."""

    def __init__(self, site: Site, port: int) -> None:
        self.found = Clean({}, {}, [], [])
        self._site = site
        self._port = port
        self._connections: list[Connection] = []
        self._opened = 0

    async def send(self, planned: float) -> None:
        """Send an event that was due at `planned`, a time of `time.monotonic`."""
        found, body = self.found, event()
        digest = sha256(body).hexdigest()
        found.unanswered[digest] = time.time()
        found.late_us.append(round((time.monotonic() - planned) * 1e6))
        connection = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                connection = self._idle() or await self._connect()
                status = await connection.send(body)
        except (OSError, TimeoutError):
            if connection is not None:
                connection.leave()
            return
        found.latencies_us.append(round((time.monotonic() - planned) * 1e6))
        found.answers[digest] = status, time.time()
        del found.unanswered[digest]

    def _idle(self) -> Connection | None:
        self._connections = [c for c in self._connections if c.is_open]
        return next((c for c in self._connections if c.idle), None)

    async def _connect(self) -> Connection:
        self._opened += 1
        through = self._opened % 3 == 0
        if self._site is Site.BEHIND_PROXY:
            source, made = PROXY, Connection(preface=proxy_header(CLEAN))
        elif through:
            source, made = PROXY, Connection(_FORWARDED)
        else:
            source, made = CLEAN, Connection()
        made.idle = False
        await asyncio.get_running_loop().create_connection(
            lambda: made, "127.0.0.1", self._port, local_addr=(source, 0)
        )
        self._connections.append(made)
        return made


async def send(site: Site, port: int, rate: float, seconds: float) -> Clean:
    """Send `rate` events a second for `seconds`, and wait for their answers."""
    loop, sender = asyncio.get_running_loop(), Sender(site, port)
    # uvloop's own clock has milliseconds only.
    began, tasks = time.monotonic() + 0.1, set()
    for number in range(round(rate * seconds)):
        planned = began + number / rate
        await asyncio.sleep(planned - time.monotonic())
        task = loop.create_task(sender.send(planned))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(tasks)
    return sender.found


if __name__ == "__main__":
    gc.disable()
    await_begin()
    done = send(Site(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
    print_result(uvloop.run(done)._asdict())
