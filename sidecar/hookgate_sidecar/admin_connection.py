"""One exchange with a prober or Prometheus."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from .proxy_protocol import ProxyHeaderError, header_length, read_header

LARGEST_HEAD = 8 * 1024
# For the whole exchange: head, answer, and a reader that takes its time.
_SECONDS = 5.0

# The bytes up to the empty line, or what there is of them where they cannot be a head.
Respond = Callable[[bytes], Awaitable[bytes]]


class AdminConnection:
    """Read a head, send the answer, and read on until the other side closes.

    `on_fault` gets what `respond` raised, `on_end` is called once it is closed. `number` says how
    many were accepted before it.
    """

    def __init__(
        self,
        sock: socket.socket,
        number: int,
        respond: Respond,
        on_fault: Callable[[Exception], None],
        on_end: Callable[["AdminConnection"], None],
    ) -> None:
        self._respond = respond
        self._on_fault = on_fault
        self._on_end = on_end
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._number = number
        self._head = b""
        self._may_be_proxied = True
        self._unsent = b""
        self._sent = False
        self._deadline = self._loop.call_later(_SECONDS, self.cut)
        self.answering: asyncio.Task[None] | None = None
        self._loop.add_reader(sock, self.read)

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
            self._unsent = await self._respond(self._head)
        except Exception as error:  # noqa: BLE001  # the listener goes on
            self._on_fault(error)
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
        if self._ended:
            return
        self._ended = True
        self._deadline.cancel()
        if self.answering is not None:
            self.answering.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._on_end(self)
