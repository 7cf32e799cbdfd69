"""Where probes and Prometheus connect: one request a connection, and nobody shuts others out.

There are `MOST_CONNECTIONS` at most. A newcomer is always let in: where there is no room, the
oldest gives way of those that have not sent a whole head, or were answered and did not leave; only
where there is none, the oldest of all.
"""

import asyncio
import socket

import structlog

from .admin_connection import AdminConnection, Respond
from .descriptors import SHORTAGES, Reserve
from .sockets import ListeningSockets

MOST_CONNECTIONS = 16
# Whoever is connected already gets a turn after as many: a burst of idle ones does not make those
# give way whose head has come but was not read yet.
_ACCEPTS = 4
_BACK_OFF_SECONDS = 0.1


class AdminListener:
    """Accept on `sockets` and close them; `respond` returns the whole answer to a head."""

    def __init__(
        self, sockets: ListeningSockets, respond: Respond, log: structlog.BoundLogger
    ) -> None:
        self._respond = respond
        self._connections: set[AdminConnection] = set()
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._accepted = 0
        self._reserve = Reserve()
        self._sockets = sockets
        self._accepting = list(sockets.sockets)
        for sock in self._accepting:
            self._loop.add_reader(sock, self._accept, sock)

    async def close(self) -> None:
        """Accept no more, and cut off what is under way."""
        for sock in self._accepting:
            self._loop.remove_reader(sock)
        self._accepting.clear()
        self._sockets.close()
        self._reserve.give()
        tasks = [c.answering for c in self._connections if c.answering is not None]
        for connection in tuple(self._connections):
            connection.cut()
        if tasks:
            await asyncio.wait(tasks)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock = self._accept_one(listening)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in SHORTAGES:  # nothing but time gives descriptors back
                    self._loop.remove_reader(listening)
                    self._loop.call_later(_BACK_OFF_SECONDS, self._resume, listening)
                    return
                continue
            sock.setblocking(False)
            if len(self._connections) >= MOST_CONNECTIONS:
                min(self._connections, key=AdminConnection.rank).cut()
            self._accepted += 1
            self._connections.add(
                AdminConnection(sock, self._accepted, self._respond, self._log_fault, self._forget)
            )

    def _forget(self, connection: AdminConnection) -> None:
        self._connections.discard(connection)
        if self._accepting:
            self._reserve.keep()

    def _accept_one(self, listening: socket.socket) -> socket.socket:
        """One connection, by the last descriptor if need be. Raises OSError."""
        try:
            return listening.accept()[0]
        except OSError as error:
            if error.errno not in SHORTAGES or not self._reserve.give():
                raise
        return listening.accept()[0]

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._accepting:
            self._loop.add_reader(listening, self._accept, listening)

    def _log_fault(self, error: Exception) -> None:
        self._log.error("admin.fault", error=type(error).__name__)
