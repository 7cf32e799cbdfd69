"""An upstream that does with each connection exactly what a test says, down to resets."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

# Deals with one request from its first byte; true where the connection may stay for another.
Act = Callable[[socket.socket], bool | None]


def read_request(connection: socket.socket) -> bytes:
    """One request with a Content-Length, whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise EOFError
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    name = b"content-length:"
    length = next(
        int(line[len(name) :]) for line in head.lower().split(b"\r\n") if line.startswith(name)
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Close with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answering(*parts: bytes, stay: bool = False, reset_after: bool = False) -> Act:
    """Read one request, send the parts one by one, then close, reset or stay."""

    def act(connection: socket.socket) -> bool:
        read_request(connection)
        for part in parts:
            connection.sendall(part)
        if reset_after:
            reset(connection)
        return stay

    return act


def endless(*parts: bytes, piece: bytes) -> Act:
    """Read one request, send the parts, then the piece for as long as the other side takes it."""

    def act(connection: socket.socket) -> bool:
        read_request(connection)
        for part in parts:
            connection.sendall(part)
        while True:
            connection.sendall(piece)

    return act


def slowly(data: bytes, pause: float) -> Act:
    """Read one request, send the data byte by byte with pauses of so many seconds, then stay."""

    def act(connection: socket.socket) -> bool:
        read_request(connection)
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)
        return True

    return act


class Scripted:
    """Listens on 127.0.0.1 and runs `act` for each request, on a thread for each connection.

    Where `greet` is set, it comes first on each new connection. A `listener` that is given is
    used, and closed, instead of one of its own.
    """

    def __init__(self, act: Act, listener: socket.socket | None = None) -> None:
        self.act = act
        self.greet: Act | None = None
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = listener or socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._run, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            stays = self.greet is None or self.greet(connection)
            while stays and connection.recv(1, socket.MSG_PEEK):
                stays = self.act(connection)
        connection.close()
        self._open.discard(connection)


@contextlib.contextmanager
def scripted(act: Act, listener: socket.socket | None = None) -> Iterator[Scripted]:
    upstream = Scripted(act, listener)
    try:
        yield upstream
    finally:
        upstream.close()


@contextlib.contextmanager
def unaccepting() -> Iterator[socket.socket]:
    """A listener whose queue is full: a further connection attempt gets no reply at all."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener
