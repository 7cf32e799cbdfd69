"""Where connections come in: the listening sockets."""

import socket
import ssl
from typing import Any

from hookgate.policy import UNIX_PEER, Reason

from .arrival import Arrival, read_ahead, turn_away
from .descriptors import SHORTAGES, Reserve
from .shared import Shared
from .sockets import ListeningSockets

# Whoever is connected already gets a turn after as many.
_ACCEPTS = 16
_BACK_OFF_SECONDS = 0.1
_COMPLAIN_SECONDS = 60.0


class Listener:
    """Accept on listening sockets, which other processes may have too.

    `tls` is for the connections that come from now on.
    """

    def __init__(
        self, shared: Shared, sockets: ListeningSockets, tls: ssl.SSLContext | None = None
    ) -> None:
        self.tls = tls
        self._shared = shared
        self._loop = shared.loop
        self._sockets = sockets
        self._accepting = list(sockets.sockets)
        self._complained = float("-inf")
        self._reserve = Reserve()
        for sock in self._accepting:
            if sock.family != socket.AF_UNIX:
                # Those that are accepted inherit it.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._loop.add_reader(sock, self._accept, sock)

    def close(self) -> None:
        """Accept no more, and close this process's descriptors alone."""
        for sock in self._accepting:
            self._loop.remove_reader(sock)
        self._accepting.clear()
        self._sockets.close()
        self._reserve.give()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, address = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in SHORTAGES:
                    self._complain(error)
                    if not self._turn_away_one(listening):
                        self._back_off(listening)
                        return
                continue
            try:
                self._receive(sock, _peer_of(address))
            except Exception as error:  # noqa: BLE001  # fails closed
                self._shared.gate.log_fault("accept", error)
                sock.close()

    def _turn_away_one(self, listening: socket.socket) -> bool:
        """Answer whoever waits by means of the reserve; False where nobody does, or it is gone."""
        if not self._reserve.give():
            self._reserve.keep()
            return False
        try:
            sock, address = listening.accept()
        except OSError:
            return False
        else:
            try:
                read_ahead(sock)
                self._turn_away(sock, _peer_of(address))
            except Exception as error:  # noqa: BLE001  # fails closed
                self._shared.gate.log_fault("accept", error)
            finally:
                sock.close()
            return True
        finally:
            self._reserve.keep()

    def _complain(self, error: OSError) -> None:
        if self._loop.time() - self._complained > _COMPLAIN_SECONDS:
            self._complained = self._loop.time()
            self._shared.gate.log.error("listener.cannot_accept", error=error.strerror)

    def _back_off(self, listening: socket.socket) -> None:
        """Wait: the socket stays readable, and nothing but time gives descriptors back."""
        self._loop.remove_reader(listening)
        self._loop.call_later(_BACK_OFF_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._accepting:
            self._loop.add_reader(listening, self._accept, listening)

    def _receive(self, sock: socket.socket, peer: str) -> None:
        # Those who may send see the answer and no reset, but not under TLS.
        place = self._shared.admission.admit(peer, lingers=self.tls is None)
        if place is None:
            self._turn_away(sock, peer)
        else:
            Arrival(self._shared, sock, self.tls, place)

    def _turn_away(self, sock: socket.socket, peer: str) -> None:
        turn_away(self._shared, sock, peer, Reason.OVERLOADED, plain=self.tls is None)


def _peer_of(address: Any) -> str:
    # What a peer binds its own Unix socket to is of its choice, and no address.
    return str(address[0]) if isinstance(address, tuple) else UNIX_PEER
