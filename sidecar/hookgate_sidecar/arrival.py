"""A connection before HTTP: its PROXY header and its TLS handshake."""

import asyncio
import socket
import ssl
from math import inf
from typing import TYPE_CHECKING

from hookgate.policy import Reason, Standing

from .admission import Place
from .connection import LAST_CALL_SECONDS, LINGER_SECONDS, Connection, Refusal
from .nameless import NamelessConnection
from .preface import read_proxy_header
from .proxy_protocol import ProxyHeaderError

if TYPE_CHECKING:
    from .server import Server


_READ_AHEAD = 64 * 1024


def turn_away(
    server: "Server",
    sock: socket.socket,
    peer: str,
    reason: Reason,
    detail: str = "",
    *,
    proxied_for: str | None = None,
    plain: bool,
) -> None:
    """Refuse a connection without reading, and close it.

    Under TLS, where it is not `plain`, there is nothing that could be answered.
    """
    delivery = server.gate.begin(peer, proxied_for)
    answer = delivery.refuse(reason, detail=detail, answered=plain)
    with sock:
        if plain:
            try:
                sock.send(server.writer.render(answer, False, False))
            except OSError:
                pass


def read_ahead(sock: socket.socket) -> None:
    """Take what a sender has sent already: unread it would reset the answer."""
    try:
        sock.recv(_READ_AHEAD)
    except OSError:
        pass


class Arrival:
    """Holds a connection's place until HTTP begins on it.

    A `refusal` is what its first request will be answered, whatever it is.
    """

    def __init__(
        self,
        server: "Server",
        sock: socket.socket,
        tls: ssl.SSLContext | None,
        place: Place,
        refusal: Refusal | None,
    ) -> None:
        self.deadline = inf
        self._server = server
        self._sock = sock
        self._tls = tls
        self._place = place
        self._refusal = refusal
        self._connection: Connection | None = None
        place.holder = self
        self._task = server.loop.create_task(self._welcome())
        # Not in the task, which may be cancelled before it began.
        self._task.add_done_callback(self._conclude)

    def expire(self, now: float) -> None:
        """End it: the drain that it was given time for is over."""
        if self.deadline <= now:
            self.cut()

    def drain(self) -> None:
        """Let it begin HTTP within a moment."""
        self.deadline = self._server.loop.time() + LAST_CALL_SECONDS

    def stand_anew(self) -> None:
        """Nothing was made of its standing yet."""

    def stop_starting(self) -> None:
        """Nothing has begun."""

    def give_way(self) -> None:
        """Close it now."""
        self.cut()

    def cut(self) -> None:
        """Close it now."""
        self._task.cancel()

    def _conclude(self, task: asyncio.Task[None]) -> None:
        if self._place.holder is self:  # it never got to HTTP
            self._sock.close()
            self._server.forget(self._place)
        elif task.cancelled() and self._connection is not None:
            # uvloop closes a transport that was just made without telling its protocol.
            self._connection.cut()
            self._connection.connection_lost(None)

    async def _welcome(self) -> None:
        server, place = self._server, self._place
        try:
            if (
                place.before_http is Standing.TRUSTED
                and server.gate.config.source.proxy_protocol
                and self._refusal is None
                and not await self._learn_client()
            ):
                return
            await self._hand_over()
        except Exception as error:  # noqa: BLE001  # fails closed
            server.gate.log_fault("welcome", error)

    async def _learn_client(self) -> bool:
        """Read the PROXY header; False where the connection came to its end."""
        server, place = self._server, self._place
        try:
            client = await read_proxy_header(self._sock, server.settings.head_timeout)
        except ProxyHeaderError as error:
            server.gate.counts.handshake_failures["proxy"] += 1
            if self._tls is not None:
                self._turn_away(Reason.MALFORMED_HTTP, str(error))
                return False
            self._refusal = Reason.MALFORMED_HTTP, str(error)
            return True
        if client is None:
            return False
        if not server.admission.name(place, client):
            self._turn_away(Reason.OVERLOADED)
            return False
        return True

    def _turn_away(self, reason: Reason, detail: str = "") -> None:
        place, plain = self._place, self._tls is None
        turn_away(
            self._server, self._sock, place.peer, reason, detail,
            proxied_for=place.proxied_for, plain=plain,
        )  # fmt: skip

    async def _hand_over(self) -> None:
        server, tls = self._server, self._tls
        bounds = {}
        if tls is not None:
            bounds = {
                "ssl_handshake_timeout": server.settings.head_timeout,
                "ssl_shutdown_timeout": LINGER_SECONDS,
            }
        scheme = b"http" if tls is None else b"https"
        names_nobody = self._place.proxied_for == "" and self._refusal is None
        kind = NamelessConnection if names_nobody else Connection
        self._connection = connection = kind(server, self._place, scheme, self._refusal)
        try:
            await server.loop.connect_accepted_socket(
                lambda: connection, self._sock, ssl=tls, **bounds
            )
        except OSError:
            if tls is not None and self._place.holder is self:
                server.gate.counts.handshake_failures["tls"] += 1
