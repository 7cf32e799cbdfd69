"""Where connections come in: the listening socket."""

import asyncio
import errno
import socket
import ssl
from typing import TYPE_CHECKING

from hookgate.policy import Reason

from .arrival import Arrival, read_ahead, turn_away
from .descriptors import Reserve
from .errors import ListenError

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
        self._reserve = Reserve()
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
        self._reserve.give()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _SHORTAGES:
                    self._complain(error)
                    if not self._turn_away_one():
                        self._back_off()
                        return
                continue
            try:
                self._receive(sock, address[0])
            except Exception as error:  # noqa: BLE001  # fails closed
                self._server.gate.log_fault("accept", error)
                sock.close()

    def _turn_away_one(self) -> bool:
        """Answer whoever waits by means of the reserve; False where nobody does, or it is gone."""
        if not self._reserve.give():
            self._reserve.keep()
            return False
        try:
            sock, address = self._socket.accept()
        except OSError:
            return False
        else:
            try:
                sock.setblocking(False)
                read_ahead(sock)
                turn_away(self._server, sock, address[0], Reason.OVERLOADED, plain=self.tls is None)
            except Exception as error:  # noqa: BLE001  # fails closed
                self._server.gate.log_fault("accept", error)
            finally:
                sock.close()
            return True
        finally:
            self._reserve.keep()

    def _complain(self, error: OSError) -> None:
        if self._loop.time() - self._complained > _COMPLAIN_SECONDS:
            self._complained = self._loop.time()
            self._server.gate.log.error("listener.cannot_accept", error=error.strerror)

    def _back_off(self) -> None:
        """Wait: the socket stays readable, and nothing but time gives descriptors back."""
        self._loop.remove_reader(self._socket)
        self._resume = self._loop.call_later(
            _BACK_OFF_SECONDS, self._loop.add_reader, self._socket, self._accept
        )

    def _receive(self, sock: socket.socket, peer: str) -> None:
        sock.setblocking(False)
        admission, refusal = self._server.admission, None
        place = admission.admit(peer)
        if place is None:
            # Those who may send see the answer and no reset, but not under TLS.
            place = admission.admit_beyond(peer) if self.tls is None else None
            refusal = Reason.OVERLOADED, ""
        if place is None:
            turn_away(self._server, sock, peer, Reason.OVERLOADED, plain=self.tls is None)
        else:
            Arrival(self._server, sock, self.tls, place, refusal)


def os_reason(error: OSError) -> str:
    """What went wrong, without the address that some messages repeat."""
    return (error.strerror or str(error)).partition(" (while ")[0]
