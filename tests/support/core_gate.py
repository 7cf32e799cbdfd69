"""A gate without a front, in the test's own event loop, and an operational log that remembers."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from hookgate.config.build import load
from hookgate.gate.answer import Answer
from hookgate.gate.delivery import Delivery
from hookgate.gate.gate import Gate
from hookgate.policy import Head, make_head
from hookgate.settings import Config, RouteSettings

from .events import CLEAN
from .ledger import Record, assert_balanced, assert_chained, read_ledger

SECRET = "canary-0031699999999"
PEER = "127.0.0.1"
NOWHERE = "http://127.0.0.1:1"


class InjectedError(Exception):
    """Its message stands for a sender's value, which must not be logged."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__(SECRET)


def fail(*_: object, **__: object) -> Any:
    """Stand in for what breaks."""
    raise InjectedError


class Log:
    """An operational logger that remembers; each event has its `level`."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.logger: structlog.BoundLogger = structlog.wrap_logger(
            structlog.ReturnLogger(), [self._remember], structlog.BoundLogger
        )

    def _remember(self, _: Any, level: str, record: Any) -> str:
        self.events.append({"level": level, **record})
        return ""

    def of(self, event: str) -> list[dict[str, Any]]:
        """Those of one name."""
        return [entry for entry in self.events if entry["event"] == event]


def head(
    method: bytes = b"POST", peer: str = PEER, media_type: bytes = b"application/json"
) -> Head:
    """A head that passes, unless told otherwise."""
    typed = [(b"Content-Type", media_type)] if media_type else []
    return make_head(peer, method, b"/cm/events", [(b"Host", b"gate"), *typed])


def make_config(
    url: str, folder: Path, routes: tuple[RouteSettings, ...] = (), **keys: object
) -> Config:
    """Events from PEER go to this URL; `keys` are `section.key` settings over that."""
    overrides = {
        "upstream.url": url,
        "source.allow": [PEER],
        "audit.path": str(folder / "audit.jsonl"),
        **keys,
    }
    config = load(None, overrides, {})
    return dataclasses.replace(config, routes=routes) if routes else config


def make_gate(url: str, folder: Path, log: Log, **keys: Any) -> Gate:
    """A gate of that configuration."""
    return Gate(make_config(url, folder, **keys), "test", log.logger)


def deliver(delivery: Delivery, body: bytes) -> "asyncio.Future[Answer]":
    """Its body is complete; the answer comes later."""
    future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    delivery.deliver(body, future.set_result)
    return future


async def run(gate: Gate, body: bytes, request: Head | None = None) -> tuple[Answer, Delivery]:
    """One delivery as a front would drive it."""
    request = request or head()
    delivery = gate.begin(request.peer)
    answer = delivery.screen(request)
    if answer is None:
        answer = await asyncio.wait_for(deliver(delivery, body), 10)
    return answer, delivery


class Endpoint:
    """An endpoint in the gate's own loop; it gives its `answer` while `answering` is set."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        self.answering = asyncio.Event()
        self.answering.set()
        self.heads: list[bytes] = []
        self.seen = asyncio.Event()
        self.closed = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while not reader.at_eof():
                received = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(len(CLEAN))
                self.heads.append(received)
                self.seen.set()
                await self.answering.wait()
                writer.write(self.answer)
        self.closed.set()


@contextlib.asynccontextmanager
async def endpoint(*, answering: bool = True) -> AsyncIterator[Endpoint]:
    """One that listens until the end of the block."""
    made = Endpoint()
    if not answering:
        made.answering.clear()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        made.answering.set()
        server.close()


async def soon(awaited: Awaitable[Any]) -> Any:
    """What comes within seconds, however busy the machine is."""
    return await asyncio.wait_for(awaited, 10)


async def under_way(gate: Gate, at: Endpoint) -> "asyncio.Future[Answer]":
    """A delivery that its endpoint has, and has not answered."""
    at.seen.clear()
    answer = deliver(screened(gate), CLEAN)
    await soon(at.seen.wait())
    return answer


def screened(gate: Gate) -> Delivery:
    """A delivery whose head passed."""
    delivery = gate.begin(PEER)
    assert delivery.screen(head()) is None
    return delivery


def in_gate(
    folder: Path, act: Callable[[Gate], Awaitable[None]], url: str = NOWHERE, **keys: Any
) -> tuple[list[Record], Log]:
    """Run `act` with a gate; returns its ledger and its log after the stop."""
    log = Log()

    async def session() -> None:
        gate = make_gate(url, folder, log, **keys)
        try:
            await act(gate)
        finally:
            await gate.close()

    asyncio.run(session())
    path = folder / "audit.jsonl"
    assert_chained(path)
    assert_balanced(path)
    return read_ledger(path), log


def of(records: list[Record], kind: str) -> list[Record]:
    """Those of one kind."""
    return [record for record in records if record["event"] == kind]


def reload(gate: Gate, folder: Path, url: str = NOWHERE, **keys: Any) -> None:
    """Put a configuration into force."""
    gate.apply(gate.prepare(make_config(url, folder, **keys)))
