"""The admin listener: `/healthz`, `/readyz` and `/metrics`, for a prober and for Prometheus."""

import asyncio
from http import HTTPStatus
from typing import NamedTuple, Protocol

import httptools
import orjson
import structlog

from hookgate.metrics import Snapshot, merge
from hookgate.settings import Config

from .errors import ListenError
from .exposition import render
from .probe import UpstreamProbe

_LARGEST_HEAD = 8 * 1024
_MOST_CONNECTIONS = 16
# For the whole exchange: head, answer, and a reader that takes its time.
_SECONDS = 5.0

_TEXT = "text/plain; charset=utf-8"


class State(Protocol):
    """What there is to tell: of this process, or of all workers."""

    @property
    def config(self) -> Config:
        """The configuration in force."""
        ...

    async def snapshots(self) -> list[Snapshot]:
        """What each process counts."""
        ...

    def ready(self) -> list[str]:
        """Why no events should be sent here, as far as the last snapshots tell."""
        ...


class _Reply(NamedTuple):
    status: HTTPStatus
    media_type: str
    body: bytes


class _Head:
    """A request's head, filled in by the parser."""

    def __init__(self) -> None:
        self.target = b""
        self.accept: list[str] = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"accept":
            self.accept.append(value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self.complete = True


class Admin:
    """Serves what `state` tells, one request a connection; nothing where `address` is None."""

    def __init__(self, address: tuple[str, int] | None, state: State) -> None:
        self._address = address
        self._state = state
        self._probe = UpstreamProbe()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, log: structlog.BoundLogger) -> None:
        """Listen, and log where. Raises `ListenError`."""
        if self._address is None:
            return
        host, port = self._address
        try:
            self._server = await asyncio.start_server(self._accept, host, port, limit=_LARGEST_HEAD)
        except OSError as error:
            raise ListenError(
                f"sidecar.admin = {host}:{port} cannot be had: {error.strerror or error}"
            ) from None
        address, port = self._server.sockets[0].getsockname()[:2]
        log.info("admin.listening", address=address, port=port)

    async def close(self) -> None:
        """Stop listening and cut off what is under way."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= _MOST_CONNECTIONS:
            writer.transport.abort()
            return
        connection = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                with_body, reply = await self._exchange(reader)
                writer.write(_render(reply, with_body=with_body))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, EOFError):  # gone, or too slow
            pass
        finally:
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader) -> tuple[bool, _Reply]:
        head = _Head()
        parser = httptools.HttpRequestParser(head)
        try:
            parser.feed_data(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            return True, _plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return True, _plain(HTTPStatus.BAD_REQUEST)
        if not head.complete or parser.get_http_version() == "0.9":
            return True, _plain(HTTPStatus.BAD_REQUEST)
        method = parser.get_method()
        if method not in (b"GET", b"HEAD"):
            return True, _plain(HTTPStatus.METHOD_NOT_ALLOWED)
        return method == b"GET", await self._answer(head)

    async def _answer(self, head: _Head) -> _Reply:
        match head.target.partition(b"?")[0]:
            case b"/healthz":
                return _plain(HTTPStatus.OK)
            case b"/readyz":
                _, problems = await self._look()
                status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
                body = orjson.dumps({"ready": not problems, "problems": problems})
                return _Reply(status, "application/json", body + b"\n")
            case b"/metrics":
                snapshots, problems = await self._look()
                ready: Snapshot = {"hookgate_ready": [([], int(not problems))]}
                text, media_type = render(merge((*snapshots, ready)), ", ".join(head.accept))
                return _Reply(HTTPStatus.OK, media_type, text)
        return _plain(HTTPStatus.NOT_FOUND)

    async def _look(self) -> tuple[list[Snapshot], list[str]]:
        snapshots = await self._state.snapshots()
        problems = self._state.ready()
        config = self._state.config
        if config.sidecar.ready_needs_upstream and not await self._probe.connects(config.upstream):
            problems.append("the upstream cannot be connected to")
        return snapshots, problems


def _plain(status: HTTPStatus) -> _Reply:
    return _Reply(status, _TEXT, f"{status.phrase}\n".encode())


def _render(reply: _Reply, *, with_body: bool) -> bytes:
    allow = "Allow: GET, HEAD\r\n" if reply.status == HTTPStatus.METHOD_NOT_ALLOWED else ""
    head = (
        f"HTTP/1.1 {reply.status.value} {reply.status.phrase}\r\n"
        f"Content-Type: {reply.media_type}\r\n"
        f"Content-Length: {len(reply.body)}\r\n"
        f"Cache-Control: no-store\r\n{allow}"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (reply.body if with_body else b"")
