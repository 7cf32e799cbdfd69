"""Requests as bytes on a socket, sent from a chosen loopback address."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .sidecar import ALLOWED


@dataclass(frozen=True)
class Reply:
    """One answer as it came."""

    status: int
    head: bytes
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        return [
            line.partition(b":")[2].strip()
            for line in self.head.split(b"\r\n")[1:]
            if line.partition(b":")[0].lower() == name.lower()
        ]


class Client:
    """One connection from `source` to 127.0.0.1:`port`, or another one that is `connected`."""

    def __init__(
        self,
        port: int,
        source: str = ALLOWED,
        seconds: float = 10,
        connected: socket.socket | None = None,
    ) -> None:
        self.socket = connected or socket.create_connection(
            ("127.0.0.1", port), seconds, source_address=(source, 0)
        )
        self._buffered = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_by_bytes(self, data: bytes) -> None:
        """Send a packet for each byte, or for as many as the other side takes."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):
            for place in range(len(data)):
                self.send(data[place : place + 1])

    def read(self, to_head: bool = False) -> Reply:
        """The next answer, 1xx ones included. Raises EOFError where the connection ended.

        One `to_head` has no body, whatever its length says.
        """
        while b"\r\n\r\n" not in self._buffered:
            self._more()
        head, _, self._buffered = self._buffered.partition(b"\r\n\r\n")
        reply = Reply(int(head.split(maxsplit=2)[1]), head, b"")
        if to_head:
            return reply
        if reply.values(b"transfer-encoding") == [b"chunked"]:
            return Reply(reply.status, head, self._read_chunks())
        lengths = reply.values(b"content-length")
        length = int(lengths[0]) if lengths else 0
        while len(self._buffered) < length:
            self._more()
        body, self._buffered = self._buffered[:length], self._buffered[length:]
        return Reply(reply.status, head, body)

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._buffered:
                self._more()
            line, _, self._buffered = self._buffered.partition(b"\r\n")
            size = int(line, 16)
            while len(self._buffered) < size + 2:
                self._more()
            body, self._buffered = body + self._buffered[:size], self._buffered[size + 2 :]
            if size == 0:
                return body

    def read_rest(self) -> bytes:
        """Everything more that comes until the other side closes, cleanly."""
        with contextlib.suppress(EOFError):
            while True:
                self._more()
        rest, self._buffered = self._buffered, b""
        return rest

    @property
    def buffered(self) -> bytes:
        """What has come and not been read."""
        return self._buffered

    def is_closed(self, seconds: float = 8) -> bool:
        """Whether the other side closes, within the time, without sending more."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(self._buffered)
        self._buffered += data


@contextlib.contextmanager
def connected(port: int, source: str = ALLOWED, seconds: float = 10) -> Iterator[Client]:
    client = Client(port, source, seconds)
    try:
        yield client
    finally:
        client.socket.close()


@contextlib.contextmanager
def connected_to(path: Path, seconds: float = 10) -> Iterator[Client]:
    """A connection to a Unix socket."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(seconds)
        plain.connect(str(path))
        yield Client(0, connected=plain)


def ask_at(path: Path, data: bytes) -> Reply:
    """One request on a connection of its own to a Unix socket, and its answer."""
    with connected_to(path) as client:
        client.send(data)
        return client.read()


def ask(port: int, data: bytes, source: str = ALLOWED, seconds: float = 10) -> Reply:
    """One request on a connection of its own, and its answer."""
    with connected(port, source, seconds) as client:
        client.send(data)
        return client.read()


def post(body: bytes, target: bytes = b"/cm/events", *extra: bytes, host: bytes = b"gate") -> bytes:
    """A plain, valid POST of a JSON body; `extra` are whole field lines without line ends."""
    lines = [
        b"POST %s HTTP/1.1" % target,
        b"Host: " + host,
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        *extra,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*chunks: bytes, trailers: bytes = b"", extension: bytes = b"") -> bytes:
    """The same in chunks; `extension` follows each size, `trailers` are whole lines."""
    head = post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return head + body + b"0" + extension + b"\r\n" + trailers + b"\r\n"


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether the condition comes true within the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return condition()
