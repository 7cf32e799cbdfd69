"""The least that Python can do: uvloop and httptools find where messages end, and bytes go on.

No check, no record, no time-out: what a gate of the same parts cannot be faster than.
"""

import asyncio
import os
from collections import deque
from typing import Any

import httptools
import uvloop

PORT, UPSTREAM = int(os.environ["PORT"]), int(os.environ["UPSTREAM"])


class Peer(asyncio.Protocol):
    """One side of a connection, which tells when a message is whole."""

    def __init__(self, parser: Any, relay: "Relay") -> None:
        self._parser, self._relay = parser(self), relay
        self._parts: list[bytes] = []
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        message = b"".join(self._parts)
        self._parts.clear()
        self.pass_on(message)

    def pass_on(self, message: bytes) -> None:
        raise NotImplementedError


class Client(Peer):
    def pass_on(self, message: bytes) -> None:
        self._relay.send(self, message)


class Endpoint(Peer):
    client: Client | None = None

    def pass_on(self, message: bytes) -> None:
        client, self.client = self.client, None
        if self._parser.should_keep_alive():
            self._relay.free.append(self)
        if client is not None:
            client.transport.write(message)

    def connection_lost(self, _: Exception | None) -> None:
        if self in self._relay.free:
            self._relay.free.remove(self)


class Relay:
    """Connections to the endpoint that are kept, one request on each at a time."""

    def __init__(self) -> None:
        self.free: deque[Endpoint] = deque()
        self._connecting: set[asyncio.Task[None]] = set()

    def send(self, client: Client, message: bytes) -> None:
        if self.free:
            endpoint = self.free.pop()
            endpoint.client = client
            endpoint.transport.write(message)
        else:
            task = asyncio.create_task(self._connect(client, message))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, client: Client, message: bytes) -> None:
        loop = asyncio.get_running_loop()
        _, endpoint = await loop.create_connection(
            lambda: Endpoint(httptools.HttpResponseParser, self), "127.0.0.1", UPSTREAM
        )
        endpoint.client = client
        endpoint.transport.write(message)


async def main() -> None:
    relay = Relay()
    server = await asyncio.get_running_loop().create_server(
        lambda: Client(httptools.HttpRequestParser, relay), "127.0.0.1", PORT
    )
    await server.serve_forever()


uvloop.run(main())
