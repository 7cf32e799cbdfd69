"""A gate without a front, in the test's own event loop, and an operational log that remembers."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import structlog

from hookgate.answer import Answer
from hookgate.config import load
from hookgate.delivery import Delivery
from hookgate.gate import Gate
from hookgate.policy import Head, make_head
from hookgate.settings import Config, RouteSettings

SECRET = "canary-0031699999999"
PEER = "127.0.0.1"


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
