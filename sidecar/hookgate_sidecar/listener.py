"""Where connections come in: the listening socket, PROXY headers and TLS handshakes."""

import asyncio
import errno
import socket
import ssl
from typing import TYPE_CHECKING

from hookgate.policy import Reason, Standing
from hookgate.policy.proxy_protocol import ProxyHeaderError

from .connection import LINGER_SECONDS, Connection
from .errors import ListenError
from .preface import read_proxy_header

if TYPE_CHECKING:
    from .server import Server

BACKLOG = 1024
# Whoever is connected already gets a turn after as many.
_ACCEPTS = 16
_BACK_OFF_SECONDS = 0.1
_COMPLAIN_SECONDS = 60.0
# What is wrong with the process or the system; anything else is wrong with one connection.
_SHORTAGES = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


def listen(host: str, port: int) -> socket.socket:
    """A listening, non-blocking socket; IPv4 where a name has both. Raises `ListenError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        sock = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os_reason(error)
        raise ListenError(f"sidecar.listen = {host}:{port} cannot be had: {reason}") from None
    sock.setblocking(False)
    return sock


class Listener:
    """Accepts on a listening socket, which other processes may have too.

    `tls` is for the connections that come from now on.
    """

    def __init__(
        self, server: "Server", sock: socket.socket, tls: ssl.SSLContext | None = None
    ) -> None:
        self.tls = tls
        self._server = server
        self._loop = server.loop
        self._socket = sock
        self._complained = float("-inf")
        self._resume: asyncio.TimerHandle | None = None
        sock.setblocking(False)
        # Those that are accepted inherit it.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(sock, self._accept)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def close(self) -> None:
        """Accept no more, and close this process's descriptor alone."""
        if self._resume is not None:
            self._resume.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _SHORTAGES:
                    self._back_off(error)
                    return
                continue
            try:
                self._receive(sock, address[0])
            except Exception as error:  # noqa: BLE001  # fails closed
                self._server.gate.log_fault("accept", error)
                sock.close()

    def _back_off(self, error: OSError) -> None:
        """Wait: the socket stays readable, and nothing but time gives descriptors back."""
        self._loop.remove_reader(self._socket)
        self._resume = self._loop.call_later(
            _BACK_OFF_SECONDS, self._loop.add_reader, self._socket, self._accept
        )
        if self._loop.time() - self._complained > _COMPLAIN_SECONDS:
            self._complained = self._loop.time()
            self._server.gate.log.error("listener.cannot_accept", error=error.strerror)

    def _receive(self, sock: socket.socket, peer: str) -> None:
        sock.setblocking(False)
        server = self._server
        connection = Connection(server, peer)
        if not server.admit(connection):
            # Those who may send see the answer and no reset; strangers are not waited for.
            if (
                self.tls is not None
                or connection.standing is Standing.FOREIGN
                or not server.admit_to_linger(connection)
            ):
                self._turn_away(sock, peer, Reason.OVERLOADED)
                return
            connection.refusal = Reason.OVERLOADED, ""
        connection.arriving = self._loop.create_task(self._welcome(sock, connection))
        # Not in the task, which may be cancelled before it began.
        connection.arriving.add_done_callback(lambda _: self._conclude(sock, connection))

    def _conclude(self, sock: socket.socket, connection: Connection) -> None:
        if connection.arriving is not None:  # it never got to HTTP
            sock.close()
            self._server.forget(connection)

    def _turn_away(self, sock: socket.socket, peer: str, reason: Reason, detail: str = "") -> None:
        """Refuse it without reading; under TLS there is nothing that could be answered."""
        plain = self.tls is None
        answer = self._server.gate.begin(peer).refuse(reason, detail=detail, answered=plain)
        with sock:
            if plain:
                try:
                    sock.send(self._server.writer.render(answer, False, False))
                except OSError:
                    pass

    async def _welcome(self, sock: socket.socket, connection: Connection) -> None:
        """Read what comes before HTTP, then hand the socket to its connection."""
        server = self._server
        try:
            if (
                connection.standing is Standing.TRUSTED
                and server.gate.config.source.proxy_protocol
                and connection.refusal is None
                and not await self._learn_client(sock, connection)
            ):
                return
            await self._hand_over(sock, connection)
        except Exception as error:  # noqa: BLE001  # fails closed
            server.gate.log_fault("welcome", error)

    async def _learn_client(self, sock: socket.socket, connection: Connection) -> bool:
        """Read the PROXY header; False where the connection came to its end."""
        server = self._server
        try:
            client = await read_proxy_header(sock, server.settings.head_timeout)
        except ProxyHeaderError as error:
            server.gate.metrics.handshake_failures["proxy"] += 1
            if self.tls is not None:
                self._turn_away(sock, connection.peer, Reason.MALFORMED_HTTP, str(error))
                return False
            connection.refusal = Reason.MALFORMED_HTTP, str(error)
            return True
        connection.proxied_for = client
        return client is not None

    async def _hand_over(self, sock: socket.socket, connection: Connection) -> None:
        tls = self.tls
        bounds = {}
        if tls is not None:
            connection.scheme = b"https"
            bounds = {
                "ssl_handshake_timeout": self._server.settings.head_timeout,
                "ssl_shutdown_timeout": LINGER_SECONDS,
            }
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock, ssl=tls, **bounds)
        except OSError:
            if tls is not None and connection.arriving is not None:
                self._server.gate.metrics.handshake_failures["tls"] += 1


def os_reason(error: OSError) -> str:
    """What went wrong, without the address that some messages repeat."""
    return (error.strerror or str(error)).partition(" (while ")[0]
