"""Where probes and Prometheus connect: one request a connection, and nobody shuts others out.

There are `MOST_CONNECTIONS` at most. A newcomer is always let in: where there is no room, the
oldest gives way of those that have not sent a whole head, or were answered and did not leave; only
where there is none, the oldest of all.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import structlog

from .descriptors import SHORTAGES, Reserve
from .proxy_protocol import ProxyHeaderError, header_length, read_header
from .sockets import ListeningSockets

LARGEST_HEAD = 8 * 1024
MOST_CONNECTIONS = 16
# For the whole exchange: head, answer, and a reader that takes its time.
_SECONDS = 5.0
# Whoever is connected already gets a turn after as many: a burst of idle ones does not make those
# give way whose head has come but was not read yet.
_ACCEPTS = 4
_BACK_OFF_SECONDS = 0.1

# The bytes up to the empty line, or what there is of them where they cannot be a head.
Respond = Callable[[bytes], Awaitable[bytes]]


class AdminListener:
    """Accepts on `sockets` and closes them; `respond` returns the whole answer to a head."""

    def __init__(
        self, sockets: ListeningSockets, respond: Respond, log: structlog.BoundLogger
    ) -> None:
        self.respond = respond
        self.connections: set[_Connection] = set()
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._accepted = 0
        self.reserve = Reserve()
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
        self.reserve.give()
        tasks = [c.answering for c in self.connections if c.answering is not None]
        for connection in tuple(self.connections):
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
            if len(self.connections) >= MOST_CONNECTIONS:
                min(self.connections, key=_Connection.rank).cut()
            self._accepted += 1
            connection = _Connection(self, sock, self._accepted)
            self.connections.add(connection)
            self._loop.add_reader(sock, connection.read)

    @property
    def accepts(self) -> bool:
        """Whether it was not closed."""
        return bool(self._accepting)

    def _accept_one(self, listening: socket.socket) -> socket.socket:
        """One connection, by the last descriptor if need be. Raises OSError."""
        try:
            return listening.accept()[0]
        except OSError as error:
            if error.errno not in SHORTAGES or not self.reserve.give():
                raise
        return listening.accept()[0]

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._accepting:
            self._loop.add_reader(listening, self._accept, listening)

    def log_fault(self, error: Exception) -> None:
        """A fault of ours; the connection was cut."""
        self._log.error("admin.fault", error=type(error).__name__)


class _Connection:
    """One exchange: reads a head, sends the answer, and reads on until the other side closes."""

    def __init__(self, listener: AdminListener, sock: socket.socket, number: int) -> None:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._number = number
        self._head = b""
        self._may_be_proxied = True
        self._unsent = b""
        self._sent = False
        self._deadline = self._loop.call_later(_SECONDS, self.cut)
        self.answering: asyncio.Task[None] | None = None

    def rank(self) -> tuple[bool, int]:
        """Who gives way first: the lowest."""
        asks = self.answering is not None and not self.answering.done()
        return asks, self._number

    def read(self) -> None:
        """There is something to read, or the other side closed."""
        try:
            data = self._socket.recv(LARGEST_HEAD)
        except BlockingIOError:
            return
        except OSError:
            self.cut()
            return
        if not data and (self.answering is None or self._sent):
            self.cut()
        elif not data:
            self._loop.remove_reader(self._socket)  # it said all; it may read yet
        elif self.answering is None:
            self._head += data
            if self._may_be_proxied and not self._skip_proxy_header():
                return
            # TLS and the like are told apart by their first byte, and do not wait for us in vain.
            if (
                b"\r\n\r\n" in self._head
                or len(self._head) > LARGEST_HEAD
                or not (self._head[:1].isalpha() or self._head[:1] in b"\r\n")
            ):
                self.answering = asyncio.ensure_future(self._answer())

    def _skip_proxy_header(self) -> bool:
        """Drop a PROXY header, which anybody may begin with; False while more of it is to come.

        It is read for its form alone: nobody is told more or less for what it names.
        """
        try:
            length = header_length(self._head)
            if length is None or len(self._head) < length:
                return False
            read_header(self._head[:length])
        except ProxyHeaderError:
            pass  # what is no such header has to be HTTP
        else:
            self._head = self._head[length:]
        self._may_be_proxied = False
        return True

    async def _answer(self) -> None:
        try:
            self._unsent = await self._listener.respond(self._head)
        except Exception as error:  # noqa: BLE001  # the listener goes on
            self._listener.log_fault(error)
            self.cut()
            return
        self._head = b""
        self._write()

    def _write(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            # Not closed yet: what was sent to us and not read would reset the answer.
            self._socket.shutdown(socket.SHUT_WR)
            self._sent = True
            self._loop.remove_writer(self._socket)
        except BlockingIOError:
            self._loop.add_writer(self._socket, self._write)
        except OSError:
            self.cut()

    def cut(self) -> None:
        """Close it, whatever is under way."""
        if self not in self._listener.connections:
            return
        self._listener.connections.discard(self)
        self._deadline.cancel()
        if self.answering is not None:
            self.answering.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        if self._listener.accepts:
            self._listener.reserve.keep()
