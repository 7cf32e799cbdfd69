"""The admin listener: `/healthz`, `/readyz`, `/metrics` and `/status`, for whoever watches."""

import asyncio
import time
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

import httptools
import orjson
import structlog

from hookgate.gate.metrics import Snapshot, merge
from hookgate.settings import Config, SidecarSettings

from .admin_connection import LARGEST_HEAD
from .admin_listener import AdminListener
from .exposition import OPEN, PLAIN, Form, form_for, render
from .host_field import is_own_name
from .joint import Joint
from .probe import UpstreamProbe
from .shipping import shipping_snapshot, shipping_status
from .sight import Sight
from .sockets import listen
from .status import render_status

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
# Of answers for which each worker is asked.
_APART_SECONDS = 0.1


class State(Protocol):
    """Tell about this process, or about all workers."""

    @property
    def config(self) -> Config:
        """The configuration in force."""
        ...

    async def snapshots(self) -> list[Snapshot]:
        """What each process counts."""
        ...

    async def look(self) -> Sight:
        """What each process counts and shows."""
        ...

    def ready(self) -> list[str]:
        """Why no events should be sent here, as far as the last snapshots tell."""
        ...

    def degraded(self) -> list[str]:
        """What is less than it should be, though events can be taken."""
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
        self.hosts: list[str] = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"accept":
                self.accept.append(value.decode("latin-1"))
            case b"host":
                self.hosts.append(value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self.complete = True


class Admin:
    """Serve what `state` tells, one request a connection; nothing without `sidecar.admin`."""

    def __init__(self, settings: SidecarSettings, state: State) -> None:
        self._settings = settings
        self._state = state
        self._probe = UpstreamProbe()
        self._ready = Joint(self._tell_ready, _APART_SECONDS)
        self._status = Joint(self._tell_status, _APART_SECONDS)
        self._metrics = {
            form: Joint(partial(self._tell_metrics, form), _APART_SECONDS) for form in (PLAIN, OPEN)
        }
        self._listener: AdminListener | None = None

    async def start(self, log: structlog.BoundLogger) -> None:
        """Listen, and log where. Raises `ListenError`."""
        address = self._settings.admin
        if address is None:
            return
        sockets = listen("sidecar.admin", address, self._settings.socket_mode)
        self._listener = AdminListener(sockets, self._respond, log)
        log.info("admin.listening", address=sockets.address, port=sockets.port)

    async def close(self) -> None:
        """Stop listening and cut off what is under way."""
        if self._listener is not None:
            await self._listener.close()

    async def _respond(self, data: bytes) -> bytes:
        head = _Head()
        parser = httptools.HttpRequestParser(head)
        end = data.find(b"\r\n\r\n") + 4
        if end > LARGEST_HEAD or (end < 4 and len(data) > LARGEST_HEAD):
            return _render(_plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        try:
            parser.feed_data(data[:end])
        except httptools.HttpParserUpgrade:
            pass  # an offer, which is passed over (RFC 9110 7.8)
        except httptools.HttpParserError:
            return _render(_plain(HTTPStatus.BAD_REQUEST))
        if not head.complete or parser.get_http_version() == "0.9":
            return _render(_plain(HTTPStatus.BAD_REQUEST))
        method = parser.get_method()
        if method not in (b"GET", b"HEAD"):
            return _render(_plain(HTTPStatus.METHOD_NOT_ALLOWED))
        return _render(await self._answer(head), with_body=method == b"GET")

    async def _answer(self, head: _Head) -> _Reply:
        match head.target.partition(b"?")[0]:
            case b"/healthz":
                return _plain(HTTPStatus.OK)
            case b"/readyz":
                return await self._ready.answer()
            case b"/metrics":
                return await self._metrics[form_for(", ".join(head.accept))].answer()
            case b"/status":
                if not all(map(is_own_name, head.hosts)):
                    return _plain(HTTPStatus.MISDIRECTED_REQUEST)
                return await self._status.answer()
        return _plain(HTTPStatus.NOT_FOUND)

    async def _tell_ready(self) -> _Reply:
        snapshots = await self._state.snapshots()
        problems = await self._problems()
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        answer: dict[str, Any] = {"ready": not problems, "problems": problems}
        answer |= {"degraded": self._state.degraded(), "upstream": _failing(snapshots)}
        return _Reply(status, _JSON, orjson.dumps(answer) + b"\n")

    async def _tell_metrics(self, form: Form) -> _Reply:
        snapshots = await self._state.snapshots()
        ready: Snapshot = {"hookgate_ready": [([], int(not await self._problems()))]}
        shipping = await asyncio.to_thread(shipping_snapshot, self._state.config, time.time())
        text = render(merge((*snapshots, ready, shipping)), form)
        return _Reply(HTTPStatus.OK, form.media_type, text)

    async def _tell_status(self) -> _Reply:
        sight = await self._state.look()
        problems, config = await self._problems(), self._state.config
        shipping = await asyncio.to_thread(shipping_status, config, time.time())
        text = render_status(config, sight, problems, self._state.degraded(), shipping)
        return _Reply(HTTPStatus.OK, _JSON, text)

    async def _problems(self) -> list[str]:
        problems = self._state.ready()
        config = self._state.config
        if config.sidecar.ready_needs_upstream and (
            error := await self._probe.connect(config.upstream)
        ):
            problems.append(f"the upstream cannot be connected to: {error.word}")
        return problems


def _failing(snapshots: list[Snapshot]) -> list[str]:
    """The causes for which the endpoint fails, in any process."""
    rows = merge(snapshots).get("hookgate_upstream_failing", [])
    return [word for (word,), failing in rows if failing]


def _plain(status: HTTPStatus) -> _Reply:
    return _Reply(status, _TEXT, f"{status.phrase}\n".encode())


def _render(reply: _Reply, *, with_body: bool = True) -> bytes:
    allow = "Allow: GET, HEAD\r\n" if reply.status == HTTPStatus.METHOD_NOT_ALLOWED else ""
    head = (
        f"HTTP/1.1 {reply.status.value} {reply.status.phrase}\r\n"
        f"Content-Type: {reply.media_type}\r\n"
        f"Content-Length: {len(reply.body)}\r\n"
        f"Cache-Control: no-store\r\n{allow}"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (reply.body if with_body else b"")
