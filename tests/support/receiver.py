"""A real HTTP upstream that remembers exactly what reached it."""

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Seen:
    """One request as the upstream got it: head bytes without the empty line, and the body."""

    head: bytes
    body: bytes

    @property
    def request_line(self) -> bytes:
        return self.head.split(b"\r\n")[0]

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        lines = self.head.split(b"\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def digest(self) -> str:
        return sha256(self.body).hexdigest()


class Receiver:
    """Listens on 127.0.0.1, at a `port` or any, or at the `path` of a Unix socket; `respond` makes
    the answer's raw bytes, or None to never answer.

    An answer that ends with `Receiver.CLOSE` is sent without that and the connection closed.
    """

    CLOSE = b"\0close"

    def __init__(
        self,
        respond: Callable[[Seen], bytes | None] = lambda _: OK,
        tls: ssl.SSLContext | None = None,
        path: Path | None = None,
        port: int = 0,
    ) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.bytes_received = 0
        self.respond = respond
        receiver = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                receiver._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a sender that resets is part of many tests

            def get_request(self) -> tuple[socket.socket, object]:
                connection, address = super().get_request()
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                return connection, address

        class UnixServer(Server):
            address_family = socket.AF_UNIX

            def server_bind(self) -> None:
                self.socket.bind(self.server_address)

        self.port = 0
        self._server: Server
        if path is not None:
            self._server = UnixServer(str(path), Handler)  # type: ignore[arg-type]  # a path here
            self.url = f"unix:{path}"
        else:
            self._server = Server(("127.0.0.1", port), Handler)
            self.port = self._server.server_address[1]
            self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, count: int, seconds: float = 30) -> list[Seen]:
        """What was seen once there are `count`, or when the time is up."""
        until = time.monotonic() + seconds
        while len(self.seen) < count and time.monotonic() < until:
            time.sleep(0.01)
        return list(self.seen)

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        buffered = b""
        while True:
            while b"\r\n\r\n" not in buffered:
                data = connection.recv(65536)
                if not data:
                    return
                self.bytes_received += len(data)
                buffered += data
            head, _, buffered = buffered.partition(b"\r\n\r\n")
            lengths = [
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")[1:]
                if line.lower().startswith(b"content-length:")
            ]
            length = lengths[0] if lengths else 0
            while len(buffered) < length:
                data = connection.recv(1 << 20)
                if not data:
                    return
                self.bytes_received += len(data)
                buffered += data
            seen = Seen(head, buffered[:length])
            buffered = buffered[length:]
            self.seen.append(seen)
            answer = self.respond(seen)
            if answer is None:
                with contextlib.suppress(OSError):
                    while connection.recv(65536):
                        pass
                return
            connection.sendall(answer.removesuffix(self.CLOSE))
            if answer.endswith(self.CLOSE):
                return


@contextlib.contextmanager
def receiving(
    respond: Callable[[Seen], bytes | None] = lambda _: OK,
    tls: ssl.SSLContext | None = None,
    path: Path | None = None,
    port: int = 0,
) -> Iterator[Receiver]:
    receiver = Receiver(respond, tls, path, port)
    try:
        yield receiver
    finally:
        receiver.close()
