"""A connection before HTTP: its PROXY header and its TLS handshake."""

import asyncio
import socket
import ssl
from math import inf

from hookgate.policy import Reason, Standing

from .admission import Place
from .connection import Connection
from .nameless import NamelessConnection
from .proxy_header import read_proxy_header
from .proxy_protocol import ProxyHeaderError
from .shared import Shared
from .wire import LAST_CALL_SECONDS, LINGER_SECONDS

_READ_AHEAD = 64 * 1024


def turn_away(
    shared: Shared,
    sock: socket.socket,
    peer: str,
    reason: Reason,
    detail: str = "",
    *,
    proxied_for: str | None = None,
    plain: bool,
) -> None:
    """Refuse a connection without reading or waiting, and close it.

    Under TLS, where it is not `plain`, there is nothing that could be answered.
    """
    answer = shared.gate.begin(peer, proxied_for).refuse(reason, detail=detail, answered=plain)
    if plain:
        try:
            sock.send(shared.writer.render(answer, False, False), socket.MSG_DONTWAIT)
        except OSError:
            pass  # it is gone
    sock.close()


def read_ahead(sock: socket.socket) -> None:
    """Take what a sender has sent already: unread it would reset the answer."""
    try:
        sock.recv(_READ_AHEAD, socket.MSG_DONTWAIT)
    except OSError:
        pass


class Arrival(asyncio.Protocol):
    """Hold a connection's place until HTTP begins on it, then make the `Connection`.

    One that was admitted beyond the bounds is refused then, as is one whose PROXY header is none.
    """

    def __init__(
        self, shared: Shared, sock: socket.socket, tls: ssl.SSLContext | None, place: Place
    ) -> None:
        self.deadline = inf
        self._shared = shared
        self._sock = sock
        self._tls = tls
        self._place = place
        self._refusal = (Reason.OVERLOADED, "") if place.standing is None else None
        self._connection: Connection | None = None
        place.holder = self
        sock.setblocking(False)
        self._task = shared.loop.create_task(self._welcome())
        # Not in the task, which may be cancelled before it began.
        self._task.add_done_callback(self._conclude)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have a connection take over: HTTP begins."""
        try:
            self._begin_http(transport)  # type: ignore[arg-type]  # a TCP transport
        except Exception as error:  # noqa: BLE001  # fails closed
            self._shared.gate.log_fault("welcome", error)
            transport.close()

    # what the server and the admission ask

    def expire(self, now: float) -> None:
        """End it: the drain that it was given time for is over."""
        if self.deadline <= now:
            self.cut()

    def drain(self) -> None:
        """Let it begin HTTP within a moment."""
        self.deadline = self._shared.loop.time() + LAST_CALL_SECONDS

    def note_standing(self) -> None:
        """Nothing was made of its standing yet."""

    def give_way(self) -> None:
        """Close it now."""
        self.cut()

    def cut(self) -> None:
        """Close it now."""
        self._task.cancel()

    # on the way to HTTP

    async def _welcome(self) -> None:
        shared, place = self._shared, self._place
        try:
            if (
                place.before_http is Standing.TRUSTED
                and shared.gate.config.source.proxy_protocol
                and self._refusal is None
                and not await self._learn_client()
            ):
                return
            await self._hand_over()
        except Exception as error:  # noqa: BLE001  # fails closed
            shared.gate.log_fault("welcome", error)

    async def _learn_client(self) -> bool:
        """Read the PROXY header; False where the connection came to its end."""
        shared = self._shared
        try:
            client = await read_proxy_header(self._sock, shared.settings.head_timeout)
        except ProxyHeaderError as error:
            shared.gate.counts.handshake_failures["proxy"] += 1
            if self._tls is not None:
                self._turn_away(Reason.MALFORMED_HTTP, str(error))
                return False
            self._refusal = Reason.MALFORMED_HTTP, str(error)
            return True
        if client is None:
            return False
        if not shared.admission.name(self._place, client):
            self._turn_away(Reason.OVERLOADED)
            return False
        return True

    def _turn_away(self, reason: Reason, detail: str = "") -> None:
        place, plain = self._place, self._tls is None
        turn_away(
            self._shared, self._sock, place.peer, reason, detail,
            proxied_for=place.proxied_for, plain=plain,
        )  # fmt: skip

    async def _hand_over(self) -> None:
        shared, tls = self._shared, self._tls
        bounds = {}
        if tls is not None:
            bounds = {
                "ssl_handshake_timeout": shared.settings.head_timeout,
                "ssl_shutdown_timeout": LINGER_SECONDS,
            }
        try:
            await shared.loop.connect_accepted_socket(lambda: self, self._sock, ssl=tls, **bounds)
        except OSError:
            if tls is not None and self._connection is None:
                shared.gate.counts.handshake_failures["tls"] += 1

    def _begin_http(self, transport: asyncio.Transport) -> None:
        names_nobody = self._place.proxied_for == "" and self._refusal is None
        kind = NamelessConnection if names_nobody else Connection
        scheme = b"http" if self._tls is None else b"https"
        self._connection = connection = kind(self._shared, self._place, transport, scheme)
        transport.set_protocol(connection)
        if self._refusal is not None:
            connection.refuse(*self._refusal)

    def _conclude(self, task: asyncio.Task[None]) -> None:
        if self._connection is None:  # it never got to HTTP
            self._sock.close()
            self._shared.admission.release(self._place)
        elif task.cancelled():
            # uvloop closes a transport that was just made without telling its protocol.
            self._connection.cut()
            self._connection.connection_lost(None)
